"""When the incidents were, as one bar each."""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from vedette.report.markup import Html, tag
from vedette.report.moments import day_and_clock, span
from vedette.schema.incident import Incident

MOST = 40
"""Incidents drawn."""
_WIDTH = 1000
_LEAST = 6
"""So wide a bar is at least: a minute in a week must still be seen."""


def timeline(incidents: Sequence[Incident], start: int, end: int, zone: tzinfo) -> Html | None:
    """Incidents in order of time, on the time that was covered; None where there is nothing to draw.

    Args:
        incidents: All of them, the worst first; the first `MOST` are drawn.
        start, end: Time covered, microseconds.
        zone: For the labels.
    """
    drawn = sorted(incidents[:MOST], key=lambda incident: (incident.start, incident.id))
    if not drawn:
        return None
    start = min(start, *(i.start for i in drawn), start)
    end = max(end, *(i.end for i in drawn), start + 1)
    hidden = len(incidents) - len(drawn)
    return tag(
        "section",
        tag("h2", "When"),
        tag("div", _rows(drawn, start, end, zone), class_="time"),
        tag("p", f"{hidden:,} less severe incidents are not drawn.", class_="faint") if hidden else None,
    )


def _rows(drawn: Sequence[Incident], start: int, end: int, zone: tzinfo) -> Iterator[Html]:
    for incident in drawn:
        yield tag("a", incident.title, href=f"#{incident.id}", title=incident.title)
        left = _WIDTH * (incident.start - start) / (end - start)
        width = max(_LEAST, _WIDTH * (incident.end - incident.start) / (end - start))
        left = min(left, _WIDTH - width)
        yield tag(
            "svg",
            tag("title", f"{incident.severity.value}, {span(incident.start, incident.end, zone)}"),
            tag("rect", x=0, y=8, width=_WIDTH, height=2, class_="ground"),
            tag(
                "rect", x=f"{left:.1f}", y=2, width=f"{width:.1f}", height=14, class_=incident.severity.value
            ),
            viewBox=f"0 0 {_WIDTH} 18",
            preserveAspectRatio="none",
            height=18,
            role="img",
        )
    yield tag("span")
    yield tag(
        "div", tag("small", day_and_clock(start, zone)), tag("small", day_and_clock(end, zone)), class_="axis"
    )
