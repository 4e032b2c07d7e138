"""What Linux offers to keep hold of every process that was started: sessions, subreaper, parent death signal."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans():
    """Whatever loses its parent below us becomes our child, so nothing can slip away."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent():
    """In a new child, before exec: no main process outlives the service manager, however that ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _table():
    """[(pid, parent, session, state)] of all processes."""
    rows = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            rows.append((int(name), int(fields[1]), int(fields[3]), fields[0]))
    return rows


def members(session):
    """Living processes of a session (each unit's main process leads one)."""
    return [pid for pid, _, their, state in _table() if their == session and state not in "ZX"] if session else []


def descendants():
    """Every living process below us, at any depth.

    The way leads through zombies: while one thread of a process still ends, its main thread may be one already, and
    the children are not ours yet.
    """
    children = {}
    for pid, parent, _, state in _table():
        children.setdefault(parent, []).append((pid, state))
    found, todo = [], [os.getpid()]
    while todo:
        for pid, state in children.get(todo.pop(), []):
            todo.append(pid)
            if state not in "ZX":
                found.append(pid)
    return found
