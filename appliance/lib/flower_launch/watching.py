"""The thread that watches Flower from inside its process: it tells systemd that Flower makes progress, and ends a Flower that
must not continue. If it cannot run itself, because another thread never gives up Python's lock, systemd hears nothing."""

import threading
import time

from .ending import end
from .progress import Awake, Start
from .state_file import EXIT_RESTART

LOOK_SECONDS = 0.25
# Before READY=1 systemd knows only the limit of a start (TimeoutStartSec): docs/facts.md, "watchdog".
EXTEND_EVERY_SECONDS, EXTEND_MICROSECONDS = 20.0, 120_000_000


class Watch:
    def __init__(self, systemd):
        self.systemd = systemd
        self.awake = Awake()
        self.start = Start(self.awake)
        # While the launcher waits for a plan it does nothing, and that is right.
        self.waits = False
        self.state = None
        self.notified_at = time.monotonic()

    def begin(self):
        threading.Thread(target=self._repeat, name="flower-launch", daemon=True).start()

    def _repeat(self):
        while True:
            state = self.state
            time.sleep(min(LOOK_SECONDS, state.silence_seconds / 8) if state else LOOK_SECONDS)
            self.awake.tick()
            if state is not None:
                self._look_at(state)
            elif self.waits or self.start.why_hung() is None:
                self._notify(f"EXTEND_TIMEOUT_USEC={EXTEND_MICROSECONDS}", EXTEND_EVERY_SECONDS)

    def _look_at(self, state):
        now = time.monotonic()
        with state.lock:
            over = state.must_end(now)
            if over is not None:
                end(state, *over)
            hung = state.why_hung()
            if hung is not None:
                end(state, EXIT_RESTART, f"{hung}; exiting for restart by systemd", hung=True)
            state.write_progress(now)
        # Once the unit is ready, an extension would also put off the watchdog.
        if not state.is_ready:
            self._notify(f"EXTEND_TIMEOUT_USEC={EXTEND_MICROSECONDS}", EXTEND_EVERY_SECONDS)
        elif self.systemd.watchdog_seconds:
            self._notify("WATCHDOG=1", self.systemd.watchdog_seconds)

    def _notify(self, assignment, every_seconds):
        now = time.monotonic()
        if now - self.notified_at >= every_seconds:
            self.systemd.notify(assignment)
            self.notified_at = now
