"""Judges certificates by Flower's own gRPC: serves each case on loopback and calls it. JSON in and out, a list each.

In: {"cert", "key", "ca", "host"}, PEM texts and the name that the client asks for. Out: {"accepted", "why"}.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

ADDRESS = "127.32.7.1"


class Answer(grpc.GenericRpcHandler):
    def service(self, _details):
        return grpc.unary_unary_rpc_method_handler(lambda request, _context: request)


def judge(case):
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((Answer(),))
    pair = (case["key"].encode(), case["cert"].encode())
    try:
        port = server.add_secure_port(f"{ADDRESS}:0", grpc.ssl_server_credentials([pair]))
    except RuntimeError as error:
        return {"accepted": False, "why": f"server: {error}"}
    server.start()
    trust = grpc.ssl_channel_credentials(root_certificates=case["ca"].encode())
    asked = (("grpc.ssl_target_name_override", case["host"]),)
    try:
        with grpc.secure_channel(f"{ADDRESS}:{port}", trust, options=asked) as channel:
            channel.unary_unary("/test.Echo/Say")(b"hello", timeout=10)
        return {"accepted": True, "why": ""}
    except grpc.RpcError as error:
        return {"accepted": False, "why": error.details()}
    finally:
        server.stop(None)


json.dump([judge(case) for case in json.load(sys.stdin)], sys.stdout)
