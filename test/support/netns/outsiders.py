"""Raw requests to a listener with TLS, as somebody makes them who keeps no rule of HTTP.

Usage: outsiders.py HOST PORT CA-FILE, standard input: JSON.
{"requests": ["bytes as latin-1", ...]}   prints a list of what came back until the end of each connection, as latin-1.
{"hold": [{"first": "bytes", "later": "bytes", "tls": true, "times": 100}, ...]}   opens `times` connections of each kind,
sends `first`, and `later` each half second; prints `open`, and then for each kind how many ended and the seconds until the last
one did, once all have ended or a line came.
"""

import json
import select
import socket
import ssl
import sys
import time

host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context(cafile=ca)
ANSWER_SECONDS = 30


def connect(tls=True):
    raw = socket.create_connection((host, port), ANSWER_SECONDS)
    return context.wrap_socket(raw, server_hostname=host) if tls else raw


def answer(request):
    sock = connect()
    got = b""
    try:
        sock.sendall(request.encode("latin-1"))
        while chunk := sock.recv(65536):
            got += chunk
    except OSError as error:
        got += f"\n[{type(error).__name__}: {error}]".encode()
    sock.close()
    return got.decode("latin-1")


def hold(kinds):
    held = []
    for number, kind in enumerate(kinds):
        for _ in range(kind["times"]):
            sock = connect(kind.get("tls", True))
            sock.sendall(kind.get("first", "").encode("latin-1"))
            sock.setblocking(False)
            held.append([number, sock, time.monotonic()])
    print("open", flush=True)
    ended = [[0, 0.0] for _ in kinds]
    while held:
        for entry in list(held):
            number, sock, since = entry
            try:
                if kinds[number].get("later"):
                    sock.send(kinds[number]["later"].encode("latin-1"))
                over = sock.recv(4096) == b""
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                over = False
            except OSError:
                over = True
            if over:
                held.remove(entry)
                count, last = ended[number]
                ended[number] = [count + 1, max(last, time.monotonic() - since)]
        if select.select([sys.stdin], [], [], 0.5)[0]:
            break
    print(json.dumps(ended))


order = json.loads(sys.stdin.readline())
if "hold" in order:
    hold(order["hold"])
else:
    print(json.dumps([answer(request) for request in order["requests"]]))
