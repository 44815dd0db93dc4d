"""The calibration error, held against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.evaluate.reliability import reliability, with_share

_ROWS = st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=80)


@given(_ROWS, st.sampled_from([1, 5, 10]))
def test_the_error_is_the_mean_gap_over_spans(rows, bins) -> None:
    score = np.array([s / 100 for s, _ in rows])
    wrong = np.array([float(w) for _, w in rows])
    found = reliability(score, wrong, 1.0 - wrong, bins)
    assert found is not None
    spans: dict[int, list[int]] = {}
    for place, value in enumerate(score.tolist()):
        spans.setdefault(min(int(value * bins), bins - 1), []).append(place)
    gaps = {k: abs(score[v].mean() - wrong[v].mean()) for k, v in spans.items()}
    assert found.error == pytest.approx(sum(len(spans[k]) * gap for k, gap in gaps.items()) / len(rows))
    assert found.worst == pytest.approx(max(gaps.values()))
    assert found.rows == len(rows) == sum(span.rows for span in found.spans)


def test_of_nothing_nothing_is_said() -> None:
    assert reliability(np.zeros(3), np.zeros(3), np.zeros(3)) is None


def _drawn(share: float, rows: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """Scores of a sign that is one standard deviation higher in what is wrong, under a prior of 2 %, and labels."""
    draw = np.random.default_rng(5)
    wrong = draw.random(rows) < share
    odds = draw.normal(wrong.astype(float)) - 0.5 + np.log(0.02 / 0.98)
    return 1.0 / (1.0 + np.exp(-odds)), wrong.astype(np.float64)


def test_scores_that_know_the_share_are_reliable_where_others_are_not() -> None:
    score, wrong = _drawn(0.5)
    raw = reliability(score, wrong, 1.0 - wrong)
    known = reliability(with_share(score, 0.02, 0.5), wrong, 1.0 - wrong)
    assert raw is not None
    assert known is not None
    assert raw.error > 0.4
    assert known.error < 3 * known.chance < 0.02


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_another_share_and_back_changes_nothing(score: float, first: float, second: float) -> None:
    there = with_share(np.array([score]), first, second)
    assert with_share(there, second, first)[0] == pytest.approx(score, rel=1e-6)


@pytest.mark.parametrize("rows", [90, 5_000])
def test_chance_is_the_error_of_scores_that_are_right(rows: int) -> None:
    """Labels drawn by the scores themselves give it on average."""
    draw = np.random.default_rng(rows)
    score = draw.beta(0.3, 0.3, rows)
    errors = []
    for _ in range(300):
        wrong = (draw.random(rows) < score).astype(np.float64)
        found = reliability(score, wrong, 1.0 - wrong)
        assert found is not None
        errors.append(found.error)
    assert found.chance == pytest.approx(np.mean(errors), rel=0.05)
