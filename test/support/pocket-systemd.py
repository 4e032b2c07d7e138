#!/usr/bin/env python3
"""A service manager for one "VM" that is only a folder: the part of systemd that flower-context needs.

    pocket-systemd.py --root DIR [--listen ADDRESS] [--start UNIT]... [--env NAME=VALUE]... [--lifeline]

Runs the real unit files found under DIR (etc/systemd/system, usr/lib/systemd/system, with drop-ins). Puts `systemctl`,
`journalctl` and, where the machine has none, `systemd-notify` into DIR/usr/bin. Prints "up" once they work.

SIGTERM or SIGINT shuts down: SIGTERM to everything, SIGKILL after three seconds. SIGUSR1 is a power cut: SIGKILL to
everything at once. With --lifeline the end of stdin is SIGTERM too, so nothing outlives whoever started this.
Standard library only; one thread; nothing blocks.
"""

import argparse
import heapq
import itertools
import os
import secrets
import selectors
import shutil
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pocket import control  # noqa: E402
from pocket.processes import adopt_orphans, descendants  # noqa: E402
from pocket.unit import Unit  # noqa: E402

GRACE = 3.0


class Timer:
    def __init__(self, call):
        self.call = call

    def cancel(self):
        self.call = None


class Host:
    """The loop, and what units may ask of it."""

    def __init__(self, root, environment):
        self.root = os.path.abspath(root)
        self.environment = environment
        self.units, self.children = {}, {}
        self.ending = False
        self.selector = selectors.DefaultSelector()
        self.timers, self.serial = [], itertools.count()

    def unit(self, name):
        if name not in self.units:
            self.units[name] = Unit(self, name)
        return self.units[name]

    def parts_of(self, name):
        """Units with PartOf= this one that have run."""
        return [unit for unit in self.units.values() if name in unit.part_of()]

    def later(self, seconds, call):
        timer = Timer(call)
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.serial), timer))
        return timer

    def watch(self, descriptor, call):
        self.selector.register(descriptor, selectors.EVENT_READ, call)

    def unwatch(self, descriptor):
        self.selector.unregister(descriptor)

    def remove_folders(self, names):
        for name in names:
            shutil.rmtree(os.path.join(self.root, "run", name), ignore_errors=True)

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            unit = self.children.pop(pid, None)
            if unit is not None:
                unit.main_exited(status)

    def turn(self, at_most=None):
        """Does what is due and waits for the next thing, for `at_most` seconds."""
        while self.timers and (self.timers[0][2].call is None or self.timers[0][0] <= time.monotonic()):
            call = heapq.heappop(self.timers)[2].call
            if call is not None:
                call()
        next_timer = max(0, self.timers[0][0] - time.monotonic()) if self.timers else None
        waits = [wait for wait in (next_timer, at_most) if wait is not None]
        for key, _ in self.selector.select(min(waits, default=None)):
            # An earlier call of this round may have closed it, and another one may have its number by now: a client whose
            # request was read as the output of a unit that has ended would wait for an answer for ever.
            current = self.selector.get_map().get(key.fd)
            if current is not None and current.data is key.data:
                key.data()

    def shut_down(self):
        """Everything gets SIGTERM, then SIGKILL; returns when no process is left."""
        self.ending = True
        end = time.monotonic() + GRACE
        for unit in self.units.values():
            unit.stop(lambda _ok: None)
        while descendants() and time.monotonic() < end:
            self.turn(at_most=0.02)
        self.power_cut()

    def power_cut(self):
        self.ending = True
        while below := descendants():
            for pid in below:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.002)
            self._bury()
        self._bury()

    @staticmethod
    def _bury():
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


class Client:
    """One call of a stub: secret, number of words and the words, each ended by NUL; out, err and code come back so."""

    def __init__(self, host, connection, secret):
        self.host, self.connection, self.secret, self.data = host, connection, secret, b""
        host.watch(connection.fileno(), self.readable)

    def readable(self):
        more = self.connection.recv(65536)
        self.data += more
        fields = self.data.split(b"\0")
        if not more:
            self.close()
        elif len(fields) > 2 and len(fields) >= int(fields[1]) + 3:
            self.host.unwatch(self.connection.fileno())
            if secrets.compare_digest(fields[0], self.secret.encode()):
                argv = [field.decode("utf-8", "replace") for field in fields[2:-1]]
                control.answer(self.host, argv, self.reply)
            else:
                self.connection.close()

    def reply(self, out, err, code):
        self.connection.setblocking(True)
        try:
            self.connection.sendall(f"{out}\0{err}\0{code}\0".encode())
        except OSError:
            pass
        self.connection.close()

    def close(self):
        self.host.unwatch(self.connection.fileno())
        self.connection.close()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--root", required=True)
    arguments.add_argument("--listen", default="127.0.0.1")
    arguments.add_argument("--start", action="append", default=[])
    arguments.add_argument("--env", action="append", default=[])
    arguments.add_argument("--lifeline", action="store_true")
    given = arguments.parse_args()

    adopt_orphans()
    host = Host(given.root, dict(pair.split("=", 1) for pair in given.env))
    secret = secrets.token_hex(16)
    listener = socket.create_server((given.listen, 0), backlog=64)
    host.watch(listener.fileno(), lambda: Client(host, listener.accept()[0], secret))
    control.write_stubs(os.path.join(host.root, "usr/bin"), given.listen, listener.getsockname()[1], secret)

    asked = []
    heard, wake = socket.socketpair()
    heard.setblocking(False)
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, lambda number, _frame: asked.append(number))
    host.watch(heard.fileno(), lambda: (heard.recv(4096), host.reap()))
    if given.lifeline:
        host.watch(0, lambda: os.read(0, 4096) or asked.append(signal.SIGTERM))

    for name in given.start:
        host.unit(control.service(name)).start(lambda _ok: None)
    print("up", flush=True)
    while not asked:
        host.turn()
    if signal.SIGUSR1 in asked:
        host.power_cut()
    else:
        host.shut_down()
    signal.set_wakeup_fd(-1)


main()
