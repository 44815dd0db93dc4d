"""Which of the spans that were wrong were found, and which alarms were about nothing."""

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from vedette.evaluate.labels import Span
from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident

GRACE = 2 * 60_000_000
"""Microseconds after its end in which a span may still be found, and an alarm is still about it: two windows."""


class SpanScore(msgspec.Struct, frozen=True):
    """One kind of span.

    Attributes:
        spans: How many there were. found: By an anomaly of their type. noticed: By an anomaly of any type.
        delay_s: From the start of a span to the end of the window that found it, the median in seconds; None where
            none was found.
    """

    name: str
    spans: int
    found: int
    noticed: int
    delay_s: float | None


def score_spans(spans: Sequence[Span], anomalies: Iterable[Anomaly]) -> list[SpanScore]:
    """How the spans fared, by name; quiet ones are left out.

    Args:
        spans: Labels. anomalies: In any order.
    """
    known = sorted(anomalies, key=lambda a: (a.end, a.id))
    grouped: dict[str, list[tuple[float | None, bool]]] = {}
    for span in spans:
        if span.quiet:
            continue
        near = [a for a in known if about(span, a.start, a.end) and span.service in (None, a.service)]
        own = [a for a in near if span.type in (None, a.type)]
        delay = (own[0].end - span.start) / 1e6 if own else None
        grouped.setdefault(span.name, []).append((delay, bool(near)))
    scores = []
    for name in sorted(grouped):
        delays = [delay for delay, _ in grouped[name] if delay is not None]
        noticed = sum(seen for _, seen in grouped[name])
        found = median(delays) if delays else None
        scores.append(SpanScore(name, len(grouped[name]), len(delays), noticed, found))
    return scores


def false_alarms(spans: Sequence[Span], incidents: Iterable[Incident]) -> list[Incident]:
    """Incidents that are about no span of their services; what is stated in a quiet span is false."""
    loud = [span for span in spans if not span.quiet]
    return [
        incident
        for incident in incidents
        if not any(
            about(span, incident.start, incident.end)
            and (span.service is None or span.service in incident.services)
            for span in loud
        )
    ]


def about(span: Span, start: int, end: int) -> bool:
    """Whether a statement about a time may be about a span."""
    return start < span.end + GRACE and end > span.start
