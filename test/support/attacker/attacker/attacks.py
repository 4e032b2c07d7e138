"""What an app can try on its VM. Each function returns what it got, as JSON; an OSError is an answer, too."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time

RENAME_EXCHANGE = 2
AT_FDCWD = -100
PTRACE_ATTACH = 16
_libc = ctypes.CDLL(None, use_errno=True)


def who():
    """This process, as the kernel sees it."""
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\t" in line)
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "uid": os.getuid(),
        "groups": [os.getgid(), *os.getgroups()],
        "folder": os.getcwd(),
        "home": os.environ.get("HOME"),
        "flwr_home": os.environ.get("FLWR_HOME"),
        "no_new_privileges": status["NoNewPrivs"],
        "capabilities": status["CapEff"],
    }


# Files and names.


def read(path):
    """At most 64 KiB; never waits for a FIFO."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, 65536).decode(errors="replace")
    finally:
        os.close(descriptor)


def write(path, text):
    """Into the file, or into a new one."""
    with open(path, "w") as file:
        file.write(text)


def writable(*paths):
    """Those of the paths that this process can change: by writing, by a new name in it, or by renaming it."""
    found = []
    for path in paths:
        for attempt in (_append, _new_name, _rename):
            with contextlib.suppress(OSError):
                attempt(path)
                found.append(f"{attempt.__name__[1:]} {path}")
    return found


def _append(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK))


def _new_name(path):
    name = os.path.join(path, "of-the-attacker")
    os.symlink("/", name)
    os.unlink(name)


def _rename(path):
    os.rename(path, f"{path}.renamed")
    os.rename(f"{path}.renamed", path)


def plant(path, kind, target="/nowhere"):
    """Makes something of this kind at this path. What was there gets the name PATH.away."""
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, f"{path}.away")
    if kind == "symlink":
        os.symlink(target, path)
    elif kind == "loop":
        os.symlink(path, path)
    elif kind == "file":
        write(path, "not a directory\n")
    elif kind == "FIFO":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
    elif kind != "nothing":
        raise ValueError(kind)


def restore(path):
    """Undoes `plant`."""
    if os.path.isdir(path) and not os.path.islink(path):
        os.rename(path, f"{path}.made-{time.monotonic_ns()}")
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    with contextlib.suppress(FileNotFoundError):
        os.rename(f"{path}.away", path)


def _exchange(one, other):
    if _libc.renameat2(AT_FDCWD, one.encode(), AT_FDCWD, other.encode(), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


_racing = None


def race(path, target):
    """Makes the path a maze of symlinks that root needs long for. Its end is now an own folder, and now the target."""
    global _racing
    folder = os.path.join(os.path.dirname(path), f"maze-{time.monotonic_ns()}")
    os.makedirs(os.path.join(folder, "d"))
    final, other = os.path.join(folder, "final"), os.path.join(folder, "other")
    os.mkdir(final, 0o700)
    os.symlink(target, other)
    # The kernel follows 40 symlinks, and each of them may be 4095 bytes long.
    ahead = "d/../" * 700
    for number in range(34):
        os.symlink(f"{ahead}{number + 1}", os.path.join(folder, str(number)))
    os.symlink(final, os.path.join(folder, "34"))
    plant(path, "symlink", os.path.join(folder, "0"))
    ended = threading.Event()
    got = []

    def run():
        while not ended.is_set():
            _exchange(final, other)
            with contextlib.suppress(OSError):
                got.append(read(target))
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    _racing = (ended, thread, got, path)


def race_is_over():
    """Ends the race. Returns what could be read of the target."""
    ended, thread, got, path = _racing
    ended.set()
    thread.join()
    restore(path)
    return got


# systemd, D-Bus, the agent.


def command(*words):
    """Runs a program for at most 20 s."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
    return {"status": done.returncode, "output": done.stdout.decode(errors="replace")[:4000]}


def connect(path):
    """Connects to a socket of the file system, or of the abstract names when the path begins with @."""
    address = f"\0{path[1:]}" if path.startswith("@") else path
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as sock:
            try:
                sock.settimeout(2)
                sock.connect(address)
                return "connected"
            except OSError as error:
                if error.errno != 91:  # EPROTOTYPE: another kind of socket listens there.
                    raise
    return "no kind fits"


def notify(text, path="/run/systemd/notify"):
    """Sends this to systemd as if it came from a service."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(text.encode(), path)


def bind(name):
    """Takes an abstract name, and keeps it as long as this process lives."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(f"\0{name}")
    _kept.append(sock)


_kept = []


def journal(text):
    """Writes to the journal over its own socket, with a field of another unit."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        fields = f"PRIORITY=3\nSYSLOG_IDENTIFIER=flower-context\nUNIT=flower-context.service\n_PID=1\nMESSAGE={text}\n"
        sock.sendto(fields.encode(), "/run/systemd/journal/socket")


def say(text):
    """On the standard output and the standard error of the app."""
    os.write(1, text.encode())
    os.write(2, text.encode())


# Other processes.


def processes():
    """What this process sees of others: number, user, command line."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = open(f"/proc/{entry}/cmdline", "rb").read().replace(b"\0", b" ").decode(errors="replace")
            found.append([int(entry), os.stat(f"/proc/{entry}").st_uid, words.strip()])
    return found


def invade(pid):
    """Every way into another process. Returns those that worked."""
    worked = []
    with contextlib.suppress(OSError), open(f"/proc/{pid}/mem", "rb") as memory:
        with open(f"/proc/{pid}/maps") as maps:
            line = next(line for line in maps if " rw-p " in line)
        memory.seek(int(line.split("-")[0], 16))
        memory.read(16)
        worked.append("read memory")
    with contextlib.suppress(OSError):
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR))
        worked.append("write memory")
    with contextlib.suppress(OSError):
        open(f"/proc/{pid}/environ").read()
        worked.append("environment")
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                os.close(os.open(f"/proc/{pid}/fd/{number}", os.O_WRONLY | os.O_NONBLOCK))
                worked.append(f"write {os.readlink(f'/proc/{pid}/fd/{number}')}")
    with contextlib.suppress(OSError):
        os.listdir(f"/proc/{pid}/root/")
        worked.append("root")
    if _libc.ptrace(PTRACE_ATTACH, int(pid), None, None) == 0:
        os.waitpid(int(pid), 0)
        _libc.ptrace(17, int(pid), None, None)
        worked.append("ptrace")
    return worked


def kill(pid, number=signal.SIGKILL):
    """Sends a signal."""
    os.kill(int(pid), int(number))


# Resources.


def eat_memory(mebibytes):
    """In a child process, which keeps it. Returns its number."""
    program = f"import time; held = [bytearray(b'x' * 2**20) for _ in range({mebibytes})]; time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-I", "-c", program], stdin=subprocess.DEVNULL)
    return child.pid


def fork(most):
    """As many sleeping processes as allowed, for `end_forked`. Returns how many."""
    with contextlib.suppress(OSError):
        while len(_forked) < most:
            child = os.fork()
            if child == 0:
                _libc.prctl(1, signal.SIGKILL, 0, 0, 0)
                time.sleep(600)
                os._exit(0)
            _forked.append(child)
    return len(_forked)


def end_forked():
    """Ends what `fork` started."""
    while _forked:
        child = _forked.pop()
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


_forked = []


def fill(path, mebibytes):
    """Writes until the file has this size or until nothing more fits. Returns the MiB, and why it ended."""
    written, why = 0, "done"
    try:
        with open(path, "wb", buffering=0) as file:
            for written in range(mebibytes):  # noqa: B007
                if file.write(b"x" * 2**20) != 2**20:
                    why = "short write"
                    break
    except OSError as error:
        why = error.strerror
    return [written, why]
