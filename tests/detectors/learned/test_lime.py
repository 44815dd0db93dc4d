"""A local explanation, held against models whose reasons are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.learned.made import crawlers, job, sample

from vedette.detectors.learned.client_training import fit_client_model
from vedette.detectors.learned.lime import lime
from vedette.detectors.learned.model import ClientModel


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8), st.integers(0, 2**31))
def test_of_a_line_the_weights_are_found(slopes: list[float], seed: int) -> None:
    slope = np.array(slopes)
    row = np.full(len(slope), 3.0, dtype=np.float32)
    low = high = np.ones(len(slope))
    found = lime(lambda rows: rows @ slope, row, low, high, seed)
    assert found.weights == pytest.approx(slope * 2.0, abs=0.02 + 0.1 * np.abs(slope).max())
    assert found.usual == pytest.approx(slope.sum(), abs=0.2 + 0.1 * np.abs(slope).sum())
    assert found.score == pytest.approx(3.0 * slope.sum(), abs=1e-4)
    assert found.usual + found.weights.sum() == pytest.approx(found.said)


def test_a_model_that_always_says_the_same_has_no_reasons() -> None:
    found = lime(lambda rows: np.ones(len(rows)), np.zeros(3, dtype=np.float32), np.zeros(3), np.ones(3), 1)
    assert found.weights == pytest.approx([0.0] * 3, abs=1e-9)
    assert found.fit == 0.0


def test_the_same_seed_gives_the_same_and_what_a_crawler_does_isolates_it() -> None:
    model = fit_client_model(job(sample()))
    assert isinstance(model, ClientModel)
    (row,) = model.rows(crawlers(np.random.default_rng(3), 1), 1_000_000 * 60_000_000)
    low, high = np.array(model.card.low), np.array(model.card.high)
    first, again = (lime(model.forest.score, row, low, high, 7) for _ in range(2))
    assert first.weights.tolist() == again.weights.tolist()
    assert first.said == pytest.approx(first.score, abs=0.1)
    most = {model.card.names[place] for place in np.argsort(-first.weights)[:6].tolist()}
    assert most & {"requests", "pages", "routes", "active_seconds", "bytes_per_request", "share_static"}
    assert first.fit > 0.5
