"""What several members say together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.fusion.fusing import fuse, log_odds, probability, with_evidence
from vedette.fusion.weighing import LEAST, MOST, weigh

_EVIDENCE = st.lists(
    st.tuples(st.floats(-9, 9) | st.just(math.nan), st.floats(0, 1.5)), min_size=1, max_size=6
)


@given(_EVIDENCE, st.floats(0.001, 0.999))
def test_an_abstaining_member_neither_adds_nor_takes_away(told, prior) -> None:
    evidence, weight = np.array([[e] for e, _ in told]), np.array([w for _, w in told])
    spoken = [place for place, (e, _) in enumerate(told) if not math.isnan(e)]
    whole = fuse(evidence, weight, prior)
    assert whole == pytest.approx(fuse(evidence[spoken], weight[spoken], prior))
    by_hand = log_odds(prior) + sum(
        weight * evidence for evidence, weight in told if not math.isnan(evidence)
    )
    assert by_hand == pytest.approx(float(whole[0]))


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=8), st.floats(0.001, 0.5))
def test_what_no_member_can_see_bounds_what_silence_says_and_changes_no_order(said, unseen) -> None:
    evidence = np.array([sorted(said)])
    odds = fuse(evidence, np.ones(1), 0.5, unseen)
    assert (np.diff(odds) >= 0).all()
    assert (odds >= math.log(unseen) - 1e-12).all()
    assert (np.abs(odds) <= np.abs(evidence[0]) + 1e-12).all()


@given(_EVIDENCE, st.floats(0.001, 0.999), st.floats(0, 3))
def test_more_evidence_never_makes_it_less_likely(told, prior, more) -> None:
    evidence, weight = np.array([[e] for e, _ in told]), np.array([w for _, w in told])
    before = probability(fuse(evidence, weight, prior))
    after = probability(fuse(evidence + more, weight, prior))
    assert (after >= before - 1e-12).all()


def test_nobody_speaking_leaves_the_prior() -> None:
    assert probability(fuse(np.full((2, 3), np.nan), np.ones(2), 0.02)) == pytest.approx([0.02] * 3)


@given(st.floats(1e-9, 1 - 1e-9))
def test_probability_undoes_log_odds(share: float) -> None:
    assert probability(np.array([log_odds(share)]))[0] == pytest.approx(share, rel=1e-6)


def _opinions(seed: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """A good member, its copy, and one that only guesses."""
    draw = np.random.default_rng(seed)
    wrong = draw.random(rows) < 0.3
    good = np.where(wrong, 1.5, -1.5) + draw.normal(0, 1.2, rows)
    return np.stack([good, good, draw.normal(0, 2.0, rows)]), wrong


def test_who_only_guesses_loses_weight_and_copies_share_theirs() -> None:
    evidence, wrong = _opinions(4, 2_000)
    found = weigh(evidence, wrong, [1.0, 1.0, 1.0], 0.01)
    assert found.fitted
    first, copy, guess = found.weight
    # The evidence of 1.5 spreads either way of 1.2 is 2 * 1.5 / 1.2 ** 2 of what it says.
    assert first == pytest.approx(copy, abs=0.01)
    assert first + copy == pytest.approx(2 * 1.5 / 1.2**2, rel=0.1)
    assert guess == pytest.approx(0.0, abs=0.1)


@given(st.integers(0, 200))
def test_weights_do_not_depend_on_how_many_of_the_alarms_shown_were_real(seed: int) -> None:
    evidence, wrong = _opinions(seed, 1_000)
    kept = ~wrong | (np.arange(1_000) % 3 == 0)
    all_of_them = weigh(evidence, wrong, [0.5, 0.5, 0.5], 0.01).weight
    fewer = weigh(evidence[:, kept], wrong[kept], [0.5, 0.5, 0.5], 0.01).weight
    assert fewer == pytest.approx(all_of_them, abs=0.35)
    assert ((fewer >= 0) & (fewer <= MOST)).all()


def test_of_too_few_labels_the_fixed_weights_stay_and_it_is_said_why() -> None:
    evidence, wrong = _opinions(4, 200)
    few = np.flatnonzero(wrong)[: LEAST - 1].tolist() + np.flatnonzero(~wrong).tolist()
    found = weigh(evidence[:, few], wrong[few], [0.7, 0.6, 0.5], 0.01)
    assert not found.fitted
    assert found.weight.tolist() == [0.7, 0.6, 0.5]
    assert f"{LEAST - 1} real" in found.reason
    assert f"{LEAST} of each" in found.reason


@given(st.floats(0.0, 1.0), st.floats(-9, 9), st.floats(-9, 9))
def test_evidence_adds_up_in_any_order_and_none_changes_nothing(share, one, other) -> None:
    start = np.array([share])
    both = with_evidence(with_evidence(start, np.array([one])), np.array([other]))
    at_once = with_evidence(start, np.array([one + other]))
    assert both[0] == pytest.approx(at_once[0], abs=1e-6)
    assert with_evidence(start, np.zeros(1))[0] == pytest.approx(share, abs=1e-9)


def test_evidence_multiplies_the_odds() -> None:
    # Odds of 1 to 9, three times as likely: 3 to 9.
    assert with_evidence(np.array([0.1]), np.array([math.log(3.0)]))[0] == pytest.approx(0.25)
    assert with_evidence(np.array([0.0, 1.0]), np.array([9.0, -9.0])).tolist() == [0.0, 1.0]
