"""What a failed call to the Fleet API means, in words for a person."""

from .flower import ADMISSION
from .text import plain

# A part of the error text of gRPC or httpx, and its meaning. The first that fits is taken. Seen with grpcio 1.85, httpx 0.28.
UNAVAILABLE_SIGNS = (
    ("mismatch, certificate", "the certificate shown at {target} does not name this address; see FL_CERT_EXTRA_SAN"),
    ("certificate has expired", "the certificate shown at {target} has expired (or a clock is wrong)"),
    ("certificate is not yet valid", "the certificate shown at {target} is not valid yet (or a clock is wrong)"),
    ("CERTIFICATE_VERIFY_FAILED", "the certificate shown at {target} is not signed by the CA this node trusts"),
    ("Hostname Verification", "the certificate shown at {target} does not name this address; see FL_CERT_EXTRA_SAN"),
    ("WRONG_VERSION_NUMBER", "{target} does not speak TLS, and this node does; see FL_TLS_ENABLED"),
    ("no plaintext", "{target} closes the connection on plaintext; it may require TLS; see FL_TLS_ENABLED"),
    ("illegal", "{target} answers, but does not speak HTTP"),
    ("handshake failed", "the TLS handshake with {target} failed"),
    ("Connection refused", "nothing listens at {target} (connection refused)"),
    ("ping timeout", "the path to {target} went silent (no answer to a keepalive ping)"),
    ("keepalive", "the path to {target} went silent (no answer to a keepalive ping)"),
    ("Connection timed out", "the path to {target} went silent (connection timed out)"),
    ("timed out", "{target} did not answer in time"),
    ("hostname lookup", "the name in {target} does not resolve"),
    ("Name or service not known", "the name in {target} does not resolve"),
    ("name resolution", "the name in {target} does not resolve"),
    ("No route to host", "there is no route to {target}"),
    ("Network is unreachable", "there is no route to {target}"),
    ("Connection reset", "{target} closed the connection"),
    ("Broken pipe", "{target} closed the connection"),
    ("Socket closed", "{target} closed the connection"),
    ("Server disconnected", "{target} closed the connection"),
    ("UNEXPECTED_EOF", "{target} closed the connection"),
)


def why_disconnected(method, code, details, target):
    """Why a call means that there is no link, as half a sentence; None when the SuperLink answered it.

    `details` is whatever a server at the address has sent.
    """
    said = plain(details, 200)
    if code == "DEADLINE_EXCEEDED":
        return f"{target} did not answer in time"
    if code == "FOREIGN":
        return f"{target} answers, but not as a Fleet API ({said}); check the address, and proxies on the path"
    if code == "GATEWAY":
        return f"{target} answers {said}: the SuperLink is overloaded, or a proxy on the path does not reach it"
    if code == "FAULT":
        return f"the SuperLink at {target} answers with an error ({said}); see its journal"
    if code == "UNAUTHENTICATED":
        if "timestamp" in details.lower():
            return (
                "it refuses this node's timestamps: the clock of this VM is more than 5 s ahead of the SuperLink's, "
                "or more than 305 s behind it; synchronise both clocks"
            )
        if "node id" in details.lower():
            return "it has no record of this node any more (it was started with a new database)"
        return f"it refuses this node: {said}"
    if code != "UNAVAILABLE":
        # Any other status is an answer. Only a refusal of the admission means that there is no link.
        return f"it refuses this node: {code} {said}".strip() if method in ADMISSION and code != "OK" else None
    for sign, meaning in UNAVAILABLE_SIGNS:
        if sign in details:
            return meaning.format(target=target)
    return f"{target} is not reachable: {plain(details.split('last error: ')[-1], 200)}"
