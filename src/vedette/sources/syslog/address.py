"""Addresses to listen at: `udp://0.0.0.0:5514`, `tcp://[::]:5514`, `tls://127.0.0.1:6514`."""

import socket
import struct
from contextlib import suppress
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

_RECEIVE_BYTES = 4 << 20
_BACKLOG = 128
_SO_MEMINFO = 55
_MEMINFO = struct.Struct("9I")
_DROPS = 8


class Transport(StrEnum):
    """How messages come."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Address(msgspec.Struct, frozen=True):
    """Where to listen."""

    transport: Transport
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.transport}://{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read an address.

    Raises:
        ValueError: It is none; says the rule.
    """
    rule = "must be like udp://0.0.0.0:5514, tcp://[::]:5514 or tls://127.0.0.1:6514"
    try:
        parts = urlsplit(text)
        transport, port = Transport(parts.scheme), parts.port
    except ValueError:
        raise ValueError(rule) from None
    if not parts.hostname or port is None or parts.path or parts.query or parts.username:
        raise ValueError(rule)
    return Address(transport, parts.hostname, port)


def listen(address: Address) -> socket.socket:
    """Open a socket that does not wait. Raises OSError."""
    udp = address.transport is Transport.UDP
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    ((family, _, _, _, where), *_) = socket.getaddrinfo(
        address.host, address.port, type=kind, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST
    )
    opened = socket.socket(family, kind)
    try:
        opened.setblocking(False)
        if family == socket.AF_INET6:
            # `[::]` takes senders of either family.
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if udp:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(where)
        if not udp:
            opened.listen(_BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def dropped_by_kernel(opened: socket.socket) -> int:
    """Datagrams that came when the socket's buffer was full, since it was opened; 0 where Linux does not say."""
    with suppress(OSError, struct.error):
        told = opened.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        return int(_MEMINFO.unpack(told)[_DROPS])
    return 0


def sender_of(address: object) -> str:
    """A sender's address as text, IPv4 as such also where it came over IPv6."""
    host = str(address[0]) if isinstance(address, tuple) else ""
    return host.removeprefix("::ffff:")
