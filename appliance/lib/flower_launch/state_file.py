"""link.json: the state of Flower for the agent (src/flower/state-file.ts reads it).

systemd opens the file as root and gives it to the launcher as standard input and output. No other process of Flower's user
can write it: the file is root's, child processes do not inherit the descriptor, and the kernel does not let them reach the
memory or the descriptors of this process. They can only end it.
"""

import ctypes
import fcntl
import hashlib
import json
import os
import stat
import sys

from .plan import EXIT_PLAN
from .systemd import log
from .text import plain

# One record, which replaces the one before it: JSON, filled up with spaces, and in the second line its SHA-256.
RECORD_BYTES = 4096
JSON_BYTES = RECORD_BYTES - len("\n") - 2 * hashlib.sha256().digest_size - len("\n")
MOST_OPTIONS = 32
PR_SET_DUMPABLE = 4
EXIT_RESTART = 75  # EX_TEMPFAIL: systemd restarts the unit
exit_at_once = os._exit  # before ending.py replaces it
STAT_START_TIME = 19  # field 22, counted after the name, which may contain spaces


def close_to_others():
    """Closes memory and descriptors to the other processes of this user (ptrace, /proc). An execve opens them again. If that
    fails, the process ends: an app could read what this process keeps from it, or write the state of Flower."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        name = os.path.basename(sys.argv[0]).removesuffix(".py")
        log(3, f"{name}: cannot set PR_SET_DUMPABLE ({os.strerror(ctypes.get_errno())}); Flower does not start without it")
        sys.exit(EXIT_PLAN)


class StateFile:
    """Takes the file from standard input. Afterwards that is empty, and standard output goes where errors go."""

    def __init__(self):
        self.plan_checksum = None
        self.descriptor = self._take()
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
            self.started = int(file.read().rpartition(")")[2].split()[STAT_START_TIME])
        os.register_at_fork(after_in_child=self._close)

    def _take(self):
        try:
            is_file = stat.S_ISREG(os.fstat(0).st_mode)
            if not is_file or fcntl.fcntl(0, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDWR:
                raise OSError(0, "it is no file that can be written")
            descriptor = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 3)
        except OSError as error:
            log(4, f"flower-launch: no state file in standard input ({error.strerror}); Flower runs without it")
            return None
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        os.dup2(2, 1)
        return descriptor

    def _close(self):
        """In a child process that was forked and runs no other program."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def give_back(self):
        """Makes the file standard input and output again, for the program that replaces this one in the same process."""
        if self.descriptor is not None:
            os.dup2(self.descriptor, 0)
            os.dup2(self.descriptor, 1)

    def write(self, phase, since, detail, node_id, options, answered_at=None, messages=None):
        """Replaces the record. If that fails, the process ends at once: the agent would believe the old record, and another
        process of the same user can cause the failure (prlimit)."""
        if self.descriptor is None:
            return
        content = {
            "version": 1,
            "pid": os.getpid(),
            "started": self.started,
            "plan": self.plan_checksum,
            "phase": phase,
            "since": since,
            "node_id": node_id,
            "detail": plain(detail),
            "answered_at": answered_at,
            "messages": messages,
            "options": {side: [short(option) for option in options[side][:MOST_OPTIONS]] for side in ("server", "client")},
        }
        try:
            written = os.pwrite(self.descriptor, record(content), 0)
            os.ftruncate(self.descriptor, RECORD_BYTES)
            if written != RECORD_BYTES:
                raise OSError(0, f"{written} of {RECORD_BYTES} bytes were written")
        except OSError as error:
            log(3, f"flower-launch: cannot write the state of Flower: {error.strerror}; exiting for restart by systemd")
            exit_at_once(EXIT_RESTART)


def short(option):
    name, value = option
    return [plain(name), plain(value) if isinstance(value, str) else value]


def record(content):
    """The bytes of a record. Options of gRPC are left out where they do not fit."""
    while len(text := json.dumps(content, ensure_ascii=False).encode()) > JSON_BYTES:
        max(content["options"].values(), key=len).pop()
    text = text.ljust(JSON_BYTES)
    return text + b"\n" + hashlib.sha256(text).hexdigest().encode() + b"\n"
