"""Log lines held as columns: cheap to keep by the thousand, of which hardly one is ever shown."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.windows.keeping import copy_texts
from vedette.schema.anomaly import Evidence
from vedette.schema.requests import Requests
from vedette.schema.state import PackedArray, check, pack, unpack

TEXT_BYTES = 500
_KEPT_BYTES = TEXT_BYTES + 1
"""One more than is shown: it tells that there was more."""


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

    @classmethod
    def of_each(cls, requests: Requests, rows: NDArray[np.intp]) -> list[Self]:
        """The lines of rows (k,)."""
        start, length = requests.raw_start[rows], np.minimum(requests.raw_length[rows], _KEPT_BYTES)
        memory, source = requests.buffer.data, requests.source
        return [
            cls(source, line, memory[begin : begin + size].tobytes())
            for line, begin, size in zip(
                requests.line[rows].tolist(), start.tolist(), length.tolist(), strict=True
            )
        ]

    def evidence(self, matched: str | None = None, rule: str | None = None) -> Evidence:
        """The line as evidence, with what a rule matched in it."""
        return Evidence(self.source, self.line, printable(self.text), matched, rule)


KEPT = np.dtype(
    [
        ("topic", np.int64), ("owner", np.int64), ("high", np.uint64), ("low", np.uint64), ("weight", np.float64),
        ("source", object), ("line", np.int64), ("start", np.int64), ("end", np.int64),
    ]
)  # fmt: skip
"""A kept line: topic and key that it is kept under; its weight: the smallest comes first, of equals the first line;
the name of its source; its number; where it stands in the text."""


_NUMBERS = tuple(name for name in KEPT.names or () if name != "source")


class PackedLines(msgspec.Struct, frozen=True, array_like=True):
    """`KeptLines` as a part of a state: their columns but the source, sources by number, and the text."""

    columns: list[PackedArray]
    sources: list[str]
    source: PackedArray
    text: bytes


class KeptLines(msgspec.Struct, frozen=True):
    """k log lines in the order in which they came.

    Attributes:
        rows: `KEPT` (k,). text: uint8, the lines, one after the other, cut where nobody would read on.
    """

    rows: NDArray[np.void]
    text: NDArray[np.uint8]

    @classmethod
    def of(cls, rows: NDArray[np.void], text: NDArray[np.uint8]) -> Self:
        """Copy lines that stand somewhere in a longer text.

        Args:
            rows: `KEPT` (k,), whose `start` and `end` are places in the text. text: uint8.
        """
        return cls.copied(rows.copy(), text, np.ascontiguousarray(rows["start"]), rows["end"])

    @classmethod
    def copied(
        cls, rows: NDArray[np.void], text: NDArray[np.uint8], start: NDArray[np.int64], end: NDArray[np.int64]
    ) -> Self:
        """The same of lines that stand at other places than their rows say.

        Args:
            rows: `KEPT` (k,); changed, and kept. text: uint8. start, end: int64 (k,), the places.
        """
        length = np.minimum(end - start, _KEPT_BYTES)
        ends = np.cumsum(length)
        rows["end"], rows["start"] = ends, ends - length
        copied = np.empty(int(length.sum()), dtype=np.uint8)
        copy_texts(text, start, length, copied)
        return cls(rows, copied)

    @classmethod
    def joined(cls, pieces: "Sequence[KeptLines]") -> Self:
        """The lines of pieces that came one after the other."""
        rows = np.concatenate([piece.rows for piece in pieces])
        ends = np.cumsum([len(piece.text) for piece in pieces])
        shift = np.repeat(np.concatenate([[0], ends[:-1]]), [len(piece.rows) for piece in pieces])
        rows["start"] += shift
        rows["end"] += shift
        return cls(rows, np.concatenate([piece.text for piece in pieces]))

    def line(self, row: int) -> KeptLine:
        """One of the lines."""
        found = self.rows[row]
        return KeptLine(
            found["source"], int(found["line"]), self.text[found["start"] : found["end"]].tobytes()
        )

    def packed(self) -> PackedLines:
        """The lines as a part of a state."""
        sources = {name: number for number, name in enumerate(dict.fromkeys(self.rows["source"].tolist()))}
        source = np.array([sources[name] for name in self.rows["source"].tolist()], dtype=np.int32)
        columns = [pack(np.ascontiguousarray(self.rows[name])) for name in _NUMBERS]
        return PackedLines(columns, list(sources), pack(source), self.text.tobytes())

    @classmethod
    def unpacked(cls, packed: PackedLines) -> Self:
        """Lines that were packed.

        Raises:
            StateError: Damaged.
        """
        what = "kept lines"
        check(len(packed.columns) == len(_NUMBERS), what)
        source = unpack(packed.source, np.int32, (None,), what)
        rows = np.empty(len(source), dtype=KEPT)
        for name, column in zip(_NUMBERS, packed.columns, strict=True):
            rows[name] = unpack(column, KEPT[name], (len(source),), what)
        check(bool(((source >= 0) & (source < len(packed.sources))).all()), what)
        rows["source"] = np.array([*packed.sources, None], dtype=object)[source]
        start, end = rows["start"], rows["end"]
        check(bool(((start >= 0) & (start <= end) & (end <= len(packed.text))).all()), what)
        return cls(rows, np.frombuffer(bytearray(packed.text), dtype=np.uint8))


def first_of_each(
    rows: Mapping[str, NDArray[Any]] | NDArray[np.void], most: int, in_all: int
) -> NDArray[np.intp]:
    """Which of `KEPT` rows come first: `most` of each topic and key, of these `in_all` of each topic; ascending.

    They may be given as columns by name.

    What comes first of some rows and then of those and others is what comes first of all: a row that `in_all` others
    precede, at most `most` of each key, is preceded by as many in every larger set.
    """
    order = np.lexsort((rows["weight"], rows["low"], rows["high"], rows["owner"], rows["topic"]))
    changes = np.zeros(len(order), dtype=bool)
    for name in ("topic", "owner", "high", "low"):
        column = rows[name][order]
        changes[1:] |= column[1:] != column[:-1]
    order = order[_rank(changes) < most]
    order = order[np.lexsort((order, rows["weight"][order], rows["topic"][order]))]
    topic = rows["topic"][order]
    changes = np.zeros(len(order), dtype=bool)
    changes[1:] = topic[1:] != topic[:-1]
    return np.sort(order[_rank(changes) < in_all])


def _rank(changes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many elements of its run stand before each; a run starts at the first element and at each change."""
    place = np.arange(len(changes))
    return place - np.maximum.accumulate(np.where(changes, place, 0))
