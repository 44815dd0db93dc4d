"""What got lost on the way, by the numbers that an exporter gives its datagrams or records."""

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

_WHOLE: Final = 1 << 32
_BELIEVED: Final = 1_000_000
"""By which a sequence may jump and count as lost; more is another sequence."""
SOURCES: Final = 256
"""Sources that are followed; of more, the one that came first is forgotten."""

S = TypeVar("S")


class SequenceGaps(Generic[S]):
    """Follows the sequence numbers of sources, unsigned and of four bytes."""

    def __init__(self, expected: Sequence[tuple[S, int]] = ()) -> None:
        """Begin, or go on from what `dump` gave."""
        self._expected = dict(expected)

    def missing(self, source: S, sequence: int, count: int) -> int:
        """How many are missing between the last datagram and this one; one that comes late was counted before.

        Args:
            sequence: Number of its first. count: How many it holds.
        """
        expected, lost = self._expected.get(source), 0
        if expected is not None:
            gap = (sequence - expected) % _WHOLE
            if gap < _WHOLE // 2:
                lost = gap if gap < _BELIEVED else 0
            elif expected < sequence + _BELIEVED:
                return 0
        elif len(self._expected) >= SOURCES:
            self._expected.pop(next(iter(self._expected)))
        self._expected[source] = (sequence + count) % _WHOLE
        return lost

    def forget(self, source: S) -> None:
        """Begin anew with a source."""
        self._expected.pop(source, None)

    def dump(self) -> list[tuple[S, int]]:
        """What is expected next of each source."""
        return list(self._expected.items())
