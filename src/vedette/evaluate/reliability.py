"""Whether what is called likely is so: of all that is given 0.8, four in five should be wrong."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.fusion.fusing import log_odds, probability

BINS = 10
"""Spans of score, equally wide, as the expected calibration error is published (Naeini, Cooper, Hauskrecht 2015; Guo
et al. 2017)."""


class Span(msgspec.Struct, frozen=True):
    """Rows whose scores lie in `low` to `high`: how many, their mean score, and the share that is wrong."""

    low: float
    high: float
    rows: int
    said: float
    was: float


class Reliability(msgspec.Struct, frozen=True):
    """A table, and its mean gap.

    Attributes:
        spans: Those with rows, the lowest first. rows: In all.
        error: Expected calibration error: the mean over rows of the gap between what was said and what was, span by
            span. worst: The largest gap of a span.
        chance: What the error would be by chance alone, were every score right: few rows never come out as told.
            (Bröcker and Smith 2007; a normal's mean distance for the count of each span.)
    """

    spans: tuple[Span, ...]
    rows: int
    error: float
    worst: float
    chance: float


def with_share(score: NDArray[np.float64], prior: float, share: float) -> NDArray[np.float64]:
    """What scores would be had they assumed another share of rows to be wrong, float64 (k,).

    Their log-odds shift by the difference of the two shares', and by nothing else (Saerens, Latinne, Decaestecker
    2002, equation 4): what the members say of a row stays as it is.

    Args:
        score: float64 (k,), above 0 and below 1. prior: Share that they assume. share: Another one, neither 0 nor 1.
    """
    return probability(np.log(score) - np.log1p(-score) + log_odds(share) - log_odds(prior))


def reliability(
    score: NDArray[np.float64], wrong: NDArray[np.float64], right: NDArray[np.float64], bins: int = BINS
) -> Reliability | None:
    """Count scores against what was so; None of no rows.

    Args:
        score: float64 (k,), 0..1. wrong, right: float64 (k,), rows of that score which are wrong, and which are not.
        bins: Spans of equal width.
    """
    rows = wrong + right
    total = float(rows.sum())
    if total <= 0:
        return None
    place = np.minimum((score * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, weights=rows, minlength=bins)
    said = np.bincount(place, weights=rows * score, minlength=bins)
    was = np.bincount(place, weights=wrong, minlength=bins)
    spans = tuple(
        Span(
            at / bins,
            (at + 1) / bins,
            int(count[at]),
            float(said[at] / count[at]),
            float(was[at] / count[at]),
        )
        for at in np.flatnonzero(count).tolist()
    )
    gaps = [abs(span.said - span.was) for span in spans]
    varied = np.bincount(place, weights=rows * score * (1.0 - score), minlength=bins)
    chance = float(np.sqrt(2.0 / np.pi * varied).sum()) / total
    error = sum(span.rows * gap for span, gap in zip(spans, gaps, strict=True)) / total
    return Reliability(spans, int(total), error, max(gaps), chance)
