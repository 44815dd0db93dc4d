"""When the values of routes, or the order of requests, count as other ones, and when a model is replaced."""

import msgspec
import numpy as np
import pytest
from tests.detectors.learned.test_values import SPAN, fitted, times
from tests.detectors.learned.walked import fitted as fitted_order
from tests.detectors.learned.walked import needs_transformer
from tests.detectors.learned.walked import sample as walked

from vedette.detectors.learned.kinds import kind_of
from vedette.detectors.learned.sequence_model import SequenceModel
from vedette.detectors.learned.training import Job, Refused
from vedette.detectors.learned.value_model import ValueModel
from vedette.detectors.learned.value_sample import ValueSample

DAY = 24 * 60


def sample(
    seed: int, *, centre: float = 0.05, windows: int = DAY, each: int = 4, slow: int = 0
) -> ValueSample:
    """A day of two routes, the first of which answers around a centre; of `slow` windows in a hundred it takes ages."""
    draw, made = np.random.default_rng(seed), ValueSample()
    for number in range(windows):
        at = 20.0 if number % 100 < slow else centre
        made.add(
            number, ["/a", "/b"], np.stack([times(draw, each, centre=at), times(draw, each, centre=1.0)])
        )
    return made


def model(of: ValueSample) -> ValueModel:
    made = fitted(of)
    assert isinstance(made, ValueModel)
    return made


def drift(known: ValueModel, of: ValueSample) -> str:
    return kind_of("response_time").drift(known, of, SPAN)


@pytest.mark.parametrize("seed", range(2, 12))
def test_another_day_of_the_same_is_no_drift(seed: int) -> None:
    assert drift(model(sample(1)), sample(seed)) == ""


@pytest.mark.parametrize("seed", range(2, 5))
def test_a_route_that_answers_otherwise_is_named(seed: int) -> None:
    assert drift(model(sample(1)), sample(seed, centre=0.09)).startswith("drift of /a: ")
    assert drift(model(sample(1)), sample(seed, slow=8)).startswith("drift of /a: ")


def test_an_hour_is_no_drift_nor_are_few_requests() -> None:
    known = model(sample(1))
    assert drift(known, sample(2, centre=0.5, windows=60, each=100)) == ""
    few = ValueSample()
    for number in range(0, DAY, 20):
        few.add(number, ["/a"], times(np.random.default_rng(number), 2, centre=5.0)[None, :])
    assert drift(known, few) == ""


def test_models_of_earlier_versions_know_no_drift() -> None:
    known = model(sample(1))
    old = ValueModel(msgspec.structs.replace(known.card, counts=()), known.outside)
    assert drift(old, sample(2, centre=5.0)) == ""
    again = kind_of("response_time").read(old.to_bytes())
    assert isinstance(again, ValueModel)
    assert again.card.counts == ()


def test_a_new_model_replaces_one_that_calls_the_latest_requests_unusual() -> None:
    """After a route has become slower for good, the old model has all of it outside."""
    running = model(sample(1)).to_bytes()
    slower = sample(2, centre=0.3)
    fresh = kind_of("response_time").fit(Job("response_time", "shop", slower.to_state(), SPAN, 1, running))
    assert isinstance(fresh, ValueModel)


def test_the_running_model_stays_if_it_is_better() -> None:
    """What is fitted to a route that answered otherwise for most of the time knows little of how it answers now."""
    draw, mixed = np.random.default_rng(3), ValueSample()
    for number in range(DAY):
        # A long fault, which has ended: both its times and the usual ones were learned.
        centre = 0.05 if number > 0.65 * DAY else float(10 ** draw.uniform(-2.5, 1.0))
        mixed.add(number, ["/a"], times(draw, 20, centre=centre)[None, :])
    narrow = ValueSample()
    for number in range(DAY):
        narrow.add(number, ["/a"], times(draw, 20)[None, :])
    running = model(narrow)
    job = Job("response_time", "shop", mixed.to_state(), SPAN, 1, running.to_bytes())
    outcome = kind_of("response_time").fit(job)
    assert isinstance(outcome, Refused)
    assert "tells the latest requests from any value better" in outcome.reason
    assert outcome.reason.endswith("it stays")
    # What cannot be read cannot judge.
    assert isinstance(
        kind_of("response_time").fit(msgspec.structs.replace(job, running=b"broken")), ValueModel
    )


@needs_transformer
def test_another_mix_of_requests_is_drift_and_the_same_is_not() -> None:
    known = fitted_order()
    assert isinstance(known, SequenceModel)
    told = kind_of("transformer").drift
    for seed in range(2, 6):
        assert told(known, walked(seed=seed), SPAN) == ""
    assert told(known, walked(seed=2, shuffled=True), SPAN).startswith("drift of ")
    assert told(known, walked(seed=2, windows=40, each=20, shuffled=True), SPAN) == ""
    old = SequenceModel(msgspec.structs.replace(known.card, counts=(), scores=None), known.weights)
    assert told(old, walked(seed=2, shuffled=True), SPAN) == ""
