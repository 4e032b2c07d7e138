"""Judges certificates by Flower's own gRPC: serves each case and dials it by the host that the case names.

In: a JSON list of {"cert", "key", "ca", "host"}: PEM texts, and the host as a SuperNode would dial it.
Out: a JSON list of {"accepted", "why"}.

gRPC compares the certificate with the host twice: in the handshake, and once more for each call ("call host"). Options
that override the name switch off the second comparison, so there are none here: the hosts are really dialled. For that
the program needs namespaces of its own, `unshare --net --mount` (`-rnm` when not root): it puts each address on `lo` and
each name into an /etc/hosts that nobody else sees.
"""

import ipaddress
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

NAMED = "127.0.0.1"
FILES = {"/etc/nsswitch.conf": "hosts: files\n", "/etc/resolv.conf": ""}


def address_in(host):
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    # The kernel takes a connection to ::ffff:10.0.0.6 for one to 10.0.0.6.
    return getattr(address, "ipv4_mapped", None) or address


def prepare(hosts):
    """Makes each host lead to this program. Must end before gRPC is imported, which reads these files."""
    if run("ip", "-oneline", "link", "show", "up") != "":
        sys.exit("this is no new network namespace: start grpc-judge.py with unshare")
    run("ip", "link", "set", "lo", "up")
    lines = []
    for host in sorted(hosts):
        address = address_in(host)
        if address is None:
            lines.append(f"{NAMED} {host}\n")
            continue
        if not address.is_loopback:
            # Without `nodad` an IPv6 address cannot be used before the kernel has searched for another owner.
            at_once = ["nodad"] if address.version == 6 else []
            run("ip", "address", "replace", f"{address}/{address.max_prefixlen}", "dev", "lo", *at_once)
    for path, text in {**FILES, "/etc/hosts": "".join(lines)}.items():
        with tempfile.NamedTemporaryFile("w", suffix=os.path.basename(path), delete=False) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        run("mount", "--bind", file.name, os.path.realpath(path))
        os.unlink(file.name)


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


cases = json.load(sys.stdin)
prepare({case["host"] for case in cases})

import grpc  # noqa: E402


class Answer(grpc.GenericRpcHandler):
    def service(self, _details):
        return grpc.unary_unary_rpc_method_handler(lambda request, _context: request)


def target(host, port):
    """As Flower writes it: an IPv6 address in brackets, all else as it is."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def call(channel):
    with channel:
        channel.unary_unary("/test.Echo/Say")(b"hello", timeout=20)


def serve(credentials):
    """On every address, so that whichever one the client resolves is served."""
    server = grpc.server(ThreadPoolExecutor(1), handlers=(Answer(),))
    port = server.add_secure_port("[::]:0", credentials) if credentials else server.add_insecure_port("[::]:0")
    server.start()
    return server, port


def reach(hosts):
    """Without TLS each host must answer: what is refused later is then refused because of its certificate."""
    server, port = serve(None)
    for host in hosts:
        try:
            call(grpc.insecure_channel(target(host, port)))
        except grpc.RpcError as error:
            sys.exit(f"{host} cannot be dialled at all: {error.details()}")
    server.stop(None)


def judge(case):
    pair = (case["key"].encode(), case["cert"].encode())
    try:
        server, port = serve(grpc.ssl_server_credentials([pair]))
    except RuntimeError as error:
        return {"accepted": False, "why": f"server: {error}"}
    trust = grpc.ssl_channel_credentials(root_certificates=case["ca"].encode())
    try:
        call(grpc.secure_channel(target(case["host"], port), trust))
        return {"accepted": True, "why": ""}
    except grpc.RpcError as error:
        return {"accepted": False, "why": error.details()}
    finally:
        server.stop(None)


reach({case["host"] for case in cases})
with ThreadPoolExecutor(8) as pool:
    json.dump(list(pool.map(judge, cases)), sys.stdout)
