"""When a population counts as another one, and when a model is replaced."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detectors.learned.made import SPAN, job, sample

from vedette.detectors.learned.client_training import client_drift, fit_client_model
from vedette.detectors.learned.drift import MOST, Population
from vedette.detectors.learned.model import ClientModel, read_client_model
from vedette.detectors.learned.training import Refused

LATER = 1_000_000 + 24 * 60


def fitted() -> ClientModel:
    model = fit_client_model(job())
    assert isinstance(model, ClientModel)
    return model


@given(st.integers(0, 10_000), st.integers(200, 2_000))
def test_a_second_sample_of_one_population_is_no_drift(seed: int, rows: int) -> None:
    draw = np.random.default_rng(seed)
    known = Population.of(draw.normal(size=rows))
    assert sum(known.shares) == pytest.approx(1.0)
    assert abs(known.index(draw.normal(size=rows))) < MOST
    assert known.index(draw.normal(2.0, size=rows)) > MOST


def test_values_that_are_mostly_the_same_have_few_spans() -> None:
    known = Population.of(np.array([0.0] * 95 + [1.0] * 5))
    assert len(known.shares) == len(known.edges) + 1 <= 3
    assert known.index(np.array([0.0] * 95 + [1.0] * 5)) < 0.01
    assert known.index(np.ones(100)) > MOST


@pytest.mark.parametrize("seed", range(2, 6))
def test_the_same_kind_of_clients_is_no_drift_and_another_kind_is_named(seed: int) -> None:
    model = fitted()
    assert client_drift(model, sample(seed=seed, first=LATER), SPAN) == ""
    said = client_drift(model, sample(seed=seed, first=LATER, poison=6), SPAN)
    assert said.startswith("drift of ")
    assert f"at most {MOST}" in said


def test_an_hour_of_a_day_is_no_drift() -> None:
    assert client_drift(fitted(), sample(windows=60, first=LATER, poison=6), SPAN) == ""


def test_models_of_earlier_versions_know_no_drift() -> None:
    model = fitted()
    old = ClientModel(msgspec.structs.replace(model.card, scores=None, spread=()), model.forest, model.rarity)
    assert client_drift(old, sample(first=LATER, poison=6), SPAN) == ""
    assert read_client_model(old.to_bytes()).card.scores is None


def test_a_new_model_replaces_the_running_one_unless_that_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    running = fitted()
    again = msgspec.structs.replace(job(sample(seed=7)), running=running.to_bytes())
    fresh = fit_client_model(again)
    assert isinstance(fresh, ClientModel)
    assert fresh.to_bytes() == fit_client_model(msgspec.structs.replace(again, running=None)).to_bytes()
    # As if the running one had to be worse by all there is.
    monkeypatch.setattr("vedette.detectors.learned.client_training.SHADOW_MARGIN", -1.0)
    outcome = fit_client_model(again)
    assert isinstance(outcome, Refused)
    assert f"the new one {fresh.card.checked.separation:.3f}): it stays" in outcome.reason
    # What cannot be read cannot judge.
    assert isinstance(fit_client_model(msgspec.structs.replace(again, running=b"broken")), ClientModel)
