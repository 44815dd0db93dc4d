"""What is particular to nfdump's CSV: records of one direction, flags as letters, and a summary below its flows."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flows.flow_ends import from_servers
from vedette.parsers.flows.flow_flags import tell_flags, turn_round
from vedette.schema.flows import Flow, Protocol

_TITLE: Final = b"Summary"
_LINES: Final[Sequence[Callable[[bytes], bool]]] = (
    lambda line: line == _TITLE,
    lambda line: line.startswith(b"flows,bytes,packets"),
    lambda line: b"," in line and not line.strip(b"0123456789.,"),
)
"""Tells the lines of a summary, in their order."""


class Summaries:
    """Finds nfdump's summaries: a title, names, and as many numbers."""

    def __init__(self) -> None:
        self._next = 0

    def count(self, text: bytes) -> int:
        """How many lines of a chunk are of one; it may begin within one."""
        found = at = 0
        while at < len(text):
            if not self._next and not (at == 0 and text.startswith(_TITLE)):
                at = text.find(b"\n" + _TITLE, max(at - 1, 0)) + 1
                if not at:
                    break
            end = text.find(b"\n", at)
            end = len(text) if end < 0 else end
            line = text[at:end].rstrip(b"\r")
            follows = _LINES[self._next](line)
            self._next = (self._next + 1) % len(_LINES) if follows else 0
            found += follows
            at = end + 1
        return found


def tell_sides(table: NDArray[np.int64], *, flags: bool) -> None:
    """Tell of nfdump's records, most of which are of one direction, whose side each is, and what its flags mean.

    The other direction is a record of its own: nobody opened a flow twice.
    """
    bits = table[:, Flow.SYN_OUT].copy()
    back = from_servers(table[:, Flow.CLIENT_PORT], table[:, Flow.SERVER_PORT], table[:, Flow.PROTOCOL], bits)
    back &= table[:, Flow.PACKETS_IN] == 0
    turn_round(table, back)
    if flags:
        tell_flags(table, np.where(back, 0, bits), np.where(back, bits, 0), back)
    else:
        table[:, Flow.OPENED] = ~back
        answered = (table[:, Flow.PROTOCOL] != Protocol.TCP) & (table[:, Flow.PACKETS_IN] > 0)
        table[answered, Flow.SUCCEEDED] = 1
