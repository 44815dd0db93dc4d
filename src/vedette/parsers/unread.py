"""The lines of a chunk that a parser did not read, or not whole."""

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.chunk import Chunk
from vedette.schema.requests import Requests

_NEWLINE, _RETURN = 10, 13


class Unread(msgspec.Struct, frozen=True):
    """Lines that were left over, one after another.

    Attributes:
        text: uint8: the lines, each with its newline.
        end: int64, shape (n,): where each ends in `text`, its newline included.
        line: int64, shape (n,): their numbers in the source.
    """

    text: NDArray[np.uint8]
    end: NDArray[np.int64]
    line: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.line)

    @classmethod
    def of(cls, chunk: Chunk, lines: int, requests: Requests, read: NDArray[np.bool_]) -> Self:
        """What stands between those requests of a chunk of so many lines that are marked as read, bool (n,)."""
        source = chunk.buffer
        raw_start = requests.raw_start[read]
        after = raw_start + requests.raw_length[read]
        after += source[after] == _RETURN
        after += after < chunk.length
        begin = np.concatenate([np.zeros(1, dtype=np.int64), after])
        until = np.append(raw_start, chunk.length)
        gaps = np.flatnonzero(until > begin)
        pieces = [source[a:b] for a, b in zip(begin[gaps].tolist(), until[gaps].tolist(), strict=True)]
        text = np.concatenate([*pieces, np.empty(0, dtype=np.uint8)])
        if len(text) and text[-1] != _NEWLINE:
            text = np.append(text, np.uint8(_NEWLINE))
        left = np.ones(lines, dtype=np.bool_)
        left[requests.line[read] - chunk.first_line] = False
        return cls(text, np.flatnonzero(text == _NEWLINE) + 1, np.flatnonzero(left) + chunk.first_line)

    def chunk(self, source: str, first: int, until: int) -> Chunk:
        """Some of the lines as a chunk of their own, numbered from `first` + 1."""
        start = int(self.end[first - 1]) if first else 0
        stop = int(self.end[until - 1]) if until else 0
        return Chunk.of(self.text[start:stop].tobytes(), source, first + 1)

    def select(self, keep: NDArray[np.bool_]) -> Self:
        """Some of the lines. `keep`: shape (n,)."""
        size = np.diff(self.end, prepend=0)
        return type(self)(self.text[np.repeat(keep, size)], np.cumsum(size[keep]), self.line[keep])
