#!/bin/sh
# Started when the one-apps framework has noted a failure: once this VM serves after all, its status file and message of
# the day say so. Ends with the boot that it was started in.
status=/etc/one-appliance/status motd=/etc/motd
while ! flower-context ready >/dev/null; do sleep 10; done
[ "$(cat "$status")" = bootstrap_failure ] || exit 0
echo bootstrap_success >"$status"
printf '\n    OpenNebula Service Appliance\n\n All set and ready to serve 8)\n\n' >"$motd"
