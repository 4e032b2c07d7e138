"""The 'journal' of a VM: what its units print, with time and priority, in memory and in one file per unit."""

import collections
import json
import os
import re
import time

KEPT = 20_000
LEVEL = re.compile(rb"^<([0-7])>")


class Journal:
    def __init__(self, folder, unit):
        os.makedirs(folder, exist_ok=True)
        self.unit = unit
        self.entries = collections.deque(maxlen=KEPT)
        self.file = open(os.path.join(folder, unit.removesuffix(".service") + ".log"), "ab", buffering=0)
        self.rest = {}

    def output(self, stream, pid, name, data):
        """Bytes from a unit's stdout or stderr; `<N>` at the start of a line is its priority (sd-daemon(3))."""
        *lines, self.rest[stream] = (self.rest.get(stream, b"") + data).split(b"\n")
        for line in lines:
            self._line(line, pid, name)

    def end(self, stream, pid, name):
        rest = self.rest.pop(stream, b"")
        if rest:
            self._line(rest, pid, name)

    def manager(self, message, priority=6):
        """A line of the service manager itself; `journalctl -u` shows those too."""
        self._add(priority, "systemd", 1, message)

    def _line(self, line, pid, name):
        level = LEVEL.match(line)
        text = (line[3:] if level else line).decode("utf-8", "replace").rstrip("\r")
        if text:
            self._add(int(level[1]) if level else 6, name, pid, text)

    def _add(self, priority, name, pid, message):
        now = time.time()
        self.entries.append((now, priority, name, pid, message))
        self.file.write(f"{stamp(now)} <{priority}> {name}[{pid}]: {message}\n".encode())


def stamp(now):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"


def render(entries, style):
    """journalctl's `-o cat`, `-o json` and (anything else) a short form."""
    for now, priority, name, pid, message in entries:
        if style == "cat":
            yield message + "\n"
        elif style == "json":
            fields = {"__REALTIME_TIMESTAMP": str(int(now * 1e6)), "PRIORITY": str(priority)}
            yield json.dumps({**fields, "SYSLOG_IDENTIFIER": name, "_PID": str(pid), "MESSAGE": message}) + "\n"
        else:
            yield f"{stamp(now)} {name}[{pid}]: {message}\n"
