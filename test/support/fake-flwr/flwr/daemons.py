"""The two daemons, as seen from outside: their listeners, their calls to the Fleet API, their end. They train nothing.

$FLOWER_CONTEXT_ROOT/etc/fake-flwr is read again and again (the launcher leaves us no other variable of a test):

    hang                  does nothing at all as long as it says so
    exit STATUS TEXT      ends, with this text on stderr
    mute                  the SuperLink accepts calls and answers none
    foreign               the SuperLink answers as a gRPC server without a Fleet API
    refuse STATUS TEXT    the SuperLink answers nodes with this status of gRPC
    stay                  the SuperNode tries again when it is refused, where Flower ends
    busy                  its start takes as long as it says so, and uses the processor
    sleep                 the main thread does nothing any more
    lock                  the main thread never gives up Python's lock
    child                 it starts a SuperExec that does nothing
    work                  the SuperNode has got a message and works on it
"""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace

import grpc

FLEET = "/flwr.proto.Fleet/"
# Of a call by our SuperNode. Real ones are known by their signature, which is not made here.
NODE = "fake-flwr-node"
PAUSE_SECONDS = 0.1
# gRPC waits a second before it dials again, and longer each time.
DIAL_AGAIN = [(f"grpc.{which}_reconnect_backoff_ms", 100) for which in ("initial", "min", "max")]


def read_order():
    """The first word of the file, and the rest as at most two words; empty texts when there is none."""
    try:
        with open(os.path.join(os.environ["FLOWER_CONTEXT_ROOT"], "etc/fake-flwr"), encoding="utf-8") as file:
            words = file.read().strip().split(" ", 2)
    except FileNotFoundError:
        words = []
    return (words + ["", "", ""])[:3]


def pause():
    """A pause in which orders to hang or to end are obeyed."""
    while True:
        order, status, text = read_order()
        if order == "exit":
            print(text, file=sys.stderr, flush=True)
            sys.exit(int(status))
        if order == "sleep":
            time.sleep(1e6)
        if order == "lock":
            ctypes.PyDLL(None).sleep(1_000_000)
        time.sleep(PAUSE_SECONDS)
        if order != "hang":
            return


def argument(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def content(name):
    with open(argument(name), "rb") as file:
        return file.read()


def listen(address):
    """A listener to which nobody talks; also the look at a port that Flower takes before it opens it."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        return socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:
        sys.exit(f"Port in server address {address} is already in use.")


def start():
    """What both do first. The listeners for Flower's own child processes, to be kept."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    while read_order()[0] == "busy":
        sum(range(100_000))
    if read_order()[0] in ("hang", "exit", "sleep"):
        pause()
    if read_order()[0] == "child":
        waits = "import os, sys, time\nwhile os.getppid() == int(sys.argv[1]): time.sleep(0.2)"
        subprocess.Popen(["flower-superexec", "-c", waits, str(os.getpid())], executable=sys.executable)
    names = ("--control-api-address", "--serverappio-api-address", "--clientappio-api-address")
    beside = [argument(name) for name in names]
    if argument("--host"):
        beside.append(f"{argument('--host')}:{argument('--port')}")
    return [listen(address) for address in beside if address]


class Fleet(grpc.GenericRpcHandler):
    def service(self, details):
        if not details.method.startswith(FLEET) or read_order()[0] == "foreign":
            return None
        metadata = dict(details.invocation_metadata)
        return grpc.unary_unary_rpc_method_handler(lambda _request, context: self.answer(metadata, context))

    def answer(self, metadata, context):
        """In the order in which Flower judges a call."""
        order, status, text = read_order()
        if order == "mute":
            threading.Event().wait()
        if "flwr-timestamp" not in metadata:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Missing authentication metadata")
        age = datetime.now(UTC) - datetime.fromisoformat(metadata["flwr-timestamp"])
        if not -5 < age.total_seconds() < 305:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid timestamp")
        if NODE not in metadata:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Invalid node ID")
        if order == "refuse":
            context.abort(grpc.StatusCode[status], text)
        return metadata[NODE].encode()


def superlink():
    kept = start()
    address = argument("--fleet-api-address")
    listen(address).close()
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Fleet(),))
    if "--insecure" in sys.argv:
        server.add_insecure_port(address)
    else:
        pair = (content("--ssl-keyfile"), content("--ssl-certfile"))
        server.add_secure_port(address, grpc.ssl_server_credentials((pair,), content("--ssl-ca-certfile"), False))
    server.start()
    while kept:
        pause()


def supernode():
    kept = start()
    address = argument("--superlink")
    if "--insecure" in sys.argv:
        channel = grpc.insecure_channel(address, options=DIAL_AGAIN)
    else:
        trust = grpc.ssl_channel_credentials(content("--root-certificates"))
        channel = grpc.secure_channel(address, trust, options=DIAL_AGAIN)
    name = str(random.getrandbits(63))
    call(channel, "RegisterNode", name)
    call(channel, "ActivateNode", name)
    while kept:
        call(channel, "PullMessages", name)
        while read_order()[0] == "work":
            call(channel, "SendNodeHeartbeat", name)
            time.sleep(PAUSE_SECONDS)
        pause()


class RetryInvoker:
    """What is tried again and what is not is Flower's choice. The launcher watches this class of Flower."""

    def invoke(self, ask, name):
        tries = 0
        while True:
            tries += 1
            try:
                return ask(b"", metadata=(("flwr-timestamp", datetime.now(UTC).isoformat()), (NODE, name)))
            except grpc.RpcError as error:
                if error.code() == grpc.StatusCode.UNAUTHENTICATED:
                    if read_order()[0] != "stay":
                        os.kill(os.getpid(), signal.SIGINT)
                elif error.code() != grpc.StatusCode.UNAVAILABLE or "handshake failed" in error.details().lower():
                    raise
                elif tries > int(argument("--max-retries") or tries):
                    raise
            pause()


def call(channel, method, name):
    """Returns once it was answered well."""

    def read(text):
        messages = ["train"] if method == "PullMessages" and read_order()[0] == "work" else []
        return SimpleNamespace(node_id=int(text), messages_list=messages)

    return RetryInvoker().invoke(channel.unary_unary(FLEET + method, response_deserializer=read), name)
