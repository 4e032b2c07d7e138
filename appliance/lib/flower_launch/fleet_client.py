"""The calls of a SuperNode from Flower 1.40 on: HTTP with httpx. Puts the plan's options into its connections, lifts Flower's
limits of 30 s, watches the calls, and keeps from Flower what it cannot handle (docs/facts.md, "http-answers")."""

import contextlib
import email.utils
import inspect
import json
import time

from .fleet_calls import CALLS, PREFIX
from .flower import ADMISSION, is_final
from .plan import Unusable
from .systemd import log
from .tcp import for_setsockopt, in_force

# Flower makes these without a limit of errors: an answer that it cannot handle ends its polling, or its heartbeat, for good.
UNGUARDED = (*ADMISSION, "PullMessages", "SendNodeHeartbeat")
# Flower gets these as a connection that has failed, which it tries again: docs/facts.md, "http-answers".
WITHHELD = ("FOREIGN", "FAULT", "GATEWAY")
# Flower 1.40 does not try again after 502.
GATEWAY = (502, 503, 504)
NODE_REFUSED = "Invalid SuperNode authentication"
# Flower accepts a time that is 5 s ahead of its own, or 305 s behind it. A Date of HTTP is up to 2 s old.
MOST_AHEAD, MOST_BEHIND = 5.0, 303.0
PROTOBUF = "application/protobuf"


def watch_fleet_calls(plan, state):
    """Call it before Flower is imported."""
    import httpx

    expect_parts_of(httpx)
    options = plan["options"]["client"]
    within = dict(options).get("TCP_USER_TIMEOUT", 0) / 1000 or None
    state.target = plan["argv"][plan["argv"].index("--superlink") + 1]
    plaintext = "--insecure" in plan["argv"]
    make_transport, send = httpx.HTTPTransport.__init__, httpx.Client.send

    def transport_with_options(self, *args, **named):
        make_transport(self, *args, **{**named, "socket_options": for_setsockopt(options)})

    def sent(self, request, **named):
        path = request.url.path
        if not path.startswith(PREFIX):
            return send(self, request, **named)
        call = CALLS.get(path, path)
        # A path that is silent ends a call by the options of its socket. A transfer may take as long as it needs.
        limits = request.extensions.get("timeout", {})
        heartbeat = call == "SendNodeHeartbeat"
        request.extensions["timeout"] = limits if heartbeat else {"connect": within, "read": None, "write": None, "pool": None}
        began = state.call_begins(call)
        code, details, response = "CANCELLED", "", None
        try:
            response = send(self, request, **{**named, "follow_redirects": False})
            code, details = meaning(call, response)
            if code in WITHHELD:
                raise httpx.RemoteProtocolError("the answer is not that of a Fleet API", request=request)
            with contextlib.suppress(OSError, KeyError):
                sock = response.extensions["network_stream"].get_extra_info("socket")
                state.channel_opens(state.target, in_force(sock, options))
            return response
        except httpx.RequestError as error:
            if code in WITHHELD:
                raise
            code, details = "UNAVAILABLE", str(error)
            if plaintext and state.node_id is None and isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError)):
                details = f"no plaintext: {details}"
            if not is_final(details, "http"):
                # Flower gives up on each error whose text has "ssl", also when the path was cut in a handshake.
                raise httpx.ConnectError("the connection was not made, or ended", request=request) from error
            raise
        finally:
            state.call_ends(began, call, code, details, message(call, response) if code == "OK" else None)

    httpx.HTTPTransport.__init__, httpx.Client.send = transport_with_options, sent


def expect_parts_of(httpx):
    """Raises Unusable when the HTTP client has not the parts that are used here."""
    wanted = (httpx.HTTPTransport.__init__, "socket_options"), (httpx.Client.send, "follow_redirects")
    for function, argument in wanted:
        if argument not in inspect.signature(function).parameters:
            raise Unusable(
                f"Flower differs from what this package expects of it: httpx has no {function.__qualname__}({argument}=); "
                "use a version of Flower that this package knows"
            )


def meaning(call, response):
    """What an answer means for the link, in the words of gRPC: a code and its details. Flower does not see what is WITHHELD."""
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = f"HTTP {status}" + (f", {kind}" if kind else "")
    if status == 200:
        return ("OK", "") if kind == PROTOBUF and is_readable(call, response) else ("FOREIGN", found)
    if response.is_redirect:
        return "FOREIGN", f"HTTP {status}, a redirection to {response.headers['location']}"
    body = error_of(response) if kind == "application/json" else {}
    said = str(body.get("detail") or body.get("public_message") or "")
    if status == 401 and said == NODE_REFUSED:
        return "UNAUTHENTICATED", why_refused(call, response)
    if status in GATEWAY:
        return "GATEWAY", found
    if status == 413:
        log(
            3,
            f"flower-launch: the SuperLink refused a request that is too large ({call}, "
            f"{response.request.headers.get('content-length', '?')} bytes) with HTTP 413; divide what the app sends into "
            "smaller arrays",
        )
    if "code" in body or (status == 500 and said):
        # A refusal of the admission ends Flower, and a message that is refused is lost: trying again does not help.
        is_given = status < 500 if call in ADMISSION else call not in UNGUARDED
        return (f"HTTP {status}", said) if is_given else ("FAULT", f"HTTP {status}: {said}")
    return (f"HTTP {status}", "") if call not in UNGUARDED and status in (413, 500) else ("FOREIGN", found)


def is_readable(call, response):
    """Flower ends its polling at a body that it cannot read. Every node has an id other than 0."""
    if call not in UNGUARDED:
        return True
    got = message(call, response)
    return got is not None and (call not in ADMISSION or got.node_id != 0)


def error_of(response):
    with contextlib.suppress(ValueError, RecursionError):
        body = json.loads(response.content)
        return body if isinstance(body, dict) else {}
    return {}


def why_refused(call, response):
    """Over HTTP Flower gives one text for all refusals. The time of the SuperLink is in the answer."""
    date = email.utils.parsedate_tz(response.headers.get("date", ""))
    if date is not None:
        ahead = time.time() - email.utils.mktime_tz(date)
        if ahead >= MOST_AHEAD or -ahead >= MOST_BEHIND:
            return "timestamp"
    return "HTTP 401" if call in ADMISSION else "node id"


def message(call, response):
    """Flower's message of the calls whose answers say something about the node; None when it cannot be read."""
    from flwr.proto import fleet_pb2, heartbeat_pb2

    kinds = {
        "RegisterNode": fleet_pb2.RegisterNodeFleetResponse,
        "ActivateNode": fleet_pb2.ActivateNodeResponse,
        "PullMessages": fleet_pb2.PullMessagesResponse,
        "SendNodeHeartbeat": heartbeat_pb2.SendNodeHeartbeatResponse,
    }
    with contextlib.suppress(Exception):
        return kinds[call].FromString(response.content)
    return None
