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
    since = time.monotonic()
    while not os.path.exists(path):
        time.sleep(POLL_SECONDS if time.monotonic() - since < FAST_POLL_SECONDS else SLOW_POLL_SECONDS)
