# shellcheck shell=sh disable=SC2034
# Shared by the scripts of this folder; sourced with the repository as working directory.
#
# BASE is what the image is made of: the systems that OpenNebula's one-apps has base images of.
BASE=${BASE:-debian-13}
case $BASE in
  # Debian 12's kernel for clouds has no AHCI, and the CONTEXT disc of a q35 machine is on SATA.
  debian-12) suite=bookworm components=main kernel=linux-image-amd64 ;;
  debian-13) suite=trixie components=main kernel=linux-image-cloud-amd64 ;;
  ubuntu-24.04) suite=noble components=main,universe kernel=linux-image-virtual ;;
  *) echo "image: BASE is $BASE; it must be debian-12, debian-13 or ubuntu-24.04" >&2; exit 64 ;;
esac
case $BASE in
  debian-*) public=http://deb.debian.org/debian mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian} ;;
  ubuntu-*) public=http://archive.ubuntu.com/ubuntu mirror=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu} ;;
esac
# GPU=nvidia: a kernel that has DRM (those for clouds and `virtual` have not), and of NVIDIA's driver, as the distribution has it,
# the modules, nvidia-smi, CUDA's library and what makes the device files. Ubuntu has compiled modules; on Debian DKMS
# compiles them while the image is made.
GPU=${GPU:-none}
driver=
case $GPU,$BASE in
  none,*) ;;
  nvidia,debian-*)
    components=main,contrib,non-free,non-free-firmware kernel=linux-image-amd64
    driver='linux-headers-amd64 nvidia-kernel-dkms nvidia-smi libcuda1 nvidia-modprobe'
    ;;
  nvidia,ubuntu-24.04)
    components=main,universe,restricted,multiverse kernel=linux-image-generic
    driver='linux-modules-nvidia-535-server-generic nvidia-utils-535-server libnvidia-compute-535-server nvidia-modprobe'
    ;;
  *) echo "image: GPU is $GPU; it must be none or nvidia" >&2; exit 64 ;;
esac
# Images with and without a driver are kept side by side.
cache=${IMAGE_CACHE:-.cache/image}/$BASE
case $GPU in none) ;; *) cache=$cache-$GPU ;; esac
mkdir -p "$cache"
# What of any package is not in an image: documentation and translations, but never a licence.
left_out='exclude=/usr/share/man/* exclude=/usr/share/locale/* exclude=/usr/share/doc/* include=/usr/share/doc/*/copyright
  include=/usr/share/doc/*/LICENSE*'

say() { echo "image: $*" >&2; }

# Of the content and names of files and folders; what they mean to a build is what counts, not their times.
hash_of() {
  find "$@" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12
}

packages() { { grep -v '^#' appliance/image/packages.txt; echo "$kernel $driver"; } | xargs | tr ' ' ,; }

# in_root ROOT [NSPAWN OPTION...] -- COMMAND...: runs a command inside a root file system, as its own container.
in_root() {
  into=$1
  shift
  said=$(mktemp)
  status=0
  systemd-nspawn --quiet --register=no --keep-unit --as-pid2 --pipe --resolv-conf=off --timezone=off -D "$into" "$@" \
    </dev/null 2>"$said" || status=$?
  # Harmless, and only where /run is on a disk, as in some containers.
  sed '/^Attempted to remove disk file system/d' "$said" >&2
  rm -f "$said"
  return $status
}

# online ROOT [NSPAWN OPTION...] COMMAND...: as in_root, with the network, names and certificates of this machine.
online() {
  into=$1
  shift
  for name in $(env | sed -n -E 's/^(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|CERT|DEFAULT_TIMEOUT)|(https?|no)_proxy)=.*/\1/Ip'); do
    set -- "--setenv=$name" "$@"
  done
  in_root "$into" --bind-ro=/etc/ssl/certs --bind-ro=/usr/share/ca-certificates --bind-ro=/usr/local/share/ca-certificates \
    --bind-ro=/etc/hosts --bind-ro=/etc/resolv.conf --setenv=DEBIAN_FRONTEND=noninteractive "$@"
}

# Only the newest of a kind is kept.
forget_others() {
  for old in "$cache/$1"-*; do
    case $old in *-"$2" | *-"$2".tar) ;; *) rm -rf "$old" ;; esac
  done
}
