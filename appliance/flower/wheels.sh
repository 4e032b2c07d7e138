#!/bin/sh
# Fills a folder with all that an environment is installed from, for a build that reaches no package index:
# wheels.sh VERSION FRAMEWORK FOLDER
#
# Only versions whose locked requirements lie beside this script; every file is checked against the hashes they name.
# TARGET_PYTHON (3.13) is the Python of the system that becomes the image, on this machine's architecture: 3.13 is Debian
# 13's, 3.12 Ubuntu 24.04's, 3.11 Debian 12's. PYTHON chooses the interpreter that downloads (python3, with pip).
set -eu
if [ $# -ne 3 ]; then
  echo 'usage: wheels.sh VERSION FRAMEWORK FOLDER' >&2
  exit 64
fi
version=$1 framework=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd)
set -- -r "$here/requirements-$version.txt"
[ "$framework" = none ] || set -- "$@" -r "$here/requirements-$version-$framework.txt"
exec "${PYTHON:-python3}" -m pip --disable-pip-version-check --no-input download --quiet --no-deps --require-hashes \
  --only-binary :all: --python-version "${TARGET_PYTHON:-3.13}" --dest "$folder" "$@"
