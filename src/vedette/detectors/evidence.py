"""The log lines that anomalies will rest on, kept while their window is open.

Which rows an anomaly rests on is known only when its window closes, and then the rows are gone. So the first few
rows of each kind that a detector may want are kept per window, bounded: `rows` for each key, and no more for each
topic than so many keys take. Which are the first is told by the rows alone, however they were batched.
"""

from collections.abc import Collection, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import KEPT, KeptLines, PackedLines, first_of_each
from vedette.schema.anomaly import Evidence
from vedette.schema.requests import Requests
from vedette.schema.state import decode, encode
from vedette.windows.distinct import distinct_values

KEYS = 512
"""Keys of a topic and window whose rows there is room for."""
_PIECES = 32
"""Batches whose rows wait to be put together: putting together costs as much as all that is kept."""


class Topic(IntEnum):
    """What a kept row shows, and what it is kept under."""

    SERVER_ERROR = 1
    """A 5xx answer, under the route number."""
    LOGIN_FAILURE = 2
    """A failed login, under (service, client)."""
    MISSING = 3
    """A 404 answer, under (service, client)."""
    REFUSED = 4
    """A 429 answer, under (service, client)."""
    SLOW = 5
    """One of the slowest rows, under the route number."""


class Candidates(NamedTuple):
    """Rows of a batch that one topic may want.

    Attributes:
        rows: (k,), in line order.
        owner: int64 (k,), the number of the route or service that each is kept under. high, low: uint64 (k,), the
            client's key; 0 where the topic is not about clients.
        weight: float64 (k,): the smaller is wanted first, of equals the earlier line.
    """

    topic: Topic
    rows: NDArray[np.intp]
    owner: NDArray[np.integer]
    high: NDArray[np.uint64] | int = 0
    low: NDArray[np.uint64] | int = 0
    weight: NDArray[np.float64] | float = 0.0


def _columns(wanted: Sequence[Candidates]) -> dict[str, NDArray[Any]]:
    """Topics, keys and weights of all candidates, one after the other, by their names in `KEPT`."""
    counts = [len(candidates.rows) for candidates in wanted]
    found: dict[str, NDArray[Any]] = {}
    for name in ("topic", "owner", "high", "low", "weight"):
        column = found[name] = np.empty(sum(counts), dtype=KEPT[name])
        past = 0
        for candidates, count in zip(wanted, counts, strict=True):
            column[past : past + count] = getattr(candidates, name)
            past += count
    return found


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What an `EvidenceBook` holds, by window."""

    windows: list[tuple[int, PackedLines]]


class EvidenceBook(msgspec.Struct):
    """Rows kept for the windows that are still open, the first `rows` under each key."""

    rows: int = 3
    _windows: dict[int, list[KeptLines]] = msgspec.field(default_factory=dict)

    def keep(self, requests: Requests, window: NDArray[np.int64], wanted: Sequence[Candidates]) -> None:
        """Keep lines of a batch. window: (n,), the window of each of its rows."""
        rows = np.concatenate([candidates.rows for candidates in wanted])
        numbers = window[rows]
        columns = _columns(wanted)
        for number in distinct_values(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            first = here[self._first({name: column[here] for name, column in columns.items()})]
            own = rows[first]
            kept = np.empty(len(own), dtype=KEPT)
            for name, column in columns.items():
                kept[name] = column[first]
            kept["source"], kept["line"] = requests.source, requests.line[own]
            start = requests.raw_start[own]
            lines = KeptLines.copied(kept, requests.buffer, start, start + requests.raw_length[own])
            pieces = self._windows.setdefault(number, [])
            pieces.append(lines)
            if len(pieces) > _PIECES:
                self._whole(number)

    def of_client(self, topic: Topic, window: int, service: int, high: int, low: int) -> tuple[Evidence, ...]:
        """The rows kept for a client of a service."""
        rows = self._whole(window).rows
        mine = (
            (rows["owner"] == service) & (rows["high"] == np.uint64(high)) & (rows["low"] == np.uint64(low))
        )
        return self._shown(window, np.flatnonzero(mine & (rows["topic"] == topic)))

    def of_routes(self, topic: Topic, window: int, routes: Collection[int]) -> tuple[Evidence, ...]:
        """The rows kept for routes, the first of them together."""
        rows = self._whole(window).rows
        mine = np.isin(rows["owner"], np.fromiter(routes, dtype=np.int64, count=len(routes)))
        return self._shown(window, np.flatnonzero(mine & (rows["topic"] == topic)))

    def drop(self, window: int) -> None:
        """Forget a window that has been judged."""
        self._windows.pop(window, None)

    def to_state(self) -> bytes:
        """All lines kept, as bytes."""
        return encode(_State([(n, self._whole(n).packed()) for n in sorted(self._windows)]))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        state = decode(content, _State, "evidence")
        self._windows = {number: [KeptLines.unpacked(packed)] for number, packed in state.windows}

    def drop_from(self, window: int) -> None:
        """Forget windows from this number on, which will not be judged."""
        self._windows = {number: kept for number, kept in self._windows.items() if number < window}

    def _shown(self, window: int, found: NDArray[np.intp]) -> tuple[Evidence, ...]:
        lines = self._whole(window)
        order = np.argsort(lines.rows["weight"][found], kind="stable")[: self.rows]
        return tuple(lines.line(row).evidence() for row in found[order].tolist())

    def _first(self, rows: Mapping[str, NDArray[Any]] | NDArray[np.void]) -> NDArray[np.intp]:
        return first_of_each(rows, self.rows, KEYS * self.rows)

    def _whole(self, window: int) -> KeptLines:
        """What is kept for a window, in one piece."""
        pieces = self._windows.get(window)
        if not pieces:
            return KeptLines(np.empty(0, dtype=KEPT), np.empty(0, dtype=np.uint8))
        if len(pieces) > 1:
            whole = KeptLines.joined(pieces)
            self._windows[window] = pieces = [KeptLines.of(whole.rows[self._first(whole.rows)], whole.text)]
        return pieces[0]
