"""The scan buffer: texts of a batch as rules see them, row after row."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.columns import COLUMNS, Column
from vedette.detectors.signatures.tables import ints
from vedette.kernels.requests.decode import decode_texts, scan_bytes, scan_bytes_of_one
from vedette.kernels.requests.text_classes import CLASSES, LOWER
from vedette.kernels.requests.text_flags import TextFlag
from vedette.schema.requests import Vocabulary

_FIRST_ID = np.zeros(1, dtype=np.int64)


class Rows(msgspec.Struct):
    """The rows of the scan buffer: decoded texts.

    Attributes:
        end: int64 (r,), where each ends, ascending. text: int64 (r,), number of its text.
        place: int64 (r,), the place it is, one bit.
        target_length: Bytes of the scan buffer that hold targets; they come first.
        targets: How many rows those are. judged: How many are of columns that more than rules judge; they come first.
        length: Bytes in all. cut: Texts that were too long to be taken whole.
        flags: int64, `TextFlag` bits of each target.
    """

    end: NDArray[np.int64]
    text: NDArray[np.int64]
    place: NDArray[np.int64]
    target_length: int = 0
    targets: int = 0
    judged: int = 0
    length: int = 0
    cut: int = 0
    flags: NDArray[np.int64] = msgspec.field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def empty(cls, count: int) -> "Rows":
        """So many, to be filled."""
        end, text, place = (np.empty(count, dtype=np.int64) for _ in range(3))
        return cls(end, text, place)


class _One(msgspec.Struct, frozen=True):
    """Room for the rows that a single text of a column becomes; see `Rows`."""

    split: int
    place: NDArray[np.int64]
    end: NDArray[np.int64]
    text: NDArray[np.int64]
    flags: NDArray[np.int64]

    @classmethod
    def of(cls, column: Column) -> "_One":
        """For a column."""
        count = len(column.places)
        end, text = np.zeros((2, count), dtype=np.int64)
        return cls(column.split, ints(column.place_bits), end, text, np.zeros(1, dtype=np.int64))

    def room(self, length: int) -> int:
        """Bytes of scan buffer that a text of this length needs at most."""
        return scan_bytes_of_one(length, split=self.split)


class ScanBuffer:
    """Decodes texts into rows. What it gave is good until it is asked again."""

    def __init__(self) -> None:
        self.content = np.empty(0, dtype=np.uint8)
        self._ones = [_One.of(column) for column in COLUMNS]

    def decode(
        self,
        vocabularies: Sequence[Vocabulary],
        chosen: Sequence[NDArray[np.int64]],
        first: NDArray[np.int64],
    ) -> Rows:
        """Decode texts of all columns.

        Args:
            vocabularies: Of each of `COLUMNS`. chosen: int64, which of its texts.
            first: int64 (columns,), number of each column's first text.
        """
        self._reserve(
            sum(
                scan_bytes(vocabulary.length[ids], split=column.split)
                for column, vocabulary, ids in zip(COLUMNS, vocabularies, chosen, strict=True)
                if len(ids)
            )
        )
        count = sum(len(ids) * len(column.places) for column, ids in zip(COLUMNS, chosen, strict=True))
        rows = Rows.empty(count)
        row = 0
        for index, (column, vocabulary, ids) in enumerate(zip(COLUMNS, vocabularies, chosen, strict=True)):
            if not len(ids):
                continue
            flags = np.empty(len(ids), dtype=np.int64)
            rows.length = decode_texts(
                vocabulary.buffer, vocabulary.start, vocabulary.length, ids, column.split, CLASSES,
                LOWER, self.content, rows.length, rows.end, row, flags, 0,
            )  # fmt: skip
            rows.cut += int(np.count_nonzero(flags & int(TextFlag.CUT)))
            past = row + len(ids) * len(column.places)
            rows.text[row:past] = np.repeat(ids + first[index], len(column.places))
            rows.place[row:past].reshape(len(ids), -1)[:] = column.place_bits
            row = past
            if index == 0:
                rows.target_length, rows.targets, rows.flags = rows.length, row, flags
            if column.judged:
                rows.judged = row
        return rows

    def decode_one(self, column: int, text: Vocabulary) -> Rows:
        """Decode the only text of a column; a tenth of the work of decoding a batch of one."""
        one = self._ones[column]
        self._reserve(one.room(text.length.item(0)))
        length = decode_texts(
            text.buffer, text.start, text.length, _FIRST_ID, one.split, CLASSES, LOWER, self.content, 0, one.end,
            0, one.flags, 0,
        )  # fmt: skip
        targets = column == 0
        return Rows(
            one.end,
            one.text,
            one.place,
            length if targets else 0,
            len(one.place) if targets else 0,
            len(one.place) if COLUMNS[column].judged else 0,
            length,
            flags=one.flags,
        )

    def _reserve(self, room: int) -> None:
        if len(self.content) < room:
            self.content = np.empty(room + room // 4, dtype=np.uint8)
