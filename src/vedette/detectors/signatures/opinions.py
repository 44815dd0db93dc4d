"""What the rules and the payload model say of a request, each calibrated, made one score.

`opinions.json` holds the calibrations; `bench/quality/ensemble.py --fit` makes it.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.detectors.signatures.payload_model import PayloadModel, packaged
from vedette.detectors.signatures.rules import MODEL_KINDS, REQUEST_TYPES
from vedette.fusion.calibration import AnyCalibration
from vedette.fusion.fusing import fuse, probability

MEMBERS: Final = ("rule_based", "payload_model")
"""Names of the members, in the order of their evidence."""
ANOMALOUS: Final = 0.5
"""Probability from which a request is called anomalous; a decisive one is given no less."""
UNMARKED: Final = -12.0
"""Score of a value without a mark, in the payload model's log-odds: below that of any value with one, since the model
would have to be told of a mark to take it for an attack."""
NO_MARK: Final = np.float32(-1e9)
"""What the payload model's score is of a value without a mark."""
TOLD: Final = np.uint32(sum(1 << REQUEST_TYPES.index(kind) for kind in MODEL_KINDS))
"""Bits of the types that the payload model can tell. Of a file that should not be served, or of a scanner's name, it
has learned nothing: where rules say only such things, it is not asked."""
_REMEMBERED: Final = 4096
SAID: Final = -1e8
"""Above it, a score is one of a value with a mark."""


class Calibrated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opinions are worth.

    Attributes:
        rules: Evidence of the rules' combined confidence. payload: Evidence of the payload model's log-odds.
        weights: Of both, where both speak. prior: Share of requests that are attacks, where nothing is known.
        unseen: Share of attacks that say nothing to either (`fusion.unseen`). fitted_to: In words.
    """

    rules: AnyCalibration
    payload: AnyCalibration
    weights: tuple[float, float]
    prior: float
    unseen: float
    fitted_to: str


class Opinions(msgspec.Struct, frozen=True):
    """Rules and payload model as members of an ensemble.

    Attributes:
        calibrated: What they are worth. payload: Scale and bias of the model's scores; None if it abstains, because
            there is none, or another than was calibrated.
    """

    calibrated: Calibrated
    payload: tuple[float, float] | None

    @classmethod
    def of(cls, model: PayloadModel | None) -> "Opinions":
        """For a scanner with this model."""
        known = model is not None and model is packaged()
        return cls(calibrated(), (model.scale, model.bias) if known and model is not None else None)

    def weighed(self, weights: Sequence[float]) -> "Opinions":
        """The same, with other weights, in the order of `MEMBERS`."""
        rule_based, payload_model = weights
        calibrated = msgspec.structs.replace(self.calibrated, weights=(rule_based, payload_model))
        return replace(self, calibrated=calibrated)

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each member's evidence counts, by name."""
        return dict(zip(MEMBERS, self.calibrated.weights, strict=True))

    def evidence(
        self, plain: NDArray[np.float32], payload: NDArray[np.float32], types: NDArray[np.uint32]
    ) -> NDArray[np.float64]:
        """Evidence of both members, float64 (2, n); NaN of one that abstains.

        Args:
            plain: float32 (n,), combined confidence of rules. payload: float32 (n,), the model's score before scale
                and bias; NaN where it did not look. types: uint32 (n,), types of the rules that hit.
        """
        told = np.full((2, len(plain)), np.nan)
        told[0] = self.calibrated.rules.evidence(plain.astype(np.float64))
        if self.payload is not None:
            scale, bias = self.payload
            odds = np.maximum(payload.astype(np.float64) * scale + bias, UNMARKED)
            told[1] = self.calibrated.payload.evidence(odds)
            told[1, (types != 0) & (types & TOLD == 0)] = np.nan
        return told

    def score(
        self,
        plain: NDArray[np.float32],
        payload: NDArray[np.float32],
        types: NDArray[np.uint32],
        decisive: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Probability that a request is an attack, float32 (n,); see `evidence`."""
        # Most requests say nothing to either: they have one of two scores.
        said = (plain > 0) | (payload > SAID)
        rows = np.flatnonzero(said)
        score = np.empty(len(plain), dtype=np.float32)
        if len(rows) < len(plain):
            score[:] = np.where(np.isnan(payload), *self._silent())
        if len(rows):
            score[rows] = _sure(self._probability(plain[rows], payload[rows], types[rows]), decisive[rows])
        return score

    def told(
        self,
        plain: NDArray[np.float32],
        payload: NDArray[np.float32],
        types: NDArray[np.uint32],
        decisive: NDArray[np.bool_],
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """`evidence` and `score` of few rows that say something, told together."""
        evidence = self.evidence(plain, payload, types)
        return evidence, _sure(probability(self._fused(evidence)), decisive).astype(np.float32)

    def _silent(self) -> tuple[np.float64, np.float64]:
        """Scores of a request at which the model did not look, and of one in which it found no mark."""
        found = self._probability(
            np.zeros(2, dtype=np.float32),
            np.array([np.nan, NO_MARK], dtype=np.float32),
            np.zeros(2, dtype=np.uint32),
        )
        return found[0], found[1]

    def odds(
        self, plain: NDArray[np.float32], payload: NDArray[np.float32], types: NDArray[np.uint32]
    ) -> NDArray[np.float64]:
        """Log-odds that a request is an attack, float64 (n,), decisive or not; see `evidence`."""
        return self._fused(self.evidence(plain, payload, types))

    def _probability(
        self, plain: NDArray[np.float32], payload: NDArray[np.float32], types: NDArray[np.uint32]
    ) -> NDArray[np.float64]:
        return probability(self.odds(plain, payload, types))

    def _fused(self, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds that members come to together; `told` is their evidence."""
        both = np.array(self.calibrated.weights)[:, np.newaxis]
        # They share what they see; one that speaks alone tells what no other tells.
        weights = np.where(np.isnan(told[::-1]), 1.0, both)
        return fuse(told, weights, self.calibrated.prior, self.calibrated.unseen)


def _sure(fused: NDArray[np.float64], decisive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Probabilities, of decisive rows no less than what is called anomalous."""
    return np.where(decisive, ANOMALOUS + (1.0 - ANOMALOUS) * fused, fused)


@cache
def calibrated() -> Calibrated:
    """The package's calibrations."""
    content = (resources.files("vedette.detectors.signatures") / "opinions.json").read_bytes()
    return msgspec.json.decode(content, type=Calibrated)


def member_weights(speaking: Sequence[str], weights: Mapping[str, float]) -> Mapping[str, float]:
    """How much the evidence of each member that speaks counts, by name.

    Args:
        weights: Of members that speak together.
    """
    if len(speaking) == 1:
        return dict.fromkeys(speaking, 1.0)
    return {member: weights[member] for member in speaking}


@lru_cache(maxsize=_REMEMBERED)
def alone(evidence: float) -> float:
    """What one member's evidence would make of the prior, if it counted in full. Rules say the same again and again."""
    known = calibrated()
    return float(probability(fuse(np.array([[evidence]]), np.ones(1), known.prior, known.unseen))[0])
