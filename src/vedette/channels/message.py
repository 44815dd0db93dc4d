"""What is told: one incident, or several in one message."""

from collections.abc import Mapping

import msgspec

from vedette.schema.anomaly import Severity
from vedette.schema.live import Change, Notice


class Item(msgspec.Struct, frozen=True):
    """One incident in a message, as its newest notice has it.

    Attributes:
        notice: What changed.
        tags: Names to values.
        link: Where a person reads more, if that is known.
        told: Severities with which this channel was told of the incident before.
    """

    notice: Notice
    tags: Mapping[str, str] = msgspec.field(default_factory=dict)
    link: str | None = None
    told: tuple[Severity, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """What one channel is told at once.

    Attributes:
        id: The same each time that this is tried, so that a receiver can tell a repetition. Printable ASCII.
        items: At least one; the worst first.
        at: When it is sent, microseconds since the epoch, UTC.
        thread: What the channel called its first message about the incident, if there was one and this is about
            that incident alone.
    """

    id: str
    items: tuple[Item, ...]
    at: int
    thread: str | None = None

    @property
    def severity(self) -> Severity:
        """Of the worst."""
        return max((item.notice.incident.severity for item in self.items), key=lambda severity: severity.rank)


def worst_first(items: list[Item]) -> tuple[Item, ...]:
    """Items in the order in which a person wants to read them: open ones, the worst, the oldest."""
    return tuple(
        sorted(
            items,
            key=lambda item: (
                item.notice.change is Change.CLOSED,
                -item.notice.incident.severity.rank,
                item.notice.time,
                item.notice.id,
            ),
        )
    )
