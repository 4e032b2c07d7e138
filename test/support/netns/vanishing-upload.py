"""Begins an upload to a Fleet API over HTTP and sends no more of it. Arguments: HOST PORT CA. Prints its port once the first
bytes are sent, `answered` when the server answers all the same."""

import socket
import ssl
import sys

host, port, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
with context.wrap_socket(socket.create_connection((host, int(port)), 30), server_hostname=host) as sock:
    sock.settimeout(None)
    head = "POST /v1/fleet/push-object HTTP/1.1\r\nhost: superlink\r\ncontent-length: 60000\r\n"
    sock.sendall(head.encode() + b"content-type: application/protobuf\r\n\r\n" + b"x" * 1000)
    print(sock.getsockname()[1], flush=True)
    if sock.recv(1):
        print("answered", flush=True)
