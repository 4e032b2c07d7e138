#!/bin/sh
# Builds a virtual environment with Flower: make-env.sh VERSION FRAMEWORK DEST
#
# FRAMEWORK is none, pytorch, tensorflow or sklearn; numpy is always installed. If the folder of this script has locked
# requirements for VERSION, only files with those hashes are installed; else the current files of the package index.
# An environment cannot be moved, so it is built at DEST: DEST/.incomplete exists until it is complete, and DEST/.complete
# from then on. The next run removes what an interrupted run left. A lock on the parent folder of DEST lets one run work
# at a time. PYTHON is the interpreter (python3). Does nothing and ends with 0 when DEST is complete.
set -eu
umask 022
if [ $# -ne 3 ]; then
  echo 'usage: make-env.sh VERSION FRAMEWORK DEST' >&2
  exit 64
fi
version=$1 framework=$2 dest=$3
here=$(cd "$(dirname "$0")" && pwd)
case $version in
  *[!0-9.]* | '') echo "make-env.sh: '$version' is not a version" >&2; exit 64 ;;
esac
case $framework in
  none) package= ;;
  pytorch) package=torch ;;
  tensorflow) package=tensorflow ;;
  sklearn) package=scikit-learn ;;
  *) echo "make-env.sh: no framework '$framework' (none, pytorch, tensorflow, sklearn)" >&2; exit 64 ;;
esac
case $dest in
  /?*) ;;
  *) echo "make-env.sh: DEST must be an absolute path" >&2; exit 64 ;;
esac

[ -e "$dest/.complete" ] && exit 0
# The lock is on the folder itself, so it leaves no file. The child processes hold it too: it is free once the last of
# them has ended, also when this script was killed before.
mkdir -p "$(dirname "$dest")"
exec 9<"$(dirname "$dest")"
flock 9
[ -e "$dest/.complete" ] && exit 0
# Only an environment of this script is removed: DEST may be mistyped.
if [ -e "$dest" ] && [ ! -e "$dest/.incomplete" ]; then
  echo "make-env.sh: $dest exists and was not built by this script" >&2
  exit 1
fi
rm -rf "$dest"
# A failure leaves no files: the disk may be full.
trap '[ $? -eq 0 ] || rm -rf "$dest"' EXIT
mkdir -p "$dest"
: >"$dest/.incomplete"
# pip downloads and unpacks gigabytes of PyTorch before it installs them, and /tmp of Debian 13 is in memory.
TMPDIR=$dest/.tmp
export TMPDIR
mkdir "$TMPDIR"
"${PYTHON:-python3}" -m venv "$dest"

pip() { "$dest/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }
base=$here/requirements-$version.txt
extra=$here/requirements-$version-$framework.txt
if [ "$framework" = none ]; then set -- -r "$base"; else set -- -r "$base" -r "$extra"; fi
if [ -e "$base" ] && { [ "$framework" = none ] || [ -e "$extra" ]; }; then
  pip install --quiet --no-compile --only-binary :all: --no-deps --require-hashes "$@"
else
  pip install --quiet --no-compile "flwr==$version" numpy ${package:+"$package"}
fi

# Flower runs as a user that cannot write here, so bytecode is compiled now. It halves the start time.
"$dest/bin/python" -m compileall -q -j 0 "$dest/lib" >/dev/null || true
"$dest/bin/python" -c 'import sys, importlib.metadata as m; sys.exit(m.version("flwr") != sys.argv[1])' "$version"
# The modules that the launcher imports before there is a launch plan.
FLWR_HOME=$dest/.home "$dest/bin/python" -I "$here/list-imports.py" >"$dest/imports.txt"
rm -rf "$dest/.home" "$TMPDIR"
: >"$dest/.complete"
rm "$dest/.incomplete"
