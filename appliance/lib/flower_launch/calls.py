"""The calls of a SuperNode to the Fleet API: whether Flower still makes any."""

import time

# Flower spaces its retries by 20 s at most and its heartbeats by 23 s. After a minute without a call it has given up.
SILENCE_SECONDS = 60.0
# Importing Flower and its first call: an emulated processor takes half a minute.
FIRST_CALL_SECONDS = 300.0


class Calls:
    def __init__(self, silence_seconds):
        self.silence_seconds = silence_seconds
        self.in_flight, self.any, self.last_at = 0, False, time.monotonic()

    def begin(self):
        self.in_flight, self.any, self.last_at = self.in_flight + 1, True, time.monotonic()

    def end(self):
        self.in_flight, self.last_at = self.in_flight - 1, time.monotonic()

    def silent_for(self, now):
        """Seconds without a call, once they are too many; None before."""
        limit = self.silence_seconds if self.any else max(FIRST_CALL_SECONDS, self.silence_seconds)
        silent = now - self.last_at
        return silent if self.in_flight == 0 and silent > limit else None
