"""Models of usual values: which lie outside, how often usual ones do, what is refused; files of them are checked."""

import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.svm import OneClassSVM

from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.kinds import kind_of
from vedette.detectors.learned.training import Job, Refused
from vedette.detectors.learned.value_model import ValueModel
from vedette.detectors.learned.value_sample import MOST_CELLS, MOST_ROUTES, ValueSample
from vedette.detectors.learned.values import (
    NU,
    STATUS,
    STEPS,
    outside,
    ranks,
    response_time_encoding,
    status_encoding,
    step_edges,
)

SPAN = 60_000_000
CLASSES = [name for name, *_ in STATUS]


def times(draw: np.random.Generator, count: int, *, centre: float = 0.05) -> NDArray[np.int64]:
    """Requests by half octave of response time, most around a centre."""
    seconds = centre * np.exp(draw.normal(0.0, 0.4, count))
    steps = np.floor((np.log2(seconds) + 20.0) * 2.0).astype(np.int64)
    return np.bincount(steps, minlength=STEPS)


def statuses(**counts: int) -> NDArray[np.int64]:
    """Requests by class of status."""
    return np.array([counts.get(name, counts.get("s" + name, 0)) for name in CLASSES], dtype=np.int64)


def sample(windows: int = 100, each: int = 40) -> ValueSample:
    draw, made = np.random.default_rng(1), ValueSample()
    for number in range(windows):
        made.add(number, ["/a", "/b"], np.stack([times(draw, each), times(draw, each, centre=1.0)]))
    return made


def fitted(of: ValueSample, member: str = "response_time") -> ValueModel | Refused:
    made = kind_of(member).fit(Job(member, "shop", of.to_state(), SPAN, 1))
    assert isinstance(made, (ValueModel, Refused))
    return made


def model() -> ValueModel:
    made = fitted(sample())
    assert isinstance(made, ValueModel)
    return made


def step_of(seconds: float) -> int:
    return next(s for s in range(STEPS) if step_edges(s)[0] <= seconds < step_edges(s)[1])


@pytest.mark.parametrize("seed", range(5))
def test_few_of_those_learned_lie_outside_and_what_is_far_away_does(seed: int) -> None:
    counts = times(np.random.default_rng(seed), 5_000)
    beyond = outside(response_time_encoding(), counts)
    assert counts[beyond].sum() <= NU * counts.sum()
    assert not beyond[counts.argmax()]
    assert beyond[[step_of(0.0005), step_of(0.5), step_of(30.0)]].all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 12), st.integers(1, 5_000))
def test_ranks_are_those_of_scikit_learn(seed: int, scaled: bool, distinct: int, most: int) -> None:
    draw = np.random.default_rng(seed)
    encoding = response_time_encoding() if scaled else status_encoding()
    counts = np.zeros(encoding.size, dtype=np.int64)
    some = draw.choice(encoding.size, min(distinct, encoding.size), replace=False)
    counts[some] = draw.integers(1, most + 1, len(some))
    seen = counts > 0
    weight = counts[seen] / counts[seen].mean()
    gamma = 1.0
    if scaled:
        places = encoding.points[seen, 0]
        middle = np.average(places, weights=weight)
        gamma = 1.0 / max(float(np.average((places - middle) ** 2, weights=weight)), 0.25)
    machine = OneClassSVM(nu=NU, gamma=gamma, tol=1e-10)
    machine.fit(encoding.points[seen], sample_weight=weight)
    theirs = machine.decision_function(encoding.points) / machine.offset_[0]
    ours = ranks(encoding, counts)
    assert np.abs((1.0 + ours) - (1.0 + theirs) * (1.0 + ours.max()) / (1.0 + theirs.max())).max() <= 1e-4


def test_where_every_value_is_as_usual_none_lies_outside() -> None:
    assert not outside(status_encoding(), np.array([500, 300, 200, 90, 80, 70, 60, 50, 40, 30])).any()


def test_a_gap_between_two_usual_times_lies_outside() -> None:
    draw = np.random.default_rng(1)
    counts = times(draw, 2_000, centre=0.002) + times(draw, 2_000, centre=4.0)
    beyond = outside(response_time_encoding(), counts)
    assert beyond[step_of(0.09)]
    assert not beyond[[step_of(0.002), step_of(4.0)]].any()


def test_a_status_is_no_number() -> None:
    """Between 2xx and 404 lie 3xx and 401, and they are as unusual as 5xx where only the two are usual."""
    beyond = outside(status_encoding(), statuses(s2xx=900, s404=100))
    assert {name for name, out in zip(CLASSES, beyond, strict=True) if not out} == {"2xx", "404"}


def test_one_value_alone_is_usual() -> None:
    for encoding, counts in (
        (status_encoding(), statuses(s2xx=500)),
        (response_time_encoding(), np.eye(STEPS, dtype=np.int64)[30] * 500),
    ):
        assert not outside(encoding, counts)[counts.argmax()]


def test_each_route_has_its_own_usual_times() -> None:
    made = model()
    assert made.card.routes == ("/a", "/b")
    second, twentieth = step_of(1.0), step_of(0.05)
    assert made.outside[0, second]
    assert not made.outside[0, twentieth]
    assert made.outside[1, twentieth]
    assert not made.outside[1, second]
    assert max(made.card.share) < 0.05


def test_requests_that_go_astray_together_are_correlated() -> None:
    draw, made = np.random.default_rng(1), ValueSample()
    for number in range(200):
        counts = times(draw, 50)
        if number % 40 == 39:
            counts = counts + times(draw, 20, centre=5.0)
        made.add(number, ["/a"], counts[None, :])
    together, alone = fitted(made), model()
    assert isinstance(together, ValueModel)
    assert together.card.correlation[0] > 5 * alone.card.correlation[0]


def shifted() -> ValueSample:
    draw, made = np.random.default_rng(1), ValueSample()
    for number in range(100):
        made.add(number, ["/a"], times(draw, 40, centre=0.05 if number < 70 else 0.8)[None, :])
    return made


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (ValueSample(), "0 windows: 30 are needed"),
        (sample(20), "20 windows: 30 are needed"),
        (sample(40, each=2), "of 2 routes none passed; /a: 56 requests, 24 of them late: too few"),
        (shifted(), "of 1 routes none passed; /a: 9.* of its latest requests lie outside: at most 5%"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_the_reason(of: ValueSample, reason: str) -> None:
    outcome = fitted(of)
    assert isinstance(outcome, Refused)
    assert re.search(reason, outcome.reason), outcome.reason


def test_the_same_job_gives_the_same_bytes_and_they_are_read_again() -> None:
    content = model().to_bytes()
    assert model().to_bytes() == content
    assert kind_of("response_time").read(content).to_bytes() == content


def test_what_is_no_model_is_refused() -> None:
    content = model().to_bytes()
    for bad in (b"", content[:-30], pickle.dumps(content)):
        with pytest.raises(ModelError):
            kind_of("response_time").read(bad)
    with pytest.raises(ModelError, match=r"array outside is bool of shape \(2, 64\): must be bool \(2, 10\)"):
        kind_of("status_code").read(content)


def test_a_sample_is_bounded_and_goes_on_where_it_was() -> None:
    draw, made = np.random.default_rng(1), ValueSample()
    routes = [f"/{number}" for number in range(MOST_ROUTES + 10)]
    for number in range(400):
        made.add(
            number,
            routes,
            draw.integers(1, 5, (len(routes), STEPS)) * (draw.random((len(routes), STEPS)) < 0.2),
        )
    made.settle()
    assert len(made.window) <= MOST_CELLS
    assert made.routes == routes[:MOST_ROUTES]
    assert len(np.unique(made.window)) > 10
    again = ValueSample()
    again.from_state(made.to_state())
    for each in (made, again):
        each.add(512, ["/1"], np.ones((1, STEPS), dtype=np.int64))
    assert again.to_state() == made.to_state()
