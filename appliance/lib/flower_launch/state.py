"""The state of Flower: its phase, and when its process must end. Only this class changes the phase.

waiting -> starting                   the launcher has a plan (flower-launch.py writes `waiting`)
starting -> serving                   a SuperLink, once the Fleet API and the listeners around it are open
starting -> accepted <-> lost         a SuperNode, by the result of each call to the Fleet API
any -> ended                          last
"""

import signal
import threading
import time
from collections import namedtuple
from datetime import UTC, datetime

from .calls import SILENCE_SECONDS, Calls
from .flower import IS_FINAL
from .limits import EXIT_LIMIT, Limits
from .reasons import why_disconnected
from .state_file import EXIT_RESTART
from .systemd import log
from .text import plain

# How long Flower may take to end on its own when it cannot recover.
FATAL_SECONDS = 5.0
# Flower's own limit for a graceful end is 5 s; an attached log stream can exceed it.
STOP_SECONDS = 7.0
# After a refusal by the SuperLink, Flower interrupts itself within this time.
REFUSAL_SECONDS = 30.0
PRIORITIES = {"lost": 4, "ended": 3}

FatalDeadline = namedtuple("FatalDeadline", "at reason recoverable")


def utc_now():
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FlowerState:
    """Safe to use from any thread. Every change is written, logged and sent to systemd at once."""

    def __init__(self, plan, state_file, systemd):
        self.role, self.file, self.systemd = plan["role"], state_file, systemd
        self.lock = threading.RLock()
        self.phase, self.since, self.detail = None, "", ""
        self.last_error = ""
        self.stop_requested_at = None
        # The Fleet API: where this SuperLink listens, or what this SuperNode dials.
        self.target = plan["fleet"]["listen"] if plan["fleet"] else ""
        self.grpc = {"server": [], "client": []}
        self.pending_listeners, self.fleet_is_open = 0, False
        self.node_id = None
        self.calls = Calls(float(plan.get("silence_seconds", SILENCE_SECONDS)))
        self.limits = Limits(plan)
        self.refused_at = float("-inf")
        self.fatal_deadline = None

    def _enter(self, phase, detail):
        detail = plain(detail, 2000)
        with self.lock:
            if (phase, detail) == (self.phase, self.detail) or self.phase == "ended":
                return
            if phase != self.phase:
                self.since = utc_now()
            self.phase, self.detail = phase, detail
            expected_end = phase == "ended" and self.stop_requested_at is not None
            log(5 if expected_end else PRIORITIES.get(phase, 6), f"flower-launch: {detail}")
            self.file.write(phase, self.since, detail, self.node_id, self.grpc)
            signals = {"serving": ["READY=1"], "accepted": ["READY=1"], "ended": ["STOPPING=1"]}
            self.systemd.notify(*signals.get(phase, []), f"STATUS={detail}")

    def start(self, detail):
        self._enter("starting", detail)

    def end(self, detail):
        self._enter("ended", detail)

    # SuperLink

    def listener_opens(self):
        """A listener besides the Fleet API; `listener_is_open` has to follow."""
        with self.lock:
            self.pending_listeners += 1

    def listener_is_open(self):
        with self.lock:
            self.pending_listeners -= 1
            self._serve_if_open()

    def fleet_api_is_open(self):
        with self.lock:
            self.fleet_is_open = True
            self._serve_if_open()

    def _serve_if_open(self):
        if self.fleet_is_open and self.pending_listeners == 0:
            self._enter("serving", f"serving the Fleet API at {self.target}")

    # SuperNode

    def channel_opens(self, target, options):
        self.target, self.grpc["client"] = target, options

    def call_begins(self):
        with self.lock:
            self.calls.begin()

    def call_ends(self, method, code, details, response):
        """`code` and `details`: the status of gRPC. `response`: Flower's message when the code is OK."""
        with self.lock:
            self.calls.end()
            if self.stop_requested_at is not None or code == "CANCELLED":
                return
            if code == "OK" and method == "ActivateNode":
                self.node_id = str(response.node_id)
            if code == "UNAUTHENTICATED":
                self.refused_at = time.monotonic()
            reason = why_disconnected(method, code, details, self.target)
            self.limits.call_failed(method, code, details, reason)
            if reason is not None:
                self._enter("lost", f"no link to the SuperLink: {reason}")
                if self.node_id is not None and IS_FINAL in details.lower():
                    self._set_fatal_deadline(reason, recoverable=True)
            elif self.node_id is not None:
                if self.fatal_deadline and self.fatal_deadline.recoverable:
                    self.fatal_deadline = None
                self._enter("accepted", f"the SuperLink at {self.target} has accepted this node as {self.node_id}")

    def heartbeat_ended(self, error):
        """Flower continues without it, and the SuperLink counts the node as offline."""
        self._set_fatal_deadline(f"Flower's heartbeat thread ended ({error})", recoverable=False)

    def _set_fatal_deadline(self, reason, recoverable):
        with self.lock:
            if self.fatal_deadline is None:
                self.fatal_deadline = FatalDeadline(time.monotonic() + FATAL_SECONDS, reason, recoverable)

    # The end

    def request_stop(self, number):
        """A signal arrived. Flower sends SIGINT to itself when the SuperLink refuses it: that is not a request."""
        if number == signal.SIGINT and time.monotonic() - self.refused_at < REFUSAL_SECONDS:
            return
        if self.stop_requested_at is None:
            self.stop_requested_at = time.monotonic()
            self.systemd.notify("STOPPING=1", "STATUS=stopping")

    def must_end(self, now):
        """Exit status and reason once the process must not continue; None before. `now`: seconds, monotonic."""
        with self.lock:
            if self.stop_requested_at is not None:
                late = now - self.stop_requested_at > STOP_SECONDS
                return (0, f"Flower did not stop within {STOP_SECONDS:.0f} s and was ended") if late else None
            if self.role != "supernode":
                return None
            if self.limits.reached:
                return EXIT_LIMIT, self.limits.reached
            if self.fatal_deadline and now >= self.fatal_deadline.at:
                return EXIT_RESTART, f"{self.fatal_deadline.reason}; unrecoverable; exiting for restart by systemd"
            silent = self.calls.silent_for(now)
            if silent is None:
                return None
            why = self.detail if self.phase == "lost" else "Flower has stopped calling the SuperLink"
            return EXIT_RESTART, f"{why}; no call for {silent:.0f} s; exiting for restart by systemd"

    def verdict(self, status):
        """Exit status and reason for a Flower that ended with `status`; 0 as well when its program returned."""
        if self.stop_requested_at is not None:
            return 0, "stopped as requested"
        if self.limits.reached:
            return EXIT_LIMIT, self.limits.reached
        why = self.detail if self.phase == "lost" else self.last_error
        why = f": {why}" if why else ""
        if status == 0:
            return EXIT_RESTART, f"Flower exited with status 0 without a stop request{why}"
        return status, f"Flower exited with status {status}{why}"
