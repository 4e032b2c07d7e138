"""How Flower's process ends: on its own, on request, or because it must not continue."""

import contextlib
import os
import sys
import time

exit_at_once = os._exit
# systemd kills at once when it is asked to; a person can have turned that off (`systemctl service-watchdogs`).
WATCHDOG_ACTS_SECONDS = 5.0


def catch_hard_exit(state):
    """Flower calls os._exit 5 s after it began to end, with status 0 also where it had to give up."""

    launcher = os.getpid()

    def exit_with_verdict(status):
        if os.getpid() != launcher:
            exit_at_once(status)
        end(state, *state.verdict(status))

    os._exit = exit_with_verdict


def end(state, status, detail, hung=False):
    """Exits at once: threads of Flower can block a normal exit for ever. `hung`: systemd ends the process as its watchdog does,
    if the unit has one, so that it counts as that."""
    state.end(detail, hung)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    if hung and state.systemd.watchdog_seconds:
        time.sleep(WATCHDOG_ACTS_SECONDS)
    exit_at_once(status)
