#!/bin/sh
# root.sh ROLE [FRAMEWORK]: the root file system of an image, as a folder; prints its path. ROLE is superlink, supernode, or
# base: only what the appliance is put on top of, the system with one-context.
#
# Layers, each kept in .cache/image under a hash of what it is made of: the system (BASE: debian-12, debian-13 or ubuntu-24.04;
# GPU: none or nvidia), one-context on top of it, Flower's environment, the appliance. Runs as root; whatever the programs of a
# layer print goes to stderr. ONE_CONTEXT names OpenNebula's one-context package; without it a test double takes its place
# (test/support/one-context), which is right for tests and for nothing else. PACKAGE names the flower-context package (the
# newest in dist).
set -eu
cd "$(dirname "$0")/../.."
. appliance/image/lib.sh
role=${1:?usage: root.sh ROLE [FRAMEWORK]} framework=${2:-none} flower=${FLOWER_VERSION:-1.39.0}
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
    # Its keys are a package of Debian 13's, not of 12's: they are taken from there, with Debian's signatures checked.
    keys=usr/share/keyrings/ubuntu-archive-keyring.gpg
    mmdebstrap --quiet --variant=extract --mode=root --include=ubuntu-archive-keyring trixie "$base.keys.tar" \
      "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
    tar -xf "$base.keys.tar" -C "$cache" "./$keys"
    rm "$base.keys.tar"
  fi
  forget_others base "$base_key"
  # shellcheck disable=SC2016,SC2046,SC2086 # $1 is mmdebstrap's. Words, one an option; no pattern of them fits a file here.
  mmdebstrap --quiet --variant=minbase --mode=root --components="$components" \
    --include="$(packages)" --aptopt='Apt::Install-Recommends "false"' ${keys:+"--keyring=$cache/$keys"} \
    --customize-hook='rm -f "$1/etc/resolv.conf" && : >"$1/etc/resolv.conf"' \
    $(printf -- ' --dpkgopt=path-%s' $left_out) \
    "$suite" "$base.new.tar" "$mirror"
  mv "$base.new.tar" "$base"
fi

# What no two VMs may share, what the machine that builds had, and what would only wake them up.
anonymous() {
  rm -f "$1"/etc/ssh/ssh_host_*key* "$1"/var/lib/systemd/random-seed "$1"/etc/network/interfaces.[0-9]*
  : >"$1/etc/machine-id"
  echo flower >"$1/etc/hostname"
  printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 flower\n' >"$1/etc/hosts"
  echo "deb $public $suite $(echo $components | tr , ' ')" >"$1/etc/apt/sources.list"
  ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
  rm -rf "$1"/var/log/*.log "$1"/var/log/apt "$1"/var/cache/apt/*.bin "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/archives/*.deb
  mkdir -p "$1/var/log/journal"
  # The first boot need not make again what the build has made: linker cache, users, the journal's catalog.
  touch -r "$1/usr" "$1/etc/.updated" "$1/var/.updated"
  for timer in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer; do
    rm -f "$1/etc/systemd/system/timers.target.wants/$timer"
  done
  rm -f "$1/etc/systemd/system/multi-user.target.wants/e2scrub_reap.service" \
    "$1/etc/systemd/system/default.target.wants/e2scrub_reap.service"
}

# one_context ROOT: OpenNebula's package or the test double, and the network service that it configures: networkd on every base,
# which has a DHCP client for both families and waits for neither of them without end. one-context chooses networkd by itself
# on Debian 12 and Ubuntu, and enables it nowhere; on Debian 13 files/ tells it so. There it would choose ifupdown, which has
# no DHCP client, and with one does not get past METHOD=dhcp on a network without DHCPv6. resolved makes the name servers of
# a lease known to programs.
one_context() {
  cp -r appliance/image/files/. "$1"
  file=$context
  [ -f "$file" ] || file=$("$context/build.sh" "$cache")
  # A package whose dependencies are there already needs no package lists.
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
  say "the base: $BASE and one-context"
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

# An environment cannot be moved, so it is made where it will be, by the same script that a VM has, in the system without
# one-context; what is kept is the environment.
flower_key=$(printf %s "$base_key $flower $(hash_of appliance/flower)" | sha256sum | cut -c1-12)
layer=$cache/flower-$framework-$flower_key
if [ ! -d "$layer" ]; then
  say "Flower $flower ($framework)"
  forget_others "flower-$framework" "$flower_key"
  rm -rf "$layer.new" "$layer.root"
  mkdir -p "$layer.root"
  tar -xpf "$base" -C "$layer.root" --numeric-owner
  online "$layer.root" --bind-ro="$PWD/appliance/flower:/tmp/flower" --setenv=PIP_NO_CACHE_DIR=1 --setenv=PIP_ROOT_USER_ACTION=ignore \
    /tmp/flower/make-env.sh "$flower" "$framework" "/opt/flower/envs/$flower-$framework" >&2
  mv "$layer.root/opt/flower" "$layer.new"
  rm -rf "$layer.root"
  mv "$layer.new" "$layer"
fi

root_key=$(printf %s "$context_key $flower_key $role $(hash_of "$package" appliance/install.sh)" | sha256sum | cut -c1-12)
root=$cache/root-$role-$framework-$root_key
if [ ! -d "$root" ]; then
  say "the appliance: $role"
  forget_others "root-$role-$framework" "$root_key"
  rm -rf "$root.new"
  cp -a "$based" "$root.new"
  cp -a "$layer" "$root.new/opt/flower"
  # No network here: everything the appliance needs is in the package and the layers below.
  in_root "$root.new" --private-network --bind-ro="$PWD/appliance/install.sh:/tmp/install.sh" \
    --bind-ro="$(realpath "$package"):/tmp/flower-context.deb" \
    /tmp/install.sh "$role" --package /tmp/flower-context.deb --flower "$flower" --framework "$framework" >&2
  anonymous "$root.new"
  mv "$root.new" "$root"
fi
echo "$root"
