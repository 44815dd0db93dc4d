"""What got lost on the way, by the numbers that an exporter gives its datagrams or records."""

from collections.abc import Sequence
from typing import Final, Generic, TypeVar

import msgspec

_WHOLE: Final = 1 << 32
_BELIEVED: Final = 1_000_000
"""By which a sequence may jump and count as lost, or as late; more is another sequence."""
_ANEW: Final = 3
"""So many datagrams in a row that seem late, each where the one before ended: the exporter counts anew."""
SOURCES: Final = 256
"""Sources that are followed; of more, the one that came first is forgotten."""

S = TypeVar("S")


class _Source(msgspec.Struct):
    """What is known of a source.

    Attributes:
        expected: Number of the next record, by what RFC 7011 means: how many came before it.
        count: Records of the last datagram, None where that was not kept.
        with_it: Whether the source counts the records of a datagram before it numbers it, as softflowd does.
        uncounted: Records of the last datagram that it perhaps does not count.
        late: Datagrams in a row that seem late. resumed: What would follow the last of them.
    """

    expected: int
    count: int | None = None
    with_it: bool = False
    uncounted: int = 0
    late: int = 0
    resumed: int = -1


class SequenceGaps(Generic[S]):
    """Follows the sequence numbers of sources, unsigned and of four bytes."""

    def __init__(
        self, expected: Sequence[tuple[S, int]] = (), counted: Sequence[tuple[S, int, bool]] = ()
    ) -> None:
        """Begin, or go on from what `dump` and `dump_counted` gave."""
        self._sources = {source: _Source(number) for source, number in expected}
        for source, count, with_it in counted:
            if source in self._sources:
                self._sources[source].count, self._sources[source].with_it = count, with_it

    def missing(self, source: S, sequence: int, count: int, uncounted: int = 0) -> int:
        """How many are missing between the last datagram and this one; one that comes late was counted before.

        Args:
            sequence: Number of its first. count: How many it holds.
            uncounted: How many of these some exporters do not count: records about themselves.
        """
        known, lost = self._sources.get(source), 0
        if known is None:
            if len(self._sources) >= SOURCES:
                self._sources.pop(next(iter(self._sources)))
            known = self._sources[source] = _Source(0)
        else:
            due = self._due(known, sequence, count)
            gap, behind = (sequence - due) % _WHOLE, (due - sequence) % _WHOLE
            if gap < _WHOLE // 2:
                lost = gap if gap < _BELIEVED else 0
            elif behind <= (uncounted if known.with_it else known.uncounted):
                lost = 0
            elif behind < _BELIEVED and not _anew(known, sequence, count):
                return 0
        known.expected, known.count, known.uncounted = (sequence + count) % _WHOLE, count, uncounted
        known.late = 0
        return lost

    def forget(self, source: S) -> None:
        """Begin anew with a source."""
        self._sources.pop(source, None)

    def dump(self) -> list[tuple[S, int]]:
        """What is expected next of each source."""
        return [(source, known.expected) for source, known in self._sources.items()]

    def dump_counted(self) -> list[tuple[S, int, bool]]:
        """Records of the last datagram of each source, and whether it counts them before it numbers it."""
        return [
            (source, known.count, known.with_it)
            for source, known in self._sources.items()
            if known.count is not None
        ]

    @staticmethod
    def _due(known: _Source, sequence: int, count: int) -> int:
        """The number that a datagram should have, by how its source counts, which is learned from this one too."""
        if known.count is None or known.count == count:
            return known.expected
        counted = (known.expected - known.count + count) % _WHOLE
        if sequence in (known.expected, counted):
            known.with_it = sequence == counted
        return counted if known.with_it else known.expected


def _anew(known: _Source, sequence: int, count: int) -> bool:
    """Whether what seems late is a source that was started anew."""
    known.late = known.late + 1 if sequence == known.resumed else 1
    known.resumed = (sequence + count) % _WHOLE
    return known.late >= _ANEW
