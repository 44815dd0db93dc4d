"""Requests in the cleartext HTTP of a capture, as log lines.

Segments of each direction are put in order as far as needed to read a request line with its headers, or a status
line: bounded, and given up where a gap does not close.

Lines are dated by when their answer was seen, or by when nobody waits for it any more: so they come in order of time
however long answers take, as those of most servers do.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from vedette.kernels.packets.packet_layout import Packet

_METHODS: Final = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"TRACE ", b"CONNECT ",
                   b"PROPFIND ", b"REPORT ")  # fmt: skip
BEGINNINGS: Final = (*_METHODS, b"HTTP/1.")
"""Of requests and answers."""
HEAD_BYTES: Final = 16_384
"""Most bytes of a request's line and headers; longer ones are told with what stands in these."""
STREAMS: Final = 16_384
"""Directions of connections followed at one time; the one that was silent for the longest is dropped."""
PATIENCE: Final = 60_000_000
"""How long an answer is waited for, microseconds."""
_LOOK: Final = 10_000_000
"""How often it is looked who waits for too long."""
_AHEAD: Final = 8
"""Segments kept that came before their turn."""
_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength:[ \t]*([0-9]{1,15})")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])")

Ends = tuple[int, int, int, int, int, int]
_Piece = tuple[bytes, int]
"""Payload, and how many bytes behind it were not captured."""
_GivenUp = tuple[int, int, Ends, bytes]
"""When a request was given up and when it began, whose it is, and its head."""


class _Stream(msgspec.Struct):
    """One direction of a connection."""

    key: int
    expected: int = -1
    text: bytearray = msgspec.field(default_factory=bytearray)
    ahead: dict[int, "_Piece"] = msgspec.field(default_factory=dict)
    skip: int = 0
    """Bytes of a body that are not looked at."""
    began: int = 0
    waiting: list[tuple[int, bytes]] = msgspec.field(default_factory=list)
    """Requests that wait for their status: time and head."""


class HttpStreams:
    """Finds requests in TCP segments.

    Args:
        key: Gives a direction of a connection its number in `followed`.

    Attributes:
        dropped: Connections that were followed no longer for want of room.
        gaps: Directions that were given up because a segment is missing.
    """

    def __init__(self, key: Callable[[Ends], int] = hash) -> None:
        self._key = key
        self.dropped = 0
        self.gaps = 0
        self._now = self._looked = 0
        self._streams: OrderedDict[Ends, _Stream] = OrderedDict()

    def take(self, row: list[int], payload: bytes) -> list[bytes]:
        """Take a segment with payload; returns lines of requests that are now known with their answer.

        Args:
            row: The packet's columns. payload: As much of it as was captured.
        """
        time = row[Packet.TIME]
        out = self.pass_time(time)
        ends: Ends = (row[1], row[2], row[3], row[4], row[5], row[6])
        stream = self._streams.get(ends)
        if stream is None:
            if not may_begin(payload):
                return out
            stream = self._streams[ends] = _Stream(self._key(ends), row[Packet.SEQUENCE])
            if len(self._streams) > STREAMS:
                gone, dropped = self._streams.popitem(last=False)
                self.dropped += 1
                for date, _, whose, head in _unanswered(gone, dropped, time, None):
                    out.append(_line(whose, date, head, None, 0))
        else:
            self._streams.move_to_end(ends)
        piece = payload, max(0, row[Packet.PAYLOAD] - len(payload))
        for text, missing in self._in_order(stream, row[Packet.SEQUENCE], piece):
            self._read(stream, ends, text, time, out)
            if missing:
                self._miss(stream, ends, missing, time, out)
        return out

    def pass_time(self, time: int) -> list[bytes]:
        """Lines of requests that nobody waits for any more when packets have come to a time, microseconds."""
        self._now = max(self._now, time)
        look = time // _LOOK * _LOOK
        if look <= self._looked:
            return []
        self._looked = look
        return self._give_up(look, look - PATIENCE)

    def finish(self) -> list[bytes]:
        """Lines of the requests that were never answered."""
        out = self._give_up(self._now, None)
        self._streams.clear()
        return out

    def _give_up(self, time: int, until: int | None) -> list[bytes]:
        """Lines of what came by `until`, in the order in which nobody waits for it any more: `time` at the latest."""
        found: list[_GivenUp] = []
        for ends, stream in self._streams.items():
            # Of thousands that are followed, most wait for nothing.
            if stream.waiting or stream.text:
                found += _unanswered(ends, stream, time, until)
        return [_line(ends, date, head, None, 0) for date, _, ends, head in sorted(found)]

    def followed(self) -> list[tuple[int, int, int]]:
        """Of each direction that is followed: its key, the next sequence number, and bytes of a body from there on."""
        return [(s.key, s.expected, s.skip) for s in self._streams.values()]

    def _in_order(self, stream: _Stream, sequence: int, piece: _Piece) -> list[_Piece]:
        payload, missing = piece
        distance = (sequence - stream.expected) & 0xFFFFFFFF
        if distance >= 1 << 31:
            # Seen before, at least its beginning.
            known = (1 << 32) - distance
            if known >= len(payload) + missing:
                return []
            missing -= max(0, known - len(payload))
            payload, distance = payload[known:], 0
        elif 0 < distance <= stream.skip:
            # Bytes of a body: nobody has to have seen them.
            stream.skip -= distance
            stream.expected = sequence
        elif distance > 0:
            if len(stream.ahead) < _AHEAD:
                stream.ahead[sequence] = piece
                return []
            # The gap does not close: start anew where something begins that can be read.
            self.gaps += 1
            stream.ahead.clear()
            stream.text.clear()
            stream.skip = 0
            stream.expected = sequence
        pieces = [(payload, missing)]
        stream.expected = (stream.expected + len(payload) + missing) & 0xFFFFFFFF
        while (following := stream.ahead.pop(stream.expected, None)) is not None:
            pieces.append(following)
            stream.expected = (stream.expected + len(following[0]) + following[1]) & 0xFFFFFFFF
        return pieces

    def _miss(self, stream: _Stream, ends: Ends, missing: int, time: int, out: list[bytes]) -> None:
        """Pass over what was not captured; a head that it cuts is told with what is there."""
        if stream.skip:
            stream.skip = max(0, stream.skip - missing)
        elif stream.text:
            self._head(stream, ends, bytes(stream.text[:HEAD_BYTES]), time, out)
            stream.text.clear()

    def _read(self, stream: _Stream, ends: Ends, piece: bytes, time: int, out: list[bytes]) -> None:
        if stream.skip:
            taken = min(stream.skip, len(piece))
            stream.skip -= taken
            piece = piece[taken:]
        while piece or stream.text:
            if not stream.text:
                if not may_begin(piece):
                    return
                stream.began = time
            stream.text += piece
            piece = b""
            if not may_begin(stream.text):
                stream.text.clear()
                return
            end = stream.text.find(b"\r\n\r\n")
            if end < 0:
                if len(stream.text) > HEAD_BYTES:
                    self._head(stream, ends, bytes(stream.text[:HEAD_BYTES]), time, out)
                    stream.text.clear()
                return
            head = bytes(stream.text[: end + 2])
            rest = bytes(stream.text[end + 4 :])
            stream.text.clear()
            told = _LENGTH.search(head)
            body = int(told[1]) if told else 0
            self._head(stream, ends, head, time, out)
            taken = min(body, len(rest))
            stream.skip = body - taken
            piece = rest[taken:]

    def _head(self, stream: _Stream, ends: Ends, head: bytes, time: int, out: list[bytes]) -> None:
        status = _STATUS.match(head)
        if status is None:
            if len(stream.waiting) < 64:
                stream.waiting.append((stream.began, head))
            return
        asking = self._streams.get((ends[2], ends[3], ends[0], ends[1], ends[5], ends[4]))
        if asking is None or not asking.waiting or status[1].startswith(b"1"):
            return
        _, request = asking.waiting.pop(0)
        told = _LENGTH.search(head)
        own = (ends[2], ends[3], ends[0], ends[1], ends[5], ends[4])
        out.append(_line(own, time, request, status[1], int(told[1]) if told else 0))


def _unanswered(ends: Ends, stream: _Stream, time: int, until: int | None) -> list["_GivenUp"]:
    """Take out the requests that are waited for no longer, if they came by `until`."""
    found: list[_GivenUp] = []

    def give_up(began: int, head: bytes) -> None:
        # The same however often it is looked who waits.
        due = -(-(began + PATIENCE) // _LOOK) * _LOOK
        found.append((min(due, time), began, ends, head))

    while stream.waiting and (until is None or stream.waiting[0][0] <= until):
        give_up(*stream.waiting.pop(0))
    if stream.text.startswith(_METHODS) and (until is None or stream.began <= until):
        give_up(stream.began, bytes(stream.text[:HEAD_BYTES]))
        stream.text.clear()
    return found


def may_begin(text: bytes | bytearray) -> bool:
    """Whether a request or an answer may begin like this, as far as the text goes."""
    return any(text.startswith(word[: len(text)]) for word in BEGINNINGS)


def _line(ends: Ends, time: int, head: bytes, status: bytes | None, size: int) -> bytes:
    """A request as a line of the format `vhost_combined`."""
    first, _, rest = head.partition(b"\r\n")
    fields: dict[bytes, bytes] = {}
    for field_line in rest.split(b"\r\n"):
        name, _, value = field_line.partition(b":")
        fields.setdefault(name.strip().lower(), value.strip())
    host = re.sub(rb"[^A-Za-z0-9.:\[\]_-]", b"", fields.get(b"host", b""))[:255].partition(b":")[0] or b"-"
    moment = datetime.fromtimestamp(time / 1e6, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").encode()
    return b'%s:%d %s - - [%s] "%s" %s %d "%s" "%s"\n' % (
        host, ends[5], _address(ends[0], ends[1]), moment, _quoted(first), status or b"-", size,
        _quoted(fields.get(b"referer", b"-")), _quoted(fields.get(b"user-agent", b"-")),
    )  # fmt: skip


def _quoted(text: bytes) -> bytes:
    r"""Text as servers log it: quotes, backslashes and control bytes as `\xhh`."""
    return _UNSAFE.sub(lambda found: b"\\x%02x" % found[0][0], text)


_UNSAFE: Final = re.compile(rb'[\x00-\x1f"\\\x7f]')


def _address(high: int, low: int) -> bytes:
    from ipaddress import IPv4Address, IPv6Address

    low %= 1 << 64
    if high == 0 and low >> 32 == 0xFFFF:
        return str(IPv4Address(low & 0xFFFFFFFF)).encode()
    return str(IPv6Address((high % (1 << 64)) << 64 | low)).encode()
