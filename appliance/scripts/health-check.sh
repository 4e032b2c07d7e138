#!/bin/sh
# READY_SCRIPT_PATH of the appliance: ends with 0 once this VM serves (SuperLink) or was accepted (SuperNode), fails with
# the reason when the boot failed.
#
# one-context calls it three times, ten seconds apart, and no change of the CONTEXT is noticed while it is at that. So
# each call waits a minute, not for ever: a SuperNode whose SuperLink is not there yet can still be corrected, and the
# agent itself reports READY when it gets there later.
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/bin/flower-context ready --timeout 60
