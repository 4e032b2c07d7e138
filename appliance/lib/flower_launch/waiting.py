"""Before there is a launch plan: most of Flower's start is importing Python, which needs no plan."""

import contextlib
import importlib
import os
import sys
import time

POLL_SECONDS = 0.01
# Poll slowly after 60 s, because discovery may take long.
FAST_POLL_SECONDS = 60.0
SLOW_POLL_SECONDS = 0.25
# The limit of a start (TimeoutStartSec) is extended while this waits, and once more when the plan exists.
EXTEND_EVERY_SECONDS, EXTEND_MICROSECONDS = 60.0, 300_000_000


def import_ahead():
    """Imports what Flower's programs import besides Flower itself, as listed by make-env.sh."""
    with contextlib.suppress(OSError), open(os.path.join(sys.prefix, "imports.txt"), encoding="utf-8") as names:
        for name in names.read().split():
            # Flower imports a broken module again, and reports it.
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def await_plan(path, systemd):
    """Returns when the plan exists. The agent stops this unit when there will be none."""
    systemd.notify("STATUS=waiting for the launch plan of flower-context")
    since = extended_at = time.monotonic()
    while not os.path.exists(path):
        now = time.monotonic()
        if now - extended_at >= EXTEND_EVERY_SECONDS:
            systemd.notify(f"EXTEND_TIMEOUT_USEC={EXTEND_MICROSECONDS}")
            extended_at = now
        time.sleep(POLL_SECONDS if now - since < FAST_POLL_SECONDS else SLOW_POLL_SECONDS)
    if extended_at != since:
        systemd.notify(f"EXTEND_TIMEOUT_USEC={EXTEND_MICROSECONDS}")
