"""Verdicts remembered from batch to batch: most texts of a log come again."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.hashing import new_secret
from vedette.kernels.verdicts import KEY, recall, remember
from vedette.schema.requests import Vocabulary

SLOTS = 1 << 14
"""Texts remembered at most: 4 MB once all are in use, for 250 rules. A flood of new texts pushes old ones
out, and costs them one more scan."""


class Memory:
    """A bounded table of texts and their verdicts. Texts are compared byte by byte, so an answer is exact.

    Args:
        width: Bytes of a verdict.
        slots: Texts remembered at most; a power of two.
    """

    def __init__(self, width: int, slots: int = SLOTS) -> None:
        self._secret = new_secret()
        # Zeroed pages are only handed out when first written: a small log pays for what it uses.
        self._head = np.zeros((slots, 2), dtype=np.int64)
        self._key = np.zeros(slots * KEY, dtype=np.uint8)
        self._bits = np.zeros((slots, width), dtype=np.uint8)
        self._score = np.zeros(slots, dtype=np.float32)
        self._codes = np.empty(0, dtype=np.int64)

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
        """Fill in the verdicts of known texts (see `kernels.verdicts.recall`); returns the others' ids."""
        unknown = np.empty(len(vocabulary), dtype=np.int64)
        count = recall(
            vocabulary.buffer, vocabulary.start, vocabulary.length, column, *self._secret,
            self._head, self._key, self._bits, self._score, first, bits, dirty, score, self._codes, unknown,
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
        """Keep the verdicts of texts that `recall` did not know, of the same batch."""
        remember(
            vocabulary.buffer, vocabulary.start, vocabulary.length, known, first, bits, score, self._codes,
            self._head, self._key, self._bits, self._score,
        )  # fmt: skip
