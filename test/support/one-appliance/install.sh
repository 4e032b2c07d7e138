#!/bin/sh
# install.sh ROOT: the stub of the framework and the appliance's script, in the state after `service install`.
set -eu
root=${1:?usage: install.sh ROOT}
here=$(cd "$(dirname "$0")" && pwd)
install -D -m 0755 "$here/service.sh" "$root/etc/one-appliance/service"
for part in common functions; do install -D -m 0644 "$here/lib/$part.sh" "$root/etc/one-appliance/lib/$part.sh"; done
install -D -m 0644 "$here/../../../appliance/one-appliance/appliance.sh" "$root/etc/one-appliance/service.d/appliance.sh"
for script in net-90-service-appliance net-99-report-ready; do
  install -D -m 0755 "$here/scripts/$script" "$root/etc/one-context.d/$script"
done
echo install_success >"$root/etc/one-appliance/status"
