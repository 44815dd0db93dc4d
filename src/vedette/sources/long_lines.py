"""Cuts lines above a limit: what bounds the memory of one hostile line."""

from vedette.sources.pool import Memory

LINE_BYTES = 1 << 20
"""Longest line that is delivered whole, without its newline."""


class LongLines:
    """Shortens lines in place.

    Looks only for the last newline within each `line_bytes + 1` bytes: usual lines cost nothing.

    Attributes:
        line_bytes: Longest line that stays whole, without its newline.
        lines: Lines cut so far.
        bytes: Bytes dropped from them.
        cutting: Whether the last bytes given were the beginning of a line above the limit, whose rest is dropped.
    """

    def __init__(self, line_bytes: int = LINE_BYTES) -> None:
        self.line_bytes = line_bytes
        self.lines = 0
        self.bytes = 0
        self.cutting = False

    def cut(self, memory: Memory, view: memoryview, filled: int) -> tuple[int, int]:
        """Shorten lines above the limit; returns (end of the whole lines, end of what is kept).

        Args:
            memory: Lines from its start; if `cutting`, first the `line_bytes` kept of the line that goes on.
            view: Of `memory`.
            filled: Bytes of it that count.
        """
        start = 0
        while start < filled:
            limit = start + self.line_bytes
            newline = memory.rfind(b"\n", start, min(limit + 1, filled))
            if newline >= 0:
                start = newline + 1
                self.cutting = False
                continue
            if filled <= limit:
                break
            if not self.cutting:
                self.lines += 1
            newline = memory.find(b"\n", limit, filled)
            if newline < 0:
                self.cutting = True
                self.bytes += filled - limit
                filled = limit
                break
            self.bytes += newline - limit
            kept = filled - newline
            view[limit : limit + kept] = view[newline:filled]
            filled = limit + kept
            start = limit + 1
            self.cutting = False
        return start, filled
