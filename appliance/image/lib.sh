# Shared by the scripts of this folder; sourced with the repository as working directory.
#
# BASE is what the image is made of: the systems that OpenNebula's one-apps has base images of.
BASE=${BASE:-debian-13}
case $BASE in
  debian-12) suite=bookworm components=main kernel=linux-image-cloud-amd64 ;;
  debian-13) suite=trixie components=main kernel=linux-image-cloud-amd64 ;;
  ubuntu-24.04) suite=noble components=main,universe kernel=linux-image-virtual ;;
  *) echo "image: no base $BASE (debian-12, debian-13, ubuntu-24.04)" >&2; exit 64 ;;
esac
case $BASE in
  debian-*) mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian} ;;
  ubuntu-*) mirror=${UBUNTU_MIRROR:-http://archive.ubuntu.com/ubuntu} ;;
esac
cache=.cache/image/$BASE
mkdir -p "$cache"
# What of any package is not in an image: documentation and translations, but never a licence.
left_out='exclude=/usr/share/man/* exclude=/usr/share/locale/* exclude=/usr/share/doc/* include=/usr/share/doc/*/copyright
  include=/usr/share/doc/*/LICENSE*'

say() { echo "image: $*" >&2; }

# Of the content and names of files and folders; what they mean to a build is what counts, not their times.
hash_of() {
  find "$@" -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12
}

packages() { grep -v '^#' "$1" | xargs | tr ' ' ,; }

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

# Only the newest of a kind is kept.
forget_others() {
  for old in "$cache/$1"-*; do
    case $old in *-"$2" | *-"$2".tar) ;; *) rm -rf "$old" ;; esac
  done
}
