"""The listener of the Fleet API of a SuperLink from Flower 1.40 on.

Flower has one HTTP listener for its Fleet, Control and Runtime APIs, and asks nobody who he is: who reaches it can start runs,
so he can run code as Flower's user. Flower's own listener therefore stays on the address of the Control API. This one is
opened by the launcher in the same process, and passes nothing but the calls of SuperNodes (docs/facts.md, "http-fleet").
"""

import asyncio
import contextlib
import http.client
import inspect
import ipaddress
import logging
import os
import socket
import ssl
import time

from .channels import content
from .ending import end
from .fleet_calls import CALLS
from .plan import EXIT_PLAN, Unusable
from .progress import Answers
from .systemd import log
from .tcp import in_force, is_wildcard, listening, parsed

# The least that shows a node. Without it nothing that is large has to be read.
SIGNED = (b"flwr-public-key", b"flwr-timestamp", b"flwr-signature")
# Besides those that begin with flwr-.
PASSED = (b"content-type", b"content-length", b"accept")
LARGEST_UNSIGNED = 64 * 1024
# Refused requests are reported as often at most.
REPORT_SECONDS = 60.0
TCP_LISTEN = "0A"
# From the connection to its first request, and from the first byte of a later request to the end of its head.
HEAD_SECONDS = 20.0
# The sender of a request that is too large has so long to notice the answer before the connection is closed.
LINGER_SECONDS = 5.0
# Connections that others hold open do not delay the end.
STOP_SECONDS = 2


class OnlyFleet:
    """ASGI: passes POST of exactly the calls of a SuperNode to Flower's application, and answers 404 to everything else, as
    if there were nothing: never 403. Bodies have a limit, and are not collected here."""

    def __init__(self, application, largest_body):
        self.application, self.largest_body = application, largest_body
        self.reported_at = float("-inf")

    async def __call__(self, scope, receive, send):
        # The path as it was sent: SuperNodes escape nothing and have no query.
        sent = scope.get("raw_path", b"").decode("latin-1"), scope.get("query_string")
        if scope["type"] != "http" or scope["method"] != "POST" or sent[0] not in CALLS or sent[1]:
            await answer(send, 404, b"Not Found")
            return
        headers = dict(scope["headers"])
        most = self.largest_body if all(headers.get(name) for name in SIGNED) else LARGEST_UNSIGNED
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > most:
            await self.refuse(scope, receive, send, int(length), most)
            return
        # Only what SuperNodes send: no other header of an outsider means anything to Flower.
        passed = [(name, value) for name, value in scope["headers"] if name in PASSED or name.startswith(b"flwr-")]
        await self.pass_on({**scope, "headers": passed}, receive, send, most)

    async def pass_on(self, scope, receive, send, most):
        got, complete, over = 0, False, False

        async def counted():
            nonlocal got, complete, over
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                over = True
                await self.refuse(scope, receive if message.get("more_body") else None, send, got, most)
            over = over or (message["type"] == "http.disconnect" and not complete)
            if over:
                # Flower would write an error line for each of these.
                work.cancel()
                await asyncio.Event().wait()
            complete = not message.get("more_body")
            return message

        async def forward(message):
            if not over:
                await send(message)

        work = asyncio.ensure_future(self.application(scope, counted, forward))
        try:
            await work
        except asyncio.CancelledError:
            if not over:
                raise

    async def refuse(self, scope, receive, send, size, most):
        """`receive`: None when all of the request was received."""
        now = time.monotonic()
        if now - self.reported_at >= REPORT_SECONDS:
            self.reported_at = now
            client = scope.get("client") or ("?", 0)
            log(
                4,
                f"flower-launch: refused a request of {client[0]} to the Fleet API ({scope['path']}, at least {size} bytes) "
                f"with HTTP 413: at most {most} bytes are accepted; divide what is sent into smaller arrays",
            )
        await answer(send, 413, b"Content Too Large", receive)


async def rest_of(receive):
    """Reads the rest of a request and forgets it: a client that is cut off while it sends may not see the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass


async def answer(send, status, text, rest=None):
    """`rest`: receives the rest of a request, to be read before the connection is closed."""
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(text)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": True})
    if rest:
        await rest_of(rest)
    await send({"type": "http.response.body", "body": b""})


def protocol():
    """HTTP of uvicorn, for connections of outsiders."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    errors_only = logging.getLogger("uvicorn.error.fleet")
    errors_only.setLevel(logging.ERROR)

    class Connection(H11Protocol):
        """One without the head of a request ends in time, and none writes a line into the journal for what is not HTTP."""

        limit = None

        def __init__(self, *args, **named):
            super().__init__(*args, **named)
            self.logger = errors_only

        def connection_made(self, transport):
            super().connection_made(transport)
            self.expect_head()

        def data_received(self, data):
            # What comes behind an error is not looked at.
            if not self.transport.is_closing():
                super().data_received(data)
                self.expect_head()

        def connection_lost(self, error):
            self.forget_limit()
            super().connection_lost(error)

        def expect_head(self):
            if self.conn.their_state is not h11.IDLE:
                self.forget_limit()
            elif self.limit is None:
                self.limit = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

        def forget_limit(self):
            if self.limit is not None:
                self.limit.cancel()
                self.limit = None

    return Connection


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
    except OSError as error:
        raise Unusable(cannot_open(fleet, error)) from None
    expect_parts_of(uvicorn)
    answers = Answers(awake, state.silence_seconds, asker(fleet, files))
    startup, shutdown = uvicorn.Server.startup, uvicorn.Server.shutdown
    own = control = loop = None
    guard_addresses(state, control_address(argv))

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
                http=protocol(),
                ws="none",
                lifespan="off",
                # No header of an outsider names another client.
                proxy_headers=False,
                # There would be a line for each poll.
                access_log=False,
                log_config=None,
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        own.config.load()
        own.config.ssl = context
        own.lifespan = own.config.lifespan_class(own.config)
        try:
            await own.startup(sockets=[listener])
        except OSError as error:
            end(state, EXIT_PLAN, cannot_open(fleet, error))
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


def cannot_open(fleet, error):
    return f"cannot open the Fleet API at {fleet['listen']}: {error.strerror or error}"


def control_address(argv):
    return argv[argv.index("--host") + 1], int(argv[argv.index("--port") + 1])


def guard_addresses(state, control):
    """Ends this process when it is about to take a TCP address that others reach, besides that of the Control API. Libraries
    in C take theirs without Python: `unexpected_listeners` finds them."""
    bind = socket.socket.bind

    def bind_if_expected(sock, address):
        if sock.type == socket.SOCK_STREAM and sock.family in (socket.AF_INET, socket.AF_INET6):
            if tuple(address[:2]) != control and not is_loopback(address[0]):
                end(state, EXIT_PLAN, differs(f"it wants to listen at {address[0] or 'all addresses'}, port {address[1]}"))
        return bind(sock, address)

    socket.socket.bind = bind_if_expected


def is_loopback(host):
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def differs(what):
    return (
        f"Flower differs from what this package expects of it: {what}; it is not started, because its Control API could be "
        "open to others; use a version of Flower that this package knows"
    )


USED_SETTINGS = {"http", "ws", "lifespan", "proxy_headers", "access_log", "log_config", "timeout_graceful_shutdown"}


def expect_parts_of(uvicorn):
    """Raises Unusable when the HTTP server has not the parts that are used here."""
    wanted = {"startup": "sockets", "shutdown": "sockets", "main_loop": None}
    settings = inspect.signature(uvicorn.Config).parameters
    absent = sorted(USED_SETTINGS - settings.keys())
    if absent:
        raise Unusable(differs(f"uvicorn.Config has no {', '.join(absent)}"))
    for name, argument in wanted.items():
        method = getattr(uvicorn.Server, name, None)
        if not inspect.iscoroutinefunction(method) or (argument and argument not in inspect.signature(method).parameters):
            raise Unusable(differs(f"uvicorn.Server has no {name}({argument or ''})"))


def what_is_unexpected(config, argv):
    """How Flower's server is not as its arguments say, as a clause; None when it is."""
    host, port = control_address(argv)
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
        content(name, files[name])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files["certificate"], files["key"])
    except ssl.SSLError as error:
        pair = f"the Fleet API's certificate {files['certificate']} and key {files['key']}"
        raise Unusable(f"cannot use {pair}: {error}") from None
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
