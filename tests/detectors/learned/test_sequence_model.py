"""Models of sequences are fitted, checked and calibrated, or refused with the reason; their files are data."""

import pickle
import re

import numpy as np
import pytest
from msgspec.structs import replace
from tests.detectors.learned.walked import (
    ROUND,
    SPAN,
    TEXTS,
    check_that_another_order_is_odd,
    fitted,
    job,
    needs_transformer,
    sample,
    score,
)

from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.sequence_model import SequenceModel, read_sequence_model
from vedette.detectors.learned.sequence_sample import SequenceSample
from vedette.detectors.learned.sequence_training import fit_sequence_model
from vedette.detectors.learned.tokens import UNKNOWN
from vedette.detectors.learned.training import Refused
from vedette.detectors.learned.walks import WINDOW, chunks

pytestmark = needs_transformer


@pytest.fixture(scope="module")
def model() -> SequenceModel:
    made = fitted()
    assert isinstance(made, SequenceModel)
    return made


def test_the_way_is_usual_and_another_order_is_not(model: SequenceModel) -> None:
    check_that_another_order_is_odd(model)


def test_clients_that_abused_it_all_along_do_not_make_it_usual() -> None:
    """Three of ten requests of the warm-up are an attack's, from a few clients."""
    poisoned = sample(poison=2)
    share = float((poisoned.client < 100).mean())
    assert 0.25 < share < 0.4
    made = fit_sequence_model(job(poisoned))
    assert isinstance(made, SequenceModel)
    assert score(made, ROUND * 3) > made.card.sessions_tail.critical(3.0)


def test_the_same_job_gives_the_same_bytes(model: SequenceModel) -> None:
    again = fit_sequence_model(job())
    assert isinstance(again, SequenceModel)
    assert again.to_bytes() == model.to_bytes()


def test_a_model_read_again_judges_the_same(model: SequenceModel) -> None:
    again = read_sequence_model(model.to_bytes())
    assert again.card == model.card
    assert score(again, ROUND) == score(model, ROUND)


def test_it_computes_what_pytorch_does(model: SequenceModel) -> None:
    from vedette.detectors.learned.transformer import REFERENCE, SMALL, _begin, _copied, log_probability

    draw = np.random.default_rng(1)
    for size in (SMALL, REFERENCE):
        weights = _copied(_begin(40, size))
        weights["frequency"] = draw.normal(size=40).astype(np.float32)
        weights["follows"] = draw.normal(size=(40, 40)).astype(np.float32)
        for name in weights:
            if name.endswith(("bias", "shift")):
                weights[name] = draw.normal(size=weights[name].shape).astype(np.float32)
        inputs = draw.integers(0, 40, (5, WINDOW))
        told = log_probability(weights, inputs, size)
        card = replace(model.card, width=size.width, heads=size.heads, layers=size.layers)
        made = SequenceModel(card, weights)
        np.testing.assert_allclose(made.expected(inputs), np.exp(told), atol=1e-5)
        one = np.zeros(1, dtype=np.int64)
        windows = chunks(inputs[0], one, one, one, np.array([WINDOW]))
        seen, expected = made.surprise(windows)
        told = log_probability(weights, windows.inputs, size)[0] / -np.log(10)
        np.testing.assert_allclose(seen, told[np.arange(WINDOW), inputs[0]], atol=1e-4)
        np.testing.assert_allclose(expected, (10.0**-told * told).sum(axis=1), atol=1e-4)


def test_a_short_session_beside_long_ones_is_as_odd_as_alone(model: SequenceModel) -> None:
    """They are computed together with others of about their length, no wider than these are."""
    draw = np.random.default_rng(2)
    length = draw.integers(1, 50, 400)
    token = draw.integers(3, len(model.vocabulary), int(length.sum()))
    start = np.cumsum(length) - length
    none = np.zeros(len(length), dtype=np.int64)
    together = model.excess(chunks(token, start, none, none, length))
    for number in (0, int(length.argmin()), int(length.argmax())):
        part = slice(int(start[number]), int(start[number] + length[number]))
        one = np.zeros(1, dtype=np.int64)
        alone = model.excess(chunks(token[part], one, one, one, length[number : number + 1]))
        np.testing.assert_allclose(together[part], alone, atol=1e-5)


def test_what_comes_later_changes_nothing_before(model: SequenceModel) -> None:
    first, second = np.full((1, WINDOW), 4), np.full((1, WINDOW), 4)
    second[0, 12:] = 7
    np.testing.assert_allclose(model.expected(first)[0, :12], model.expected(second)[0, :12], atol=1e-6)


def test_requests_never_seen_have_a_score(model: SequenceModel) -> None:
    assert model.vocabulary.numbers(["GET /new"]).tolist() == [UNKNOWN]
    assert np.isfinite(score(model, ("GET /new", "DELETE /all", "GET /")))
    none = np.zeros(0, dtype=np.int64)
    assert len(model.excess(chunks(none, none, none, none, none))) == 0
    assert np.isfinite(score(model, ("GET /",)))


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (SequenceSample(), "0 requests of clients: 2000 are needed"),
        (sample(windows=20), r"\d+ requests of clients: 2000 are needed"),
        (sample(shuffled=True), r"it does not know its clients' order from chance \(area under the curve 0\.\d\d, .*"),
    ],
)  # fmt: skip
def test_too_little_is_refused_with_what_was_found(of: SequenceSample, reason: str) -> None:
    made = fit_sequence_model(job(of))
    assert isinstance(made, Refused)
    assert re.fullmatch(reason, made.reason), made.reason


def test_a_site_that_has_changed_is_refused() -> None:
    made = sample()
    late = made.window > np.quantile(made.window, 0.65)
    made.token[late] = TEXTS.index("GET /help")
    outcome = fit_sequence_model(job(made))
    assert isinstance(outcome, Refused)
    assert "ask for other things than those before" in outcome.reason


def test_few_clients_that_ask_for_much_are_too_few() -> None:
    made = sample()
    made.client[:] = made.client % np.uint64(3)
    order = np.lexsort((made.window, made.client))
    made.client, made.window, made.token = made.client[order], made.window[order], made.token[order]
    outcome = fit_sequence_model(job(made))
    assert isinstance(outcome, Refused)
    assert "are needed" in outcome.reason


def test_a_pickle_is_refused() -> None:
    with pytest.raises(ModelError, match="pickle"):
        read_sequence_model(pickle.dumps([1]))


def test_no_altered_model_is_taken_for_what_it_was(model: SequenceModel) -> None:
    content = model.to_bytes()
    for place in range(60, len(content) - 300, len(content) // 23):
        altered = bytearray(content)
        altered[place] ^= 0x10
        try:
            read = read_sequence_model(bytes(altered)).to_bytes()
        except ModelError:
            continue
        assert read == content, place


def test_its_card_says_what_it_rests_on(model: SequenceModel) -> None:
    card = model.card
    assert card.minutes == SPAN / 60e6
    assert set(card.vocabulary) == set(TEXTS)
    assert card.checked.stability <= 0.25
    assert card.checked.separation >= 0.8
    assert set(card.versions) == {"numpy", "torch", "onnx", "onnxruntime"}
    assert model.summary().startswith(f"from {card.rows:,} requests in {card.sessions:,} sessions")
