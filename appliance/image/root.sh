#!/bin/sh
# root.sh ROLE [FRAMEWORK]: makes the root file system of an image as a folder, and prints its path. ROLE is superlink,
# supernode, or base: only the system with one-context.
#
# The layers are kept in .cache/image, each under a hash of its sources: the system (BASE: debian-12, debian-13 or ubuntu-24.04;
# GPU: none or nvidia), one-context on top of it, Flower's environment, the appliance. Runs as root. All output of programs goes
# to stderr. ONE_CONTEXT names OpenNebula's one-context package; without it a test double is installed
# (test/support/one-context), which is only for tests. PACKAGE names the flower-context package (default: the newest in dist),
# FLOWER the version of Flower (default: appliance/flower/baked).
set -eu
cd "$(dirname "$0")/../.."
. appliance/image/lib.sh
role=${1:?usage: root.sh ROLE [FRAMEWORK]} framework=${2:-none} flower=${FLOWER:-$(cat appliance/flower/baked)}
# shellcheck disable=SC2012 # The newest of files whose names this repository chooses.
[ "$role" = base ] || package=${PACKAGE:-$(ls -t dist/flower-context_*_"$(dpkg --print-architecture)".deb | head -n 1)}
context=${ONE_CONTEXT:-test/support/one-context}
[ -e "$context" ] || { echo "root.sh: ONE_CONTEXT names $context, which does not exist; it must be the one-context package (.deb)" >&2; exit 1; }

base_key=$(hash_of appliance/image/packages.txt appliance/image/lib.sh)
base=$cache/base-$base_key.tar
if [ ! -e "$base" ]; then
  say "$BASE"
  keys=
  if [ "$BASE" = ubuntu-24.04 ]; then
    # Debian 13 has a package of Ubuntu's keys, Debian 12 has not. mmdebstrap checks Debian's signatures.
    keys=usr/share/keyrings/ubuntu-archive-keyring.gpg
    mmdebstrap --quiet --variant=extract --mode=root --include=ubuntu-archive-keyring trixie "$base.keys.tar" \
      "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
    tar -xf "$base.keys.tar" -C "$cache" "./$keys"
    rm "$base.keys.tar"
  fi
  forget_others base "$base_key"
  # shellcheck disable=SC2016,SC2046,SC2086 # $1 belongs to mmdebstrap. One word for each option; none of the patterns matches a file.
  mmdebstrap --quiet --variant=minbase --mode=root --components="$components" \
    --include="$(packages)" --aptopt='Apt::Install-Recommends "false"' ${keys:+"--keyring=$cache/$keys"} \
    --customize-hook='rm -f "$1/etc/resolv.conf" && : >"$1/etc/resolv.conf"' \
    $(printf -- ' --dpkgopt=path-%s' $left_out) \
    "$suite" "$base.new.tar" "$mirror"
  mv "$base.new.tar" "$base"
fi

# Removes what must differ between VMs, what belongs to the build machine, and timers that an image does not need.
anonymous() {
  rm -f "$1"/etc/ssh/ssh_host_*key* "$1"/var/lib/systemd/random-seed "$1"/etc/network/interfaces.[0-9]*
  : >"$1/etc/machine-id"
  echo flower >"$1/etc/hostname"
  printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 flower\n' >"$1/etc/hosts"
  echo "deb $public $suite $(echo $components | tr , ' ')" >"$1/etc/apt/sources.list"
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
  rm -rf "$1"/var/log/*.log "$1"/var/log/apt "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/archives/*.deb
  mkdir -p "$1/var/log/journal"
  # The first boot does not repeat what the build has done: linker cache, users, the journal's catalog.
  touch -r "$1/usr" "$1/etc/.updated" "$1/var/.updated"
  for timer in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer; do
    rm -f "$1/etc/systemd/system/timers.target.wants/$timer"
  done
  rm -f "$1/etc/systemd/system/multi-user.target.wants/e2scrub_reap.service" \
    "$1/etc/systemd/system/default.target.wants/e2scrub_reap.service"
}

# one_context ROOT: installs OpenNebula's package or the test double, and enables systemd-networkd on every base, which one-context
# does not. networkd has a DHCP client for both families and waits for neither of them forever. On Debian 13 one-context would
# choose ifupdown, which has no DHCP client and with one waits forever for DHCPv6; so files/ sets NETCFG_TYPE
# (docs/facts.md, "network-renderer"). resolved provides the name servers of a lease to programs.
one_context() {
  cp -r appliance/image/files/. "$1"
  file=$context
  [ -f "$file" ] || file=$("$context/build.sh" "$cache")
  # If all dependencies are installed, no package lists are needed.
  online "$1" --bind-ro="$(realpath "$file"):/tmp/one-context.deb" sh -c '
    apt-get install -qq -y --no-install-recommends /tmp/one-context.deb >/dev/null 2>&1 ||
      { apt-get update -qq && apt-get install -qq -y --no-install-recommends /tmp/one-context.deb; }' >&2
  in_root "$1" systemctl enable --quiet systemd-networkd.service systemd-resolved.service >&2
  if [ "$GPU" = nvidia ]; then
    cp -r appliance/image/nvidia/. "$1"
    in_root "$1" systemctl enable --quiet nvidia-devices.service >&2
  fi
}

context_key=$(printf %s "$base_key $(hash_of appliance/image/root.sh appliance/image/files appliance/image/nvidia "$context")" | sha256sum | cut -c1-12)
based=$cache/root-base-$context_key
if [ ! -d "$based" ]; then
  say "base: $BASE with one-context"
  forget_others root-base "$context_key"
  rm -rf "$based.new"
  mkdir "$based.new"
  tar -xpf "$base" -C "$based.new" --numeric-owner
  one_context "$based.new"
  anonymous "$based.new"
  mv "$based.new" "$based"
fi
if [ "$role" = base ]; then
  echo "$based"
  exit
fi

# An environment cannot be moved, so it is made at its final path, by the same script that a VM has, in the system without
# one-context. Only the environment is kept.
flower_key=$(printf %s "$base_key $flower $(hash_of appliance/flower)" | sha256sum | cut -c1-12)
layer=$cache/flower-$framework-$flower_key
if [ ! -d "$layer" ]; then
  say "Flower $flower ($framework)"
  forget_others "flower-$framework" "$flower_key"
  rm -rf "$layer.new" "$layer.root"
  mkdir -p "$layer.root"
  tar -xpf "$base" -C "$layer.root" --numeric-owner
  # The user that installs the packages: the appliance's package is not installed yet.
  online "$layer.root" --bind-ro="$PWD/appliance/flower:/tmp/flower" --bind-ro="$PWD/systemd/flower-context.sysusers:/tmp/sysusers" \
    --setenv=PIP_NO_CACHE_DIR=1 sh -c 'systemd-sysusers /tmp/sysusers && exec /tmp/flower/make-env.sh "$@"' sh \
    "$flower" "$framework" "/opt/flower/envs/$flower-$framework" >&2
  mv "$layer.root/opt/flower" "$layer.new"
  rm -rf "$layer.root"
  mv "$layer.new" "$layer"
fi

root_key=$(printf %s "$context_key $flower_key $role $(hash_of "$package" appliance/install.sh)" | sha256sum | cut -c1-12)
root=$cache/root-$role-$framework-$root_key
if [ ! -d "$root" ]; then
  say "appliance: $role"
  forget_others "root-$role-$framework" "$root_key"
  rm -rf "$root.new"
  cp -a "$based" "$root.new"
  cp -a "$layer" "$root.new/opt/flower"
  # Without network: the package and the layers below contain all that the appliance needs.
  in_root "$root.new" --private-network --bind-ro="$PWD/appliance/install.sh:/tmp/install.sh" \
    --bind-ro="$(realpath "$package"):/tmp/flower-context.deb" \
    /tmp/install.sh "$role" --package /tmp/flower-context.deb --flower "$flower" --framework "$framework" >&2
  anonymous "$root.new"
  mv "$root.new" "$root"
fi
echo "$root"
