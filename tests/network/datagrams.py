"""Datagrams of NetFlow v5 and v9 and of IPFIX, written by hand."""

import base64
import socket
import struct
from collections.abc import Sequence

NOW_S = 1_700_000_000
UPTIME_MS = 5_000_000

Record = tuple[str, str, int, int, int, int, int, int]
"""Source, target, source port, target port, protocol, flags, packets, bytes."""


def line(*datagrams: bytes) -> bytes:
    return b"".join(base64.b64encode(one) + b"\n" for one in datagrams)


def v5(
    records: Sequence[Record],
    sequence: int = 0,
    last_ms: int = UPTIME_MS - 1_000,
    length_ms: int = 500,
    sampling: int = 0,
) -> bytes:
    body = b"".join(
        socket.inet_aton(source) + socket.inet_aton(target) + bytes(4) + bytes(4)
        + struct.pack(">IIIIHHBBBBHHBBH", packets, size, last_ms - length_ms, last_ms, near, far, 0, flags, protocol, 0,
                      0, 0, 24, 24, 0)
        for source, target, near, far, protocol, flags, packets, size in records
    )  # fmt: skip
    return (
        struct.pack(">HHIIIIBBH", 5, len(records), UPTIME_MS, NOW_S, 250_000, sequence, 0, 0, sampling) + body
    )


def a_set(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, 4 + len(body)) + body


def template(number: int, fields: Sequence[tuple[int, ...]]) -> bytes:
    """Fields: type and length; IPFIX's own with the enterprise number behind."""
    body = struct.pack(">HH", number, len(fields))
    for kind, length, *enterprise in fields:
        body += struct.pack(">HH", kind | (0x8000 if enterprise else 0), length)
        body += b"".join(struct.pack(">I", one) for one in enterprise)
    return body


def options9(number: int, scopes: Sequence[tuple[int, int]], fields: Sequence[tuple[int, int]]) -> bytes:
    """An options template of NetFlow v9."""
    both = [*scopes, *fields]
    words = struct.pack(">HHH", number, 4 * len(scopes), 4 * len(fields))
    return words + b"".join(struct.pack(">HH", kind, length) for kind, length in both)


def options10(number: int, scopes: int, fields: Sequence[tuple[int, int]]) -> bytes:
    """An options template of IPFIX; the first fields are the scope."""
    words = struct.pack(">HHH", number, len(fields), scopes)
    return words + b"".join(struct.pack(">HH", kind, length) for kind, length in fields)


def v9(sets: Sequence[bytes], sequence: int = 0, domain: int = 7) -> bytes:
    return struct.pack(">HHIIII", 9, len(sets), UPTIME_MS, NOW_S, sequence, domain) + b"".join(sets)


def ipfix(sets: Sequence[bytes], sequence: int = 0, domain: int = 7) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), NOW_S, sequence, domain) + body


FIELDS4 = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (6, 1), (2, 4), (1, 4), (22, 4), (21, 4)]


def record4(record: Record, last_ms: int = UPTIME_MS - 1_000, length_ms: int = 500) -> bytes:
    source, target, near, far, protocol, flags, packets, size = record
    return (
        socket.inet_aton(source) + socket.inet_aton(target)
        + struct.pack(">HHBBIIII", near, far, protocol, flags, packets, size, last_ms - length_ms, last_ms)
    )  # fmt: skip
