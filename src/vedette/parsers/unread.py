"""The lines of a chunk that a parser did not read, or not whole."""

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.chunk import Chunk
from vedette.schema.requests import Requests

_NEWLINE, _RETURN = 10, 13
NO_ROW = -1


class Unread(msgspec.Struct, frozen=True):
    """Lines that were left over, one after another.

    Attributes:
        text: uint8: the lines, each with its newline.
        end: int64, shape (n,): where each ends in `text`, its newline included.
        line: int64, shape (n,): their numbers in the source.
        row: int64, shape (n,): the row that a parser made of what it could read of the line; -1 for none.
    """

    text: NDArray[np.uint8]
    end: NDArray[np.int64]
    line: NDArray[np.int64]
    row: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.line)

    @classmethod
    def of(cls, chunk: Chunk, lines: int, requests: Requests, odd: NDArray[np.int64]) -> Self:
        """What stands between the requests of a chunk of so many lines, and the lines of the `odd` rows among them."""
        line, first, past = requests.line, chunk.first_line, chunk.first_line + lines
        rows = len(line)
        # Of the boundaries between rows, those where lines are left out: few, so that little is done for each row.
        at = np.flatnonzero(line[1:] - line[:-1] > 1) + 1
        ends = [
            [0] * (rows == 0 or line.item(0) > first),
            [rows] * (rows > 0 and line.item(rows - 1) < past - 1),
        ]
        at = np.concatenate([np.array(ends[0], dtype=np.int64), at, np.array(ends[1], dtype=np.int64)])
        begin, number = np.zeros(len(at), dtype=np.int64), np.full(len(at), first)
        until, following = np.full(len(at), chunk.length), np.full(len(at), past)
        inner, known = at > 0, at < rows
        begin[inner], number[inner] = _after(chunk, requests, at[inner] - 1), line[at[inner] - 1] + 1
        until[known], following[known] = requests.raw_start[at[known]], line[at[known]]

        spans = zip(
            [*begin.tolist(), *requests.raw_start[odd].tolist()],
            [*until.tolist(), *_after(chunk, requests, odd).tolist()],
            strict=True,
        )
        source = chunk.buffer
        text = np.concatenate([*(source[a:b] for a, b in sorted(spans)), np.empty(0, dtype=np.uint8)])
        if len(text) and text[-1] != _NEWLINE:
            text = np.append(text, np.uint8(_NEWLINE))
        size = following - number
        skipped = np.arange(size.sum()) + np.repeat(number - np.cumsum(size) + size, size)
        row = np.concatenate([np.full(len(skipped), NO_ROW), odd])
        own = np.concatenate([skipped, line[odd]])
        order = np.argsort(own)
        return cls(text, np.flatnonzero(text == _NEWLINE) + 1, own[order], row[order])

    def chunk(self, source: str, first: int, until: int) -> Chunk:
        """Some of the lines as a chunk of their own, numbered from `first` + 1."""
        start = int(self.end[first - 1]) if first else 0
        stop = int(self.end[until - 1]) if until else 0
        return Chunk.of(self.text[start:stop].tobytes(), source, first + 1)

    def select(self, keep: NDArray[np.bool_]) -> Self:
        """Some of the lines. `keep`: shape (n,)."""
        size = np.diff(self.end, prepend=0)
        return type(self)(
            self.text[np.repeat(keep, size)], np.cumsum(size[keep]), self.line[keep], self.row[keep]
        )


def _after(chunk: Chunk, requests: Requests, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the lines after those of some rows begin."""
    after = requests.raw_start[rows] + requests.raw_length[rows]
    after += chunk.buffer[after] == _RETURN
    after += after < chunk.length
    return after
