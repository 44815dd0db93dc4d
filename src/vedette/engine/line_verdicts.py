"""What is said of a line, whoever says it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.opinions import ANOMALOUS
from vedette.engine.verdicts import of_row
from vedette.fusion.fusing import any_of
from vedette.schema.judged import NO_HABITS, Habit, Opinion, RuleMatch

FEW = 4
"""Rows of one format that are judged text by text; of more, a batch costs less."""
REMEMBERED = 1 << 15
"""Texts that are known to be harmless, and requests whose verdict is known, at most."""
REMEMBERED_BYTES = 512
"""Longer texts are not remembered: 16 MB once the memory is full of such."""
FIRST = np.zeros(1, dtype=np.int64)
"""Of a single row, the first of what is said."""


class Verdict(NamedTuple):
    """What is said of one request; see `JudgedLine`."""

    confidence: float
    is_attack: bool
    types: tuple[str, ...]
    matches: tuple[RuleMatch, ...]
    score: float
    evidence: tuple[Opinion, ...]
    habit: Habit = NO_HABITS
    everyday: bool = False

    @property
    def is_anomaly(self) -> bool:
        """Whether it is called anomalous: it is as likely as not, or unlike the site."""
        return self.score >= ANOMALOUS or bool(self.habit.is_anomaly)


NOTHING = Verdict(0.0, False, (), (), 0.0, (), Habit("abstains", None, None, "it is not an access log line"))
"""Of a line that could not be read."""


class Told(NamedTuple):
    """What is said of rows: some verdicts, and which of them is said of each row."""

    verdicts: list[Verdict]
    which: NDArray[np.integer[Any]]


def with_habit(said: Verdict, habit: Habit) -> Verdict:
    """A verdict, with what the site's habits say."""
    if said.habit is habit and not habit.score:
        return said
    score = said.score
    if habit.score:
        score = float(any_of([np.array(score), np.array(of_row(habit.score))]))
    return said._replace(score=score, habit=habit)
