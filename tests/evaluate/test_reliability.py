"""The calibration error, held against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.evaluate.reliability import reliability

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
