"""Starts a Flower daemon from the launch plan that flower-context wrote, and says from inside how its link is.

Run by Flower's own interpreter: `env/bin/python -I flower-launch.py [PLAN]`. Only the standard library is used until the
plan is in force. The plan and the link file are described in src/flower/plan.ts and src/flower/link.ts.

Why a launcher: Flower has no setting for gRPC's keepalive, does not tell systemd when it is ready, keeps running when it
has given up on its SuperLink, and ends with status 0 after some errors. All four are put right here, in its process.
"""

import hashlib
import importlib.metadata
import ipaddress
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from datetime import datetime, timezone

# Flower spaces its retries by 20 s at most and its heartbeats by 23 s: a minute without a call means it has given up.
SILENCE_SECONDS = 60.0
# Importing Flower and its first call; generous, because an emulated processor takes half a minute.
FIRST_CALL_SECONDS = 300.0
# How long Flower may take to end by itself once it is certain that it is of no use any more.
DOOMED_SECONDS = 5.0
# Flower's own limit for a graceful end is 5 s; an attached log stream can hold it for longer.
STOP_SECONDS = 7.0
EXIT_RESTART = 75  # "temporary failure": systemd starts us afresh
EXIT_PLAN = 78  # "configuration error"
FLEET = "/flwr.proto.Fleet/"
KEPT = ("FLOWER_CONTEXT_ROOT", "INVOCATION_ID", "JOURNAL_STREAM")


def say(priority, text):
    """One journal line per line of text; 3 error, 4 warning, 5 notice, 6 information."""
    sys.stderr.write("".join(f"<{priority}>{line}\n" for line in text.splitlines() if line.strip()))
    sys.stderr.flush()


# --- the plan ---------------------------------------------------------------------------------------------------------

TEXT, TEXTS, MAPPING, NUMBER = "text", "a list of text", "an object of text values", "a number"


def fits(value, kind):
    if kind == TEXT:
        return isinstance(value, str) and value != ""
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) and "\0" not in item for item in value)
    if kind == MAPPING:
        return isinstance(value, dict) and all(isinstance(item, str) and "\0" not in item for item in value.values())
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def faults_of(plan):
    """Everything that is wrong with a plan, as sentences."""
    if not isinstance(plan, dict):
        return ["it is not an object"]
    wanted = {"flower_version": TEXT, "program": TEXT, "argv": TEXTS, "environment": MAPPING, "workdir": TEXT}
    wanted |= {"link_file": TEXT}
    if "silence_seconds" in plan:
        wanted["silence_seconds"] = NUMBER
    faults = [f"'{name}' is not {kind}" for name, kind in wanted.items() if not fits(plan.get(name), kind)]
    if plan.get("version") != 1:
        faults.append("'version' is not 1")
    if plan.get("role") not in ("superlink", "supernode"):
        faults.append("'role' is neither superlink nor supernode")
    elif plan.get("program") != f"flower-{plan['role']}":
        faults.append("'program' does not fit 'role'")
    for side in ("server", "client"):
        options = plan.get("grpc", {}).get(side) if isinstance(plan.get("grpc"), dict) else None
        if not isinstance(options, list) or not all(is_option(option) for option in options):
            faults.append(f"'grpc.{side}' is not a list of [name, whole number]")
    fleet = plan.get("fleet")
    if fleet is None:
        if plan.get("role") == "superlink":
            faults.append("'fleet' is missing")
    elif not isinstance(fleet, dict) or not fits(fleet.get("listen"), TEXT):
        faults.append("'fleet.listen' is not text")
    elif fleet.get("credentials") is not None:
        files = fleet["credentials"]
        for name in ("certificate", "key", "ca"):
            if not isinstance(files, dict) or not fits(files.get(name), TEXT):
                faults.append(f"'fleet.credentials.{name}' is not text")
    return faults


def is_option(option):
    return (
        isinstance(option, list)
        and len(option) == 2
        and isinstance(option[0], str)
        and option[0].startswith("grpc.")
        and isinstance(option[1], int)
        and not isinstance(option[1], bool)
    )


def read_plan(path):
    """The plan and the checksum of its bytes; ends the process when it cannot be used."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        plan = json.loads(content)
    except OSError as error:
        raise Unusable(f"cannot read the launch plan {path}: {error.strerror}") from None
    except ValueError as error:
        raise Unusable(f"the launch plan {path} is not JSON: {error}") from None
    faults = faults_of(plan)
    if faults:
        raise Unusable("\n".join(f"the launch plan {path} cannot be used: {fault}" for fault in faults))
    return plan, hashlib.sha256(content).hexdigest()


class Unusable(Exception):
    """What we were told to start cannot be started."""


# --- telling systemd and the agent ------------------------------------------------------------------------------------


class Systemd:
    """sd_notify without its library. Takes the socket out of the environment: children must not speak for us."""

    def __init__(self, environment):
        self.address = environment.pop("NOTIFY_SOCKET", "")
        if self.address.startswith("@"):
            self.address = "\0" + self.address[1:]
        microseconds, pid = environment.pop("WATCHDOG_USEC", "0"), environment.pop("WATCHDOG_PID", "")
        ours = pid in ("", str(os.getpid()))
        self.watchdog_seconds = int(microseconds) / 2e6 if ours and microseconds.isdigit() else 0.0
        for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
            environment.pop(name, None)

    def tell(self, *assignments):
        if not self.address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
                notify.sendto("\n".join(assignments).encode(), self.address)
        except OSError as error:
            say(4, f"systemd could not be told: {error}")


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


def why_lost(method, code, details, target):
    """Why a failed Fleet call means that the link is lost, as half a sentence; None when the SuperLink did answer."""
    if code == "DEADLINE_EXCEEDED":
        return f"{target} did not answer in time"
    if code == "UNAUTHENTICATED":
        if "timestamp" in details.lower():
            return (
                "it refuses this node's timestamps: the clock of this VM is more than 5 s ahead of the SuperLink's, or more "
                "than 305 s behind it; synchronise the clocks of both"
            )
        if "node id" in details.lower():
            return "it does not know this node any more (it was started with a new database)"
        return f"it refuses this node: {details}"
    if code != "UNAVAILABLE":
        # Anything else is an answer. It is the end of the link only where Flower asks to be let in.
        return f"it refuses this node: {code} {details}".strip() if method in LETS_IN and code != "OK" else None
    for sign, meaning in UNAVAILABLE_SIGNS:
        if sign in details:
            return meaning.format(target=target)
    return f"{target} is not reachable: {details.split('last error: ')[-1][:300]}"


LETS_IN = ("RegisterNode", "ActivateNode")

# What gRPC's text holds -> what it means. Seen with grpcio 1.85; the first that fits is taken.
UNAVAILABLE_SIGNS = (
    ("certificate has expired", "the certificate shown at {target} has expired (or a clock is wrong)"),
    ("certificate is not yet valid", "the certificate shown at {target} is not valid yet (or a clock is wrong)"),
    ("CERTIFICATE_VERIFY_FAILED", "the certificate shown at {target} is not signed by the CA this node trusts"),
    ("Hostname Verification", "the certificate shown at {target} does not name this address; see FL_CERT_EXTRA_SAN"),
    ("WRONG_VERSION_NUMBER", "{target} does not speak TLS, and this node does; see FL_TLS_ENABLED"),
    ("handshake failed", "the TLS handshake with {target} failed"),
    ("Connection refused", "nothing listens at {target} (connection refused)"),
    ("ping timeout", "the path to {target} went silent (no answer to a keepalive ping)"),
    ("keepalive", "the path to {target} went silent (no answer to a keepalive ping)"),
    ("Connection timed out", "the path to {target} went silent (connection timed out)"),
    ("hostname lookup", "the name in {target} does not resolve"),
    ("No route to host", "there is no route to {target}"),
    ("Network is unreachable", "there is no route to {target}"),
    ("Socket closed", "{target} closed the connection"),
)


# --- inside Flower's process ------------------------------------------------------------------------------------------


def normalised(address):
    host, _, port = address.rpartition(":")
    host = host.strip("[]").lower()
    try:
        host = ipaddress.ip_address(host).compressed
    except ValueError:
        pass
    return host, port


def merged(options, ours):
    """gRPC options with ours in force: another value for the same name is taken out."""
    names = {name for name, _ in ours}
    return [(name, value) for name, value in options or [] if name not in names] + [tuple(pair) for pair in ours]


def as_json(options):
    return [[name, value if isinstance(value, (int, str)) else str(value)] for name, value in options]


def alter_grpc(plan, link):
    """Puts the plan's options into every channel and server made from now on, and watches the Fleet API's."""
    import grpc

    new_server, secure, insecure = grpc.server, grpc.secure_channel, grpc.insecure_channel
    fleet = plan["fleet"]

    def server(*args, options=None, **kwargs):
        options = merged(options, plan["grpc"]["server"])
        made = new_server(*args, options=options, **kwargs)
        add_secure, add_insecure, start = made.add_secure_port, made.add_insecure_port, made.start
        is_fleet = False

        def noticed(address):
            nonlocal is_fleet
            if fleet and normalised(address) == normalised(fleet["listen"]):
                is_fleet = True
                link.grpc["server"] = as_json(options)
            return is_fleet

        def add_secure_port(address, credentials):
            if noticed(address) and fleet["credentials"]:
                credentials = server_credentials(grpc, fleet["credentials"])
            return add_secure(address, credentials)

        def add_insecure_port(address):
            noticed(address)
            return add_insecure(address)

        def started():
            start()
            if is_fleet:
                link.serving()

        made.add_secure_port, made.add_insecure_port, made.start = add_secure_port, add_insecure_port, started
        return made

    class FleetCalls(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, client_call_details, request):
            method = client_call_details.method
            method = method.decode() if isinstance(method, bytes) else method
            if not method.startswith(FLEET):
                return continuation(client_call_details, request)
            link.call_begins()
            code, details, response = "CANCELLED", "", None
            try:
                call = continuation(client_call_details, request)
                code, details = call.code().name, call.details() or ""
                response = call.result() if code == "OK" else None
                return call
            finally:
                link.call_ends(method[len(FLEET) :], code, details, response)

    def watched(make):
        def channel(target, *args, options=None, **kwargs):
            options = merged(options, plan["grpc"]["client"])
            made = make(target, *args, options=options, **kwargs)
            if plan["role"] != "supernode":
                return made
            link.target, link.grpc["client"] = target, as_json(options)
            return grpc.intercept_channel(made, FleetCalls())

        return channel

    grpc.server, grpc.secure_channel, grpc.insecure_channel = server, watched(secure), watched(insecure)


def server_credentials(grpc, files):
    def content(name):
        try:
            with open(files[name], "rb") as file:
                return file.read()
        except OSError as error:
            raise Unusable(f"cannot read the Fleet API's {name} {files[name]}: {error.strerror}") from None

    pair = (content("key"), content("certificate"))
    return grpc.ssl_server_credentials((pair,), root_certificates=content("ca"), require_client_auth=False)


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


def end(link, status, detail):
    """Leaves at once. Flower's own threads can hold a normal exit for ever."""
    link.enter("ended", detail)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(status)


def verdict(link, status):
    """Exit status and sentence for a Flower that ended with `status` (0 also when it just returned)."""
    if link.stop_asked_at is not None:
        return 0, "stopped as asked"
    why = link.detail if link.phase == "lost" else link.last_error
    why = f": {why}" if why else ""
    if status == 0:
        return EXIT_RESTART, f"Flower ended as if all were well (status 0), but nobody asked it to{why}"
    return status, f"Flower ended with status {status}{why}"


def main():
    root = os.environ.get("FLOWER_CONTEXT_ROOT", "").rstrip("/")
    plan, checksum = read_plan(sys.argv[1] if len(sys.argv) > 1 else f"{root}/run/flower-context/plan.json")

    environment = dict(os.environ)
    systemd = Systemd(environment)
    os.environ.clear()
    os.environ.update({name: environment[name] for name in KEPT if name in environment} | plan["environment"])
    os.umask(0o027)
    try:
        os.chdir(plan["workdir"])
    except OSError as error:
        raise Unusable(f"cannot enter {plan['workdir']}: {error.strerror}") from None

    program, version = plan["program"], plan["flower_version"]
    try:
        found = importlib.metadata.version("flwr")
    except importlib.metadata.PackageNotFoundError:
        raise Unusable(f"there is no Flower in the environment {sys.prefix}") from None
    if found != version:
        raise Unusable(f"the plan is for Flower {version}, but {sys.prefix} has {found}")
    entries = importlib.metadata.entry_points(group="console_scripts", name=program)
    if not entries:
        raise Unusable(f"Flower {found} has no program {program}")

    link = Link(plan, checksum, systemd)
    link.enter("starting", f"starting {program} {version}")
    watch_signals(link)
    watch_threads(link)
    alter_grpc(plan, link)
    if plan["role"] == "superlink":
        hold_for_uvicorn(link)
    threading.Thread(target=watch, args=(link,), name="flower-launch", daemon=True).start()

    sys.argv = [os.path.join(os.path.dirname(sys.executable), program), *plan["argv"]]
    status = 0
    try:
        run = next(iter(entries)).load()
        alter_logging(link)
        run()
    except Unusable as problem:
        say(3, f"flower-launch: {problem}")
        end(link, EXIT_PLAN, str(problem))
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        if isinstance(leaving.code, str):
            say(3, leaving.code)
            link.last_error = leaving.code
    except KeyboardInterrupt:
        status = 130
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ends here and must be told
        sys.excepthook(type(error), error, error.__traceback__)
        status, link.last_error = 1, f"{type(error).__name__}: {error}"
    end(link, *verdict(link, status))


if __name__ == "__main__":
    try:
        main()
    except Unusable as problem:
        say(3, f"flower-launch: {problem}")
        sys.exit(EXIT_PLAN)
