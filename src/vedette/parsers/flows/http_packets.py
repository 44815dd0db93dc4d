"""Which packets of a capture may belong to cleartext HTTP: few of most, so that the others cost next to nothing."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.packets.packet_glances import find_plain
from vedette.kernels.packets.packet_layout import Packet
from vedette.kernels.text.hashing import new_secret
from vedette.parsers.flows.http_streams import BEGINNINGS, Ends, HttpStreams

FORMAT: Final = "vhost_combined"
"""Of the lines."""
_WORD: Final = 4
_OTHERS: Final = np.zeros(65_536, dtype=np.uint8)
_OTHERS[[443, 22, 993, 995, 465, 853, 53]] = 1
"""Ports whose payload is not looked at: it is no HTTP, or cannot be read."""
_WORDS: Final = np.array(
    sorted({int.from_bytes(word[:_WORD], "little") for word in BEGINNINGS}), dtype=np.uint64
)
_ENDS: Final = [
    Packet.SOURCE_HIGH, Packet.SOURCE_LOW, Packet.TARGET_HIGH, Packet.TARGET_LOW, Packet.SOURCE_PORT,
    Packet.TARGET_PORT,
]  # fmt: skip
_FAR: Final = 1 << 30
_MASK: Final = (1 << 64) - 1


class HttpPackets:
    """Finds requests in decoded packets, as log lines. One capture's packets, in their order."""

    def __init__(self) -> None:
        # Whoever knew them could hide requests behind a download of theirs.
        self._factors = [number & _MASK for _ in range(len(_ENDS) // 2) for number in new_secret()]
        self._mixers = np.array(self._factors, dtype=np.uint64)
        self._streams = HttpStreams(self._key)

    def take(self, buffer: NDArray[np.uint8], rows: NDArray[np.int64]) -> list[bytes]:
        """Lines of the requests whose answers, or ends, are among some packets.

        Args:
            buffer: Holds the packets' bytes, and four more. rows: int64 (n, PACKET_COLUMNS).
        """
        if not len(rows):
            return []
        return self._found(buffer, rows) + self.pass_time(int(rows[:, Packet.TIME].max()))

    def pass_time(self, time: int) -> list[bytes]:
        """Lines of the requests that are waited for no longer at a time, microseconds."""
        return self._streams.pass_time(time)

    def finish(self) -> list[bytes]:
        """Lines of the requests that were never answered."""
        return self._streams.finish()

    def _found(self, buffer: NDArray[np.uint8], rows: NDArray[np.int64]) -> list[bytes]:
        candidates, latest = np.empty((2, len(rows)), dtype=np.int64)
        count = find_plain(rows, _OTHERS, candidates, latest)
        if not count:
            return []
        chosen = rows[candidates[:count]]
        begins = _begins(buffer, chosen)
        ends = (chosen[:, _ENDS].astype(np.uint64) * self._mixers).sum(axis=1, dtype=np.uint64)
        begins |= _among(ends, np.sort(ends[begins]))
        wanted = begins | self._goes_on(ends, chosen)
        lines: list[bytes] = []
        # As if each packet had been looked at.
        for row, time in zip(chosen[wanted].tolist(), latest[:count][wanted].tolist(), strict=True):
            lines += self._streams.pass_time(time)
            at = row[Packet.AT]
            lines += self._streams.take(row, buffer[at : at + row[Packet.CAPTURED]].tobytes())
        return lines

    def _key(self, ends: Ends) -> int:
        """A direction of a connection as one number."""
        return sum(one * factor for one, factor in zip(ends, self._factors, strict=True)) & _MASK

    def _goes_on(self, ends: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether packets belong to directions that are followed, and are not of the inside of a body."""
        followed = self._streams.followed()
        if not followed:
            return np.zeros(len(rows), dtype=bool)
        keys = np.array([key for key, _, _ in followed], dtype=np.uint64)
        order = np.argsort(keys)
        place = order[np.minimum(np.searchsorted(keys, ends, sorter=order), len(keys) - 1)]
        expected = np.array([expected for _, expected, _ in followed], dtype=np.int64)[place]
        skip = np.array([skip for _, _, skip in followed], dtype=np.int64)[place]
        ahead = (rows[:, Packet.SEQUENCE] - expected) & 0xFFFFFFFF
        # Sequence numbers begin anew after four gigabytes: of a long body some packets are looked at.
        beyond = (ahead + rows[:, Packet.PAYLOAD] > skip) | (ahead > _FAR)
        found: NDArray[np.bool_] = (keys[place] == ends) & beyond
        return found


def _begins(buffer: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a payload begins as a request or an answer may, by its first bytes; those of a few bytes may."""
    at = rows[:, Packet.AT]
    word = np.zeros(len(rows), dtype=np.uint64)
    for place in range(_WORD):
        word |= buffer[at + place].astype(np.uint64) << np.uint64(8 * place)
    return _among(word, _WORDS) | (rows[:, Packet.CAPTURED] < _WORD)


def _among(values: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which values are among some in order. `np.isin` looks for distinct values first, and imports masked arrays."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    found: NDArray[np.bool_] = (
        ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    )
    return found
