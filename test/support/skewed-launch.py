"""Runs the launcher as on a VM whose clock is $SKEW_SECONDS ahead: what Python programs ask `datetime.now` and `time.time` for is
moved."""

import datetime
import os
import runpy
import time

SKEW = datetime.timedelta(seconds=float(os.environ["SKEW_SECONDS"]))
real = datetime.datetime


class Skewed(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + SKEW


datetime.datetime = Skewed
real_time = time.time
time.time = lambda: real_time() + SKEW.total_seconds()
runpy.run_path(os.environ["LAUNCHER"], run_name="__main__")
