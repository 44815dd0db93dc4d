"""Models of clients that a detector of PyOD scores by, named in the configuration.

PyOD saves its detectors as pickles, which are code. So what is kept is what they were fitted to, a few thousand rows,
and the seed: whoever reads a model fits it again, which takes less than two seconds, and holds it to scores that were
written beside. Imports PyOD only when a model is fitted or read.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from typing import Any, Final

import msgspec
import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from vedette.detectors.learned.archive import check_arrays, read_archive, write_archive
from vedette.detectors.learned.card import Model, ModelError
from vedette.detectors.learned.client_training import Way, fit_behaviour
from vedette.detectors.learned.features import refuse_gaps
from vedette.detectors.learned.lime import lime
from vedette.detectors.learned.model import BehaviourCard, BehaviourModel, check_card, read_rarity
from vedette.detectors.learned.sample import MOST_ROWS
from vedette.detectors.learned.training import Job, Refused
from vedette.windows.quantiles import quantiles

LIBRARY: Final = "pyod"
_BLOCK: Final = 32
"""Rows scored at once. ECOD and COPOD rank rows among those that they were fitted to and those of the same call: so few
change a rank by one in a hundred at most."""
_PROBES: Final = 16
_SAME: Final = 1e-6


class OutlierCard(BehaviourCard, frozen=True, kw_only=True):
    """What is known about a detector of PyOD.

    Attributes:
        detector: Its name. probes: Scores of the first rows that it was fitted to.
    """

    detector: str
    probes: tuple[float, ...]


class Outliers(msgspec.Struct, frozen=True):
    """A fitted detector.

    Attributes:
        name: Its class in PyOD. rows: float32 (n, features), that it was fitted to. names: Of the features.
        middle, width: float64 (features,): what is taken off each value, and what it is divided by. Distances mean
            nothing among numbers of different units.
        fitted: PyOD's own.
    """

    name: str
    rows: NDArray[np.float32]
    names: tuple[str, ...]
    middle: NDArray[np.float64]
    width: NDArray[np.float64]
    fitted: Any

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of rows, float64 (n,).

        Raises:
            FeatureError: A value is not a number.
        """
        refuse_gaps(rows, self.names)
        scaled = (rows.astype(np.float64) - self.middle) / self.width
        found = np.empty(len(rows), dtype=np.float64)
        with _thread_pools().limit(limits=1):
            for start in range(0, len(rows), _BLOCK):
                found[start : start + _BLOCK] = self.fitted.decision_function(scaled[start : start + _BLOCK])
        return found


@dataclass(frozen=True, slots=True)
class OutlierModel(BehaviourModel):
    """A detector of PyOD over windows of clients, calibrated."""

    card: OutlierCard
    outliers: Outliers
    rarity: NDArray[np.float64]

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """See `BehaviourModel`."""
        return self.outliers.score(rows)

    def adds(self, row: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
        """See `BehaviourModel`: weights of a line fitted near it (LIME)."""
        return lime(self.score, row, np.array(self.card.low), np.array(self.card.high), seed).weights

    def told(self, row: NDArray[np.float32]) -> dict[str, Any]:
        """See `BehaviourModel`."""
        return {"model": self.card.detector, "outlier_score": float(self.score(row[None, :])[0])}

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, {"rows": self.outliers.rows, "rarity": self.rarity})


def fit_outliers(name: str, job: Job) -> Model | Refused:
    """Fit a detector, check and calibrate it; imports PyOD. The same job gives the same model."""
    if find_spec(LIBRARY) is None:
        return Refused(f"{name}: PyOD is not installed: pip install 'vedette[pyod]'")

    def build(card: BehaviourCard, outliers: Outliers, rarity: NDArray[np.float64]) -> OutlierModel:
        probes = tuple(outliers.score(outliers.rows[:_PROBES]).tolist())
        return OutlierModel(OutlierCard(**asdict(card), detector=name, probes=probes), outliers, rarity)

    return fit_behaviour(
        job,
        Way(
            lambda rows, names, seed: _fitted(name, rows, tuple(names), seed),
            build,
            lambda content: read_outliers(name, content),
            ("numpy", "scikit-learn", LIBRARY),
        ),
    )


def read_outliers(name: str, content: bytes) -> OutlierModel:
    """What `OutlierModel.to_bytes` gave; fits it again.

    Raises:
        ModelError: It is no such thing, is damaged, or scores otherwise than when it was written.
    """
    card, arrays = read_archive(content, OutlierCard, ("rows", "rarity"))
    check_card(card)
    if card.detector != name:
        raise ModelError(f"a model {card.detector[:40]!r}: must be {name}")
    rows, rarity = arrays["rows"], read_rarity(arrays)
    count = len(rows)
    check_arrays(arrays, {"rows": (np.float32, (count, len(card.names)))})
    if not 1 < count <= MOST_ROWS or not np.isfinite(rows).all():
        raise ModelError(f"{count} rows: must be 2 to {MOST_ROWS}, of finite numbers")
    if find_spec(LIBRARY) is None:
        raise ModelError(f"{name}: PyOD is not installed: pip install 'vedette[pyod]'")
    outliers = _fitted(name, rows, card.names, card.seed)
    again = outliers.score(rows[:_PROBES])
    if len(card.probes) != len(again) or not np.allclose(again, card.probes, rtol=_SAME, atol=_SAME):
        raise ModelError(
            f"it scores otherwise than when it was written, by PyOD {card.versions.get(LIBRARY, '?')[:20]}: train again"
        )
    return OutlierModel(card, outliers, rarity)


def _fitted(name: str, rows: NDArray[np.float32], names: tuple[str, ...], seed: int) -> Outliers:
    refuse_gaps(rows, names)
    detector = getattr(import_module(f"pyod.models.{name.lower()}"), name)
    seeded = {"random_state": seed % 2**31} if "random_state" in signature(detector).parameters else {}
    low, middle, high = quantiles(rows.astype(np.float64), [0.05, 0.5, 0.95])
    width = np.where(high > low, high - low, 1.0)
    with _thread_pools().limit(limits=1):
        fitted = detector(**seeded).fit((rows.astype(np.float64) - middle) / width)
    return Outliers(name, rows, names, middle, width, fitted)


@cache
def _thread_pools() -> Any:
    """Those of the libraries that a detector computes with; it has been imported.

    For a few rows their threads wait for each other longer than they work: by two of them, an explanation by LOF took
    ten times the processor's time, and the clock's, that it takes by one.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
