"""Models are fitted, checked and calibrated, or refused with the reason; files of them are data, never code."""

import pickle
import re

import numpy as np
import pytest
from tests.detectors.learned.made import SPAN, crawlers, job, people, regulars, sample

from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.client_training import auc, fit_client_model
from vedette.detectors.learned.evidence import add_up, most_evidence
from vedette.detectors.learned.model import ClientModel, read_client_model
from vedette.detectors.learned.sample import Sample
from vedette.detectors.learned.tail import fit_tail
from vedette.detectors.learned.training import Job, Refused
from vedette.windows.layout import Client

TIME = 1_000_300 * SPAN


@pytest.fixture(scope="module")
def model() -> ClientModel:
    """Of people only."""
    made = fit_client_model(job())
    assert isinstance(made, ClientModel)
    return made


def surprises(model: ClientModel, kind: str, seed: int = 9) -> list[float]:
    """Of windows that the model has not seen."""
    draw = np.random.default_rng(seed)
    sums = people(draw, 400) if kind == "people" else crawlers(draw, 400)
    return list(model.surprise(model.rows(sums, TIME)))


def test_usual_clients_are_as_surprising_as_is_said(model: ClientModel) -> None:
    seen = np.array(surprises(model, "people"))
    assert 0.05 <= (seen >= 1.0).mean() <= 0.2
    assert (seen >= 3.0).mean() <= 0.02


def test_clients_of_another_kind_are_surprising(model: ClientModel) -> None:
    low, high = np.array(surprises(model, "people")), np.array(surprises(model, "crawlers"))
    assert auc(low, high) > 0.99


def test_crawlers_that_were_there_all_along_do_not_make_crawling_usual() -> None:
    """Three of ten rows that a service gets in its warm-up are an attack's, from a few clients."""
    made = fit_client_model(job(sample(poison=3, each=7)))
    assert isinstance(made, ClientModel)
    low, high = np.array(surprises(made, "people")), np.array(surprises(made, "crawlers"))
    assert auc(low, high) > 0.95


def test_the_same_job_gives_the_same_bytes(model: ClientModel) -> None:
    again = fit_client_model(job())
    assert isinstance(again, ClientModel)
    assert again.to_bytes() == model.to_bytes()


def test_a_model_read_again_judges_the_same(model: ClientModel) -> None:
    assert surprises(read_client_model(model.to_bytes()), "crawlers") == surprises(model, "crawlers")


def test_values_never_seen_have_a_score(model: ClientModel) -> None:
    sums = crawlers(np.random.default_rng(1), 3)
    sums[:, Client.BYTES_OUT] = 2**62
    sums[:, Client.AGENT_KINDS] = 31
    assert np.isfinite(model.surprise(model.rows(sums, TIME))).all()
    assert model.surprise(model.rows(sums[:1], TIME)).shape == (1,)
    assert model.surprise(model.rows(sums[:0], TIME)).shape == (0,)


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (Sample(), "0 windows of clients: 256 are needed"),
        (sample(windows=40), r"\d+ windows of clients before its latest part: 256 are needed"),
        (regulars(60, 36), r"\d\d sessions in the latest part: 50 are needed"),
    ],
)
def test_too_little_is_refused_with_what_was_found(of: Sample, reason: str) -> None:
    made = fit_client_model(job(of))
    assert isinstance(made, Refused)
    assert re.fullmatch(reason, made.reason)


def test_clients_that_are_all_alike_are_refused() -> None:
    made = sample()
    made.sums[:] = made.sums[0]
    outcome = fit_client_model(job(made))
    assert isinstance(outcome, Refused)
    assert "never change" in outcome.reason


def test_a_service_that_has_changed_is_refused() -> None:
    """The latest part of the sample is unlike what came before: no model of the past would hold."""
    made = sample()
    late = made.window > np.quantile(made.window, 0.65)
    made.sums[late] = crawlers(np.random.default_rng(1), int(late.sum()))
    outcome = fit_client_model(Job("forest", "shop", made.to_state(), SPAN, 1))
    assert isinstance(outcome, Refused)
    assert "unlike those it was fitted to" in outcome.reason


def test_a_pickle_is_refused() -> None:
    with pytest.raises(ModelError, match="pickle"):
        read_client_model(pickle.dumps({"model": 1}))


def test_no_altered_model_is_taken_for_what_it_was(model: ClientModel) -> None:
    """A changed byte of what is packed is found by the archive's own sums."""
    content = model.to_bytes()
    for place in range(60, len(content) - 2000, len(content) // 23):
        altered = bytearray(content)
        altered[place] ^= 0x10
        try:
            read = read_client_model(bytes(altered)).to_bytes()
        except ModelError:
            continue
        assert read == content, place


def test_evidence_is_the_most_that_was_summed() -> None:
    session = np.array([1, 1, 1, 2], dtype=np.uint64)
    assert most_evidence(session, np.array([2.0, 0.0, 1.5, 9.0])).tolist() == [1.0, 3.0]
    assert add_up(np.array([0.5]), np.array([0.0])).tolist() == [0.0]


def test_a_tail_keeps_its_word() -> None:
    """Of exponential scores, the share above a critical value is the one that was asked for."""
    draw = np.random.default_rng(3)
    tail = fit_tail(draw.exponential(size=4000), least_scale=0.01)
    fresh = draw.exponential(size=200_000)
    for surprise in (1.5, 2.0, 3.0):
        share = (fresh > tail.critical(surprise)).mean()
        assert share == pytest.approx(10**-surprise, rel=0.5)
        assert tail.surprise(np.array([tail.critical(surprise)]))[0] == pytest.approx(surprise)
