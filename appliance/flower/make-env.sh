#!/bin/sh
# Makes a virtual environment with Flower: make-env.sh VERSION FRAMEWORK DEST
#
# FRAMEWORK is none, pytorch, tensorflow or sklearn; numpy is always installed. Only wheels whose hashes are in the folder
# locks are installed (requirements.sh).
#
# Packages are code of others. Root never runs it: build-env.sh installs and imports them as the user flower-build, who owns
# DEST until then. Once no process of that user is left, DEST is checked and becomes root's. Started by another user than
# root, everything runs as that user. BUILD_USER names another user than flower-build; root is accepted, for tests.
#
# An environment cannot be moved, so it is built at DEST. A complete one is root's and has DEST/.complete. Until then this mark
# lies beside DEST, where only root writes: the next run removes what an interrupted run left. A lock on the parent folder of
# DEST lets one run work at a time. PYTHON is the interpreter (python3). Does nothing and ends with 0 when DEST is complete.
set -eu
umask 022
if [ $# -ne 3 ]; then
  echo 'usage: make-env.sh VERSION FRAMEWORK DEST' >&2
  exit 64
fi
version=$1 framework=$2 dest=$3
here=$(cd "$(dirname "$0")" && pwd)
die() { echo "ERROR: make-env.sh: $*" >&2; exit 1; }
"$here/requirements.sh" "$version" "$framework" >/dev/null
case $dest in
  /?*) ;;
  *) echo "make-env.sh: DEST must be an absolute path" >&2; exit 64 ;;
esac
me=$(id -u) builder=${BUILD_USER:-flower-build}
if [ "$me" = 0 ]; then
  builder_id=$(id -u "$builder" 2>/dev/null) || die "there is no user $builder; the package flower-context creates it (systemd-sysusers)"
else
  builder_id=$me
fi
PYTHON=$(command -v "${PYTHON:-python3}") || die "there is no program ${PYTHON:-python3}"
export PYTHON

owner() { stat -c %u "$1" 2>/dev/null || true; }
is_complete() { [ "$(owner "$dest")" = "$me" ] && [ "$(owner "$dest/.complete")" = "$me" ]; }

is_complete && exit 0
# The lock is on the folder itself, so it leaves no file. The child processes hold it too: it is free once the last of
# them has ended, also when this script was killed before.
envs=$(dirname "$dest")
mkdir -p "$envs"
exec 9<"$envs"
flock 9
is_complete && exit 0
if [ "$builder_id" != "$me" ] && [ -n "$(find "$envs/" -maxdepth 0 \( ! -user "$me" -o -perm /022 \))" ]; then
  die "others than root can write $envs; DEST must lie in a folder that is root's and that nobody else can write"
fi
mark=$envs/.incomplete-$(basename "$dest")
# Only an environment of this script is removed: DEST may be mistyped. Earlier versions had the mark in DEST.
if [ -e "$dest" ] && [ ! -e "$mark" ] && [ ! -e "$dest/.incomplete" ] && { [ "$builder_id" = "$me" ] || [ "$(owner "$dest")" != "$builder_id" ]; }; then
  die "$dest exists and was not built by this script"
fi

unit=flower-environment@$version-$framework.service given=$envs/.build.env
in_unit=
if [ "$builder_id" != "$me" ] && [ -d /run/systemd/system ] && [ "$dest" = "/opt/flower/envs/$version-$framework" ]; then
  in_unit=1
fi
# Ends every process of the build. A former run of this script may have been killed. systemd waits for all processes of the
# unit; /proc is for a build without it, because the agent's sandbox does not see processes of other users.
stop() {
  [ -z "$in_unit" ] || systemctl stop "$unit"
  [ "$builder_id" != "$me" ] || return 0
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    left=$(find /proc -maxdepth 1 -name '[1-9]*' -user "$builder_id" 2>/dev/null | head -n 1)
    [ -n "$left" ] || return 0
    sleep 0.2
  done
  die "a process of $builder still runs: $left"
}
stop
rm -rf "$dest"
# A failure leaves no files: the disk may be full.
trap '[ $? -eq 0 ] || { (stop); rm -rf "$dest"; rm -f "$mark"; }; rm -f "$given"' EXIT
trap 'exit 143' HUP INT TERM
: >"$mark"
mkdir "$dest"

# Keeps the variables of pip and of proxies, and PYTHON.
clean() {
  for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in PIP_* | PYTHON | *_proxy | *_PROXY) ;; *) unset "$name" ;; esac
  done
  export PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8
}
if [ "$builder_id" = "$me" ]; then
  "$here/build-env.sh" "$version-$framework" "$dest"
elif [ -n "$in_unit" ]; then
  chown "$builder_id" "$dest"
  (umask 077 && clean && env | sed 's/[\\"$`]/\\&/g; s/=/="/; s/$/"/' >"$given")
  # The agent's sandbox may start a unit, but not change its user.
  if ! systemctl start "$unit" 2>/dev/null; then
    journalctl --sync 2>/dev/null || true
    journalctl --quiet --output cat --lines 20 "_SYSTEMD_INVOCATION_ID=$(systemctl show --property InvocationID --value "$unit")" >&2 || true
    systemctl reset-failed "$unit"
    exit 1
  fi
else
  chown "$builder_id" "$dest"
  # In a PID namespace of its own, the first process takes all others with it.
  set -- unshare --pid --fork --kill-child --mount-proc
  "$@" true 2>/dev/null || set --
  (clean && cd / && "$@" setpriv --reuid "$builder_id" --regid "$(id -g "$builder")" --clear-groups --no-new-privs \
    --bounding-set -all --inh-caps -all "$here/build-env.sh" "$version-$framework" "$dest")
fi
stop

# From here on root works in a folder with names of others. It opens none of them for writing, and reads only imports.txt.
rm -rf "$dest/.tmp" "$dest/.complete" "$dest/.incomplete"
# What another user made becomes root's only if pip can have made it: files, folders, and links inside or to the interpreter.
if [ "$builder_id" != "$me" ]; then
  odd=$(find "$dest" \
    \( ! -type d ! -type f ! -type l -o ! -type d -links +1 -o ! -type l -perm /7000 -o ! -user "$builder_id" \) -print -quit)
  [ -z "$odd" ] || die "$odd is no plain file or folder of $builder: the environment is not used"
  # The dot keeps line ends at the end of a name, which $() removes.
  # shellcheck disable=SC2016 # The inner shell expands them.
  odd=$(find "$dest" -type l -exec sh -c '
    inside=$1 python=$2
    shift 2
    for link; do
      case $(readlink -mn "$link" && echo .) in "$inside"/*. | "$python.") ;; *) printf "%s\n" "$link" ;; esac
    done' sh "$(readlink -f "$dest")" "$(readlink -f "$PYTHON")" {} +)
  [ -z "$odd" ] || die "$(printf %s "$odd" | head -n 1) is a link to the outside: the environment is not used"
  chown -hR "$me:$(id -g)" "$dest"
  chmod -R u+rwX,go+rX,go-w "$dest"
fi
# The launcher imports these names. They are few and plain. A link, also one to the interpreter, is not read.
if [ ! -f "$dest/imports.txt" ] || [ -L "$dest/imports.txt" ] || [ "$(stat -c %s "$dest/imports.txt")" -gt 262144 ] ||
  LC_ALL=C grep -qvE '^[A-Za-z0-9_.-]+$' "$dest/imports.txt"; then
  die "$dest/imports.txt is no list of Python modules: the environment is not used"
fi
# Replaces a name, and follows none. The environment is complete in the same moment.
mv -fT "$mark" "$dest/.complete"
