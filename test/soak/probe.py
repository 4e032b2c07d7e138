"""The outside probe of a soak run: what a Flower of its own sees. It uses grpcio and Flower's messages, and nothing of src.

usage: probe.py FLEET CONTROL CA NETNS. FLEET and CONTROL are HOST:PORT, CA a PEM file, NETNS the network namespace of the
SuperLink, in which its Control API listens on the loopback address.

Each second it asks the Fleet API for messages without a signature, over TLS verified with the CA. Flower refuses that with
UNAUTHENTICATED: then it serves. Every two seconds it asks Flower for its list of nodes. Each answer is a line of JSON:
{"fleet": bool, "said": text} or {"nodes": {id: status} or null, "said": text}. It ends when its standard input ends.
"""

import ctypes
import json
import os
import ssl
import sys
import threading
import time
import urllib.request

import grpc
from flwr.proto.control_pb2 import ListNodesRequest, ListNodesResponse

FLEET_SECONDS, FLEET_TIMEOUT = 1.0, 5.0
NODES_SECONDS, NODES_TIMEOUT = 2.0, 10.0
CLONE_NEWNET = 0x40000000

printing = threading.Lock()


def say(**answer):
    with printing:
        print(json.dumps(answer), flush=True)


def each(seconds, ask):
    while True:
        began = time.monotonic()
        ask()
        time.sleep(max(0.05, began + seconds - time.monotonic()))


def fleet(address, ca):
    trust = grpc.ssl_channel_credentials(root_certificates=ca)
    # A channel for each call: an old connection says nothing about new ones. It must not share one with the channel before.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]

    def ask():
        began = time.monotonic()
        with grpc.secure_channel(address, trust, options) as channel:
            call = channel.unary_unary("/flwr.proto.Fleet/PullMessages")
            try:
                call(b"", timeout=FLEET_TIMEOUT)
                say(fleet=False, said="the unsigned call was accepted, so this is not Flower")
            except grpc.RpcError as error:
                serves = error.code() is grpc.StatusCode.UNAUTHENTICATED
                spent = time.monotonic() - began
                say(fleet=serves, said=f"{error.code().name} after {spent:.1f} s: {(error.details() or '')[:120]}")

    each(FLEET_SECONDS, ask)


def nodes(address, ca_file, netns):
    # Only this thread: its sockets are those of the SuperLink's loopback. urllib opens them in the thread that asks.
    with open(netns, "rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
            sys.exit(f"probe.py: cannot enter {netns}: {os.strerror(ctypes.get_errno())}")
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file))
    )
    request = urllib.request.Request(
        f"https://{address}/v1/control/list-nodes",
        data=ListNodesRequest().SerializeToString(),
        headers={"Content-Type": "application/protobuf", "Accept": "application/protobuf"},
    )

    def ask():
        try:
            with opener.open(request, timeout=NODES_TIMEOUT) as response:
                answer = ListNodesResponse.FromString(response.read())
            say(nodes={str(node.node_id): node.status for node in answer.nodes_info}, said=f"{len(answer.nodes_info)} nodes")
        except Exception as error:
            # Whatever it is: the list is not known.
            say(nodes=None, said=f"{type(error).__name__}: {error}"[:200])

    each(NODES_SECONDS, ask)


def main():
    fleet_address, control_address, ca_file, netns = sys.argv[1:]
    with open(ca_file, "rb") as file:
        ca = file.read()
    threading.Thread(target=fleet, args=(fleet_address, ca), daemon=True).start()
    threading.Thread(target=nodes, args=(control_address, ca_file, netns), daemon=True).start()
    sys.stdin.read()


main()
