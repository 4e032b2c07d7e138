#!/bin/sh
# Downloads all files of an environment into a folder, for a build without a package index:
# wheels.sh VERSION FRAMEWORK FOLDER
#
# VERSION and FRAMEWORK must be locked (flower/requirements.sh); every file is checked against the locked hashes.
# TARGET_PYTHON (3.13) is the Python of the image, on this machine's architecture: 3.13 for Debian 13, 3.12 for
# Ubuntu 24.04, 3.11 for Debian 12. PYTHON chooses the interpreter that downloads (python3, with pip).
set -eu
if [ $# -ne 3 ]; then
  echo 'usage: wheels.sh VERSION FRAMEWORK FOLDER' >&2
  exit 64
fi
version=$1 framework=$2 folder=$3 target=${TARGET_PYTHON:-3.13} python=${PYTHON:-python3}
chosen=$(mktemp)
trap 'rm -f "$chosen" "$chosen.all"' EXIT
"$(dirname "$0")/flower/requirements.sh" "$version" "$framework" >"$chosen.all"

# `pip download --python-version` selects files for that Python, but evaluates "; python_version < ..." for its own.
"$python" - "$target" "$chosen.all" >"$chosen" <<'PYTHON'
import re, sys
from pip._vendor.packaging.markers import Marker

target, file = sys.argv[1:]
environment = {"python_version": target, "python_full_version": target + ".0"}
for line in open(file).read().splitlines():
    marked = re.fullmatch(r"([^;]+);(.*?)((?: --hash=\S+)+)", line)
    if marked is None:
        print(line)
    elif Marker(marked[2].strip()).evaluate(environment):
        print(marked[1] + marked[3])
PYTHON
"$python" -m pip --disable-pip-version-check --no-input download --quiet --no-deps --require-hashes \
  --only-binary :all: --python-version "$target" --dest "$folder" -r "$chosen"
