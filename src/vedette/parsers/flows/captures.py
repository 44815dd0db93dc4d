"""pcap and pcapng: from the bytes of a capture to the frames in it.

Sans I/O: the caller fills a buffer, and keeps what `parse` did not consume for the next time.

Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; link types: https://www.tcpdump.org/linktypes.html
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.capture_records import (
    BLOCK,
    DAMAGED,
    LONGEST_FRAME,
    ROOM,
    walk_pcap,
    walk_pcapng,
)
from vedette.kernels.packets.packets import decode_packets
from vedette.schema.errors import VedetteError

FRAMES: Final = 8_192
"""Most frames that `parse` hands out at once."""
_HEADER: Final = 24
_MOST_INTERFACES: Final = 4_096
_KNOWN_LINKS: Final = frozenset((0, 1, 12, 14, 101, 108, 113, 228, 229, 276))
_LINK_NAMES: Mapping[int, str] = MappingProxyType(
    {
        0: "loopback",
        1: "Ethernet",
        12: "raw IP",
        14: "raw IP",
        101: "raw IP",
        108: "loopback",
        113: "Linux cooked",
        228: "raw IPv4",
        229: "raw IPv6",
        276: "Linux cooked v2",
        9: "PPP",
        105: "IEEE 802.11",
        127: "IEEE 802.11 radiotap",
        189: "USB",
        201: "Bluetooth",
        220: "USB",
        249: "USBPcap",
        195: "IEEE 802.15.4",
        50: "PPP",
    }
)
_REMEDY: Final = "convert it, or capture on an Ethernet, loopback, `any` or raw IP interface"


class CaptureError(VedetteError):
    """A capture that cannot be read at all."""


class PacketProblem(StrEnum):
    """Why a packet is in no flow."""

    NOT_IP = "not_ip"
    CUT = "cut_packet"
    MALFORMED = "malformed_packet"
    UNKNOWN_LINK = "unknown_link_type"
    BAD_RECORD = "bad_record"
    NO_TIME = "packet_without_time"
    """A Simple Packet Block of pcapng has none, and nothing before it had one."""
    LATER = "packet_after_until"
    """It is later than what was asked for."""


class Frames(msgspec.Struct):
    """Frames found in a buffer, each int64 (n,).

    Attributes:
        start, captured, wire: Where each is in the buffer, its bytes there, and on the wire.
        time: Microseconds since the epoch. link: Link type.
        consumed: Bytes of the buffer, from its start, that need not be kept.
        more: Whether there may be more frames in the buffer as it is.
    """

    start: NDArray[np.int64]
    captured: NDArray[np.int64]
    wire: NDArray[np.int64]
    time: NDArray[np.int64]
    link: NDArray[np.int64]
    consumed: int
    more: bool

    def __len__(self) -> int:
        return len(self.start)

    def decode(self, buffer: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the packets in the frames say.

        Args:
            buffer: uint8, the buffer that they were found in.
            rows: int64 (n or more, PACKET_COLUMNS), is written to (`vedette.kernels.packets.packet_layout.Packet`).

        Returns:
            The first n of the rows.
        """
        count = len(self)
        decode_packets(
            buffer, self.start, self.captured, self.wire, self.time, self.link, 0, count,
            np.zeros(3, dtype=np.int64), rows,
        )  # fmt: skip
        return rows[:count]


def is_capture(head: bytes) -> bool:
    """Whether an input that begins like this is a capture."""
    return head[:4] in _MAGIC or head[:4] == _SECTION


class CaptureParser:
    """Finds the frames of one capture.

    Attributes:
        format: `pcap` or `pcapng`.
        bad_records: Records that contradict themselves, passed over.
        undated: Packets without a time, and none before them that had one, passed over.
        damage: Why the rest cannot be read, or None.

    Args:
        source: Its name.
        head: Its first bytes, at least 24 unless it is shorter.

    Raises:
        CaptureError: It is no capture, or of a link type that is not known.
    """

    def __init__(self, source: str, head: bytes) -> None:
        self.source = source
        self.bad_records = 0
        self.undated = 0
        self.damage: str | None = None
        self._links: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._units: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._offsets: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._columns = np.empty((5, FRAMES), dtype=np.int64)
        self._state = np.zeros(6, dtype=np.int64)
        self._skip = 0
        self._nanoseconds = False
        if head[:4] == _SECTION:
            self.format = "pcapng"
            self._big = False
            return
        self.format = "pcap"
        if head[:4] in _MODIFIED:
            raise CaptureError(f"{source}: a pcap file of a modified kind: convert it with `editcap -F pcap`")
        if head[:4] not in _MAGIC:
            raise CaptureError(f"{source}: no packet capture: give a pcap or pcapng file")
        if len(head) < _HEADER:
            raise CaptureError(f"{source}: a capture cut within its header ({len(head)} of {_HEADER} bytes)")
        self._big, self._nanoseconds = _MAGIC[head[:4]]
        link = int.from_bytes(head[20:24], "big" if self._big else "little") & 0xFFFF
        if link not in _KNOWN_LINKS:
            name = f" ({_LINK_NAMES[link]})" if link in _LINK_NAMES else ""
            raise CaptureError(f"{source}: link type {link}{name} cannot be read: {_REMEDY}")
        self._links = np.array([link], dtype=np.int64)
        self._skip = _HEADER

    def parse(self, buffer: NDArray[np.uint8], end: int) -> Frames:
        """Find the next frames in `buffer[:end]`, which goes on where the last call's `consumed` ended.

        Whatever the bytes, nothing is raised: `damage` says why there will be no more.
        """
        if self.damage is not None:
            return self._frames(0, end, more=False)
        at = min(self._skip, end)
        self._skip -= at
        if self.format == "pcap":
            return self._records(buffer, at, end)
        return self._blocks(buffer, at, end)

    def _records(self, buffer: NDArray[np.uint8], at: int, end: int) -> Frames:
        start, captured, wire, time, _ = self._columns
        count = walk_pcap(
            buffer, at, end, int(self._big), int(self._nanoseconds), start, captured, wire, time, self._state
        )
        self._columns[4, :count] = self._links[0]
        if self._state[1] == DAMAGED:
            length = self._number(buffer, int(self._state[0]) + 8)
            self.damage = (
                f"a record says that it has {length:,} bytes, and none has more than {LONGEST_FRAME:,}"
            )
        return self._frames(count, int(self._state[0]), more=bool(self._state[1] == ROOM))

    def _blocks(self, buffer: NDArray[np.uint8], at: int, end: int) -> Frames:
        start, captured, wire, time, link = self._columns
        count = 0
        while True:
            found = walk_pcapng(
                buffer, at, end, int(self._big), self._links, self._units, self._offsets,
                start[count:], captured[count:], wire[count:], time[count:], link[count:], self._state,
            )  # fmt: skip
            count += found
            at = int(self._state[0])
            self.bad_records += int(self._state[2])
            self.undated += int(self._state[5])
            if self._state[1] == DAMAGED:
                self.damage = self._no_block(self._number(buffer, at + 4))
            if self._state[1] != BLOCK:
                return self._frames(count, at, more=bool(self._state[1] == ROOM))
            if self._state[3]:
                self.bad_records += 1
                length = int(self._state[3])
            else:
                length = self._describe(buffer, at, end)
                if length < 0:
                    return self._frames(count, at, more=False)
            taken = min(length, end - at)
            self._skip = length - taken
            at += taken
            if self._skip:
                return self._frames(count, at, more=False)

    def _describe(self, buffer: NDArray[np.uint8], at: int, end: int) -> int:
        """Read a block about a section or an interface; returns its length, -1 if it is not all there or damaged."""
        block = buffer[at : min(at + 28, end)].tobytes()
        # The shortest block of each kind: a section's header, and an interface without options.
        if len(block) < (28 if block[:4] == _SECTION else 20):
            return -1
        if block[:4] == _SECTION:
            if block[8:12] not in (b"\x4d\x3c\x2b\x1a", b"\x1a\x2b\x3c\x4d"):
                self.damage = "a section's byte-order mark is none: it can be 1A2B3C4D or 4D3C2B1A"
                return -1
            self._big = block[8:12] == b"\x1a\x2b\x3c\x4d"
            self._links = self._units = self._offsets = np.zeros(0, dtype=np.int64)
        length = int.from_bytes(block[4:8], "big" if self._big else "little")
        if length < (28 if block[:4] == _SECTION else 20) or length % 4 or length > _LONGEST_DESCRIPTION:
            self.damage = self._no_block(length)
            return -1
        if at + length > end:
            return -1
        if block[:4] != _SECTION:
            if len(self._links) >= _MOST_INTERFACES:
                self.damage = f"more than {_MOST_INTERFACES} interfaces"
                return -1
            link = int.from_bytes(block[8:10], "big" if self._big else "little")
            unit, offset = _time_options(buffer[at + 16 : at + length - 4].tobytes(), self._big)
            self._links = np.append(self._links, link)
            self._units = np.append(self._units, unit)
            self._offsets = np.append(self._offsets, offset)
        return length

    def _number(self, buffer: NDArray[np.uint8], at: int) -> int:
        return int.from_bytes(buffer[at : at + 4].tobytes(), "big" if self._big else "little")

    def _no_block(self, length: int) -> str:
        return f"a block says that it has {length:,} bytes: no block of its kind can"

    def _frames(self, count: int, consumed: int, *, more: bool) -> Frames:
        start, captured, wire, time, link = self._columns[:, :count]
        return Frames(start, captured, wire, time, link, consumed, more)


_SECTION: Final = b"\x0a\x0d\x0d\x0a"
_MAGIC: Mapping[bytes, tuple[bool, bool]] = MappingProxyType(
    {
        b"\xd4\xc3\xb2\xa1": (False, False),
        b"\xa1\xb2\xc3\xd4": (True, False),
        b"\x4d\x3c\xb2\xa1": (False, True),
        b"\xa1\xb2\x3c\x4d": (True, True),
    }
)
"""Whether numbers are big-endian, and fractions of seconds nanoseconds."""
_MODIFIED: Final = (b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34")
_LONGEST_DESCRIPTION: Final = 1 << 16
_FARTHEST_S: Final = 1 << 38


def _time_options(options: bytes, big: bool) -> tuple[int, int]:
    """`if_tsresol` (6 unless told) and `if_tsoffset` (0) of an interface's options."""
    unit, offset = 6, 0
    at = 0
    while at + 4 <= len(options):
        code = int.from_bytes(options[at : at + 2], "big" if big else "little")
        length = int.from_bytes(options[at + 2 : at + 4], "big" if big else "little")
        value = options[at + 4 : at + 4 + length]
        if code == 0:
            break
        if code == 9 and length >= 1 and value:
            unit = value[0]
        elif code == 14 and len(value) == 8:
            offset = int.from_bytes(value, "big" if big else "little", signed=True)
        at += 4 + length + (-length) % 4
    # An exponent beyond what 64 bits can count is nonsense, and so is an offset beyond all calendars.
    if not unit & 128 and unit > 19:
        unit = 6
    return unit, offset if abs(offset) < _FARTHEST_S else 0
