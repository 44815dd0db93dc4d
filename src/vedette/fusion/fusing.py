"""Evidence of several members, added up in log-odds."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_odds(share: float) -> float:
    """Natural logarithm of a probability's odds; 0 and 1 are infinite."""
    if share <= 0.0:
        return -math.inf
    return math.inf if share >= 1.0 else math.log(share / (1.0 - share))


def probability(odds: Floats) -> Floats:
    """What `log_odds` took, float64 (n,)."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(odds, dtype=np.float64))))


def fuse(evidence: Floats, weight: Floats, prior: float, unseen: float = 0.0) -> Floats:
    """Log-odds from what several members say, float64 (n,): the prior's, and the weighted evidence of each.

    Of what is wrong, the share `unseen` is such that no member could tell it from the rest: evidence E is worth
    log((1 - unseen) e^E + unseen). Order stays; silence speaks against no more than it can.

    Args:
        evidence: float64 (members, n), from `Calibration.evidence`; NaN of a member that abstains: it adds nothing.
        weight: float64 (members,), or (members, n): 1 of a member that tells what no other tells, less of those that
            see the same.
        prior: Share of rows that are wrong. unseen: Share of these that say nothing to any member, 0 or more, below 1.
    """
    told = np.where(np.isnan(evidence), 0.0, evidence)
    added = weight @ told if weight.ndim == 1 else (weight * told).sum(axis=0)
    return np.asarray(log_odds(prior) + _worth(added, unseen))


def _worth(evidence: Floats, unseen: float) -> Floats:
    if unseen <= 0.0:
        return evidence
    return np.asarray(np.logaddexp(evidence + math.log1p(-unseen), math.log(unseen)))


def with_evidence(share: Floats, evidence: Floats) -> Floats:
    """Probabilities after more was said, float64 (n,): evidence adds to their log-odds.

    Args:
        share: float64 (n,), 0 and 1 included: what is certain stays so. evidence: float64 (n,).
    """
    with np.errstate(divide="ignore"):
        odds = np.log(share) - np.log1p(-share)
    return probability(odds + evidence)


def any_of(shares: Sequence[Floats]) -> Floats:
    """Probability that any of several things is so that have nothing to do with each other, float64 (n,).

    An attack in a request's text, and a flood that it is part of, are two questions: that one is answered with no says
    nothing of the other. So probabilities of different things are put together like this, and not as evidence.
    """
    doubt = 1.0 - np.asarray(shares[0], dtype=np.float64)
    for share in shares[1:]:
        doubt = doubt * (1.0 - share)
    return 1.0 - doubt
