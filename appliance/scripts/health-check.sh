#!/bin/sh
# READY_SCRIPT_PATH of the appliance: ends with 0 when this VM serves now (SuperLink) or was accepted (SuperNode), else
# tells why not.
#
# one-context calls it three times, ten seconds apart, and takes notice of no change of the CONTEXT before it is through
# with that. So only its first call in a boot waits, 15 seconds at most; every other one, and each at a reconfiguration,
# answers within 2 seconds. What serves later is reported by the agent itself.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
limit=1.8 wait=1
if [ "$(/usr/bin/env -i /usr/bin/systemctl is-active one-context.service)" = activating ] && [ ! -e /run/flower-context/ready-asked ]; then
  mkdir -p /run/flower-context
  : > /run/flower-context/ready-asked
  limit=13 wait=12
  # The agent is being started at this moment. To load its program a second time just then would slow down what is waited
  # for: until Flower has its plan, or two seconds are over, a shell does for waiting.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -e /run/flower-context/plan.json ] || break
    sleep 0.2
  done
fi
exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin timeout -k 0.1 "$limit" /usr/bin/flower-context ready --timeout "$wait"
