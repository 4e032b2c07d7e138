#!/bin/sh
# private.sh COMMAND...: runs it with network, mounts and processes of its own. Whatever it starts or mounts is gone when
# it ends, however it ends. Inside: a bridge, fcvm0, that the OneGate stub and every guest are on.
set -eu
if [ "${FCVM:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { echo 'private.sh: booting containers and VMs takes root' >&2; exit 1; }
  FCVM=inside exec unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "$@"
fi
ip link set lo up
mkdir -p /run/netns
mount -t tmpfs -o mode=0755 tmpfs /run/netns
# What guests write: in memory, because an overlay may not lie on another overlay, which a CI job's own disk often is.
mkdir -p /run/fcvm
mount -t tmpfs -o mode=0755 tmpfs /run/fcvm
ip link add fcvm0 type bridge forward_delay 0
# OneGate at the link-local address that a hypervisor's proxy has, and an address in the guests' network.
ip address add 169.254.16.9/32 dev fcvm0
ip address add 172.16.100.1/24 dev fcvm0
ip link set fcvm0 up
exec "$@"
