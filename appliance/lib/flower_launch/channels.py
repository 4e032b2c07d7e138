"""gRPC inside Flower's process: the plan's options in force, the Fleet API's servers and calls watched."""

import ipaddress

from .plan import Unusable

FLEET = "/flwr.proto.Fleet/"


def normalised(address):
    host, _, port = address.rpartition(":")
    host = host.strip("[]").lower()
    try:
        host = ipaddress.ip_address(host).compressed
    except ValueError:
        pass
    return host, port


def merged(options, ours):
    """gRPC options with ours in force: another value for the same name is taken out."""
    names = {name for name, _ in ours}
    return [(name, value) for name, value in options or [] if name not in names] + [tuple(pair) for pair in ours]


def as_json(options):
    return [[name, value if isinstance(value, (int, str)) else str(value)] for name, value in options]


def alter_grpc(plan, link):
    """Puts the plan's options into every channel and server made from now on, and watches the Fleet API's."""
    import grpc

    new_server, secure, insecure = grpc.server, grpc.secure_channel, grpc.insecure_channel
    fleet = plan["fleet"]
    # Read now: a file that is missing should end us with its name, not with a traceback from the depths of Flower.
    shown = server_credentials(grpc, fleet["credentials"]) if fleet and fleet["credentials"] else None

    def server(*args, options=None, **kwargs):
        options = merged(options, plan["grpc"]["server"])
        made = new_server(*args, options=options, **kwargs)
        add_secure, add_insecure, start = made.add_secure_port, made.add_insecure_port, made.start
        is_fleet = False

        def noticed(address):
            nonlocal is_fleet
            if fleet and normalised(address) == normalised(fleet["listen"]):
                is_fleet = True
                link.grpc["server"] = as_json(options)
            return is_fleet

        def add_secure_port(address, credentials):
            return add_secure(address, shown if noticed(address) and shown else credentials)

        def add_insecure_port(address):
            noticed(address)
            return add_insecure(address)

        def started():
            start()
            if is_fleet:
                link.serving()

        made.add_secure_port, made.add_insecure_port, made.start = add_secure_port, add_insecure_port, started
        return made

    class FleetCalls(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, client_call_details, request):
            method = client_call_details.method
            method = method.decode() if isinstance(method, bytes) else method
            if not method.startswith(FLEET):
                return continuation(client_call_details, request)
            link.call_begins()
            code, details, response = "CANCELLED", "", None
            try:
                call = continuation(client_call_details, request)
                code, details = call.code().name, call.details() or ""
                response = call.result() if code == "OK" else None
                return call
            finally:
                link.call_ends(method[len(FLEET) :], code, details, response)

    def watched(make):
        def channel(target, *args, options=None, **kwargs):
            options = merged(options, plan["grpc"]["client"])
            made = make(target, *args, options=options, **kwargs)
            if plan["role"] != "supernode":
                return made
            link.target, link.grpc["client"] = target, as_json(options)
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
