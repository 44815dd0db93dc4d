"""Packets, and lines of flow logs, that are in no flow: in words."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "not_ip": ("packet", " of no IP (ARP and the like)"),
        "cut_packet": ("packet", " cut by the capture before the end of the headers (tcpdump -s 0 keeps all)"),
        "malformed_packet": ("packet", " with headers that contradict themselves"),
        "unknown_link_type": ("packet", " of an interface whose link type cannot be read"),
        "bad_record": ("record", " of a capture that contradicts itself"),
        "packet_without_time": ("packet", " without a time"),
        "packet_after_until": ("packet", " later than what was asked for"),
        "comment": ("line", " of header and comments"),
        "blank": ("blank line", ""),
        "bad_window": ("line", " that is no window, or stands before one that began earlier"),
        "bad_flow": ("line", " with too few fields, or without a time or address that can be read"),
        "summary_line": ("line", " of nfdump's summary"),
        "line_of_another_log": ("line", " of another of Zeek's logs"),
        "line_without_data": ("line", " of spans without traffic or records"),
        "flow_after_until": ("flow", " later than what was asked for"),
    }
)  # fmt: skip


def told(reason: str, number: int) -> str:
    """How many were passed over, and why.

    Args:
        reason: As in `Coverage.packets_skipped`.
    """
    noun, rest = _WORDS.get(reason, (reason.replace("_", " "), ""))
    return f"{number:,} {noun}{'' if number == 1 else 's'}{rest}"
