"""Metrics are held against what they usually are together."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.baselines.formulas import normal_tail
from vedette.baselines.joint import JointBaseline, JointJudgement, critical
from vedette.kernels.baselines.baseline_layout import HIGH, JUDGEMENT_ROWS, LOW, READY
from vedette.kernels.models.joint import EDGE, FITTED, JOINED, LIMIT, MEMBER, SMOOTHING
from vedette.schema.state import StateError

MINUTE = 60_000_000
DAY = 24 * 60
SLOT = 3
ALL = tuple(range(JOINED))
NOBODY = np.zeros(0, dtype=np.int32)


def baseline() -> JointBaseline:
    """One that knows a service of slot 3, all of whose metrics are of one family."""
    made = JointBaseline(MINUTE, 100, [ALL])
    made.know(np.array([SLOT], dtype=np.int32))
    return made


def told(deviations: np.ndarray, slot: int = SLOT) -> tuple[np.ndarray, np.ndarray]:
    """Places and table of a family's judgement in which metrics deviate so; NaN where a metric is missing."""
    there = np.flatnonzero(~np.isnan(deviations))
    table = np.zeros((JUDGEMENT_ROWS, len(there)))
    for at, z in enumerate(deviations[there].tolist()):
        table[HIGH, at], table[LOW, at], table[READY, at] = normal_tail(z), normal_tail(-z), 1.0
    return (slot * JOINED + there).astype(np.int32), table


def follow(
    made: JointBaseline, windows: np.ndarray, first: int = 0, bad: np.ndarray = NOBODY
) -> list[JointJudgement]:
    """Judge and learn windows, float64 (n, JOINED)."""
    found = []
    for number, deviations in enumerate(windows, start=first):
        judged = made.judge(number, [told(deviations)])
        made.learn(judged, bad)
        found.append(judged)
    return found


def usual(windows: int, seed: int = 1, together: float = 0.9) -> np.ndarray:
    """Deviations of normal windows, of which the first and the fourth go together."""
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((windows, JOINED))
    drawn[:, 3] = together * drawn[:, 0] + np.sqrt(1.0 - together**2) * drawn[:, 3]
    return drawn


@pytest.fixture(scope="module")
def learned() -> bytes:
    """The state of one that has seen two quiet days."""
    made = baseline()
    follow(made, usual(2 * DAY))
    return made.to_state()


def known(state: bytes) -> JointBaseline:
    made = baseline()
    made.from_state(state)
    return made


@given(st.floats(-2.57, 2.57))
def test_a_rank_becomes_the_deviation_that_it_is_of_a_standard_normal(z: float) -> None:
    judged = baseline().judge(0, [told(np.array([z, *[np.nan] * (JOINED - 1)]))])
    assert judged.deviation[0, 0] == pytest.approx(z, abs=1e-6)


def test_what_is_out_of_its_band_counts_as_at_its_edge() -> None:
    judged = baseline().judge(0, [told(np.array([40.0, -40.0, 2.6, -2.6, 0.0]))])
    assert judged.deviation[0].tolist() == pytest.approx([EDGE, -EDGE, EDGE, -EDGE, 0.0], abs=1e-6)
    assert pytest.approx(NormalDist().inv_cdf(0.995)) == EDGE


def test_of_a_count_the_middle_of_its_own_probability_is_taken() -> None:
    place, table = told(np.zeros(JOINED))
    # No error is what happens in nine windows of ten.
    table[HIGH, 1], table[LOW, 1] = 0.0, -np.log10(0.9)
    judged = baseline().judge(0, [(place, table)])
    assert judged.deviation[0, 1] == pytest.approx(NormalDist().inv_cdf(0.45), abs=1e-6)


def test_the_distance_is_that_of_mahalanobis_to_the_smoothed_past() -> None:
    made, windows = baseline(), usual(6 * DAY)
    follow(made, windows)
    smooth = np.zeros((len(windows), JOINED))
    for number, row in enumerate(np.clip(windows, -EDGE, EDGE)):
        before = smooth[number - 1] if number else np.zeros(JOINED)
        smooth[number] = (1.0 - SMOOTHING) * before + SMOOTHING * row
    now = np.array([1.0, 0.5, -0.5, 0.6, 0.2])
    judged = made.judge(6 * DAY, [told(now)])
    off = (1.0 - SMOOTHING) * smooth[-1] + SMOOTHING * now - smooth.mean(axis=0)
    # Drawn a little towards independence: further out, it is said to be less far than it is.
    assert judged.distance[0] == pytest.approx(off @ np.linalg.solve(np.cov(smooth.T), off), rel=0.15)


def test_normal_windows_are_as_rare_as_is_said() -> None:
    made = baseline()
    follow(made, usual(3 * DAY))
    surprise = np.array([j.surprise[0] for j in follow(made, usual(5 * DAY, seed=9), first=3 * DAY)])
    assert 0.006 < (surprise > 2.0).mean() < 0.014
    assert (surprise > 4.0).mean() < 0.0006


def test_what_does_not_go_together_is_found_though_each_is_within_its_band(learned: bytes) -> None:
    apart = np.array([1.6, 0.0, 0.0, -1.6, 0.0])
    alike = np.array([1.6, 0.0, 0.0, 1.6, 0.0])
    odd = follow(known(learned), np.tile(apart, (4, 1)), first=2 * DAY)
    even = follow(known(learned), np.tile(alike, (4, 1)), first=2 * DAY)
    assert odd[-1].surprise[0] > 6.0
    assert even[-1].surprise[0] < 2.0


def test_one_metric_that_hardly_ever_moved_is_no_further_than_its_limit() -> None:
    made, windows = baseline(), usual(2 * DAY)
    windows[:, 1] = 0.0
    follow(made, windows)
    moved = np.array([0.0, EDGE, 0.0, 0.0, 0.0])
    last = follow(made, np.tile(moved, (8, 1)), first=2 * DAY)[-1]
    assert last.standard[0, 1] == LIMIT
    assert last.distance[0] < 1.5 * LIMIT**2


def test_contributions_of_metrics_add_up_to_the_distance(learned: bytes) -> None:
    judged = known(learned).judge(2 * DAY, [told(np.array([1.6, 0.2, 0.1, -1.6, 1.0]))])
    adds = judged.standard[0] * (judged.precision[0] @ judged.standard[0])
    assert adds.sum() == pytest.approx(judged.distance[0])


def test_it_says_nothing_before_it_has_seen_more_than_a_day() -> None:
    made = baseline()
    early = follow(made, usual(DAY))
    assert not any(judged.ready.any() for judged in early)
    assert all(judged.lacking == 1 for judged in early)
    assert follow(made, usual(DAY, seed=2), first=DAY)[-1].ready.all()


def test_a_metric_that_is_missing_leaves_the_window_unjudged(learned: bytes) -> None:
    without = np.array([0.0, 0.0, np.nan, 0.0, 0.0])
    judged = known(learned).judge(2 * DAY, [told(without)])
    assert np.isnan(judged.surprise[0])
    assert judged.lacking == 0


def test_a_metric_that_a_log_never_has_is_not_looked_at() -> None:
    made, windows = baseline(), usual(2 * DAY)
    windows[:, 2] = np.nan
    judged = follow(made, windows)[-1]
    assert judged.ready.all()
    assert judged.members[0].tolist() == [True, True, False, True, True]
    assert judged.standard[0, 2] == 0.0


def test_a_metric_that_comes_makes_it_learn_anew(learned: bytes) -> None:
    made, windows = known(learned), usual(DAY, seed=3)
    windows[:, 4] = np.nan
    gone = follow(made, windows, first=2 * DAY)
    assert not gone[-1].members[0, 4]
    assert not gone[400].ready.any()


def test_an_attack_of_hours_does_not_become_what_is_usual(learned: bytes) -> None:
    made = known(learned)
    attack = usual(6 * 60, seed=5)
    attack[:, 0], attack[:, 3] = 1.6, -1.6
    found = follow(made, attack, first=2 * DAY)
    assert all(judged.surprise[0] > 5.0 for judged in found[4:])


def test_what_goes_on_for_days_becomes_usual(learned: bytes) -> None:
    made = known(learned)
    changed = usual(3 * DAY, seed=5, together=-0.5)
    early = follow(made, changed[: 2 * 60], first=2 * DAY)
    late = follow(made, changed[2 * 60 :], first=2 * DAY + 2 * 60)[-DAY:]
    assert np.mean([judged.surprise[0] > 2.0 for judged in early]) > 0.1
    assert np.mean([judged.surprise[0] > 2.0 for judged in late]) < 0.02


def test_windows_with_something_wrong_in_them_teach_nothing(learned: bytes) -> None:
    made = known(learned)
    slots = np.array([SLOT], dtype=np.int32)
    first = made.judge(2 * DAY, [told(np.zeros(JOINED))])
    follow(made, np.tile([1.6, 0.0, 0.0, -1.6, 0.0], (300, 1)), first=2 * DAY, bad=slots)
    last = made.judge(2 * DAY + 300, [told(np.zeros(JOINED))])
    assert last.windows[0] == first.windows[0]
    np.testing.assert_array_equal(last.precision, first.precision)
    np.testing.assert_array_equal(last.tail, first.tail)


def test_after_a_pause_nothing_is_left_of_what_was_before(learned: bytes) -> None:
    made = known(learned)
    follow(made, np.tile([2.0, 0.0, 0.0, 2.0, 0.0], (10, 1)), first=2 * DAY)
    after = made.judge(2 * DAY + 200, [told(np.zeros(JOINED))])
    assert after.smooth[0].tolist() == [0.0] * JOINED


def test_services_do_not_learn_from_each_other(learned: bytes) -> None:
    alone, both = known(learned), known(learned)
    both.know(np.array([7], dtype=np.int32))
    windows, others = usual(50, seed=6), usual(50, seed=7)
    for number, (own, other) in enumerate(zip(windows, others, strict=True), start=2 * DAY):
        judged = alone.judge(number, [told(own)])
        alone.learn(judged, NOBODY)
        (place, table), (more, second) = told(own), told(other, slot=7)
        joined = both.judge(number, [(np.concatenate([more, place]), np.hstack([second, table]))])
        both.learn(joined, NOBODY)
        assert joined.distance[0] == judged.distance[0]


def test_what_was_learned_goes_on_from_bytes(learned: bytes) -> None:
    through, whole = baseline(), baseline()
    windows = usual(DAY + 700)
    follow(whole, windows)
    follow(through, windows[:900])
    through = known(through.to_state())
    follow(through, windows[900:], first=900)
    assert through.to_state() == whole.to_state()


@pytest.mark.parametrize("damage", ["cut", "column", "slot"])
def test_damaged_bytes_are_refused(learned: bytes, damage: str) -> None:
    made = known(learned)
    if damage == "cut":
        broken = learned[:-3]
    elif damage == "slot":
        small = JointBaseline(MINUTE, 2, [ALL])
        with pytest.raises(StateError, match="slots of metrics together"):
            small.from_state(learned)
        return
    else:
        made._tail[0, FITTED], made._tail[0, 2] = 10.0, -1.0
        broken = made.to_state()
    with pytest.raises(StateError):
        baseline().from_state(broken)


def test_the_threshold_in_its_unit_is_where_the_surprise_is_reached(learned: bytes) -> None:
    made = known(learned)
    for judged in follow(made, np.tile([1.2, 0.0, 0.0, -1.2, 0.0], (6, 1)), first=2 * DAY)[2:]:
        assert critical(judged.tail[0], judged.surprise[0]) == pytest.approx(judged.distance[0])


def test_members_are_those_that_are_nearly_always_there(learned: bytes) -> None:
    state = known(learned)._state
    assert state[0, MEMBER : MEMBER + JOINED].tolist() == [1.0] * JOINED
