#!/bin/sh
# Runs after the one-apps framework has recorded a failure. When this VM serves later, it corrects the framework's status file
# and the message of the day. It does not survive a reboot.
status=/etc/one-appliance/status motd=/etc/motd
while ! flower-context ready >/dev/null; do sleep 10; done
[ "$(cat "$status")" = bootstrap_failure ] || exit 0
echo bootstrap_success >"$status"
printf '\n    OpenNebula Service Appliance\n\n All set and ready to serve 8)\n\n' >"$motd"
