"""The listener of the Fleet API of a SuperLink from Flower 1.40 on.

Flower has one HTTP listener for its Fleet, Control and Runtime APIs, and asks nobody who he is: who reaches it can start runs,
so he can run code as Flower's user. Flower's own listener therefore stays on the address of the Control API. This one is
opened by the launcher in the same process, and passes nothing but the calls of SuperNodes (docs/facts.md, "http-fleet").
"""

import asyncio
import contextlib
import http.client
import inspect
import os
import socket
import ssl
import time

from .ending import end
from .fleet_calls import CALLS
from .plan import EXIT_PLAN, Unusable
from .progress import Answers
from .systemd import log
from .tcp import in_force, is_wildcard, listening, parsed

# The least that shows a node. Without it nothing that is large has to be read.
SIGNED = (b"flwr-public-key", b"flwr-timestamp", b"flwr-signature")
LARGEST_UNSIGNED = 64 * 1024
# Refused requests are reported as often at most.
REPORT_SECONDS = 60.0
TCP_LISTEN = "0A"


class OnlyFleet:
    """ASGI: passes POST of exactly the calls of a SuperNode to Flower's application, and answers 404 to everything else, as
    if there were nothing: never 403. Bodies have a limit, and are not collected here."""

    def __init__(self, application, largest_body):
        self.application, self.largest_body = application, largest_body
        self.reported_at = float("-inf")

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in CALLS:
            await answer(send, 404, b"Not Found")
            return
        headers = dict(scope["headers"])
        most = self.largest_body if all(headers.get(name) for name in SIGNED) else LARGEST_UNSIGNED
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > most:
            await self.refuse(scope, send, int(length), most)
            return
        await self.pass_on(scope, receive, send, most)

    async def pass_on(self, scope, receive, send, most):
        got, refused = 0, False

        async def counted():
            nonlocal got, refused
            message = await receive()
            got += len(message.get("body", b""))
            if got > most and not refused:
                refused = True
                await self.refuse(scope, send, got, most)
            # Flower ends its work on a request whose client is gone.
            return {"type": "http.disconnect"} if refused else message

        async def forward(message):
            if not refused:
                await send(message)

        try:
            await self.application(scope, counted, forward)
        except Exception:
            if not refused:
                raise

    async def refuse(self, scope, send, size, most):
        now = time.monotonic()
        if now - self.reported_at >= REPORT_SECONDS:
            self.reported_at = now
            client = scope.get("client") or ("?", 0)
            log(
                4,
                f"flower-launch: refused a request of {client[0]} to the Fleet API ({scope['path']}, at least {size} bytes) "
                f"with HTTP 413: at most {most} bytes are accepted; divide what is sent into smaller arrays",
            )
        await answer(send, 413, b"Content Too Large")


async def answer(send, status, text):
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def open_fleet_listener(plan, state, awake):
    """Binds the address of the Fleet API now, and lets Flower's HTTP server open a second listener there."""
    import uvicorn

    fleet, argv = plan["fleet"], plan["argv"]
    files = tls_files(plan)
    options = plan["options"]["server"]
    try:
        listener = listening(fleet["listen"], options)
        # Read now: a missing file is named in the error, where Flower would show a traceback.
        context = server_context(files)
    except (OSError, ssl.SSLError) as error:
        raise Unusable(f"cannot open the Fleet API at {fleet['listen']}: {error.strerror or error}") from None
    expect_parts_of(uvicorn)
    answers = Answers(awake, state.silence_seconds, asker(fleet, files))
    startup, shutdown = uvicorn.Server.startup, uvicorn.Server.shutdown
    own = control = loop = None

    async def started(self, *args, **kwargs):
        nonlocal own, control, loop
        if self is own:
            await startup(self, *args, **kwargs)
            return
        unexpected = "a second HTTP server" if control else what_is_unexpected(self.config, argv)
        if unexpected:
            end(state, EXIT_PLAN, differs(unexpected))
        control = self
        state.listener_opens()
        await startup(self, *args, **kwargs)
        if not self.started:
            return
        own = uvicorn.Server(
            uvicorn.Config(
                OnlyFleet(self.config.app, fleet["largest_body"]),
                # h11 limits the head of a request, httptools does not.
                http="h11",
                ws="none",
                lifespan="off",
                # No header of a client names another one.
                proxy_headers=False,
                # There would be a line for each poll.
                access_log=False,
                log_config=None,
            )
        )
        own.config.load()
        own.config.ssl = context
        own.lifespan = own.config.lifespan_class(own.config)
        await own.startup(sockets=[listener])
        loop = asyncio.create_task(own.main_loop())
        others = unexpected_listeners([listener, *(sock for server in self.servers for sock in server.sockets)])
        if others:
            end(state, EXIT_PLAN, differs(f"it listens at {', '.join(others)} too"))
        state.options["server"] = in_force(listener, options)
        state.listener_is_open()
        state.fleet_api_is_open(answers)

    async def stopped(self, *args, **kwargs):
        if self is control and own is not None:
            own.should_exit = True
            await asyncio.gather(shutdown(own, sockets=[listener]), shutdown(self, *args, **kwargs))
            loop.cancel()
        else:
            await shutdown(self, *args, **kwargs)

    uvicorn.Server.startup, uvicorn.Server.shutdown = started, stopped


def differs(what):
    return (
        f"Flower differs from what this package expects of it: {what}; it is not started, because its Control API could be "
        "open to others; use a version of Flower that this package knows"
    )


def expect_parts_of(uvicorn):
    """Raises Unusable when the HTTP server has not the parts that are used here."""
    wanted = {"startup": "sockets", "shutdown": "sockets", "main_loop": None}
    for name, argument in wanted.items():
        method = getattr(uvicorn.Server, name, None)
        if not inspect.iscoroutinefunction(method) or (argument and argument not in inspect.signature(method).parameters):
            raise Unusable(differs(f"uvicorn.Server has no {name}({argument or ''})"))


def what_is_unexpected(config, argv):
    """How Flower's server is not as its arguments say, as a clause; None when it is."""
    host, port = argv[argv.index("--host") + 1], int(argv[argv.index("--port") + 1])
    if (config.host, config.port) != (host, port) or config.uds is not None or config.fd is not None:
        return f"its HTTP server is for {config.host}:{config.port}, not for {host}:{port}"
    try:
        paths = config.app.openapi()["paths"]
    except Exception as error:
        return f"its HTTP application does not list its paths ({error!r})"
    missing = sorted(path for path in CALLS if "post" not in paths.get(path, {}))
    return f"it has no {', '.join(missing)}" if missing else None


def unexpected_listeners(wanted):
    """Addresses at which this process accepts TCP connections besides these sockets, as the kernel lists them."""
    mine = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            mine.add(os.readlink(f"/proc/self/fd/{name}"))
    expected = {os.readlink(f"/proc/self/fd/{sock.fileno()}") for sock in wanted}
    found = []
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        with contextlib.suppress(OSError), open(table, encoding="ascii") as lines:
            for line in list(lines)[1:]:
                _, local, _, status, *rest = line.split()
                inode = f"socket:[{rest[5]}]"
                if status == TCP_LISTEN and inode in mine and inode not in expected:
                    found.append(f"port {int(local.rpartition(':')[2], 16)}")
    return found


def tls_files(plan):
    """Certificate, key and CA of the listener; None in plaintext."""
    argv = plan["argv"]
    if plan["fleet"]["credentials"]:
        return plan["fleet"]["credentials"]
    if "--insecure" in argv:
        return None
    names = {"certificate": "--ssl-certfile", "key": "--ssl-keyfile", "ca": "--ssl-ca-certfile"}
    return {name: argv[argv.index(argument) + 1] for name, argument in names.items()}


def server_context(files):
    if files is None:
        return None
    for name in ("certificate", "key"):
        try:
            with open(files[name], "rb"):
                pass
        except OSError as error:
            raise Unusable(f"cannot read the Fleet API's {name} {files[name]}: {error.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["certificate"], files["key"])
    return context


def asker(fleet, files):
    """A function that calls the Fleet API where it listens, within the seconds it gets, and returns whether it was answered."""
    host, port = parsed(fleet["listen"])
    if is_wildcard(host):
        host = "127.0.0.1"
    context = ssl.create_default_context(cafile=files["ca"]) if files else None
    warned = False

    def ask(seconds):
        nonlocal warned
        try:
            with contextlib.closing(socket.create_connection((host, port), seconds)) as raw:
                sock = context.wrap_socket(raw, server_hostname=fleet.get("name", host)) if context else raw
                connection = http.client.HTTPConnection(host, port, timeout=seconds)
                connection.sock = sock
                connection.request("POST", ASKED, b"", {"content-type": "application/protobuf"})
                connection.getresponse().read()
        except ssl.SSLCertVerificationError as error:
            # An expired certificate, or a wrong clock, is no reason to end a Flower that serves.
            if not warned:
                log(4, f"flower-launch: the certificate of the Fleet API at {host}:{port} cannot be verified: {error}")
            warned = True
        except (OSError, http.client.HTTPException):
            return False
        return True

    return ask


# The server does nothing at this call: it lacks the headers of a node (src/flower/probe.ts).
ASKED = "/v1/fleet/pull-messages"
