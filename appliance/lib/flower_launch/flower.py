"""What the launcher relies on inside Flower, and changes there. Check all of it with a new version of Flower.

src/flower/profiles.ts has what differs in the arguments. Seen in 1.31 to 1.42; fleet_server.py and fleet_client.py have what
is for 1.40 and newer.
"""

import logging
import os
import signal
import threading

from .text import plain, plain_lines

FLEET = "/flwr.proto.Fleet/"
# The calls by which a node is let in. A refusal of another call is about a run or a message.
ADMISSION = ("RegisterNode", "ActivateNode")
# After an error with one of these, Flower does not try again: by transport, in lower case. See also fleet_client.py.
FINAL = {"grpc": ("handshake failed",), "http": ("certificate",)}
# The file of the thread that keeps a node online.
HEARTBEAT_FILE = "heartbeat.py"
CONSOLE_HANDLER = "ConsoleHandler"


def await_http_listener(state):
    """From 1.35 a SuperLink opens an HTTP listener after the Fleet API. It serves when both are open."""
    try:
        import uvicorn
    except ImportError:
        return
    original = uvicorn.Server.startup

    async def startup(self, *args, **kwargs):
        state.listener_opens()
        await original(self, *args, **kwargs)
        state.listener_is_open()

    uvicorn.Server.startup = startup


def is_final(details, transport):
    """Whether Flower gives up after an error of a connection: an accepted node neither tries again nor ends."""
    return any(sign in details.lower() for sign in FINAL[transport])


class QuietAccess(logging.Filter):
    """Drops the access lines of successful requests: there is one for each poll. `request_ended` gets the path of each."""

    def __init__(self, request_ended):
        super().__init__()
        self.request_ended = request_ended

    def filter(self, record):
        args = record.args
        if not isinstance(args, tuple) or len(args) <= 4:
            return True
        _client, _method, path, _version, status = args[:5]
        self.request_ended(str(path))
        return not (isinstance(status, int) and status < 400)


class FirstError(logging.Filter):
    """Keeps the first error of the HTTP server, such as a taken port, as the reason of the end."""

    def __init__(self, state):
        super().__init__()
        self.state = state

    def filter(self, record):
        if record.levelno >= logging.ERROR and not self.state.last_error:
            lines = plain_lines(record.getMessage())
            self.state.last_error = plain(lines[-1]).removeprefix("SystemExit: ") if lines else ""
        return True


def alter_logging(state, request_ended=lambda path: None):
    """Flower's console lines get journal priorities instead of colours. Call it once Flower is imported. `request_ended` gets
    the path of each request to Flower's HTTP listener."""
    priorities = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}

    def format_record(record):
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        if record.levelno >= logging.ERROR:
            state.last_error = plain(text)
        prefix = f"<{priorities.get(record.levelno, 6)}>"
        return "\n".join(prefix + line for line in plain_lines(text))

    for handler in logging.getLogger("flwr").handlers:
        if type(handler).__name__ == CONSOLE_HANDLER:
            handler.colored = False
            handler.format = format_record
            handler.addFilter(lambda record: record.getMessage().strip() != "")
    logging.getLogger("uvicorn.access").addFilter(QuietAccess(request_ended))
    logging.getLogger("uvicorn.error").addFilter(FirstError(state))


def watch_signals(state):
    """Records a request to stop, whoever handles the signal."""
    set_handler = signal.signal

    def set_recording_handler(number, handler):
        if number not in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT) or not callable(handler):
            return set_handler(number, handler)

        def record_and_handle(got, frame):
            state.request_stop(got)
            return handler(got, frame)

        return set_handler(number, record_and_handle)

    signal.signal = set_recording_handler

    def end(_number, _frame):
        raise SystemExit(0)

    set_recording_handler(signal.SIGTERM, end)
    set_recording_handler(signal.SIGINT, end)


def watch_threads(state):
    """A SuperNode whose heartbeat thread ended continues to work and is counted as offline."""
    print_exception = threading.excepthook

    def hook(args):
        print_exception(args)
        frame = args.exc_traceback
        while frame is not None:
            if os.path.basename(frame.tb_frame.f_code.co_filename) == HEARTBEAT_FILE:
                state.heartbeat_ended(args.exc_value)
                return
            frame = frame.tb_next

    threading.excepthook = hook
