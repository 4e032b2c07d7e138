"""Runs the launcher as on a VM whose clock is $SKEW_SECONDS ahead: only what Flower asks `datetime` for is moved."""

import datetime
import os
import runpy

SKEW = datetime.timedelta(seconds=float(os.environ["SKEW_SECONDS"]))
real = datetime.datetime


class Skewed(real):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + SKEW


datetime.datetime = Skewed
runpy.run_path(os.environ["LAUNCHER"], run_name="__main__")
