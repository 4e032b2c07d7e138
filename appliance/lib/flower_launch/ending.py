"""How Flower's process ends: on its own, when asked, or because it is alive and of no use."""

import os
import sys
import time

# Importing Flower and its first call; generous, because an emulated processor takes half a minute.
FIRST_CALL_SECONDS = 300.0
# Flower's own limit for a graceful end is 5 s; an attached log stream can hold it for longer.
STOP_SECONDS = 7.0
EXIT_RESTART = 75  # "temporary failure": systemd starts us afresh


def watch(link):
    """Ends a Flower that is alive and of no use, one that does not end when asked, and feeds systemd's watchdog."""
    fed = 0.0
    while True:
        time.sleep(min(0.25, link.silence / 4))
        now = time.monotonic()
        if link.systemd.watchdog_seconds and now - fed >= link.systemd.watchdog_seconds:
            link.systemd.tell("WATCHDOG=1")
            fed = now
        with link.lock:
            if link.stop_asked_at is not None:
                if now - link.stop_asked_at > STOP_SECONDS:
                    end(link, 0, f"Flower did not end within {STOP_SECONDS:.0f} s of being asked; ended it")
                continue
            if link.plan["role"] != "supernode":
                continue
            if link.doom and now >= link.doom[0]:
                end(link, EXIT_RESTART, f"{link.doom[1]}; Flower would not recover, ended to be started afresh")
            quiet = now - link.last_activity
            limit = link.silence if link.called else max(FIRST_CALL_SECONDS, link.silence)
            if link.in_flight == 0 and quiet > limit:
                why = link.detail if link.phase == "lost" else "Flower has stopped talking to the SuperLink"
                end(link, EXIT_RESTART, f"{why}; no call for {quiet:.0f} s, ended to be started afresh")


leave = os._exit


def catch_hard_exit(link):
    """Flower forces its end by os._exit 5 s after it began to end, with status 0 also where it had to give up."""

    ours = os.getpid()

    def judged(status):
        if os.getpid() != ours:
            leave(status)
        end(link, *verdict(link, status))

    os._exit = judged


def end(link, status, detail):
    """Leaves at once. Flower's own threads can hold a normal exit for ever."""
    link.enter("ended", detail)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    leave(status)


def verdict(link, status):
    """Exit status and sentence for a Flower that ended with `status` (0 also when it just returned)."""
    if link.stop_asked_at is not None:
        return 0, "stopped as asked"
    why = link.detail if link.phase == "lost" else link.last_error
    why = f": {why}" if why else ""
    if status == 0:
        return EXIT_RESTART, f"Flower ended as if all were well (status 0), but nobody asked it to{why}"
    return status, f"Flower ended with status {status}{why}"
