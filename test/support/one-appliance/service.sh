#!/bin/bash
# Stub of /etc/one-appliance/service: service {install|configure|bootstrap}
here=/etc/one-appliance
# shellcheck disable=SC2034 # Read by the appliance.
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

log=/var/log/one-appliance pipe=/var/log/one-appliance/one_service_log.pipe
trap 'service_cleanup; rm -f "$pipe"; case $(cat $here/status) in *_started) note "${stage}_failure" ;; esac' EXIT
mkdir -p "$log"
chmod 0700 "$log"
note "${stage}_started"
# Fails when the power went in the middle of a stage: then the pipe is still there.
mknod "$pipe" p
"service_$stage" 2>&1 | tee -a "$log/$stage.log"
[ "${PIPESTATUS[0]}" = 0 ]
note "${stage}_success"
