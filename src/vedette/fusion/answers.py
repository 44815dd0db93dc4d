"""What people said of alarms, and what that makes of the members' weights."""

from collections.abc import Sequence
from math import isnan, nan
from typing import Final

import msgspec
import numpy as np

from vedette.fusion.weighing import LEAST, Weighed, weigh
from vedette.schema.state import decode, encode

MOST_ANSWERS: Final = 2_000
"""Answers remembered, the latest."""
HELD: Final = 0.5
"""Share of its fixed weight that a member keeps whatever is answered: a few people, or one who means ill, see a few
alarms; the fixed weights were fitted to tens of thousands of requests."""
_DIGITS: Final = 3
"""Digits of evidence by which answers are told apart."""


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a person said of an alarm.

    Attributes:
        anomaly_id: Which. real: Whether it was one.
        evidence: Of each member, of the row that speaks most for it; NaN of one that abstains.
    """

    anomaly_id: str
    real: bool
    evidence: tuple[float, ...]


def with_answer(known: Sequence[Answer], fresh: Answer) -> tuple[Answer, ...]:
    """The answers with another one, which replaces an earlier one about the same alarm."""
    return (*(each for each in known if each.anomaly_id != fresh.anomaly_id), fresh)[-MOST_ANSWERS:]


def reweigh(answers: Sequence[Answer], fixed: Sequence[float], prior: float) -> Weighed:
    """Weights fitted to answers, if there are enough: `LEAST` of each kind that differ in their evidence.

    The same answer to the same evidence counts once: one attack that comes a hundred times is one thing to learn.
    The result does not depend on the order of answers.

    Args:
        answers: All that count. fixed: Weights without them. prior: Share of rows that are attacks.
    """
    width = len(fixed)
    distinct = {
        (each.real, *(None if isnan(e) else round(e, _DIGITS) for e in each.evidence))
        for each in answers
        if len(each.evidence) == width
    }
    rows = sorted(distinct, key=str)
    evidence = np.array([[nan if e is None else e for e in row[1:]] for row in rows], dtype=np.float64)
    real = np.array([row[0] for row in rows], dtype=np.bool_)
    return weigh(evidence.reshape(len(rows), width).T, real, fixed, prior, held=HELD)


def count_needed(answers: Sequence[Answer]) -> tuple[int, int, int]:
    """How many alarms were called real, how many false, and how many different ones of each are needed."""
    real = sum(each.real for each in answers)
    return real, len(answers) - real, LEAST


def to_document(answers: Sequence[Answer]) -> bytes:
    """Answers as bytes."""
    return encode(list(answers))


def from_document(content: bytes | None) -> tuple[Answer, ...]:
    """What `to_document` took; nothing of None.

    Raises:
        StateError: It is damaged.
    """
    return () if content is None else tuple(decode(content, list[Answer], "answers")[-MOST_ANSWERS:])
