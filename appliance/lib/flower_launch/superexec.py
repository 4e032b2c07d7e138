"""SuperExec as a child of Flower (FL_ISOLATION=subprocess). Flower starts it once and does not look after it; without it no run
begins, and nothing says so (docs/facts.md, "flower-children"). So the launcher starts another one. The apps of the one that is
gone go on: they talk to Flower themselves, and end only when its process number is free. So its exit status is not taken."""

import os
import signal
import subprocess

from .systemd import log

PROGRAM = "flower-superexec"
# The calls by which SuperExec asks for work, as ends of a gRPC method (up to Flower 1.34) or of an HTTP path.
ASKS_BY = ("/PullPendingTasks", "/AcquireTask", "/pull-pending-tasks", "/acquire-task")
# A Flower that ends on its own ends SuperExec first.
GRACE_SECONDS = 2.0
# So many are started again within that time. After that another start of Flower has to help.
MOST_STARTS, STARTS_SECONDS = 3, 600.0


class SuperExecChild:
    """What is known of it. Without a process there is nothing to know: in process mode SuperExec is no child."""

    def __init__(self, awake, silence_seconds):
        self.awake, self.silence_seconds = awake, silence_seconds
        self.process, self.start_another = None, None
        # When it asked last, when it was stopped by a signal, when it was lost: seconds of Awake.
        self.asked_at = self.stopped_at = self.lost_at = None
        self.starts = []
        # Those that are gone: Python takes the exit status of a process that nothing refers to.
        self.gone = []

    def started(self, process, start_another):
        """Flower has started it, and `start_another` does the same again."""
        self.start_another = start_another
        self._watch(process)

    def _watch(self, process):
        self.process = process
        self.asked_at = self.stopped_at = self.lost_at = None

    def asks(self):
        self.asked_at = self.awake.seconds

    def keep(self):
        """Starts another SuperExec for one that is lost. Returns why Flower must end instead, as a clause, mostly None."""
        lost = self._why_lost()
        if lost is None:
            return None
        now = self.awake.seconds
        self.starts = [at for at in self.starts if now - at < STARTS_SECONDS]
        if len(self.starts) >= MOST_STARTS:
            return f"{lost}, as {MOST_STARTS} others in the last {STARTS_SECONDS / 60:.0f} minutes; no run can begin without it"
        self.starts.append(now)
        try:
            if self._end() is None:
                # It would go on later, beside the next one.
                os.kill(self.process.pid, signal.SIGKILL)
            self.gone.append(self.process)
            self._watch(self.start_another())
        except OSError as error:
            return f"{lost}, and another one cannot be started ({error.strerror}); no run can begin without it"
        log(4, f"flower-launch: {lost}; started another one, because no run can begin without it")
        return None

    def _why_lost(self):
        if self.process is None:
            return None
        now = self.awake.seconds
        how = self._how_lost(now)
        self.lost_at = None if how is None else now if self.lost_at is None else self.lost_at
        return how if how is not None and now - self.lost_at >= GRACE_SECONDS else None

    def _end(self):
        """How it ended; None while it is there."""
        status = self.process.returncode
        if status is not None:
            return how_ended(status)
        try:
            ended = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return "exit status not known"
        return ended and how_ended(ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)

    def _how_lost(self, now):
        end = self._end()
        if end is not None:
            return f"SuperExec ended ({end})"
        stopped = is_stopped(self.process.pid)
        self.stopped_at = None if not stopped else now if self.stopped_at is None else self.stopped_at
        # Before it asks first it imports Flower, for minutes on a slow VM. A stopped process does not import.
        since = self.stopped_at if self.asked_at is None else self.asked_at
        if since is None or now - since <= self.silence_seconds:
            return None
        state = "was stopped by a signal" if stopped else "hangs"
        return f"SuperExec {state} and has not asked for work for {now - since:.0f} s"


def how_ended(status):
    """`status`: negative for a signal."""
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

    original = subprocess.Popen

    class Popen(original):
        def __init__(self, args, *more, **named):
            super().__init__(args, *more, **named)
            if isinstance(args, (list, tuple)) and args and os.path.basename(str(args[0])) == PROGRAM:
                child.started(self, lambda: original(args, *more, **named))

    subprocess.Popen = Popen
