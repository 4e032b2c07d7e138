#!/bin/sh
# build.sh [ROLE...]: dist/flower-ROLE.qcow2, a compressed disk that boots, for each role (superlink and supernode), and
# what its size is made of. Ends with 1 when a disk is larger than its limit. FRAMEWORK (none) is what both have, because
# ServerApps import it, too; BASE (debian-13) the system, GPU (none) the driver in it.
set -eu
cd "$(dirname "$0")/../.."
. appliance/image/lib.sh
[ "$(id -u)" = 0 ] || { echo 'build.sh: making a root file system takes root' >&2; exit 1; }
[ $# -gt 0 ] || set -- superlink supernode
mkdir -p dist

too_large=0
for role; do
  # MiB of the compressed disk; with a machine learning framework or a driver there is no limit, it is as large as that is.
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
