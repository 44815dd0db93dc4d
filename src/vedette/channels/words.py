"""How a message reads. All of it is single lines of printable text; each channel escapes it for its place."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from vedette.channels.escape import printable
from vedette.channels.message import Item, Message
from vedette.schema.live import Change

_TITLE = 200
_TEXT = 1_000
_SERVICE = 100
_ROUTE = 300
NAMED = 25
"""Incidents that a message to people names; it counts the rest."""

CHANGES = {Change.OPENED: "Opened", Change.WORSE: "Worse", Change.CLOSED: "Closed"}


def moment(time: int) -> str:
    """ISO 8601, UTC, as our JSON has it."""
    return datetime.fromtimestamp(time / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def title(item: Item) -> str:
    """`Opened: errors on shop`."""
    return f"{CHANGES[item.notice.change]}: {incident_title(item)}"


def incident_title(item: Item) -> str:
    """What the incident is called."""
    return printable(item.notice.incident.title, _TITLE)


def statement(item: Item) -> str:
    """What is stated: the worst anomaly's sentence, or the incident's."""
    return printable(item.notice.description or item.notice.incident.summary, _TEXT)


def service(item: Item) -> str:
    """The service that it is about; of several, the first."""
    services = item.notice.incident.services
    return printable(services[0], _SERVICE) if services else ""


def route(item: Item) -> str:
    """The route of its worst anomaly, or nothing."""
    return printable(item.notice.route or "", _ROUTE)


def facts(item: Item) -> Iterator[tuple[str, str]]:
    """Names and values, for a table."""
    incident = item.notice.incident
    yield "Severity", incident.severity.value
    if incident.services:
        more = f" and {len(incident.services) - 1} more" if len(incident.services) > 1 else ""
        yield "Service", service(item) + more
    if item.notice.route:
        yield "Route", route(item)
    yield "When", _when(item)
    if incident.requests:
        # A request on which two anomalies rest counts with each.
        most = "up to " if len(incident.anomaly_ids) > 1 else ""
        yield "Requests", f"{most}{incident.requests:,}"
    for name, value in item.tags.items():
        yield printable(name, 60), printable(value, 200)


def _when(item: Item) -> str:
    incident = item.notice.incident
    start, end = (datetime.fromtimestamp(t / 1e6, UTC) for t in (incident.start, incident.end))
    if item.notice.change is Change.CLOSED:
        until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
        return f"{start:%Y-%m-%d %H:%M} to {until} UTC"
    return f"since {start:%Y-%m-%d %H:%M} UTC"


def advice(item: Item) -> str:
    """What to do next, unless it is over."""
    closed = item.notice.change is Change.CLOSED
    return (
        "" if closed or not item.notice.incident.advice else printable(item.notice.incident.advice[0], _TEXT)
    )


def headline(message: Message) -> str:
    """The title of a message: of its incident, or how many there are."""
    if len(message.items) == 1:
        return title(message.items[0])
    counts = Counter(item.notice.change for item in message.items)
    parts = [f"{counts[change]} {change.value}" for change in Change if counts[change]]
    return f"{len(message.items)} incidents: {', '.join(parts)}"


def line(item: Item) -> str:
    """An incident on one line, among others."""
    return f"{title(item)} ({item.notice.incident.severity.value}, {_when(item)})"


def rest(message: Message) -> str:
    """What a list of the first `NAMED` leaves out, counted by service; empty if nothing."""
    left = message.items[NAMED:]
    if not left:
        return ""
    services = Counter(service(item) or "no service" for item in left)
    named = ", ".join(f"{count} on {name}" for name, count in services.most_common(5))
    others = len(services) - 5
    return f"and {len(left)} more: {named}" + (f" and {others} other services" if others > 0 else "")


def plain(message: Message) -> str:
    """The whole message as plain text, lines separated by newlines."""
    return "\n".join(_plain(message))


def _plain(message: Message) -> Iterator[str]:
    if len(message.items) > 1:
        yield from (
            f"- {line(item)}" + (f" {item.link}" if item.link else "") for item in message.items[:NAMED]
        )
        if left := rest(message):
            yield left
        return
    (item,) = message.items
    yield statement(item)
    yield ""
    yield from (f"{name}: {value}" for name, value in facts(item))
    if todo := advice(item):
        yield ""
        yield todo
    if item.link:
        yield ""
        yield item.link
