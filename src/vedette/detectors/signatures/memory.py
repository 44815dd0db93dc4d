"""Verdicts remembered from batch to batch: most texts of a log come again."""

from threading import Lock

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.requests.remembered import KEY, WAYS, recall, remember
from vedette.kernels.text.hashing import new_secret
from vedette.schema.requests import Vocabulary

SLOTS = 1 << 16
"""Texts remembered at most: 16 MB once all are in use, for 250 rules. A flood of new texts pushes old ones
out, and costs them one more scan. Of a usual log two thirds of a batch's texts are known then, with a quarter as many
two fifths."""


class _Table(msgspec.Struct, frozen=True):
    """What is remembered; whoever reads or writes it holds the lock, since its loops let go of the interpreter's."""

    secret: tuple[int, int]
    head: NDArray[np.int64]
    key: NDArray[np.uint8]
    bits: NDArray[np.uint8]
    score: NDArray[np.float32]
    next_way: NDArray[np.uint8]
    turn: Lock

    @classmethod
    def of(cls, width: int, slots: int) -> "_Table":
        # Zeroed pages are only handed out when first written: a small log pays for what it uses.
        return cls(
            new_secret(),
            np.zeros((slots, 2), dtype=np.int64),
            np.zeros(slots * KEY, dtype=np.uint8),
            np.zeros((slots, width), dtype=np.uint8),
            np.zeros(slots, dtype=np.float32),
            np.zeros(slots // WAYS, dtype=np.uint8),
            Lock(),
        )


class Memory:
    """A bounded table of texts and their verdicts. Texts are compared byte by byte, so an answer is exact.

    Of one thread; another thread's may share its table.

    Args:
        width: Bytes of a verdict.
        slots: Texts remembered at most; a power of two, and four or more.
    """

    def __init__(self, width: int, slots: int = SLOTS) -> None:
        self._table = _Table.of(width, slots)
        self._codes = np.empty(0, dtype=np.int64)

    def share(self, other: "Memory") -> None:
        """Remember in another's table from now on: what either has judged, both know."""
        self._table = other._table  # noqa: SLF001 -- of the same class

    def prepare(self, texts: int) -> None:
        """Make room for the hashes of a batch of so many texts."""
        if len(self._codes) < texts:
            self._codes = np.empty(texts + texts // 4, dtype=np.int64)

    def recall(
        self,
        vocabulary: Vocabulary,
        column: int,
        first: int,
        bits: NDArray[np.uint8],
        dirty: NDArray[np.uint8],
        score: NDArray[np.float32],
    ) -> NDArray[np.int64]:
        """Fill in the verdicts of known texts (see `kernels.remembered.recall`); returns the others' ids."""
        table = self._table
        unknown = np.empty(len(vocabulary), dtype=np.int64)
        with table.turn:
            count = recall(
                vocabulary.buffer, vocabulary.start, vocabulary.length, column, *table.secret,
                table.head, table.key, table.bits, table.score, first, bits, dirty, score, self._codes, unknown,
            )  # fmt: skip
        return unknown[:count]

    def remember(
        self,
        vocabulary: Vocabulary,
        known: NDArray[np.int64],
        first: int,
        bits: NDArray[np.uint8],
        score: NDArray[np.float32],
    ) -> None:
        """Keep the verdicts of texts that `recall` did not know, of the same batch.

        Args:
            vocabulary: As given to `recall`. known: int64 (m,), the ids that it returned.
            first: Number of its first text.
            bits: uint8 (texts, w), the rules that each hit. score: float32 (texts,), what the payload model says.
        """
        table = self._table
        with table.turn:
            remember(
                vocabulary.buffer, vocabulary.start, vocabulary.length, known, first, bits, score, self._codes,
                table.head, table.key, table.bits, table.score, table.next_way,
            )  # fmt: skip
