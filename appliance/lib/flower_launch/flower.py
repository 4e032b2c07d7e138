"""What else is altered inside Flower's process: when it counts as serving, its log lines, its signals, its heartbeat."""

import logging
import os
import signal
import threading
import time

from .link import DOOMED_SECONDS


def hold_for_uvicorn(link):
    """From 1.35 a SuperLink has an HTTP listener too, opened after the Fleet API: it serves when both are open."""
    try:
        import uvicorn
    except ImportError:
        return
    original = uvicorn.Server.startup

    async def startup(self, *args, **kwargs):
        link.hold()
        await original(self, *args, **kwargs)
        link.release()

    uvicorn.Server.startup = startup


class QuietAccess(logging.Filter):
    """Access lines of successful requests are one per poll and say nothing; refused and failed requests stay."""

    def filter(self, record):
        args = record.args
        status = args[4] if isinstance(args, tuple) and len(args) > 4 else None
        return not (isinstance(status, int) and status < 400)


class FirstError(logging.Filter):
    """Keeps the first error of the HTTP server, such as a port that is taken, for the sentence we end with."""

    def __init__(self, link):
        super().__init__()
        self.link = link

    def filter(self, record):
        if record.levelno >= logging.ERROR and not self.link.last_error:
            lines = [line.strip() for line in record.getMessage().splitlines() if line.strip()]
            self.link.last_error = lines[-1].removeprefix("SystemExit: ")[:400] if lines else ""
        return True


def alter_logging(link):
    """Flower's console lines get journal priorities in place of colours; to be called once Flower is imported."""
    priorities = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

    def format_record(record):
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        if record.levelno >= logging.ERROR:
            link.last_error = " ".join(text.split())[:400]
        prefix = f"<{priorities.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in text.splitlines() if line.strip())

    for handler in logging.getLogger("flwr").handlers:
        if type(handler).__name__ == "ConsoleHandler":
            handler.colored = False
            handler.format = format_record
            handler.addFilter(lambda record: record.getMessage().strip() != "")
    logging.getLogger("uvicorn.access").addFilter(QuietAccess())
    logging.getLogger("uvicorn.error").addFilter(FirstError(link))


def watch_signals(link):
    """Notes that a stop was asked for, whoever handles the signal in the end."""
    set_handler = signal.signal

    def asked(number):
        # Flower interrupts itself when the SuperLink refuses it; nobody asked for that.
        if number == signal.SIGINT and time.monotonic() - link.refused_at < 30:
            return
        if link.stop_asked_at is None:
            link.stop_asked_at = time.monotonic()
            link.systemd.tell("STOPPING=1", "STATUS=stopping")

    def setting(number, handler):
        if number not in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT) or not callable(handler):
            return set_handler(number, handler)

        def noted(got, frame):
            asked(got)
            return handler(got, frame)

        return set_handler(number, noted)

    signal.signal = setting

    def end(_number, _frame):
        raise SystemExit(0)

    setting(signal.SIGTERM, end)
    setting(signal.SIGINT, end)


def watch_threads(link):
    """A heartbeat that died leaves a SuperNode that works on and is counted as offline."""
    show = threading.excepthook

    def hook(args):
        show(args)
        frame = args.exc_traceback
        while frame is not None:
            if os.path.basename(frame.tb_frame.f_code.co_filename) == "heartbeat.py":
                why = f"Flower's heartbeat has died ({args.exc_value})"
                link.doom = link.doom or (time.monotonic() + DOOMED_SECONDS, why, False)
                return
            frame = frame.tb_next

    threading.excepthook = hook
