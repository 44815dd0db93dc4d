"""What was found of the incidents that were put in: the quality card."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median

import msgspec

from vedette.inject.plan import Planned
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind

GRACE = 2 * 60_000_000
"""Microseconds after its end in which an incident may still be found: two windows."""


class Outcome(msgspec.Struct, frozen=True):
    """One incident that was put in, and the anomaly that found it first, or None.

    Attributes:
        lines: Lines added, changed or left out. delay: Seconds from its start to the end of the window that found it.
        types: All types that found it.
    """

    planned: Planned
    lines: int
    first: Anomaly | None
    delay: float | None
    types: tuple[AnomalyType, ...]


class Row(msgspec.Struct, frozen=True):
    """One kind of incident on the card."""

    name: str
    meaning: str
    injected: int
    found: int
    delay_s: float | None
    """Median, seconds; None where none was found."""
    by: tuple[str, ...]
    """Types that found it, the most frequent first."""
    untouched: int
    """Anomalies of the types that count as finding it, on the untouched log."""


def outcome(
    planned: Planned,
    lines: int,
    clients: Collection[str],
    anomalies: Iterable[Anomaly],
    before: Collection[str],
) -> Outcome:
    """What became of one incident.

    An anomaly has found it if it is of a type that fits, of its service and time, about one of its clients where it
    is about a client, and was not found in the untouched log, too.

    Args:
        planned: The incident. lines: How many it took. clients: Who did it, if somebody did.
        anomalies: Of the copy. before: Ids of those of the untouched log.
    """
    found = sorted(
        (
            a
            for a in anomalies
            if a.type in planned.kind.types
            and a.service == planned.service
            and a.start < planned.end + GRACE
            and a.end > planned.start
            and a.id not in before
            and (a.entity.kind is not EntityKind.CLIENT or not clients or a.entity.value in clients)
        ),
        key=lambda a: (a.end, a.id),
    )
    if not found:
        return Outcome(planned, lines, None, None, ())
    kinds = tuple(dict.fromkeys(a.type for a in found))
    return Outcome(planned, lines, found[0], (found[0].end - planned.start) / 1e6, kinds)


def rows(outcomes: Sequence[Outcome], untouched: Mapping[str, int]) -> list[Row]:
    """The card, in the order in which kinds come first.

    Args:
        outcomes: All of them. untouched: Anomalies on the untouched log, by type.
    """
    grouped: dict[str, list[Outcome]] = {}
    for each in outcomes:
        grouped.setdefault(each.planned.kind.name, []).append(each)
    card = []
    for name, own in grouped.items():
        delays = [each.delay for each in own if each.delay is not None]
        counts: dict[str, int] = {}
        for each in own:
            for kind in each.types:
                counts[kind.value] = counts.get(kind.value, 0) + 1
        card.append(
            Row(
                name,
                own[0].planned.kind.meaning,
                len(own),
                len(delays),
                median(delays) if delays else None,
                tuple(sorted(counts, key=lambda kind: (-counts[kind], kind))),
                sum(untouched.get(kind.value, 0) for kind in own[0].planned.kind.types),
            )
        )
    return card
