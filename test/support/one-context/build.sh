#!/bin/sh
# build.sh FOLDER: makes FOLDER/one-context.deb, the test double of OpenNebula's one-context as a package with the real one's
# dependencies; prints its path.
set -eu
out=${1:?usage: build.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
umask 022

cp -r "$here/etc" "$here/usr" "$root"
find "$root" -type f -exec chmod 0644 {} +
chmod 0755 "$root"/usr/sbin/* "$root"/usr/bin/* "$root"/etc/one-context.d/*
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<'CONTROL'
Package: one-context
Version: 7.2.1~double
Architecture: all
Maintainer: nobody <nobody@example.org>
Depends: util-linux, bash, curl, bind9-host, cloud-utils, parted, ruby, ifupdown | ifupdown2, acpid | systemd, sudo, passwd,
 dbus, openssh-server, qemu-guest-agent, gawk, virt-what
Conflicts: cloud-init
Description: test double of OpenNebula's one-context
 For tests of images and for nothing else.
CONTROL
install -m 0755 "$here/postinst" "$root/DEBIAN/postinst"
dpkg-deb --root-owner-group -Znone -b "$root" "$out/one-context.deb" >&2
echo "$out/one-context.deb"
