#!/bin/sh
# READY_SCRIPT_PATH of the appliance: ends with 0 once this VM serves (SuperLink) or was accepted (SuperNode), fails with
# the reason when the boot failed.
#
# one-context calls it three times, ten seconds apart, and no change of the CONTEXT is noticed while it is at that. So
# each call waits a minute, not for ever: a SuperNode whose SuperLink is not there yet can still be corrected, and the
# agent itself reports READY when it gets there later.
#
# At boot it is called while the agent starts. To load the agent's program a second time just then would slow down what
# is waited for: until Flower has its plan, or two seconds are over, a shell does for waiting.
for _ in 1 2 3 4 5 6 7 8 9 10; do
  [ ! -e /run/flower-context/plan.json ] || break
  sleep 0.2
done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/bin/flower-context ready --timeout 58
