"""A model of how clients of one service behave, with all that judging by it takes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import check_arrays, read_archive, write_archive
from vedette.detectors.learned.card import Card, ModelError, finite
from vedette.detectors.learned.drift import Population
from vedette.detectors.learned.features import ClientTable, Feature, FeatureError, matrix, named
from vedette.detectors.learned.forest import FOREST_ARRAYS, Forest, read_forest
from vedette.detectors.learned.own_feature import OwnFeature
from vedette.detectors.learned.own_features import all_features
from vedette.detectors.learned.tail import Tail

_ROUTE_BITS: Final = 63


class Checked(msgspec.Struct, frozen=True):
    """What a model's own check found, on the latest part of its sample, which it was not fitted to.

    Attributes:
        rows, sessions: Of that part.
        stability: Population stability index of its scores against those it was fitted to.
        separation: Area under the ROC curve of rows drawn at random from the features' ranges against its rows.
    """

    rows: int
    sessions: int
    stability: float
    separation: float


class BehaviourCard(Card, frozen=True, kw_only=True):
    """What is known about any model of clients besides what it scores by.

    Attributes:
        names: Of the features.
        windows: Tail of single windows' scores. sessions_tail: Tail of sessions' evidence.
        low, mid, high: Quantiles 0.05, 0.5, 0.95 of each feature.
        scores: Of windows that it was not fitted to. spread: Of each feature. Both tell drift; models that were
            written by earlier versions have none.
        own: Features that a user added.
    """

    names: tuple[str, ...]
    windows: Tail
    sessions_tail: Tail
    low: tuple[float, ...]
    mid: tuple[float, ...]
    high: tuple[float, ...]
    checked: Checked
    scores: Population | None = None
    spread: tuple[Population, ...] = ()
    own: tuple[OwnFeature, ...] = ()

    def refuse(self) -> None:
        """See `Card`."""
        super().refuse()
        self.windows.refuse("windows")
        self.sessions_tail.refuse("sessions_tail")
        for name in ("low", "mid", "high"):
            finite(name, getattr(self, name))
        if self.scores is not None:
            self.scores.refuse("scores")
        for number, of_feature in enumerate(self.spread):
            of_feature.refuse(f"spread[{number}]")

    def features(self) -> list[Feature]:
        """What it looks at, in order. Raises `FeatureError`."""
        return named(self.names, all_features(self.own))


class ClientCard(BehaviourCard, frozen=True, kw_only=True):
    """What is known about a forest besides its trees. `usual_path`: length of a usual row's path."""

    usual_path: float


class BehaviourModel(ABC):
    """Scores what clients do in a window; the higher, the odder. Each kind of model has its own.

    Attributes:
        card: What it rests on. rarity: float64 (63,), see `ClientTable`.
    """

    __slots__ = ()

    card: BehaviourCard
    rarity: NDArray[np.float64]

    @abstractmethod
    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """How odd rows are, float64 (n,)."""

    @abstractmethod
    def adds(self, row: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
        """What each feature of a row adds to its oddness, float64 (features,).

        Args:
            seed: Of models that are explained by rows drawn near it.
        """

    @abstractmethod
    def told(self, row: NDArray[np.float32]) -> dict[str, Any]:
        """What an anomaly tells of the score of one row."""

    @abstractmethod
    def to_bytes(self) -> bytes:
        """See `Model`."""

    def rows(self, sums: NDArray[np.int64], time: int) -> NDArray[np.float32]:
        """Features of a window's clients: sums of the window, int64 (k, Client), and its end, microseconds."""
        return rows_of([(len(sums), self)], sums, time)

    def matrix(self, sums: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.float32]:
        """Features of clients' windows: their sums, and their ends, int64 (k,), microseconds."""
        rarity = ((len(sums), self.rarity),)
        return matrix(self.card.features(), ClientTable(sums, times, rarity, self.card.minutes))

    @property
    def sight(self) -> tuple[object, ...]:
        """Models of equal sight look at the same features."""
        return self.card.names, self.card.own, self.card.minutes

    def surprise(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """-log10 of the share of usual windows that are as odd, float64 (k,)."""
        return self.card.windows.surprise(self.score(rows))

    def summary(self) -> str:
        """See `Model`."""
        card, checked = self.card, self.card.checked
        return (
            f"from {card.rows:,} windows of clients in {card.sessions:,} sessions; "
            f"stability {checked.stability:.3f}, separation {checked.separation:.3f}"
        )


@dataclass(frozen=True, slots=True)
class ClientModel(BehaviourModel):
    """An isolation forest over windows of clients, calibrated."""

    card: ClientCard
    forest: Forest
    rarity: NDArray[np.float64]

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """See `BehaviourModel`: the quicker isolated, the odder."""
        return self.forest.score(rows)

    def adds(self, row: NDArray[np.float32], seed: int) -> NDArray[np.float64]:  # noqa: ARG002 - it is exact
        """See `BehaviourModel`: by how much each feature shortens the path, exact Shapley values."""
        return self.forest.shares(row)

    def told(self, row: NDArray[np.float32]) -> dict[str, Any]:
        """See `BehaviourModel`."""
        path = float(self.forest.paths(row[None, :])[0])
        return {
            "isolation_score": 2.0 ** (-path / self.card.usual_path),
            "mean_path": path,
            "usual_path": self.card.usual_path,
        }

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, {**self.forest.arrays(), "rarity": self.rarity})


def rows_of(
    sites: Sequence[tuple[int, BehaviourModel]], sums: NDArray[np.int64], time: int
) -> NDArray[np.float32]:
    """Features of the clients of several services in a window, one after the other.

    At once: each feature is a handful of steps, however few rows there are.

    Args:
        sites: Where the rows of each end, and its model; all of equal `sight`.
        sums: Of the window, int64 (k, Client). time: Its end, microseconds.
    """
    card = sites[0][1].card
    times = np.full(len(sums), time, dtype=np.int64)
    rarity = [(end, model.rarity) for end, model in sites]
    return matrix(card.features(), ClientTable(sums, times, rarity, card.minutes))


def read_client_model(content: bytes) -> ClientModel:
    """What `ClientModel.to_bytes` gave.

    Raises:
        ModelError: It is no such thing, is damaged, or looks at features that this program does not have.
    """
    card, arrays = read_archive(content, ClientCard, (*FOREST_ARRAYS, "rarity"))
    check_card(card)
    return ClientModel(card, read_forest(arrays, card.names, card.usual_path), read_rarity(arrays))


def read_rarity(arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """The rarity of a site's routes, float64 (63,), that was written beside a model of its clients.

    Raises:
        ModelError: It is none.
    """
    check_arrays(arrays, {"rarity": (np.float64, (_ROUTE_BITS,))})
    rarity = arrays["rarity"]
    if not np.isfinite(rarity).all():
        raise ModelError("the rarity of routes is not all finite")
    return rarity


def check_card(card: BehaviourCard) -> None:
    """Refuse what no model of clients can be about.

    Raises:
        ModelError: It looks at features that this program does not have, or its parts do not fit each other.
    """
    try:
        card.features()
    except FeatureError as error:
        raise ModelError(f"{str(error)[:500]}: train it again with this program") from error
    if len(card.spread) not in (0, len(card.names)):
        raise ModelError(f"{len(card.spread)} populations of {len(card.names)} features")
    for name in ("low", "mid", "high"):
        if len(getattr(card, name)) != len(card.names):
            raise ModelError(f"{len(getattr(card, name))} quantiles of {len(card.names)} features")
