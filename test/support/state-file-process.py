"""Processes around the state file of Flower, for test/integration/state-file.test.ts.

hold LIB open|closed    has the file as standard input and output like the launcher, and writes `lost` at SIGUSR1;
                        open: other processes are not shut out
write LIB               writes two records in turn, as fast as it can
attack PID LINK         what code of the same user can try against that process and this file; one JSON line: what was achieved
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
PTRACE_SEIZE, PTRACE_ATTACH = 0x4206, 16
PIDFD_OPEN, PIDFD_GETFD = 434, 438
FORGED = b'{"forged": true}'
NO_OPTIONS = {"server": [], "client": []}


def hold(lib, how):
    sys.path.insert(0, lib)
    from flower_launch.state_file import StateFile, close_to_others

    if how == "closed":
        close_to_others()
    file = StateFile()
    number = file.descriptor
    print("not a record", flush=True)
    child = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True, check=True)
    forked = os.fork()
    if forked == 0:
        try:
            os.pwrite(number, FORGED, 0)
            os._exit(1)
        except OSError:
            os._exit(0)
    status = os.waitpid(forked, 0)[1]
    file.plan_checksum = "ab" * 32
    file.write("accepted", "2026-01-01T00:00:00.000Z", "one\nREADY=1\x1b[2J " + "x" * 9_000, "7", NO_OPTIONS)
    lost = ("lost", "2026-01-01T00:00:00.000Z", "lost", "7", NO_OPTIONS)
    signal.signal(signal.SIGUSR1, lambda *_: file.write(*lost))
    report = {"inherits": "link.json" in child.stdout, "forks": status != 0, "pid": os.getpid(), "descriptor": number}
    print(json.dumps(report), file=sys.stderr, flush=True)
    while True:
        time.sleep(600)


def write(lib):
    sys.path.insert(0, lib)
    from flower_launch.state_file import StateFile

    file = StateFile()
    file.plan_checksum = "cd" * 32
    file.write("lost", "2026-01-01T00:00:00.000Z", "a" * 250, None, NO_OPTIONS)
    print(json.dumps({"pid": os.getpid()}), file=sys.stderr, flush=True)
    while True:
        file.write("lost", "2026-01-01T00:00:00.000Z", "a" * 250, None, NO_OPTIONS)
        file.write("accepted", "2026-01-01T00:00:00.000Z", "b", "7", {"server": [], "client": [["grpc.x", 1]] * 30})


def attack(pid, link):
    pid, libc, achieved = int(pid), ctypes.CDLL(None, use_errno=True), {}

    def attempt(name, work):
        try:
            achieved[name] = bool(work())
        except OSError:
            achieved[name] = False

    def through_descriptors():
        for number in os.listdir(f"/proc/{pid}/fd"):
            if os.path.realpath(f"/proc/{pid}/fd/{number}") == os.path.realpath(link):
                with open(f"/proc/{pid}/fd/{number}", "r+b") as file:
                    return file.write(FORGED)
        return False

    def by_number():
        for number in range(64):
            try:
                with open(f"/proc/{pid}/fd/{number}", "r+b") as file:
                    if os.path.samestat(os.fstat(file.fileno()), os.stat(link)):
                        return file.write(FORGED)
            except OSError:
                pass
        return False

    def stolen():
        other = libc.syscall(PIDFD_OPEN, pid, 0)
        taken = (libc.syscall(PIDFD_GETFD, other, number, 0) for number in range(64))
        return any(one >= 0 and os.path.samestat(os.fstat(one), os.stat(link)) for one in taken)

    def memory():
        with open(f"/proc/{pid}/mem", "r+b"):
            return True

    def traced():
        if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0 and libc.ptrace(PTRACE_ATTACH, pid, None, None) != 0:
            return False
        return True

    beside = os.path.join(os.path.dirname(link), "forged")
    attempt("open", lambda: open(link, "r+b"))
    attempt("replace", lambda: open(beside, "wb") and os.replace(beside, link))
    attempt("remove", lambda: os.unlink(link) is None)
    attempt("chmod", lambda: os.chmod(link, 0o666) is None)
    attempt("link", lambda: os.link(link, f"/tmp/forged-{os.getpid()}") is None)
    attempt("descriptors in /proc", through_descriptors)
    attempt("numbers in /proc", by_number)
    attempt("pidfd_getfd", stolen)
    attempt("memory", memory)
    attempt("maps", lambda: open(f"/proc/{pid}/maps").read(1))
    attempt("environment", lambda: open(f"/proc/{pid}/environ").read(1))
    attempt("ptrace", traced)
    print(json.dumps(achieved), flush=True)


{"hold": hold, "write": write, "attack": attack}[sys.argv[1]](*sys.argv[2:])
