"""A gRPC connection that makes one call and then none: only keepalive speaks on it. Flower's own Python runs this.

Usage: idle-client.py ADDRESS CA-FILE SECONDS OPTIONS-JSON; prints the channel's states, one per line, then `done`.
"""

import json
import sys
import time

import grpc

address, ca, seconds, options = sys.argv[1], sys.argv[2], float(sys.argv[3]), json.loads(sys.argv[4])
with open(ca, "rb") as file:
    credentials = grpc.ssl_channel_credentials(file.read())
channel = grpc.secure_channel(address, credentials, options=[tuple(option) for option in options])
channel.subscribe(lambda state: print(state.name, flush=True))
try:
    channel.unary_unary("/flwr.proto.Fleet/PullMessages")(b"", timeout=60)
except grpc.RpcError as error:
    print("answered", error.code().name, flush=True)
time.sleep(seconds)
print("done", flush=True)
