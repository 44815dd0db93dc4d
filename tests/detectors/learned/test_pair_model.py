"""What follows what is counted, checked and calibrated, or refused with the reason; its files are data."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detectors.learned.walked import (
    ROUND,
    TEXTS,
    WAY,
    check_that_another_order_is_odd,
    job,
    sample,
    score,
    windows_on,
)

from vedette.detectors.learned.archive import write_archive
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.order_model import MOST_VOCABULARY, OrderCard
from vedette.detectors.learned.pair_model import PairModel, read_pair_model
from vedette.detectors.learned.pair_training import fit_pair_model
from vedette.detectors.learned.tokens import BEGIN, FIRST, UNKNOWN
from vedette.detectors.learned.training import Refused
from vedette.detectors.learned.walks import WINDOW


@pytest.fixture(scope="module")
def model() -> PairModel:
    made = fit_pair_model(job())
    assert isinstance(made, PairModel)
    return made


def altered(model: PairModel, **arrays: np.ndarray) -> bytes:
    """The model's file with other arrays."""
    pair = np.array([[BEGIN, FIRST], [FIRST, FIRST]], dtype=np.int32)
    whole = {"pair": pair, "count": np.array([3, 4], dtype=np.int64)} | arrays
    return write_archive(model.card, whole)


def test_the_way_is_usual_and_another_order_is_not(model: PairModel) -> None:
    check_that_another_order_is_odd(model)


def test_clients_that_abused_it_all_along_do_not_make_it_usual() -> None:
    made = fit_pair_model(job(sample(poison=2)))
    assert isinstance(made, PairModel)
    assert score(made, ROUND * 3) > made.card.sessions_tail.critical(3.0)


def test_surprise_is_of_what_was_counted_and_expected_its_mean(model: PairModel) -> None:
    token = model.vocabulary.numbers(WAY)
    windows = windows_on(token)
    seen, entropy = model.surprise(windows)
    likely = model.expected(windows.inputs)[windows.row, windows.column]
    np.testing.assert_allclose(likely.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(seen, -np.log10(likely[np.arange(len(token)), token]), rtol=1e-5)
    np.testing.assert_allclose(entropy, -(likely * np.log10(likely)).sum(axis=1), rtol=1e-5)
    # After the beginning everybody asks for the same page.
    assert likely[0].argmax() == token[0]


def test_what_nobody_asked_for_before_is_not_odd(model: PairModel) -> None:
    token = np.array([UNKNOWN] * 5)
    assert model.vocabulary.numbers(["GET /nowhere"]).tolist() == [UNKNOWN]
    assert model.excess(windows_on(token)).tolist() == [0.0] * 5


@given(st.lists(st.sampled_from(range(len(TEXTS))), min_size=1, max_size=3 * WINDOW))
def test_a_request_is_judged_by_the_one_before_it(model: PairModel, steps: list[int]) -> None:
    token = np.array(steps) + FIRST
    seen, _ = model.surprise(windows_on(token))
    before = np.append(BEGIN, token[:-1])
    for place, (one, other) in enumerate(zip(before.tolist(), token.tolist(), strict=True)):
        inputs = np.full((1, WINDOW), one)
        assert seen[place] == pytest.approx(-np.log10(model.expected(inputs)[0, 0, other]), rel=1e-5)


def test_the_same_job_gives_the_same_bytes_and_they_judge_the_same(model: PairModel) -> None:
    again = fit_pair_model(job())
    assert not isinstance(again, Refused)
    assert again.to_bytes() == model.to_bytes()
    read = read_pair_model(model.to_bytes())
    assert read.card == model.card
    assert score(read, ROUND) == score(model, ROUND)
    assert read.to_bytes() == model.to_bytes()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pair": np.zeros((2, 3), dtype=np.int32)}, "must be"),
        ({"count": np.array([3, 4, 5], dtype=np.int64)}, "must be"),
        ({"count": np.array([3.0, 4.0])}, "must be"),
        ({"count": np.array([3, 0], dtype=np.int64)}, "a count of a pair"),
        ({"count": np.array([3, 2**40], dtype=np.int64)}, "a count of a pair"),
        ({"pair": np.array([[1, 3], [1, 2_000]], dtype=np.int32)}, "other tokens"),
        ({"pair": np.array([[1, 3], [-1, 3]], dtype=np.int32)}, "other tokens"),
        ({"pair": np.array([[1, 3], [1, 3]], dtype=np.int32)}, "not each once"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(
    model: PairModel, arrays: dict[str, np.ndarray], said: str
) -> None:
    assert read_pair_model(altered(model)).to_bytes() == altered(model)
    with pytest.raises(ModelError, match=said):
        read_pair_model(altered(model, **arrays))


def test_a_pickle_and_too_large_a_vocabulary_are_refused(model: PairModel) -> None:
    with pytest.raises(ModelError, match="pickle"):
        read_pair_model(pickle.dumps([1]))
    texts = tuple(f"GET /{n}" for n in range(MOST_VOCABULARY + 1))
    card = OrderCard(
        **{name: getattr(model.card, name) for name in OrderCard.__struct_fields__} | {"vocabulary": texts}
    )
    with pytest.raises(ModelError, match="at most 1024"):
        read_pair_model(PairModel(card, *(np.zeros((0, 2), np.int32), np.zeros(0, np.int64))).to_bytes())


def test_too_little_is_refused_with_what_was_found() -> None:
    made = fit_pair_model(job(sample(5)))
    assert isinstance(made, Refused)
    assert "are needed" in made.reason
