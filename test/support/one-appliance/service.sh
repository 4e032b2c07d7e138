#!/bin/bash
# Stand-in for /etc/one-appliance/service: service {install|configure|bootstrap}
here=/etc/one-appliance
ONE_SERVICE_SETUP_DIR=/opt/one-appliance
set -e
umask 0077
. "$here/lib/common.sh"
. "$here/lib/functions.sh"
. "$here/service.d/appliance.sh"

stage=$1
now=$(cat "$here/status" 2>/dev/null || true)

case $stage,$now in
  install,) ;;
  install,install_success) exit 0 ;;
  configure,install_success) ;;
  configure,configure_* | configure,bootstrap_*) again || refuse ;;
  bootstrap,configure_success) ;;
  bootstrap,bootstrap_*) again || refuse ;;
  *) refuse ;;
esac

trap 'service_cleanup; case $(cat $here/status) in *_started) note "${stage}_failure" ;; esac' EXIT
mkdir -p /var/log/one-appliance
chmod 0700 /var/log/one-appliance
note "${stage}_started"
"service_$stage" 2>&1 | tee -a "/var/log/one-appliance/$stage.log"
[ "${PIPESTATUS[0]}" = 0 ]
note "${stage}_success"
