"""Whether what is called likely is so: of all that is given 0.8, four in five should be wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Spans of score, equally wide, as the expected calibration error is published (Naeini, Cooper, Hauskrecht 2015; Guo
et al. 2017)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Rows whose scores lie in `low` to `high`: how many, their mean score, and the share that is wrong."""

    low: float
    high: float
    rows: int
    said: float
    was: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """A table, and its mean gap.

    Attributes:
        spans: Those with rows, the lowest first. rows: In all.
        error: Expected calibration error: the mean over rows of the gap between what was said and what was, span by
            span. worst: The largest gap of a span.
    """

    spans: tuple[Span, ...]
    rows: int
    error: float
    worst: float


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
    error = sum(span.rows * gap for span, gap in zip(spans, gaps, strict=True)) / total
    return Reliability(spans, int(total), error, max(gaps))
