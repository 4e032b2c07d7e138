#!/bin/sh
# Fills a folder with all that an environment is installed from, for a build that reaches no package index:
# wheels.sh VERSION FRAMEWORK FOLDER
#
# Only versions whose locked requirements are in flower/; every file is checked against the hashes they name.
# TARGET_PYTHON (3.13) is the Python of the system that becomes the image, on this machine's architecture: 3.13 is Debian
# 13's, 3.12 Ubuntu 24.04's, 3.11 Debian 12's. PYTHON chooses the interpreter that downloads (python3, with pip).
set -eu
if [ $# -ne 3 ]; then
  echo 'usage: wheels.sh VERSION FRAMEWORK FOLDER' >&2
  exit 64
fi
version=$1 framework=$2 folder=$3 target=${TARGET_PYTHON:-3.13} python=${PYTHON:-python3}
locked=$(cd "$(dirname "$0")/flower" && pwd)/requirements-$version
set -- "$locked.txt"
[ "$framework" = none ] || set -- "$@" "$locked-$framework.txt"
chosen=$(mktemp)
trap 'rm -f "$chosen"' EXIT

# `pip download --python-version` chooses files for that Python, but judges "; python_version < ..." by its own.
"$python" - "$target" "$@" >"$chosen" <<'PYTHON'
import re, sys
from pip._vendor.packaging.markers import Marker

target, *files = sys.argv[1:]
environment = {"python_version": target, "python_full_version": target + ".0"}
for file in files:
    for line in open(file).read().replace("\\\n", " ").splitlines():
        marked = re.fullmatch(r"([^;#]+);(.*?)((?: +--hash=\S+)+) *", line)
        if marked is None:
            print(line)
        elif Marker(marked[2].strip()).evaluate(environment):
            print(marked[1] + marked[3])
PYTHON
"$python" -m pip --disable-pip-version-check --no-input download --quiet --no-deps --require-hashes \
  --only-binary :all: --python-version "$target" --dest "$folder" -r "$chosen"
