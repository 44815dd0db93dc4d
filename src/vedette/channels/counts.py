"""How much was told, for /metrics."""

import threading
from collections import Counter

import msgspec


class Told(msgspec.Struct, frozen=True):
    """Totals since the process began.

    Attributes:
        sent: (channel, severity) to messages that the channel has.
        errors: Channel to tries that failed.
    """

    sent: dict[tuple[str, str], int]
    errors: dict[str, int]


class Counts:
    """Counts from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: Counter[tuple[str, str]] = Counter()
        self._errors: Counter[str] = Counter()

    def sent(self, channel: str, severity: str) -> None:
        """A channel has a message."""
        with self._lock:
            self._sent[channel, severity] += 1

    def error(self, channel: str) -> None:
        """A try failed."""
        with self._lock:
            self._errors[channel] += 1

    def told(self) -> Told:
        """The totals now."""
        with self._lock:
            return Told(dict(self._sent), dict(self._errors))
