# shellcheck shell=sh disable=SC2034
# Functions and settings of the scripts in this folder. Sourced with the repository as working directory.
#
# BASE is the system of the image. OpenNebula's one-apps has base images of the same systems.
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
# GPU=nvidia: a kernel with DRM (the kernels for clouds and `virtual` lack it) and the distribution's NVIDIA driver: modules,
# nvidia-smi, CUDA's library and the program that makes the device files. Ubuntu has compiled modules; on Debian DKMS
# compiles them during the build.
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
# Images with and without a driver are cached separately.
cache=${IMAGE_CACHE:-.cache/image}/$BASE
case $GPU in none) ;; *) cache=$cache-$GPU ;; esac
mkdir -p "$cache"
# Files of packages that are not in an image: documentation and translations, but never a licence.
left_out='exclude=/usr/share/man/* exclude=/usr/share/locale/* exclude=/usr/share/doc/* include=/usr/share/doc/*/copyright
  include=/usr/share/doc/*/LICENSE*'

say() { echo "image: $*" >&2; }

# A hash of the names and contents of files, without their times.
hash_of() {
  find "$@" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12
}

packages() { { grep -v '^#' appliance/image/packages.txt; echo "$kernel $driver"; } | xargs | tr ' ' ,; }

# in_root ROOT [NSPAWN OPTION...] -- COMMAND...: runs a command in a container of this root file system.
in_root() {
  into=$1
  shift
  said=$(mktemp)
  status=0
  systemd-nspawn --quiet --register=no --keep-unit --as-pid2 --pipe --resolv-conf=off --timezone=off -D "$into" "$@" \
    </dev/null 2>"$said" || status=$?
  # Harmless, and only printed if /run is on a disk, as in some containers.
  sed '/^Attempted to remove disk file system/d' "$said" >&2
  rm -f "$said"
  return $status
}

# online ROOT [NSPAWN OPTION...] COMMAND...: like in_root, with the network, names and certificates of this machine.
online() {
  into=$1
  shift
  for name in $(env | sed -n -E 's/^(PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|CERT|DEFAULT_TIMEOUT)|(https?|no)_proxy)=.*/\1/Ip'); do
    set -- "--setenv=$name" "$@"
  done
  in_root "$into" --bind-ro=/etc/ssl/certs --bind-ro=/usr/share/ca-certificates --bind-ro=/usr/local/share/ca-certificates \
    --bind-ro=/etc/hosts --bind-ro=/etc/resolv.conf --setenv=DEBIAN_FRONTEND=noninteractive "$@"
}

# Keeps only the newest of a kind.
forget_others() {
  for old in "$cache/$1"-*; do
    case $old in *-"$2" | *-"$2".tar) ;; *) rm -rf "$old" ;; esac
  done
}
