"""What datagrams look like that tell no flow, in words for whoever set the sender up."""

from typing import Final

LOOKED_AT: Final = 16
"""Bytes that are enough to say it."""
_SFLOW: Final = range(1, 5)
_PRINTED: Final = 4


def looks_like(head: bytes) -> str:
    """A few words on a datagram by its first bytes: `NetFlow v7`, `syslog`, `06 1c 00 01 ...`."""
    version = int.from_bytes(head[:2], "big")
    if len(head) >= 4 and int.from_bytes(head[:4], "big") in _SFLOW:
        return f"sFlow v{head[3]}"
    if len(head) >= 2 and version in (1, 6, 7, 8):
        return f"NetFlow v{version}"
    if len(head) >= 2 and version in (5, 9, 10):
        return f"{'IPFIX' if version == 10 else f'NetFlow v{version}'} cut short"
    if head.startswith(b"<") and b">" in head[1:6]:
        return "syslog"
    if not head:
        return "nothing at all"
    return " ".join(f"{octet:02x}" for octet in head[:_PRINTED]) + " ..." * (len(head) > _PRINTED)
