"""SuperExec as a child of Flower (FL_ISOLATION=subprocess). Flower starts it once and does not look after it: without it no
run begins, and nothing says so (docs/facts.md, "flower-children")."""

import os
import signal
import subprocess

PROGRAM = "flower-superexec"
# The calls by which SuperExec asks for work, as ends of a gRPC method (up to Flower 1.34) or of an HTTP path.
ASKS_BY = ("/PullPendingTasks", "/AcquireTask", "/pull-pending-tasks", "/acquire-task")
# A Flower that ends on its own ends SuperExec first; its own reason is the better one.
GRACE_SECONDS = 2.0


class SuperExecChild:
    """What is known of it. Without a process there is nothing to know: in process mode SuperExec is no child."""

    def __init__(self, awake, silence_seconds):
        self.awake, self.silence_seconds = awake, silence_seconds
        self.process = None
        # When it asked last, when it was stopped by a signal, when it was lost: seconds of Awake.
        self.asked_at = self.stopped_at = self.lost_at = None

    def started(self, process):
        self.process = process
        self.asked_at = self.stopped_at = self.lost_at = None

    def asks(self):
        self.asked_at = self.awake.seconds

    def why_lost(self):
        """Why no run can begin, as a clause; None while SuperExec works."""
        if self.process is None:
            return None
        now = self.awake.seconds
        how = self._how_lost(now)
        self.lost_at = None if how is None else now if self.lost_at is None else self.lost_at
        lost = how is not None and now - self.lost_at >= GRACE_SECONDS
        return f"{how}; no run can begin without it" if lost else None

    def _how_lost(self, now):
        status = self.process.poll()
        if status is not None:
            return f"SuperExec ended ({how_ended(status)})"
        stopped = is_stopped(self.process.pid)
        self.stopped_at = None if not stopped else now if self.stopped_at is None else self.stopped_at
        # Before it asks first it imports Flower, for minutes on a slow VM. A stopped process does not import.
        since = self.stopped_at if self.asked_at is None else self.asked_at
        if since is None or now - since <= self.silence_seconds:
            return None
        state = "was stopped by a signal" if stopped else "hangs"
        return f"SuperExec {state} and has not asked for work for {now - since:.0f} s"


def how_ended(status):
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def is_stopped(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] in ("T", "t")
    except OSError:
        return False


def watch_superexec(child):
    """Sees the start of SuperExec by Flower, which uses subprocess.Popen for it in each version."""

    class Popen(subprocess.Popen):
        def __init__(self, args, *more, **named):
            super().__init__(args, *more, **named)
            if isinstance(args, (list, tuple)) and args and os.path.basename(str(args[0])) == PROGRAM:
                child.started(self)

    subprocess.Popen = Popen
