"""gRPC inside Flower's process: puts the plan's options in force, and watches servers and calls of the Fleet API."""

import contextlib
import ipaddress

from .flower import FLEET
from .plan import Unusable
from .progress import Answers
from .systemd import log


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


def alter_grpc(plan, state, awake):
    """Puts the plan's options into every channel and server made from now on, and watches those of the Fleet API."""
    import grpc

    new_server, secure, insecure = grpc.server, grpc.secure_channel, grpc.insecure_channel
    fleet = plan["fleet"]
    # Read now: a missing file is named in the error, where Flower would show a traceback.
    credentials_shown = server_credentials(grpc, fleet["credentials"]) if fleet and fleet["credentials"] else None
    answers = Answers(awake, state.silence_seconds, asker(grpc, plan, secure, insecure)) if fleet else None

    class RequestsSeen(grpc.ServerInterceptor):
        def intercept_service(self, continuation, handler_call_details):
            state.superexec_called(handler_call_details.method)
            return continuation(handler_call_details)

    def server(*args, options=None, interceptors=None, **kwargs):
        options = merged(options, plan["options"]["server"])
        interceptors = [RequestsSeen(), *(interceptors or ())]
        made = new_server(*args, options=options, interceptors=interceptors, **kwargs)
        add_secure, add_insecure, start = made.add_secure_port, made.add_insecure_port, made.start
        is_fleet = False

        def is_fleet_at(address):
            nonlocal is_fleet
            if fleet and normalised(address) == normalised(fleet["listen"]):
                is_fleet = True
                state.options["server"] = as_json(options)
            return is_fleet

        def add_secure_port(address, credentials):
            return add_secure(address, credentials_shown if is_fleet_at(address) and credentials_shown else credentials)

        def add_insecure_port(address):
            is_fleet_at(address)
            return add_insecure(address)

        def started():
            start()
            if is_fleet:
                state.fleet_api_is_open(answers)

        made.add_secure_port, made.add_insecure_port, made.start = add_secure_port, add_insecure_port, started
        return made

    class FleetCalls(grpc.UnaryUnaryClientInterceptor):
        def intercept_unary_unary(self, continuation, client_call_details, request):
            method = client_call_details.method
            method = method.decode() if isinstance(method, bytes) else method
            if not method.startswith(FLEET):
                return continuation(client_call_details, request)
            name = method[len(FLEET) :]
            began = state.call_begins(name)
            code, details, response = "CANCELLED", "", None
            try:
                call = continuation(client_call_details, request)
                code, details = call.code().name, call.details() or ""
                response = call.result() if code == "OK" else None
                return call
            finally:
                state.call_ends(began, name, code, details, response)

    def watched(make):
        def channel(target, *args, options=None, **kwargs):
            options = merged(options, plan["options"]["client"])
            made = make(target, *args, options=options, **kwargs)
            if plan["role"] != "supernode":
                return made
            state.channel_opens(target, as_json(options))
            return grpc.intercept_channel(made, FleetCalls())

        return channel

    grpc.server, grpc.secure_channel, grpc.insecure_channel = server, watched(secure), watched(insecure)


def server_credentials(grpc, files):
    pair = (content("key", files["key"]), content("certificate", files["certificate"]))
    return grpc.ssl_server_credentials((pair,), root_certificates=content("ca", files["ca"]), require_client_auth=False)


def content(what, path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Unusable(f"cannot read the Fleet API's {what} {path}: {error.strerror}") from None


# The server does nothing at this call: it lacks the headers of a node (src/flower/probe.ts).
ASKED = f"{FLEET}PullMessages"
# gRPC gives these without an answer of the server, but the server has taken part in a handshake that failed like this.
NO_ANSWER = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED")
NOT_VERIFIED = ("CERTIFICATE_VERIFY_FAILED", "Hostname Verification")


def asker(grpc, plan, secure, insecure):
    """A function that calls the Fleet API where it listens, within the seconds it gets, and returns whether it was answered.
    `secure`, `insecure`: gRPC's own functions that make channels."""
    fleet, argv = plan["fleet"], plan["argv"]
    target = loopback_target(fleet["listen"])
    # A connection of its own each time: a new SuperNode needs one too.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    trust = None
    if "--insecure" not in argv:
        ca = fleet["credentials"]["ca"] if fleet["credentials"] else argv[argv.index("--ssl-ca-certfile") + 1]
        trust = grpc.ssl_channel_credentials(content("ca", ca))
        if fleet.get("name"):
            options.append(("grpc.ssl_target_name_override", fleet["name"]))
    warned = False

    def ask(seconds):
        nonlocal warned
        channel = secure(target, trust, options=options) if trust else insecure(target, options=options)
        with contextlib.closing(channel):
            try:
                channel.unary_unary(ASKED)(b"", timeout=seconds)
            except grpc.RpcError as error:
                code, details = error.code().name, error.details() or ""
                # An expired certificate, or a wrong clock, is no reason to end a Flower that serves.
                if any(sign in details for sign in NOT_VERIFIED):
                    if not warned:
                        log(4, f"flower-launch: the certificate of the Fleet API at {target} cannot be verified: {details}")
                    warned = True
                    return True
                return code not in NO_ANSWER
            return True

    return ask


def loopback_target(address):
    """Where a listener can be called from its own VM, as a target of gRPC."""
    host, port = normalised(address)
    with contextlib.suppress(ValueError):
        ip = ipaddress.ip_address(host)
        if ip.is_unspecified:
            host = "127.0.0.1" if ip.version == 4 else "::1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
