#!/bin/sh
# build.sh [ROLE...]: makes dist/flower-ROLE.qcow2, a compressed bootable disk, for each role (superlink and supernode), and
# prints its size by component. Ends with 1 if a disk is larger than its limit. FRAMEWORK (none) is in both, because
# ServerApps import it too. BASE (debian-13) is the system, GPU (none) its driver.
set -eu
cd "$(dirname "$0")/../.."
. appliance/image/lib.sh
[ "$(id -u)" = 0 ] || { echo 'build.sh: run it as root: it makes a root file system' >&2; exit 1; }
[ $# -gt 0 ] || set -- superlink supernode
mkdir -p dist

too_large=0
for role; do
  # MiB of the compressed disk. With a machine learning framework or a driver there is no limit.
  framework=${FRAMEWORK:-none}
  case $role,$framework in
    superlink,none) limit=450 ;;
    supernode,none) limit=500 ;;
    superlink,* | supernode,*) limit='' ;;
    *) echo "build.sh: no role $role (superlink, supernode)" >&2; exit 64 ;;
  esac
  [ "$GPU" = none ] || limit=
  root=$(appliance/image/root.sh "$role" "$framework")
  raw=$root.raw
  if [ ! -e "$raw" ]; then
    appliance/image/disk.sh "$root" "$raw.new"
    mv "$raw.new" "$raw"
  fi
  disk=dist/flower-$role.qcow2
  say "$disk"
  qemu-img convert -c -O qcow2 "$raw" "$disk.new"
  mv "$disk.new" "$disk"

  echo
  appliance/image/sizes.sh "$root" "$disk" "$limit" || too_large=1
done
exit $too_large
