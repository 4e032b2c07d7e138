"""The link to the other side: its phase, told to systemd, the journal and the agent (src/flower/state-file.ts reads it)."""

import json
import os
import threading
import time
from datetime import datetime, timezone

from .reasons import why_lost
from .systemd import say

# Flower spaces its retries by 20 s at most and its heartbeats by 23 s: a minute without a call means it has given up.
SILENCE_SECONDS = 60.0
# How long Flower may take to end by itself once it is certain that it is of no use any more.
DOOMED_SECONDS = 5.0


class Link:
    """What is known of the link to the other side. Safe to use from any thread; every change is written at once."""

    def __init__(self, plan, checksum, systemd):
        self.plan, self.checksum, self.systemd = plan, checksum, systemd
        self.silence = float(plan.get("silence_seconds", SILENCE_SECONDS))
        self.lock = threading.RLock()
        self.phase, self.detail, self.since = None, "", ""
        self.node_id = None
        self.grpc = {"server": [], "client": []}
        self.target = plan["fleet"]["listen"] if plan["fleet"] else ""
        self.in_flight, self.last_activity, self.called = 0, time.monotonic(), False
        self.doom = None  # (when, why, whether a successful call undoes it)
        self.refused_at = -1e9
        self.stop_asked_at = None
        self.held = 0
        self.pending = None
        self.last_error = ""

    def enter(self, phase, detail):
        """Takes a phase (and its sentence); what is already so is not said again."""
        with self.lock:
            if (phase, detail) == (self.phase, self.detail) or self.phase == "ended":
                return
            if phase != self.phase:
                self.since = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self.phase, self.detail = phase, detail
            say({"lost": 4, "ended": 5 if self.stop_asked_at else 3}.get(phase, 6), f"flower-launch: {detail}")
            self.write()
            told = [f"STATUS={detail}"]
            if phase in ("serving", "accepted"):
                told.insert(0, "READY=1")
            if phase == "ended":
                told.insert(0, "STOPPING=1")
            self.systemd.tell(*told)

    def write(self):
        path = self.plan["link_file"]
        content = {
            "version": 1,
            "pid": os.getpid(),
            "plan": self.checksum,
            "phase": self.phase,
            "since": self.since,
            "node_id": self.node_id,
            "detail": self.detail,
            "grpc": self.grpc,
        }
        beside = f"{path}.{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(beside, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o644)
                json.dump(content, file)
            os.replace(beside, path)
        except OSError as error:
            say(4, f"flower-launch: cannot write {path}: {error.strerror}")

    # SuperLink

    def hold(self):
        with self.lock:
            self.held += 1

    def release(self):
        """Serving counts once everything that was being opened around the Fleet API is open."""
        with self.lock:
            self.held -= 1
            if self.held == 0 and self.pending:
                self.enter("serving", self.pending)

    def serving(self):
        with self.lock:
            self.pending = f"serving the Fleet API at {self.target}"
            if self.held == 0:
                self.enter("serving", self.pending)

    # SuperNode

    def call_begins(self):
        with self.lock:
            self.in_flight, self.called, self.last_activity = self.in_flight + 1, True, time.monotonic()

    def call_ends(self, method, code, details, response):
        with self.lock:
            self.in_flight, self.last_activity = self.in_flight - 1, time.monotonic()
            if self.stop_asked_at is not None or code == "CANCELLED":
                return
            if code == "OK" and method == "ActivateNode":
                self.node_id = str(response.node_id)
            if code == "UNAUTHENTICATED":
                self.refused_at = time.monotonic()
            reason = why_lost(method, code, details, self.target)
            if reason is not None:
                self.enter("lost", f"no link to the SuperLink: {reason}")
                if self.node_id is not None and "handshake failed" in details.lower():
                    # Flower never tries again after this one, and does not end either.
                    self.doom = self.doom or (time.monotonic() + DOOMED_SECONDS, reason, True)
            elif self.node_id is not None:
                if self.doom and self.doom[2]:
                    self.doom = None
                self.enter("accepted", f"the SuperLink at {self.target} has accepted this node as {self.node_id}")
