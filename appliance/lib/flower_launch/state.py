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

from .flower import is_final
from .limits import EXIT_LIMIT, Limits
from .progress import SILENCE_SECONDS, Awake, Calls, Start
from .reasons import why_disconnected
from .state_file import EXIT_RESTART
from .superexec import ASKS_BY, SuperExecChild
from .systemd import log
from .text import plain

# How long Flower may take to end on its own when it cannot recover.
FATAL_SECONDS = 5.0
# Flower's own limit for a graceful end is 5 s; an attached log stream can exceed it.
STOP_SECONDS = 7.0
# After a refusal by the SuperLink, Flower interrupts itself within this time.
REFUSAL_SECONDS = 30.0
# The least time between two records that differ only in what Flower did last.
PROGRESS_SECONDS = 5.0
PRIORITIES = {"lost": 4, "ended": 3}

FatalDeadline = namedtuple("FatalDeadline", "at reason recoverable")


def utc(seconds):
    """`seconds` since 1970, or None."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_now():
    return utc(time.time())


def keepalive_seconds(plan):
    """How long a call of a SuperNode can be pending on a path that is cut."""
    options = dict(plan["options"]["client"])
    if plan["transport"] == "http":
        return options.get("TCP_KEEPIDLE", 0) + options.get("TCP_KEEPINTVL", 0)
    return (options.get("grpc.keepalive_time_ms", 0) + options.get("grpc.keepalive_timeout_ms", 0)) / 1000


class FlowerState:
    """Safe to use from any thread. Every change is written, logged and sent to systemd at once."""

    def __init__(self, plan, state_file, systemd, awake=None):
        self.role, self.file, self.systemd = plan["role"], state_file, systemd
        self.transport = plan["transport"]
        self.lock = threading.RLock()
        self.phase, self.since, self.detail = None, "", ""
        self.last_error = ""
        self.stop_requested_at = None
        # The Fleet API: where this SuperLink listens, or what this SuperNode dials.
        self.target = plan["fleet"]["listen"] if plan["fleet"] else ""
        self.options = {"server": [], "client": []}
        self.pending_listeners, self.fleet_is_open = 0, False
        self.node_id = None
        awake = awake or Awake()
        self.silence_seconds = silence = float(plan.get("silence_seconds", SILENCE_SECONDS))
        self.progress = Start(awake, silence)
        self.superexec = SuperExecChild(awake, silence)
        self.answers = None
        self.calls = Calls(awake, silence, keepalive_seconds(plan)) if self.role == "supernode" else None
        self.is_ready = False
        self.progress_written, self.progress_written_at = None, float("-inf")
        self.limits = Limits(plan)
        self.refused_at = float("-inf")
        self.fatal_deadline = None

    def _enter(self, phase, detail, *signals):
        detail = plain(detail, 2000)
        with self.lock:
            if (phase, detail) == (self.phase, self.detail) or self.phase == "ended":
                return
            if phase != self.phase:
                self.since = utc_now()
            self.phase, self.detail = phase, detail
            expected_end = phase == "ended" and self.stop_requested_at is not None
            log(5 if expected_end else PRIORITIES.get(phase, 6), f"flower-launch: {detail}")
            self._write()
            self.is_ready = self.is_ready or "READY=1" in signals
            self.systemd.notify(*signals, f"STATUS={detail}")

    def _write(self):
        self.progress_written, self.progress_written_at = self._progress(), time.monotonic()
        self.file.write(self.phase, self.since, self.detail, self.node_id, self.options, *self.progress_written)

    def _progress(self):
        """`answered_at` and `messages` of the record."""
        if self.calls is not None:
            messages = {"open": self.calls.open_messages, "last_at": utc(self.calls.message_at)}
            return utc(self.calls.last_at), messages
        return utc(self.answers.last_at) if self.answers else None, None

    def write_progress(self, now):
        """`now`: seconds, monotonic."""
        with self.lock:
            if now - self.progress_written_at >= PROGRESS_SECONDS and self._progress() != self.progress_written:
                self._write()

    def _write_messages(self):
        """At once: the agent restarts a SuperNode that works on no message."""
        if self.progress_written is not None and self._progress()[1] != self.progress_written[1]:
            self._write()

    def start(self, detail):
        self._enter("starting", detail)

    def end(self, detail, hung=False):
        self._enter("ended", detail, "WATCHDOG=trigger" if hung else "STOPPING=1")

    # SuperLink

    def listener_opens(self):
        """A listener besides the Fleet API; `listener_is_open` has to follow."""
        with self.lock:
            self.pending_listeners += 1

    def listener_is_open(self):
        with self.lock:
            self.pending_listeners -= 1
            self._serve_if_open()

    def fleet_api_is_open(self, answers):
        """`answers`: Answers of progress.py."""
        with self.lock:
            self.fleet_is_open = True
            self.progress = self.answers = answers
            answers.begin()
            self._serve_if_open()

    def _serve_if_open(self):
        if self.fleet_is_open and self.pending_listeners == 0:
            self._enter("serving", f"serving the Fleet API at {self.target}", "READY=1")

    # SuperNode

    def channel_opens(self, target, options):
        self.target, self.options["client"] = target, options

    def call_begins(self, method):
        """Returns what `call_ends` needs."""
        with self.lock:
            self.progress = self.calls
            began = self.calls.begin(method)
            self._write_messages()
            return began

    def call_ends(self, began, method, code, details, response):
        """`code` and `details`: the status of gRPC, or what fleet_client.py makes of one of HTTP. `response`: Flower's message
        when the code is OK."""
        with self.lock:
            self.calls.end(began, method, response)
            self._write_messages()
            if self.stop_requested_at is not None or code == "CANCELLED":
                return
            if code == "OK" and method == "ActivateNode" and response is not None:
                self.node_id, self.calls.accepted = str(response.node_id), True
            if code == "UNAUTHENTICATED":
                self.refused_at = time.monotonic()
            reason = why_disconnected(method, code, details, self.target)
            self.limits.call_failed(method, code, details, reason)
            if reason is not None:
                self._enter("lost", f"no link to the SuperLink: {reason}")
                if self.node_id is not None and code == "UNAVAILABLE" and is_final(details, self.transport):
                    self._set_fatal_deadline(reason, recoverable=True)
            elif self.node_id is not None:
                if self.fatal_deadline and self.fatal_deadline.recoverable:
                    self.fatal_deadline = None
                detail = f"the SuperLink at {self.target} has accepted this node as {self.node_id}"
                self._enter("accepted", detail, "READY=1")

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
            if self.limits.reached:
                return EXIT_LIMIT, self.limits.reached
            if self.fatal_deadline and now >= self.fatal_deadline.at:
                return EXIT_RESTART, f"{self.fatal_deadline.reason}; unrecoverable; exiting for restart by systemd"
            lost = self.superexec.keep()
            return (EXIT_RESTART, f"{lost}; exiting for restart by systemd") if lost else None

    def why_hung(self):
        """Why Flower makes no progress, as a clause; None while it does."""
        with self.lock:
            hung = None if self.stop_requested_at is not None else self.progress.why_hung()
            return f"{self.detail}; {hung}" if hung and self.phase == "lost" else hung

    def superexec_called(self, path):
        """Flower has got a request; `path`: of HTTP, or the method of gRPC."""
        if path.endswith(ASKS_BY):
            self.superexec.asks()

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
