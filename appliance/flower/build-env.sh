#!/bin/sh
# Installs and imports Flower's packages in DEST: build-env.sh VERSION-FRAMEWORK DEST. Started by make-env.sh, as a user that
# can write nothing else than DEST.
set -eu
umask 022
version=${1%-*} framework=${1##*-} dest=$2
here=$(cd "$(dirname "$0")" && pwd)
cd "$dest"
# pip downloads and unpacks gigabytes of PyTorch before it installs them, and /tmp of Debian 13 is in memory.
export TMPDIR="$dest/.tmp" HOME="$dest/.tmp" FLWR_HOME="$dest/.tmp/flwr"
mkdir "$TMPDIR"
"$here/requirements.sh" "$version" "$framework" >"$TMPDIR/requirements.txt"
# -I: no module of the working directory and no variable PYTHON*.
"${PYTHON:-python3}" -I -m venv "$dest"
"$dest/bin/python" -I -m pip --disable-pip-version-check --no-input install --quiet --no-cache-dir --no-compile \
  --only-binary :all: --no-deps --require-hashes -r "$TMPDIR/requirements.txt"
# Flower runs as a user that cannot write here, so bytecode is compiled now. It halves the start time.
"$dest/bin/python" -I -m compileall -q -j 0 "$dest/lib" >/dev/null || true
"$dest/bin/python" -I -c 'import sys, importlib.metadata as m; sys.exit(m.version("flwr") != sys.argv[1])' "$version"
# The modules that the launcher imports before there is a launch plan.
"$dest/bin/python" -I "$here/list-imports.py" >"$dest/imports.txt"
