"""Before there is a launch plan: nearly all of Flower's start is importing Python, and that needs no plan."""

import contextlib
import importlib
import os
import sys
import time

LOOK_EVERY_SECONDS = 0.01
# Somebody has to be asked first, a SuperLink that is not there yet perhaps: no hurry any more.
LATER_EVERY_SECONDS = 0.25
HURRY_SECONDS = 60.0
# systemd's patience with a start (TimeoutStartSec) begins anew with the plan.
EXTEND_EVERY_SECONDS, EXTEND_MICROSECONDS = 60.0, 300_000_000


def import_ahead():
    """Imports what Flower's programs import besides Flower itself (make-env.sh wrote it down)."""
    with contextlib.suppress(OSError), open(os.path.join(sys.prefix, "imports.txt"), encoding="utf-8") as names:
        for name in names.read().split():
            # What is broken is broken again, and told, when Flower imports it.
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def await_plan(path, systemd):
    """Returns when the plan is there. The agent ends this unit when there will be none."""
    systemd.tell("STATUS=waiting for the launch plan of flower-context")
    since = told = time.monotonic()
    while not os.path.exists(path):
        now = time.monotonic()
        if now - told >= EXTEND_EVERY_SECONDS:
            systemd.tell(f"EXTEND_TIMEOUT_USEC={EXTEND_MICROSECONDS}")
            told = now
        time.sleep(LOOK_EVERY_SECONDS if now - since < HURRY_SECONDS else LATER_EVERY_SECONDS)
    if told != since:
        systemd.tell(f"EXTEND_TIMEOUT_USEC={EXTEND_MICROSECONDS}")
