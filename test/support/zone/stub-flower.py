"""Stands in for Flower where a test is not about Flower: up in 50 ms instead of a second, and it obeys $STUB_FLOWER.

Takes the place of the virtual environment's python, so it is started by the real unit with the real launch plan, and
does what the launcher and Flower do together as seen from outside: a Fleet API that speaks TLS and HTTP/2 and answers
every unsigned call UNAUTHENTICATED, or a SuperNode that is "accepted" once it has spoken to one; link file, sd_notify, SIGTERM.

STUB_FLOWER: `exit STATUS TEXT` (ends at once), `deaf` (never serves, never accepted), `mute` (says that it serves, but
nothing answers), `lost TEXT` (says why it is not accepted, in the link file).
"""

import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import sys
import threading
import time

root = os.environ.get("FLOWER_CONTEXT_ROOT", "")
path = f"{root}/run/flower-context/plan.json"
while not os.path.exists(path):
    time.sleep(0.01)
with open(path, "rb") as file:
    content = file.read()
plan = json.loads(content)
since = {}


def argument(name):
    argv = plan["argv"]
    return argv[argv.index(name) + 1] if name in argv else None


def notify(text):
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        to.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)
        to.close()


def link(phase, detail, node_id=None):
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    document = {
        "version": 1,
        "pid": os.getpid(),
        "plan": hashlib.sha256(content).hexdigest(),
        "phase": phase,
        "since": now,
        "node_id": node_id,
        "detail": detail,
        "grpc": plan["grpc"],
    }
    path = plan["link_file"]
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(document, file)
    os.replace(path + ".new", path)
    good = phase in ("serving", "accepted")
    notify(f"READY=1\nSTATUS={detail}" if good else f"STATUS={detail}")
    print(f"stub: {phase}: {detail}", flush=True)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def plain_header(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


UNAUTHENTICATED = b"\x88" + plain_header(b"content-type", b"application/grpc") + plain_header(b"grpc-status", b"16")
HEADERS, SETTINGS, PING, ACK, END = 1, 4, 6, 1, 5
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def frames(connection):
    while True:
        head = exactly(connection, 9)
        payload = exactly(connection, int.from_bytes(head[:3], "big"))
        yield head[3], head[4], int.from_bytes(head[5:9], "big"), payload


def serve_one(connection, tls):
    try:
        connection = tls.wrap_socket(connection, server_side=True) if tls else connection
        exactly(connection, len(PREFACE))
        connection.sendall(frame(SETTINGS, 0, 0))
        for kind, flags, stream, payload in frames(connection):
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                connection.sendall(frame(PING, ACK, 0, payload))
            elif kind == HEADERS:
                connection.sendall(frame(HEADERS, END, stream, UNAUTHENTICATED))
    except (OSError, ConnectionError):
        pass
    finally:
        connection.close()


def listen_beside():
    """The listeners that Flower has besides the Fleet API; nobody talks to them here."""
    beside = [argument("--control-api-address"), argument("--serverappio-api-address"), argument("--clientappio-api-address")]
    if argument("--host"):
        beside.append(f"{argument('--host')}:{argument('--port')}")
    for address in filter(None, beside):
        host, _, port = address.rpartition(":")
        open_listeners.append(socket.create_server((host.strip("[]"), int(port))))


def superlink():
    address, _, port = plan["fleet"]["listen"].rpartition(":")
    tls = None
    if "--insecure" not in plan["argv"]:
        shown = plan["fleet"]["credentials"] or {"certificate": argument("--ssl-certfile"), "key": argument("--ssl-keyfile")}
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(shown["certificate"], shown["key"])
        tls.set_alpn_protocols(["h2"])
    try:
        listener = socket.create_server((address.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError as error:
        print(f"Port in server address {plan['fleet']['listen']} is already in use. ({error})", file=sys.stderr)
        sys.exit(3)
    link("serving", f"the Fleet API listens on {plan['fleet']['listen']}")
    while True:
        threading.Thread(target=serve_one, args=(listener.accept()[0], tls), daemon=True).start()


def supernode():
    host, _, port = argument("--superlink").rpartition(":")
    while True:
        try:
            connection = socket.create_connection((host.strip("[]"), int(port)), timeout=5)
            connection.settimeout(None)
            if "--insecure" not in plan["argv"]:
                tls = ssl.create_default_context(cafile=argument("--root-certificates"))
                tls.set_alpn_protocols(["h2"])
                connection = tls.wrap_socket(connection, server_hostname=host.strip("[]"))
            connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
            for kind, flags, _stream, _payload in frames(connection):
                if kind == SETTINGS and not flags & ACK:
                    connection.sendall(frame(SETTINGS, ACK, 0))
                    link("accepted", f"accepted by {host}:{port}", "1234567890123456789")
        except (OSError, ConnectionError) as error:
            link("lost", f"{host}:{port}: {error}")
            time.sleep(0.2)


signal.signal(signal.SIGTERM, lambda *_: (link("ended", "asked to end"), os._exit(0)))
link("starting", "starting")
order, *words = os.environ.get("STUB_FLOWER", "").split(" ", 2)
if order == "exit":
    print(words[1] if len(words) > 1 else "stub: told to end", file=sys.stderr)
    sys.exit(int(words[0]))
if order == "mute":
    link("serving", "the Fleet API listens, as I believe")
if order == "lost":
    link("lost", " ".join(words))
if order in ("deaf", "mute", "lost"):
    while True:
        signal.pause()
open_listeners = []
listen_beside()
superlink() if plan["role"] == "superlink" else supernode()
