#!/bin/sh
# builder.sh [COMMAND...]: checks that this machine has the packages that builder.txt lists, and these commands, from the
# packages of the same name. As root it installs what is missing; otherwise it prints the command that does.
set -eu
cd "$(dirname "$0")"
missing=
# shellcheck disable=SC2013 # A line may list several packages.
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
# shellcheck disable=SC2086 # One word for each package.
apt-get update -q >/dev/null && apt-get install -yq --no-install-recommends $missing >/dev/null
