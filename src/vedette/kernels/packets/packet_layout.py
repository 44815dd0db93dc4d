"""Columns of packets and of flows as kernels write them. All are int64; times and durations are microseconds."""

from enum import IntEnum
from typing import Final


class Packet(IntEnum):
    """Columns of a decoded packet.

    `FLAGS` are TCP's; of ICMP 1 is an echo request, 2 its reply, and 3 says that a packet could not be delivered: then
    `REFUSED_*` are that packet's ports, its protocol, and whom it was for. Its sender is the ICMP message's target.
    """

    TIME = 0
    SOURCE_HIGH = 1
    SOURCE_LOW = 2
    TARGET_HIGH = 3
    TARGET_LOW = 4
    SOURCE_PORT = 5
    TARGET_PORT = 6
    PROTOCOL = 7
    BYTES = 8
    PAYLOAD = 9
    FLAGS = 10
    SEQUENCE = 11
    ACKNOWLEDGED = 12
    ROOM = 13
    AT = 14
    CAPTURED = 15
    STATUS = 16
    FRAGMENT = 17
    NAME_BYTES = 18
    QUERY_TYPE = 19
    REFUSED_SOURCE_PORT = 11
    REFUSED_TARGET_PORT = 12
    REFUSED_PROTOCOL = 13
    REFUSED_TARGET_HIGH = 18
    REFUSED_TARGET_LOW = 19


PACKET_COLUMNS: Final = len(Packet)


class Status(IntEnum):
    """What became of a packet."""

    READ = 0
    NOT_IP = 1
    CUT = 2
    MALFORMED = 3
    UNKNOWN_LINK = 4
