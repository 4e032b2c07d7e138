"""How Flower's process ends: on its own, on request, or because it must not continue."""

import contextlib
import os
import sys
import time


def watch(state, systemd):
    """Ends a Flower that must not continue, and sends systemd's watchdog notifications. Never returns."""
    notified_at = 0.0
    while True:
        time.sleep(min(0.25, state.calls.silence_seconds / 4))
        now = time.monotonic()
        if systemd.watchdog_seconds and now - notified_at >= systemd.watchdog_seconds:
            systemd.notify("WATCHDOG=1")
            notified_at = now
        with state.lock:
            over = state.must_end(now)
            if over is not None:
                end(state, *over)


exit_at_once = os._exit


def catch_hard_exit(state):
    """Flower calls os._exit 5 s after it began to end, with status 0 also where it had to give up."""

    launcher = os.getpid()

    def exit_with_verdict(status):
        if os.getpid() != launcher:
            exit_at_once(status)
        end(state, *state.verdict(status))

    os._exit = exit_with_verdict


def end(state, status, detail):
    """Exits at once: threads of Flower can block a normal exit for ever."""
    state.end(detail)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    exit_at_once(status)
