"""Lines for the journal, and sd_notify without its library."""

import os
import socket
import sys

from .text import plain, plain_lines


def log(priority, text):
    """One journal line per line of text; 3 error, 4 warning, 5 notice, 6 information."""
    sys.stderr.write("".join(f"<{priority}>{line}\n" for line in plain_lines(text)))
    sys.stderr.flush()


class Systemd:
    """Sends notifications to systemd. Removes its variables from the environment: child processes must not notify."""

    def __init__(self, environment):
        self.address = environment.pop("NOTIFY_SOCKET", "")
        if self.address.startswith("@"):
            self.address = "\0" + self.address[1:]
        microseconds, pid = environment.pop("WATCHDOG_USEC", "0"), environment.pop("WATCHDOG_PID", "")
        for_this_process = pid in ("", str(os.getpid()))
        # Half of the limit, as sd_watchdog_enabled(3) recommends.
        self.watchdog_seconds = int(microseconds) / 2e6 if for_this_process and microseconds.isdigit() else 0.0
        for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
            environment.pop(name, None)

    def notify(self, *assignments):
        """Sends NAME=VALUE texts. Each line of a datagram is one, so none may bring a line break from elsewhere."""
        if not self.address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
                notify.sendto("\n".join(plain(one, 500) for one in assignments).encode(), self.address)
        except OSError as error:
            log(4, f"cannot notify systemd: {error}")
