"""Tails state an arithmetic that gives what they found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.learned.tail import PEAKS, Tail, fit_tail
from vedette.explain.formulas import recompute


def fitted(seed: int, shape: float) -> Tail:
    draw = np.random.default_rng(seed)
    scores = draw.exponential(size=2_000) if shape == 0.0 else draw.pareto(1.0 / shape, size=2_000)
    return fit_tail(scores, least_scale=0.01)


@given(seed=st.integers(0, 50), shape=st.sampled_from([0.0, 0.3]), surprise=st.floats(1.1, 30.0))
def test_a_formula_recomputes_to_the_surprise_of_its_score(seed: int, shape: float, surprise: float) -> None:
    """Of any score above the start, down to a chance of 1e-30."""
    tail = fitted(seed, shape)
    formula = tail.formula(tail.critical(surprise))
    assert formula.result == pytest.approx(surprise, rel=1e-6)
    assert recompute(formula) == pytest.approx(formula.result, rel=1e-9)


def test_a_band_holds_what_usual_scores_are() -> None:
    """Its middle is the median, and about one score in a hundred lies above it, none below."""
    scores = np.random.default_rng(3).normal(size=5_000)
    tail = fit_tail(scores, least_scale=0.01)
    band = tail.band()
    assert band.low is not None
    assert band.mid is not None
    assert band.high is not None
    assert (scores < band.low).sum() == 0
    assert abs(float((scores < band.mid).mean()) - 0.5) < 0.01
    assert abs(float((scores > band.high).mean()) - 0.01) < 0.002
    assert tail.start > band.mid
    assert abs(tail.rate - PEAKS) < 0.01
