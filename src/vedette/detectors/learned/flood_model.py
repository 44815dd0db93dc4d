"""A model of floods: a random forest over windows of twenty seconds, with all that judging by it takes."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import read_archive, write_archive
from vedette.detectors.learned.card import Card, ModelError, within
from vedette.detectors.learned.flood_features import FLOOD_FEATURES
from vedette.detectors.learned.random_forest import RANDOM_FOREST_ARRAYS, RandomForest, read_random_forest
from vedette.detectors.learned.tail import Tail

EVERY_SERVICE: Final = "*"
"""Service of a model that judges all of them."""
SURE: Final = 0.001
"""No forest of some dozens of trees is surer than this, or less sure of the contrary."""


class FloodChecked(msgspec.Struct, frozen=True):
    """What a model's own check found, on recordings that it was not fitted to.

    Attributes:
        rows, floods: Windows, and how many of them are an attack's.
        f1, false_positives: At the model's own threshold; the second is a share of the normal windows.
        parts: How many parts the recordings were split into, each judged by a model of the others.
    """

    rows: int
    floods: int
    f1: float
    false_positives: float
    parts: int


class FloodCard(Card, frozen=True, kw_only=True):
    """What is known about a model of floods besides its trees.

    Attributes:
        names: Of the features. usual: Mean probability of the rows it was fitted to.
        alarm: Probability from which a window is called a flood.
        quiet: Tail of the log-odds of quiet windows; the highest of a window's thirds counts.
        floods: Rows that are an attack's. trained_on: In words.
    """

    names: tuple[str, ...]
    usual: float
    alarm: float
    quiet: Tail
    floods: int
    checked: FloodChecked
    trained_on: str

    def refuse(self) -> None:
        """See `Card`."""
        super().refuse()
        within("usual", self.usual, 0.0, 1.0)
        within("alarm", self.alarm, SURE, 1.0 - SURE)
        self.quiet.refuse("quiet")


class FloodModel(msgspec.Struct, frozen=True):
    """A random forest over windows of services, calibrated."""

    card: FloodCard
    forest: RandomForest

    def log_odds(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """That rows are a flood's, float64 (n,), natural logarithms."""
        return log_odds(self.forest.probability(rows))

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, self.forest.arrays())

    def summary(self) -> str:
        """See `Model`."""
        card, checked = self.card, self.card.checked
        return (
            f"from {card.rows:,} windows, {card.floods:,} of them floods, in {card.sessions:,} recordings; on "
            f"recordings left out F1 {checked.f1:.3f}, false positives {checked.false_positives:.3f}"
        )


def log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(p / (1 - p)) of each probability (n,), kept within `SURE` and 1 - `SURE`."""
    kept = np.clip(probability, SURE, 1.0 - SURE)
    return np.asarray(np.log(kept / (1.0 - kept)))


def read_flood_model(content: bytes) -> FloodModel:
    """What `FloodModel.to_bytes` gave.

    Raises:
        ModelError: It is no such thing, is damaged, or looks at features that this program does not have.
    """
    card, arrays = read_archive(content, FloodCard, RANDOM_FOREST_ARRAYS)
    _check_names(card.names)
    forest = read_random_forest(arrays, card.names, card.usual)
    return FloodModel(card, forest)


def _check_names(names: Sequence[str]) -> None:
    known = tuple(feature.name for feature in FLOOD_FEATURES)
    if tuple(names) != known:
        raise ModelError(
            f"features {', '.join(names)[:200]}: this program has {', '.join(known)}: train it again with this program"
        )


@cache
def shipped_model() -> FloodModel:
    """The model that comes with the program; `bench/flood_model/train.py` makes it.

    Raises:
        ModelError: The installed file is damaged.
    """
    return read_flood_model(resources.files(__package__).joinpath("flood.model").read_bytes())
