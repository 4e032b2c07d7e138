#!/bin/sh
# Turns the Debian or Ubuntu system on which it runs into a Flower appliance. Every build of an image runs this script as root
# inside the system of the image.
#
#   install.sh ROLE [--package FILE] [--flower VERSION] [--framework NAME] [--wheels FOLDER]
#
# ROLE        superlink or supernode
# --package   the flower-context package (default: the one beside this script)
# --flower    the Flower of the image (default: that of the package)
# --framework none, pytorch, tensorflow or sklearn: installed beside Flower and numpy (default none)
# --wheels    a folder that wheels.sh has filled: Flower's environment is installed from it, without a package index
#             (default: the folder wheels beside this script, if it exists). The user flower-build must be able to read it.
#             On a running system it cannot lie below /home, /root, /run or /dev, which are hidden from the installation
#
# A second run changes only what differs. PIP_INDEX_URL sets the package index, as usual with pip.
set -eu
umask 022
# Ubuntu's needrestart would restart services after each installation, also the ssh server that Packer uses.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8

usage() { sed -n 's/^# \{0,1\}//; 4,14p' "$0" >&2; exit 64; }
die() { echo "install.sh: $*" >&2; exit 1; }
say() { echo "install.sh: $*"; }

[ $# -ge 1 ] || usage
role=$1 package='' flower='' framework=none wheels=''
[ ! -d "$(dirname "$0")/wheels" ] || wheels=$(dirname "$0")/wheels
shift
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --package) package=$2 ;;
    --flower) flower=$2 ;;
    --framework) framework=$2 ;;
    --wheels) wheels=$2 ;;
    *) usage ;;
  esac
  shift 2
done
case $role in superlink | supernode) ;; *) usage ;; esac
case $framework in none | pytorch | tensorflow | sklearn) ;; *) usage ;; esac
[ "$(id -u)" = 0 ] || die 'must be root'
if [ -n "$wheels" ]; then
  [ -d "$wheels" ] || die "no folder $wheels; --wheels names one that wheels.sh filled"
  wheels=$(realpath "$wheels")
  # What flower-environment@.service hides. Without systemd, as in the build of an image, the installation runs outside of it.
  case $wheels/ in
    /home/* | /root/* | /run/* | /dev/* | /proc/* | /context/* | /var/log/* | /var/lib/flower/* | /var/lib/flower-context/*)
      [ ! -d /run/systemd/system ] ||
        die "the installation of Flower does not see $wheels; copy the folder to /srv or /opt and name it with --wheels"
      ;;
  esac
fi

if [ -z "$package" ]; then
  for file in "$(dirname "$0")"/flower-context_*_"$(dpkg --print-architecture)".deb; do package=$file; done
fi
[ -f "$package" ] || die "no package flower-context_*.deb beside this script; name it with --package"
package=$(realpath "$package")

wanted=$(dpkg-deb -f "$package" Version)
if [ "$(dpkg-query -W -f '${Version}' flower-context 2>/dev/null || true)" != "$wanted" ]; then
  say "flower-context $wanted"
  # Works without package lists if all dependencies are installed.
  apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 || {
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "$package" >/dev/null
  }
fi

[ -n "$flower" ] || flower=$(cat /usr/lib/flower-context/flower/baked)
environment=/opt/flower/envs/$flower-$framework
say "Flower $flower ($framework) in $environment${wheels:+ from $wheels}"
if [ -n "$wheels" ]; then
  PIP_FIND_LINKS=$wheels PIP_NO_INDEX=1
  setpriv --reuid flower-build --regid flower-build --clear-groups ls "$PIP_FIND_LINKS" >/dev/null ||
    die "the user flower-build cannot read $PIP_FIND_LINKS; copy it to a folder that everybody can read"
  export PIP_FIND_LINKS PIP_NO_INDEX
fi
PIP_NO_CACHE_DIR=1 /usr/lib/flower-context/flower/make-env.sh "$flower" "$framework" "$environment"

say "role: $role"
cat >/etc/flower-context/appliance.json.new <<JSON
{"role":"$role","flower":{"version":"$flower","framework":"$framework"},"user":"flower","built":"$(date -u +%Y-%m-%dT%H:%M:%SZ)"}
JSON
mv -f /etc/flower-context/appliance.json.new /etc/flower-context/appliance.json
ln -sfn "envs/$flower-$framework" /opt/flower/baked
systemctl disable --quiet flower-superlink.service flower-supernode.service
systemctl enable --quiet flower-context.service "flower-$role.service"

# Removes what the build has left, and what must differ between VMs.
apt-get clean
rm -rf /var/lib/apt/lists/* /root/.cache/pip /var/lib/flower-context/* /var/lib/flower /var/lib/flower-app
