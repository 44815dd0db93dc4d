"""The log lines that anomalies will rest on, kept while their window is open.

Which rows an anomaly rests on is known only when its window closes, and then the rows are gone. So the first few
rows of each kind that a detector may want are kept per window, bounded: `rows` for each key, `KEYS` keys for each
topic. The first in line order are kept, however rows were batched.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from vedette.schema.anomaly import Evidence
from vedette.schema.requests import Requests

KEYS = 512
TEXT_BYTES = 500
_KEPT_BYTES = TEXT_BYTES + 1
"""One more than is shown: it tells that there was more."""


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


Key = tuple[int, ...]


def printable(text: bytes, limit: int = TEXT_BYTES) -> str:
    """Decode log bytes for people: UTF-8 where valid, backslash escapes elsewhere, control characters escaped."""
    cut = text[:limit].decode("utf-8", "backslashreplace")
    shown = (
        cut
        if cut.isprintable()
        else "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    )
    return shown + "…" if len(text) > limit else shown


class KeptLine(NamedTuple):
    """A log line as it was written. Few of those kept are ever shown, so it is made printable only then."""

    source: str
    line: int
    text: bytes

    @classmethod
    def of(cls, requests: Requests, row: int) -> Self:
        """The line of a row, cut where nobody would read on."""
        start = int(requests.raw_start[row])
        end = start + min(int(requests.raw_length[row]), _KEPT_BYTES)
        return cls(requests.source, int(requests.line[row]), requests.buffer[start:end].tobytes())

    def evidence(self, matched: str | None = None, rule: str | None = None) -> Evidence:
        """The line as evidence, with what a rule matched in it."""
        return Evidence(self.source, self.line, printable(self.text), matched, rule)


def first_of_each(window: NDArray[np.int64], key: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """Places of the first `count` elements of each (window, key); both int64 (k,)."""
    order = np.lexsort((key, window))
    w, k = window[order], key[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (w[1:] != w[:-1]) | (k[1:] != k[:-1])
    starts = np.flatnonzero(fresh)
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return order[rank < count]


@dataclass(slots=True)
class EvidenceBook:
    """Rows kept for the windows that are still open, the first `rows` under each key."""

    rows: int = 3
    _windows: dict[int, dict[Topic, dict[Key, list[KeptLine]]]] = field(default_factory=dict)

    def wanted(
        self, rows: NDArray[np.intp], window: NDArray[np.int64], key: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        """Of candidate rows, the first `rows` of each (window, key), in line order.

        Args:
            rows: (k,), candidate rows. window: (n,), the window of each row of the batch. key: (k,), a number
                that tells apart what rows are kept under.
        """
        return rows[np.sort(first_of_each(window[rows], key, self.rows))]

    def keep(
        self,
        topic: Topic,
        requests: Requests,
        rows: NDArray[np.intp],
        window: NDArray[np.int64],
        keys: Iterable[Key],
    ) -> None:
        """Keep the lines of rows, each if there is room under its key.

        Args:
            topic: What the rows show.
            requests: Their batch.
            rows: (k,), in line order. window: (n,), the window of each row of the batch.
            keys: k keys, one for each of `rows`.
        """
        source, text = requests.source, requests.buffer.data
        line, start = requests.line[rows].tolist(), requests.raw_start[rows]
        past = (start + np.minimum(requests.raw_length[rows], _KEPT_BYTES)).tolist()
        spans = zip(line, start.tolist(), past, strict=True)
        for number, key, (at, begin, end) in zip(window[rows].tolist(), keys, spans, strict=True):
            kept = self._windows.setdefault(number, {}).setdefault(topic, {})
            lines = kept.get(key)
            if lines is None:
                if len(kept) >= KEYS:
                    continue
                lines = kept[key] = []
            if len(lines) < self.rows:
                lines.append(KeptLine(source, at, bytes(text[begin:end])))

    def get(self, topic: Topic, window: int, key: Key) -> tuple[Evidence, ...]:
        """The rows kept under a key."""
        kept = self._windows.get(window, {}).get(topic, {}).get(key, ())
        return tuple(line.evidence() for line in kept)

    def drop(self, window: int) -> None:
        """Forget a window that has been judged."""
        self._windows.pop(window, None)
