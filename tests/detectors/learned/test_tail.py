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


def test_of_sums_a_shape_that_chance_gives_does_not_count() -> None:
    """Of a thousand scores with an exponential tail, a hundred above the start: most shapes above 0 are chance."""
    shapes = {False: [0.0], True: [0.0]}
    for seed in range(60):
        scores = np.random.default_rng(seed).exponential(size=1_000)
        for sums, found in shapes.items():
            found.append(fit_tail(scores, least_scale=0.01, sums=sums).shape)
    assert np.mean(np.array(shapes[False]) > 0.0) > 0.3
    assert np.mean(np.array(shapes[True]) > 0.0) < 0.25
    assert np.quantile(shapes[True], 0.95) < 0.15


def test_of_sums_a_tail_that_is_heavy_stays_heavy() -> None:
    scores = np.random.default_rng(1).pareto(1.0 / 0.4, size=5_000)
    plain, sums = (fit_tail(scores, least_scale=0.01, sums=each) for each in (False, True))
    assert sums.shape > 0.25
    assert sums.shape == pytest.approx(plain.shape - (4 / 3 / 500) ** 0.5, abs=0.001)
    # What lies above the start is as high on average.
    assert sums.scale / (1 - sums.shape) == pytest.approx(plain.scale / (1 - plain.shape))
