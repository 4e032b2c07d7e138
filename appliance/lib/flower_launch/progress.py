"""Whether Flower's process makes progress. Silence is counted in seconds of Awake."""

import resource
import threading
import time

# Flower spaces its retries by 20 s at most and its heartbeats by 23 s (docs/facts.md, "flower-polling").
SILENCE_SECONDS = 45.0
# A slow VM imports Flower for many minutes, but it uses its processor for that. This many silences, and this share of them.
START_SILENCES, LEAST_SHARE = 2, 0.001
# gRPC counts the time of keepalive from the last byte of the SuperLink, which comes when a call begins. A busy VM sees the end
# of the call later. This part of a silence.
LATE_PART = 3
# What may lie between two ticks, and counts. More of it was a pause of the VM, or of this process.
TICK_SECONDS = 2.0


class Awake:
    """The time in which this process could run, in seconds: nobody is silent while the whole VM is paused."""

    def __init__(self):
        self.seconds, self.ticked_at = 0.0, time.monotonic()

    def tick(self):
        now = time.monotonic()
        self.seconds += min(now - self.ticked_at, TICK_SECONDS)
        self.ticked_at = now


class Start:
    """The start of Flower, until its first call or until its Fleet API is open: only a process that uses neither processor nor
    disk hangs."""

    def __init__(self, awake, silence_seconds=SILENCE_SECONDS):
        self.awake, self.limit = awake, START_SILENCES * silence_seconds
        self.mark()

    def mark(self):
        self.used, self.blocks, self.at = time.process_time(), blocks_used(), self.awake.seconds

    def why_hung(self):
        """Called in the thread that watches, whose own use does not count."""
        used, blocks = time.process_time() - time.thread_time(), blocks_used()
        if used - self.used >= LEAST_SHARE * self.limit or blocks != self.blocks:
            self.used, self.blocks, self.at = used, blocks, self.awake.seconds
        idle = self.awake.seconds - self.at
        return f"Flower hangs in its start; it used no processor time for {idle:.0f} s" if idle > self.limit else None


def blocks_used():
    """What this process has read from disks and written to them, in blocks."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_inblock + usage.ru_oublock


class Answers:
    """The launcher's own calls to the Fleet API of this SuperLink. `ask` makes one within the seconds it gets: whether it was
    answered."""

    def __init__(self, awake, silence_seconds, ask):
        self.awake, self.silence_seconds, self.ask = awake, silence_seconds, ask
        self.last, self.last_at = awake.seconds, None

    def begin(self):
        self.last = self.awake.seconds
        threading.Thread(target=self._repeat, name="flower-launch-ask", daemon=True).start()

    def _repeat(self):
        while True:
            # An answer may be late, so a call has as long as Flower has.
            answered = self.ask(self.silence_seconds)
            if answered:
                self.last, self.last_at = self.awake.seconds, time.time()
            time.sleep(self.silence_seconds / (4 if answered else 40))

    def why_hung(self):
        silent = self.awake.seconds - self.last
        return f"no answer of the Fleet API for {silent:.0f} s" if silent > self.silence_seconds else None


class Calls:
    """The calls of a SuperNode to the Fleet API, or of SuperExec to Flower. A failed one is progress like any other."""

    def __init__(self, awake, silence_seconds, keepalive_seconds=0.0, meaning="Flower has stopped calling the SuperLink"):
        """`keepalive_seconds`: after these gRPC ends a call on a path that is cut. `meaning`: what a lack of calls means."""
        self.awake, self.silence_seconds, self.keepalive_seconds = awake, silence_seconds, keepalive_seconds
        self.meaning = meaning
        self.last, self.last_at = awake.seconds, None
        # When the calls began that have not ended.
        self.pending = []
        self.accepted = False
        self.open_messages, self.message_at = 0, None

    def begin(self, method):
        """Returns what `end` needs. Flower handles one message after the other, and then asks for the next one."""
        began = self._progress()
        self.pending.append(began)
        if method == "PullMessages":
            if self.open_messages:
                # The work on them has just ended, however long it took.
                self.message_at = time.time()
            self.open_messages = 0
        return began

    def end(self, began, method, response):
        """`response`: Flower's message, None when the call failed."""
        self.pending.remove(began)
        self._progress()
        pulled = len(getattr(response, "messages_list", ())) if method == "PullMessages" else 0
        if pulled:
            self.open_messages, self.message_at = pulled, time.time()

    def _progress(self):
        self.last, self.last_at = self.awake.seconds, time.time()
        return self.last

    def why_hung(self):
        now = self.awake.seconds
        silent = now - self.last
        if silent <= self.silence_seconds:
            return None
        # A SuperNode that was not accepted yet, and SuperExec, wait for the answer to one call. The other side may owe it for
        # long, and that is no fault of theirs.
        late = self.keepalive_seconds + self.silence_seconds / LATE_PART
        if self.pending and (not self.accepted or now - min(self.pending) < late):
            return None
        return f"{self.meaning}; no call for {silent:.0f} s"
