"""What models of the order in which clients ask for things have in common."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.card import Card, ModelError, within
from vedette.detectors.learned.drift import Population
from vedette.detectors.learned.tail import Tail
from vedette.detectors.learned.tokens import UNKNOWN, Vocabulary
from vedette.detectors.learned.walks import WINDOW, Chunks

MOST_VOCABULARY: Final = 1_024
"""Tokens that a model knows, the most frequent; rarer ones count as unknown."""

_MOST_COUNT: Final = 2**48


class OrderChecked(msgspec.Struct, frozen=True):
    """What a model's own check found, on the latest sessions, which it was not fitted to.

    Attributes:
        requests, sessions: Of that part.
        stability: Population stability index of its tokens against those that the model was fitted to.
        separation: Area under the ROC curve of the same sessions with their tokens drawn by chance, against them.
        surprise: Mean surprise of a request (-log10 of what the model gave it). expected: What the model expected it
            to be. by_frequency: The same if only how frequent each token is were known.
        unknown: Share of requests that are in no vocabulary.
    """

    requests: int
    sessions: int
    stability: float
    separation: float
    surprise: float
    expected: float
    by_frequency: float
    unknown: float


class OrderCard(Card, frozen=True, kw_only=True):
    """What is known about a model of order besides what it computes with.

    Attributes:
        vocabulary: Texts of the tokens. sessions_tail: Tail of the highest score that each session had.
        counts: How often each token came, of those beside the vocabulary, too. scores: Highest scores of sessions that
            it was not fitted to. Both tell drift; models that were written by earlier versions have none.
    """

    vocabulary: tuple[str, ...]
    sessions_tail: Tail
    checked: OrderChecked
    counts: tuple[int, ...] = ()
    scores: Population | None = None

    def refuse(self) -> None:
        """See `Card`."""
        super().refuse()
        self.sessions_tail.refuse("sessions_tail")
        for number, count in enumerate(self.counts):
            within(f"counts[{number}]", count, 0, _MOST_COUNT)
        within("checked.unknown", self.checked.unknown, 0.0, 1.0)
        if self.scores is not None:
            self.scores.refuse("scores")


class OrderModel(ABC):
    """A model of what comes next in a client's session, calibrated.

    Args:
        card: What it rests on.

    Attributes:
        vocabulary: Its tokens. depth: How many requests before one it looks at, 1 or `WINDOW`.
    """

    depth: ClassVar[int] = WINDOW

    def __init__(self, card: OrderCard) -> None:
        self.card = card
        self.vocabulary = Vocabulary(card.vocabulary)

    @abstractmethod
    def surprise(self, windows: Chunks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How surprising each judged request is, and how surprising the model expected it to be.

        -log10 of what the model gave the request, and the mean of that over all that it held possible (the entropy);
        float64 (t,) each, in the requests' order.
        """

    @abstractmethod
    def expected(self, inputs: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities of what comes after each place of some windows, float64 (b, WINDOW, vocabulary)."""

    @abstractmethod
    def calibrated(self, card: OrderCard) -> "OrderModel":
        """The same model with what was found out about it."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """See `Model`."""

    def excess(self, windows: Chunks) -> NDArray[np.float64]:
        """By how much each judged request is more surprising than the model expected, float64 (t,); see `beyond`."""
        return beyond(windows, *self.surprise(windows))

    def summary(self) -> str:
        """See `Model`."""
        card, checked = self.card, self.card.checked
        return (
            f"from {card.rows:,} requests in {card.sessions:,} sessions, {len(card.vocabulary)} tokens; "
            f"stability {checked.stability:.3f}, separation {checked.separation:.3f}, surprise "
            f"{checked.surprise:.3f} (by frequency {checked.by_frequency:.3f})"
        )


def beyond(windows: Chunks, seen: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Surprise beyond what was expected, float64 (t,); 0 for requests that the model does not know.

    Of these it cannot tell after what they are usual. Where a site has got a new page, everybody who went there would
    be odd, step by step, and who is odd is not learned from.

    Args:
        seen, expected: See `OrderModel.surprise`.
    """
    known = windows.targets[windows.row, windows.column] != UNKNOWN
    return np.where(known, seen - expected, 0.0)


def check_vocabulary(card: OrderCard) -> int:
    """Refuse a card whose tokens are too many or not distinct, or are not counted each; returns how many there are.

    Raises:
        ModelError: They are.
    """
    if len(card.vocabulary) > MOST_VOCABULARY or len(set(card.vocabulary)) != len(card.vocabulary):
        raise ModelError(
            f"a vocabulary of {len(card.vocabulary)} tokens: must be at most {MOST_VOCABULARY}, each once"
        )
    known = len(Vocabulary(card.vocabulary))
    if len(card.counts) not in (0, known):
        raise ModelError(f"counts of {len(card.counts)} tokens: must be {known}")
    return known
