#!/usr/bin/env bash
# Installs the framework's hooks for one-context.
set -eu
chmod 0750 /etc/one-appliance/service
for hook in net-90-service-appliance net-99-report-ready; do
  install -m 0755 "/etc/one-appliance/$hook" "/etc/one-context.d/$hook"
  rm "/etc/one-appliance/$hook"
done
