"""Joins records of one stream into deliveries: many senders write a line at a time."""

from vedette.sources.journal.record import Label
from vedette.sources.source import Delivery

_Key = tuple[str, str | None, str | None]


class _Run:
    """Lines of one stream that follow each other."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.next = first
        self.pieces: list[bytes] = []


class Gathered:
    """Records as they are read; each stream's stay in order, and are numbered as they were.

    Attributes:
        bytes: Bytes of lines so far.
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._runs: list[tuple[_Key, _Run]] = []
        self._last: dict[_Key, _Run] = {}

    def add(self, label: Label, lines: bytes) -> None:
        """Add a record."""
        key = label.stream, label.service, label.format
        run = self._last.get(key)
        if run is None or run.next != label.first_line:
            run = self._last[key] = _Run(label.first_line)
            self._runs.append((key, run))
        run.pieces.append(lines)
        run.next += label.lines
        self.bytes += len(lines)

    def deliveries(self) -> list[Delivery]:
        """What was added, without a position."""
        return [
            Delivery(stream, b"".join(run.pieces), b"", run.first, service, form)
            for (stream, service, form), run in self._runs
        ]
