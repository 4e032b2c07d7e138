#!/bin/sh
# builder.sh [COMMAND...]: sees to it that this machine has the packages that builder.txt lists, and these commands, from the
# packages of the same name: installs what is missing, or says which command does.
set -eu
cd "$(dirname "$0")"
missing=
for name in $(grep -v '^#' builder.txt); do
  case $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) in installed) ;; *) missing="$missing $name" ;; esac
done
for name; do
  command -v "$name" >/dev/null || missing="$missing $name"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "to build images and boot them, first: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi
echo "installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null && apt-get install -yq --no-install-recommends $missing >/dev/null
