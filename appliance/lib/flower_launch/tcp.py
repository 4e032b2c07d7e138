"""Options of TCP sockets, by the names of the C library: tcp(7), socket(7)."""

import contextlib
import ipaddress
import socket

# Name -> level and number. The plan has no other names.
TCP_OPTIONS = {
    "SO_KEEPALIVE": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "TCP_KEEPIDLE": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    "TCP_KEEPINTVL": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    "TCP_KEEPCNT": (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    "TCP_USER_TIMEOUT": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
}


def for_setsockopt(options):
    """[name, value] as the arguments of setsockopt."""
    return [(*TCP_OPTIONS[name], value) for name, value in options]


def in_force(sock, options):
    """The values that the kernel has for these options, as [name, value]. Raises OSError for a closed socket."""
    return [[name, sock.getsockopt(*TCP_OPTIONS[name])] for name, _ in options]


def parsed(address):
    """HOST:PORT or [HOST]:PORT as host and number."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def is_wildcard(host):
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


def listening(address, options):
    """A socket bound to HOST:PORT with these options, which the kernel gives to the connections that it accepts. An address
    for all addresses is for both families, as it is with gRPC. Raises OSError."""
    host, port = parsed(address)
    if is_wildcard(host) and socket.has_dualstack_ipv6():
        sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        host = "::"
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    else:
        family, kind, protocol, _, (host, *_) = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for level, name, value in for_setsockopt(options):
            sock.setsockopt(level, name, value)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
