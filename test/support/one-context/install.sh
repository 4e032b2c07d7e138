#!/bin/sh
# install.sh ROOT: puts the stand-in for one-context into the root file system at ROOT.
set -eu
root=${1:?usage: install.sh ROOT}
here=$(cd "$(dirname "$0")" && pwd)

for file in usr/sbin/one-contextd usr/bin/onegate; do install -D -m 0755 "$here/$file" "$root/$file"; done
for script in "$here"/etc/one-context.d/*; do install -D -m 0755 "$script" "$root/etc/one-context.d/${script##*/}"; done
for unit in "$here"/usr/lib/systemd/system/*; do
  install -D -m 0644 "$unit" "$root/usr/lib/systemd/system/${unit##*/}"
done
install -D -m 0644 "$here/usr/lib/udev/rules.d/65-context.rules" "$root/usr/lib/udev/rules.d/65-context.rules"

wants="$root/etc/systemd/system/multi-user.target.wants"
mkdir -p "$wants"
for unit in one-context-local one-context-online one-context; do
  ln -sf "/usr/lib/systemd/system/$unit.service" "$wants/$unit.service"
done
