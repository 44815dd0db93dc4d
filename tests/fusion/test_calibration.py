"""What a score is worth as evidence, held against evidence that is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.evaluate.reliability import reliability
from vedette.fusion.calibration import (
    LEAST_ISOTONIC,
    LEAST_PLATT,
    MOST,
    CalibrationError,
    Curve,
    Ranks,
    Steps,
    calibrate,
)
from vedette.fusion.fusing import fuse, log_odds, probability

_SCORES = st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=60)


def _drawn(seed: int, bad: int, good: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of two normal distributions that lie two spreads apart: the evidence of x is 2 x - 2."""
    draw = np.random.default_rng(seed)
    score = np.concatenate([draw.normal(2.0, 1.0, bad), draw.normal(0.0, 1.0, good)])
    return score, np.arange(bad + good) < bad


@pytest.mark.parametrize(("rows", "kind"), [(5 * LEAST_ISOTONIC, Steps), (LEAST_ISOTONIC - 1, Curve)])
def test_the_evidence_of_normal_scores_is_found_whatever_the_share_that_is_wrong(rows, kind) -> None:
    for bad, good in ((rows, rows), (rows, 6 * rows)):
        found = calibrate(*_drawn(3, bad, good))
        assert isinstance(found, kind)
        middle = np.linspace(-0.5, 2.5, 13)
        assert found.evidence(middle) == pytest.approx(2.0 * middle - 2.0, abs=0.45)


def test_what_was_calibrated_is_reliable_on_other_rows_of_another_share() -> None:
    found = calibrate(*_drawn(1, 4_000, 4_000))
    score, wrong = _drawn(2, 1_000, 19_000)
    said = probability(fuse(found.evidence(score)[None, :], np.ones(1), 0.05))
    table = reliability(said, wrong.astype(float), (~wrong).astype(float))
    assert table is not None
    assert table.error < 0.02


@given(_SCORES, st.booleans())
def test_steps_and_curves_never_fall_are_bounded_and_let_abstentions_through(rows, many) -> None:
    score = np.array([s for s, _ in rows], dtype=np.float64)
    wrong = np.array([w for _, w in rows])
    times = -(-LEAST_ISOTONIC // max(1, min(wrong.sum(), (~wrong).sum()))) if many else 1
    score, wrong = np.repeat(score, times), np.repeat(wrong, times)
    if min(wrong.sum(), (~wrong).sum()) < LEAST_PLATT:
        with pytest.raises(CalibrationError, match=f"{LEAST_PLATT} of each"):
            calibrate(score, wrong)
        return
    evidence = calibrate(score, wrong).evidence(np.linspace(-9, 9, 60))
    assert (np.diff(evidence) >= -1e-12).all()
    assert np.abs(evidence).max() <= MOST
    assert np.isnan(calibrate(score, wrong).evidence(np.array([np.nan]))).all()


def test_scores_that_say_the_contrary_are_no_evidence() -> None:
    score, wrong = _drawn(5, 300, 300)
    assert calibrate(-score, wrong).evidence(np.array([-3.0, 3.0])).tolist() == [0.0, 0.0]


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(CalibrationError, match="abstains"):
        calibrate(np.array([0.0, np.nan]), np.array([True, False]))


@given(st.floats(0.05, 0.95))
def test_the_evidence_of_ranks_is_a_bayes_factor(kappa: float) -> None:
    # Its mean over uniform tail probabilities is 1; beyond what is cut, less.
    edges = np.logspace(-12, 0, 20_001)
    middle = np.sqrt(edges[1:] * edges[:-1])
    factor = np.exp(Ranks(kappa).evidence(-np.log10(middle)))
    mean = float((factor * np.diff(edges)).sum())
    assert mean <= 1.0 + 1e-3
    if kappa > 0.5:
        assert mean == pytest.approx(1.0, abs=0.01)


def test_a_rank_of_nothing_unusual_speaks_against() -> None:
    assert Ranks().evidence(np.array([0.0]))[0] == pytest.approx(log_odds(1 / 3))
