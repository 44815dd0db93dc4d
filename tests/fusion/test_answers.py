"""Answers to alarms weigh the members, within bounds, and only if there are enough that differ."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.fusion.answers import (
    HELD,
    MOST_ANSWERS,
    Answer,
    count_needed,
    from_document,
    reweigh,
    to_document,
    with_answer,
)
from vedette.fusion.weighing import LEAST, MOST
from vedette.schema.state import StateError

FIXED = (0.8, 0.7)
PRIOR = 0.02


def answers(real: int, false: int, seed: int = 1) -> list[Answer]:
    """The first member knows what is real; the second says the contrary."""
    draw = random.Random(seed)
    found = []
    for number in range(real + false):
        is_real = number < real
        good = (2.5 if is_real else -2.5) + draw.gauss(0, 1)
        bad = (-1.5 if is_real else 1.5) + draw.gauss(0, 1)
        found.append(Answer(f"a{number}", is_real, (good, bad)))
    return found


def test_a_member_that_errs_loses_weight_and_keeps_half_of_it() -> None:
    found = reweigh(answers(200, 200), FIXED, PRIOR)
    assert found.fitted
    assert found.weight[0] > FIXED[0]
    assert found.weight[1] == pytest.approx(HELD * FIXED[1])
    assert found.prior == PRIOR


@pytest.mark.parametrize(("real", "false"), [(0, 0), (LEAST - 1, 500), (500, LEAST - 1)])
def test_too_few_answers_of_a_kind_change_nothing(real: int, false: int) -> None:
    found = reweigh(answers(real, false), FIXED, PRIOR)
    assert not found.fitted
    assert found.weight.tolist() == list(FIXED)
    assert f"{LEAST} of each are needed" in found.reason


def test_the_same_answer_a_hundred_times_is_one() -> None:
    once = answers(30, 30)
    often = once + [Answer(f"again{n}", False, once[-1].evidence) for n in range(100)]
    np.testing.assert_array_equal(reweigh(once, FIXED, PRIOR).weight, reweigh(often, FIXED, PRIOR).weight)


def test_their_order_does_not_matter() -> None:
    given_so = answers(40, 40)
    shuffled = random.Random(5).sample(given_so, len(given_so))
    np.testing.assert_array_equal(
        reweigh(given_so, FIXED, PRIOR).weight, reweigh(shuffled, FIXED, PRIOR).weight
    )


_EVIDENCE = st.tuples(st.floats(-9, 9) | st.just(math.nan), st.floats(-9, 9) | st.just(math.nan))


@given(st.lists(st.tuples(st.booleans(), _EVIDENCE), max_size=120))
def test_whatever_is_answered_weights_stay_within_bounds(
    said: list[tuple[bool, tuple[float, float]]],
) -> None:
    found = reweigh([Answer(f"a{n}", real, e) for n, (real, e) in enumerate(said)], FIXED, PRIOR)
    assert np.isfinite(found.weight).all()
    assert (found.weight >= HELD * np.array(FIXED) - 1e-12).all()
    assert (found.weight <= MOST).all()


def test_a_few_answers_more_than_needed_hardly_move_weights() -> None:
    found = reweigh(answers(LEAST, LEAST), FIXED, PRIOR)
    many = reweigh(answers(500, 500), FIXED, PRIOR)
    fixed = np.array(FIXED)
    assert (np.abs(found.weight - fixed) <= np.abs(many.weight - fixed) + 1e-9).all()


def test_a_second_answer_replaces_the_first() -> None:
    known = with_answer((), Answer("a1", True, (1.0, 2.0)))
    known = with_answer(known, Answer("a2", True, (1.0, 2.0)))
    known = with_answer(known, Answer("a1", False, (1.0, 2.0)))
    assert count_needed(known) == (1, 1, LEAST)


def test_answers_are_bounded_and_the_latest_stay() -> None:
    known: tuple[Answer, ...] = tuple(Answer(f"a{n}", True, (0.0, 0.0)) for n in range(MOST_ANSWERS))
    known = with_answer(known, Answer("fresh", True, (0.0, 0.0)))
    assert len(known) == MOST_ANSWERS
    assert known[-1].anomaly_id == "fresh"


def test_a_document_gives_back_what_it_took() -> None:
    known = (Answer("a1", True, (1.0, math.nan)), Answer("a2", False, (-1.0, 2.0)))
    again = from_document(to_document(known))
    assert [(a.anomaly_id, a.real) for a in again] == [("a1", True), ("a2", False)]
    assert math.isnan(again[0].evidence[1])
    assert from_document(None) == ()
    with pytest.raises(StateError):
        from_document(to_document(known)[:-2])


def test_answers_about_other_members_are_left_out() -> None:
    found = reweigh([*answers(30, 30), Answer("old", True, (1.0, 2.0, 3.0))], FIXED, PRIOR)
    assert found.rows == 60
