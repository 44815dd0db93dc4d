"""How verdicts on lines fare against labels, in memory that does not grow with the log."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.evaluate.reliability import Reliability, reliability, with_share

_BINS = 10_000
"""Scores are told apart to the four digits with which verdicts are written."""


class LineScore(msgspec.Struct, frozen=True):
    """Lines of one kind: how many, how many called anomalous, and how many of these as their type."""

    name: str
    lines: int
    found: int
    typed: int


class LineTally:
    """Counts labelled and other lines by score.

    Args:
        names: Of kinds of labelled lines, by number.
        bits: Bit of each kind's type in verdicts, -1 where any type will do.
    """

    def __init__(self, names: list[str], bits: list[int]) -> None:
        self._names = names
        self._bits = bits
        self._lines = np.zeros(len(names), dtype=np.int64)
        self._found = np.zeros(len(names), dtype=np.int64)
        self._typed = np.zeros(len(names), dtype=np.int64)
        self._wrong = np.zeros(_BINS + 1, dtype=np.int64)
        self._right = np.zeros(_BINS + 1, dtype=np.int64)
        self.benign = 0
        self.flagged = 0
        """Benign lines that were called anomalous."""

    def add(
        self,
        marks: NDArray[np.int16],
        anomalous: NDArray[np.bool_],
        score: NDArray[np.float64],
        types: NDArray[np.int64],
    ) -> None:
        """Take a block of verdicts in; all (n,), `marks` -1 for benign lines."""
        bins = np.clip(np.rint(score * _BINS), 0, _BINS).astype(np.int64)
        wrong = marks >= 0
        self._wrong += np.bincount(bins[wrong], minlength=_BINS + 1)
        self._right += np.bincount(bins[~wrong], minlength=_BINS + 1)
        self.benign += int(np.count_nonzero(~wrong))
        self.flagged += int(np.count_nonzero(~wrong & anomalous))
        count = len(self._names)
        self._lines += np.bincount(marks[wrong], minlength=count)
        self._found += np.bincount(marks[wrong & anomalous], minlength=count)
        bits = np.array([*self._bits, -1], dtype=np.int64)[marks]
        typed = wrong & anomalous & ((bits < 0) | (types >> np.maximum(bits, 0) & 1 == 1))
        self._typed += np.bincount(marks[typed], minlength=count)

    def scores(self) -> list[LineScore]:
        """By kind, in order of name."""
        rows = [
            LineScore(name, int(self._lines[i]), int(self._found[i]), int(self._typed[i]))
            for i, name in enumerate(self._names)
        ]
        return sorted((row for row in rows if row.lines), key=lambda row: row.name)

    @property
    def wrong(self) -> int:
        """Labelled lines that were read."""
        return int(self._lines.sum())

    @property
    def found(self) -> int:
        """Of these, called anomalous."""
        return int(self._found.sum())

    def reliability(self) -> Reliability | None:
        """Whether lines of a score are labelled as often as the score says; None without a labelled line."""
        if not self.wrong:
            return None
        score = np.arange(_BINS + 1) / _BINS
        return reliability(score, self._wrong.astype(np.float64), self._right.astype(np.float64))

    def reliability_with(self, prior: float) -> Reliability | None:
        """The same, had the scores known the share of labelled lines instead of assuming `prior`.

        None without a labelled line, or without another.
        """
        if not self.wrong or not self.benign:
            return None
        # The ends stand for what is rounded to them.
        score = np.clip(np.arange(_BINS + 1) / _BINS, 0.25 / _BINS, 1.0 - 0.25 / _BINS)
        known = with_share(score, prior, self.wrong / (self.wrong + self.benign))
        return reliability(known, self._wrong.astype(np.float64), self._right.astype(np.float64))

    def average_precision(self) -> float | None:
        """The area under the precision-recall curve, as average precision; None without a labelled line.

        Sum over scores, from the highest, of precision times the step in recall; lines of equal score count as one
        step (Davis and Goadrich 2006: no interpolation between them).
        """
        if not self.wrong:
            return None
        right_first = np.cumsum(self._wrong[::-1])
        taken = right_first + np.cumsum(self._right[::-1])
        precision = right_first / np.maximum(taken, 1)
        return float((precision * self._wrong[::-1]).sum() / self._wrong.sum())
