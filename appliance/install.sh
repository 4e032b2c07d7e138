#!/bin/sh
# Makes a Flower appliance of the Debian or Ubuntu it runs on. Every way of building an image calls this script, as root,
# inside the system that becomes the image.
#
#   install.sh ROLE [--package FILE] [--flower VERSION] [--framework NAME] [--wheels FOLDER]
#
# ROLE        superlink or supernode
# --package   the flower-context package (default: the one that lies beside this script)
# --flower    the Flower to bake (default 1.39.0)
# --framework none, pytorch, tensorflow or sklearn: what ClientApps find beside Flower and numpy (default none)
# --wheels    a folder that wheels.sh filled: everything for Flower's environment comes from there and no index is
#             asked (default: the folder wheels beside this script, if there is one)
#
# A second run changes what differs and keeps the rest. The index that pip asks is pip's own business (PIP_INDEX_URL).
set -eu
umask 022
# Ubuntu's needrestart would restart services after each installation, also the ssh that Packer works through.
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 LC_ALL=C.UTF-8

usage() { sed -n 's/^# \{0,1\}//; 4,13p' "$0" >&2; exit 64; }
die() { echo "install.sh: $*" >&2; exit 1; }
say() { echo "install.sh: $*"; }

[ $# -ge 1 ] || usage
role=$1 package='' flower=1.39.0 framework=none wheels=''
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

if [ -z "$package" ]; then
  for file in "$(dirname "$0")"/flower-context_*_"$(dpkg --print-architecture)".deb; do package=$file; done
fi
[ -f "$package" ] || die "no package flower-context_*.deb beside this script; name it with --package"
package=$(realpath "$package")

wanted=$(dpkg-deb -f "$package" Version)
if [ "$(dpkg-query -W -f '${Version}' flower-context 2>/dev/null || true)" != "$wanted" ]; then
  say "flower-context $wanted"
  # Without package lists this works where everything it depends on is there already.
  apt-get install -qq -y --no-install-recommends "$package" >/dev/null 2>&1 || {
    apt-get update -qq
    apt-get install -qq -y --no-install-recommends "$package" >/dev/null
  }
fi

environment=/opt/flower/envs/$flower-$framework
say "Flower $flower ($framework) in $environment${wheels:+ from $wheels}"
if [ -n "$wheels" ]; then
  [ -d "$wheels" ] || die "no folder $wheels; --wheels names one that wheels.sh filled"
  PIP_FIND_LINKS=$(realpath "$wheels") PIP_NO_INDEX=1
  export PIP_FIND_LINKS PIP_NO_INDEX
fi
PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore /usr/lib/flower-context/flower/make-env.sh "$flower" "$framework" "$environment"

say "this is a $role"
cat >/etc/flower-context/appliance.json.new <<JSON
{"role":"$role","flower":{"version":"$flower","framework":"$framework"},"user":"flower"}
JSON
mv -f /etc/flower-context/appliance.json.new /etc/flower-context/appliance.json
ln -sfn "envs/$flower-$framework" /opt/flower/baked
systemctl disable --quiet flower-superlink.service flower-supernode.service
systemctl enable --quiet flower-context.service "flower-$role.service"

# What building leaves behind, and what no two VMs may share.
apt-get clean
rm -rf /var/lib/apt/lists/* /root/.cache/pip /var/lib/flower-context/* /var/lib/flower
