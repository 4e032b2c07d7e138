"""Starts Flower's SuperExec, which starts the apps of runs, from the plan that flower-context wrote (FL_ISOLATION=process).

Run by Flower's own interpreter: `superexec/env/bin/python -I superexec-launch.py PLAN`. Standard input is the secret that
Flower and SuperExec share. systemd opens that file, which the user of this process cannot read: nor can the apps.

Why a launcher: Flower takes the secret only from a file, does not notify systemd when SuperExec is accepted, and ends with
status 0 when it is refused.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True
from flower_launch.state_file import EXIT_RESTART, close_to_others  # noqa: E402

# Apps have the same user, and standard input is the secret.
close_to_others()
import importlib.metadata  # noqa: E402
import json  # noqa: E402
import threading  # noqa: E402

from flower_launch.directories import make_directories  # noqa: E402
from flower_launch.flower import alter_logging, watch_signals  # noqa: E402
from flower_launch.plan import EXIT_PLAN, Unusable  # noqa: E402
from flower_launch.progress import SILENCE_SECONDS, Calls, Start  # noqa: E402
from flower_launch.superexec import ASKS_BY, PROGRAM  # noqa: E402
from flower_launch.systemd import Systemd, log  # noqa: E402
from flower_launch.watching import Watch  # noqa: E402

del sys.path[0]
sys.dont_write_bytecode = False

KEPT = ("INVOCATION_ID", "JOURNAL_STREAM")
SECRET_BYTES = 1024


class Acceptance:
    """Whether Flower accepts this SuperExec, as seen in the calls by which it asks for work: they need the secret. And whether
    it makes calls at all, for Watch of watching.py."""

    def __init__(self, systemd, api, awake, silence_seconds):
        self.systemd, self.api, self.silence_seconds = systemd, api, silence_seconds
        self.lock = threading.RLock()
        self.accepted, self.stopping = False, False
        self.last_error = ""
        self.calls = Calls(awake, silence_seconds, meaning="SuperExec has stopped asking Flower for work")
        self.progress = Start(awake, silence_seconds)

    @property
    def is_ready(self):
        return self.accepted

    def must_end(self, _now):
        return None

    def why_hung(self):
        return None if self.stopping else self.progress.why_hung()

    def write_progress(self, _now):
        """There is no record."""

    def end(self, detail, _hung):
        log(3, f"superexec-launch: {detail}")
        self.systemd.notify("WATCHDOG=trigger", f"STATUS={detail}")

    def call_begins(self, call):
        with self.lock:
            self.progress = self.calls
            return self.calls.begin(call)

    def call_ends(self, began, call):
        with self.lock:
            self.calls.end(began, call, None)

    def answered(self, call, error):
        if not call.endswith(ASKS_BY):
            return
        if error:
            self.last_error = f"Flower's API at {self.api} refused SuperExec ({error})"
        elif not self.accepted:
            self.accepted, self.last_error = True, ""
            log(6, f"superexec-launch: accepted by Flower at {self.api}; waiting for apps to start")
            self.systemd.notify("READY=1", f"STATUS=accepted by Flower at {self.api}")

    def request_stop(self, number):
        """Flower sends SIGINT to itself when it is refused. systemd sends SIGTERM."""
        self.stopping = self.stopping or number == 15


def take_secret():
    """The path of the secret of standard input: a file in the memory of this process, which no child inherits."""
    secret = os.read(0, SECRET_BYTES)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    if not secret:
        raise Unusable("there is no secret on standard input; systemd opens /run/flower-context/superexec-secret")
    descriptor = os.memfd_create("superexec-secret")
    os.write(descriptor, secret)
    return f"/proc/self/fd/{descriptor}"


def read_plan(path):
    try:
        with open(path, "rb") as file:
            plan = json.load(file)
        needed = plan["api"], plan["argv"], plan["environment"], plan["workdir"], plan["folders"]
        return *needed, float(plan.get("silence_seconds", SILENCE_SECONDS))
    except OSError as error:
        raise Unusable(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"{path} is not a plan of this version of flower-context: {error!r}") from None


def watch_calls(acceptance):
    """Sees the results of SuperExec's calls: gRPC up to Flower 1.34, HTTP from 1.35."""
    import grpc

    class Calls(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, client_call_details, request):
            method = client_call_details.method
            method = method.decode() if isinstance(method, bytes) else method
            began = acceptance.call_begins(method)
            try:
                call = continuation(client_call_details, request)
                code = call.code()
            finally:
                acceptance.call_ends(began, method)
            # Not reached is not refused: Flower tries again.
            if code.name not in ("UNAVAILABLE", "CANCELLED"):
                acceptance.answered(method, None if code.name == "OK" else f"gRPC status {code.name}")
            return call

    def watched(make):
        return lambda *args, **kwargs: grpc.intercept_channel(make(*args, **kwargs), Calls())

    grpc.insecure_channel, grpc.secure_channel = watched(grpc.insecure_channel), watched(grpc.secure_channel)
    try:
        import httpx
    except ImportError:
        return
    send = httpx.Client.send

    def send_and_see(self, request, *args, **kwargs):
        began = acceptance.call_begins(request.url.path)
        try:
            response = send(self, request, *args, **kwargs)
        finally:
            acceptance.call_ends(began, request.url.path)
        status = response.status_code
        acceptance.answered(request.url.path, None if status < 400 else f"HTTP status {status}")
        return response

    httpx.Client.send = send_and_see


def main():
    inherited = dict(os.environ)
    systemd = Systemd(inherited)
    watch = Watch(systemd)
    watch.begin()
    secret = take_secret()
    api, argv, environment, workdir, folders, silence_seconds = read_plan(sys.argv[1])
    os.environ.clear()
    os.environ.update({name: inherited[name] for name in KEPT if name in inherited} | environment)
    os.umask(0o077)
    try:
        os.chdir(workdir)
    except OSError as error:
        raise Unusable(f"cannot enter {workdir}: {error.strerror}") from None
    # They are the apps' own: nothing of Flower is lost.
    for note in make_directories(folders, replaceable=folders):
        log(4, f"superexec-launch: {note}")
    entries = importlib.metadata.entry_points(group="console_scripts", name=PROGRAM)
    if not entries:
        raise Unusable(f"the environment {sys.prefix} has no program {PROGRAM}")
    acceptance = Acceptance(systemd, api, watch.awake, silence_seconds)
    systemd.notify(f"STATUS=waiting for Flower at {api}")
    program = os.path.join(os.path.dirname(sys.executable), PROGRAM)
    sys.argv = [program, *argv, "--superexec-auth-secret-file", secret]
    watch_signals(acceptance)
    watch_calls(acceptance)
    watch.state = acceptance
    status = 0
    try:
        run = next(iter(entries)).load()
        alter_logging(acceptance)
        run()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if isinstance(leaving.code, str):
            acceptance.last_error = leaving.code
    except KeyboardInterrupt:
        status = 130
    except BaseException as error:  # whatever it is: the reason has to be reported
        sys.excepthook(type(error), error, error.__traceback__)
        status = 1
        acceptance.last_error = acceptance.last_error or f"{type(error).__name__}: {error}"
    if acceptance.stopping:
        os._exit(0)
    why = f": {acceptance.last_error}" if acceptance.last_error else ""
    log(3, f"superexec-launch: SuperExec ended with status {status}{why}")
    sys.stdout.flush()
    os._exit(status or EXIT_RESTART)


if __name__ == "__main__":
    try:
        main()
    except Unusable as problem:
        log(3, f"superexec-launch: {problem}")
        sys.exit(EXIT_PLAN)
