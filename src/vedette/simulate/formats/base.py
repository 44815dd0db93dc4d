"""What a format of a simulated log is."""

from datetime import datetime
from typing import Protocol

from vedette.simulate.view import View


class LogFormat(Protocol):
    """Writes views as lines of one format."""

    name: str
    """As `--format` takes it."""
    names_service: bool
    """Whether a line tells which service answered."""
    timestamp: str
    """`end` where a line carries the time at which its request ended, so that times never run backwards;
    `start` where it carries the time at which it began."""

    def header(self, start: datetime) -> list[bytes]:
        """Lines (without line ends) that a log begins with."""
        ...

    def escape(self, text: bytes) -> bytes:
        """Escape a free text (a hostile target, a referer, a user agent) as this format does."""
        ...

    def lines(self, view: View) -> list[bytes]:
        """One line, without its line end, for each row."""
        ...
