#!/bin/sh
# READY_SCRIPT_PATH of the appliance: ends with 0 if this VM serves (SuperLink) or is accepted (SuperNode), else prints the
# reason.
#
# one-context calls it up to three times, ten seconds apart, and reads no change of the CONTEXT meanwhile
# (docs/facts.md, "report-ready"). So only the first call of a boot waits, for 15 seconds at most. All others answer within
# 2 seconds. If the VM serves later, the agent reports READY.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
limit=1.8 wait=1
if [ "$(/usr/bin/env -i /usr/bin/systemctl is-active one-context.service)" = activating ] && [ ! -e /run/flower-context/ready-asked ]; then
  mkdir -p /run/flower-context
  : > /run/flower-context/ready-asked
  limit=13 wait=12
  # The agent starts at the same time. A second load of its program would slow it down, so this shell waits until Flower
  # has its plan, for two seconds at most.
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ ! -e /run/flower-context/plan.json ] || break
    sleep 0.2
  done
fi
exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin timeout -k 0.1 "$limit" /usr/bin/flower-context ready --timeout "$wait"
