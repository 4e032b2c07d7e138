"""gRPC inside Flower's process: puts the plan's options in force, and watches servers and calls of the Fleet API."""

import contextlib
import ipaddress

from .flower import FLEET
from .plan import Unusable


def normalised(address):
    host, _, port = address.rpartition(":")
    host = host.strip("[]").lower()
    with contextlib.suppress(ValueError):
        host = ipaddress.ip_address(host).compressed
    return host, port


def merged(options, forced):
    """gRPC options, where a forced one replaces others of the same name."""
    names = {name for name, _ in forced}
    return [(name, value) for name, value in options or [] if name not in names] + [tuple(pair) for pair in forced]


def as_json(options):
    return [[name, value if isinstance(value, (int, str)) else str(value)] for name, value in options]


def alter_grpc(plan, state):
    """Puts the plan's options into every channel and server made from now on, and watches those of the Fleet API."""
    import grpc

    new_server, secure, insecure = grpc.server, grpc.secure_channel, grpc.insecure_channel
    fleet = plan["fleet"]
    # Read now: a missing file is named in the error, where Flower would show a traceback.
    credentials_shown = server_credentials(grpc, fleet["credentials"]) if fleet and fleet["credentials"] else None

    def server(*args, options=None, **kwargs):
        options = merged(options, plan["grpc"]["server"])
        made = new_server(*args, options=options, **kwargs)
        add_secure, add_insecure, start = made.add_secure_port, made.add_insecure_port, made.start
        is_fleet = False

        def is_fleet_at(address):
            nonlocal is_fleet
            if fleet and normalised(address) == normalised(fleet["listen"]):
                is_fleet = True
                state.grpc["server"] = as_json(options)
            return is_fleet

        def add_secure_port(address, credentials):
            return add_secure(address, credentials_shown if is_fleet_at(address) and credentials_shown else credentials)

        def add_insecure_port(address):
            is_fleet_at(address)
            return add_insecure(address)

        def started():
            start()
            if is_fleet:
                state.fleet_api_is_open()

        made.add_secure_port, made.add_insecure_port, made.start = add_secure_port, add_insecure_port, started
        return made

    class FleetCalls(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, client_call_details, request):
            method = client_call_details.method
            method = method.decode() if isinstance(method, bytes) else method
            if not method.startswith(FLEET):
                return continuation(client_call_details, request)
            state.call_begins()
            code, details, response = "CANCELLED", "", None
            try:
                call = continuation(client_call_details, request)
                code, details = call.code().name, call.details() or ""
                response = call.result() if code == "OK" else None
                return call
            finally:
                state.call_ends(method[len(FLEET) :], code, details, response)

    def watched(make):
        def channel(target, *args, options=None, **kwargs):
            options = merged(options, plan["grpc"]["client"])
            made = make(target, *args, options=options, **kwargs)
            if plan["role"] != "supernode":
                return made
            state.channel_opens(target, as_json(options))
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
