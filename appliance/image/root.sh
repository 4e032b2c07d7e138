#!/bin/sh
# root.sh ROLE [FRAMEWORK]: the root file system of an image, as a folder; prints its path. ROLE is superlink, supernode, or
# base: only what the appliance is put on top of, the system with one-context.
#
# Three layers, each kept in .cache/image under a hash of what it is made of: the system (BASE: debian-12, debian-13 or
# ubuntu-24.04), Flower's environment, the appliance. Runs as root. ONE_CONTEXT names OpenNebula's one-context package;
# without it a stand-in takes its place (test/support/one-context), which is right for tests and for nothing else. PACKAGE
# names the flower-context package (the newest in dist).
set -eu
cd "$(dirname "$0")/../.."
. appliance/image/lib.sh
role=${1:?usage: root.sh ROLE [FRAMEWORK]} framework=${2:-none} flower=${FLOWER_VERSION:-1.39.0}
[ "$role" = base ] || package=${PACKAGE:-$(ls -t dist/flower-context_*_"$(dpkg --print-architecture)".deb | head -n 1)}
context=${ONE_CONTEXT:-test/support/one-context}

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
  # shellcheck disable=SC2046,SC2086 # Words, one an option; no pattern of them fits a file here.
  mmdebstrap --quiet --variant=minbase --mode=root --components="$components" \
    --include="$kernel,$(packages appliance/image/packages.txt)" \
    --aptopt='Apt::Install-Recommends "false"' ${keys:+"--keyring=$cache/$keys"} \
    $(printf -- ' --dpkgopt=path-%s' $left_out) \
    "$suite" "$base.new.tar" "$mirror"
  mv "$base.new.tar" "$base"
fi

# What no two VMs may share, and what would only wake them up.
anonymous() {
  rm -f "$1"/etc/ssh/ssh_host_*key* "$1"/var/lib/systemd/random-seed
  : >"$1/etc/machine-id"
  echo flower >"$1/etc/hostname"
  printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 flower\n' >"$1/etc/hosts"
  rm -rf "$1"/var/log/*.log "$1"/var/log/apt "$1"/var/cache/apt/*.bin
  mkdir -p "$1/var/log/journal"
  # The first boot need not make again what the build has made: linker cache, users, the journal's catalog.
  touch -r "$1/usr" "$1/etc/.updated" "$1/var/.updated"
  for timer in apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer; do
    rm -f "$1/etc/systemd/system/timers.target.wants/$timer"
  done
  rm -f "$1/etc/systemd/system/multi-user.target.wants/e2scrub_reap.service" \
    "$1/etc/systemd/system/default.target.wants/e2scrub_reap.service"
}

# one_context ROOT: OpenNebula's, or the stand-in.
one_context() {
  cp -r appliance/image/files/. "$1"
  if [ -d "$context" ]; then
    "$context/install.sh" "$1"
  else
    in_root "$1" --bind-ro="$(realpath "$context"):/tmp/one-context.deb" --bind-ro=/etc/resolv.conf --bind-ro=/etc/hosts \
      sh -c 'apt-get update -qq && apt-get install -qq -y --no-install-recommends /tmp/one-context.deb'
  fi
}

if [ "$role" = base ]; then
  key=$(printf %s "$base_key $(hash_of appliance/image/root.sh appliance/image/files "$context")" | sha256sum | cut -c1-12)
  root=$cache/root-base-$key
  if [ ! -d "$root" ]; then
    say "the base: $BASE and one-context"
    forget_others root-base "$key"
    rm -rf "$root.new"
    mkdir "$root.new"
    tar -xpf "$base" -C "$root.new" --numeric-owner
    one_context "$root.new"
    anonymous "$root.new"
    mv "$root.new" "$root"
  fi
  echo "$root"
  exit
fi

# An environment cannot be moved, so it is made where it will be, by the same script that a VM has.
flower_key=$(printf %s "$base_key $flower $(hash_of appliance/flower)" | sha256sum | cut -c1-12)
layer=$cache/flower-$framework-$flower_key
if [ ! -d "$layer" ]; then
  say "Flower $flower ($framework)"
  forget_others "flower-$framework" "$flower_key"
  rm -rf "$layer.new"
  mkdir -p "$layer.new"
  tar -xpf "$base" -C "$layer.new" --numeric-owner
  set --
  for name in $(env | sed -n -E 's/^(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|CERT|DEFAULT_TIMEOUT)|(https?|no)_proxy)=.*/\1/Ip'); do
    set -- "$@" "--setenv=$name"
  done
  # The package index is reached as this machine reaches it: its names, its certificates.
  in_root "$layer.new" --bind-ro="$PWD/appliance/flower:/tmp/flower" --bind-ro=/etc/ssl/certs --bind-ro=/usr/share/ca-certificates \
    --bind-ro=/usr/local/share/ca-certificates --bind-ro=/etc/hosts --bind-ro=/etc/resolv.conf --setenv=PIP_NO_CACHE_DIR=1 \
    --setenv=PIP_ROOT_USER_ACTION=ignore "$@" /tmp/flower/make-env.sh "$flower" "$framework" "/opt/flower/envs/$flower-$framework"
  mv "$layer.new" "$layer"
fi

root_key=$(printf %s "$flower_key $role $(hash_of "$package" appliance/install.sh appliance/image/root.sh appliance/image/files "$context")" | sha256sum | cut -c1-12)
root=$cache/root-$role-$framework-$root_key
if [ ! -d "$root" ]; then
  say "the appliance: $role"
  forget_others "root-$role-$framework" "$root_key"
  rm -rf "$root.new"
  cp -a "$layer" "$root.new"
  one_context "$root.new"
  # No network here: everything the appliance needs is in the package and the layers below.
  in_root "$root.new" --private-network --bind-ro="$PWD/appliance/install.sh:/tmp/install.sh" \
    --bind-ro="$(realpath "$package"):/tmp/flower-context.deb" \
    /tmp/install.sh "$role" --package /tmp/flower-context.deb --flower "$flower" --framework "$framework" >&2
  anonymous "$root.new"
  mv "$root.new" "$root"
fi
echo "$root"
