"""What every bank promises, whatever its family."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.baselines.traffic import MINUTE, START, Step, negative_binomial, walk
from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.bank_state import BankState
from vedette.baselines.counts import CountBank
from vedette.baselines.formulas import recompute
from vedette.baselines.locations import GaugeBank, LogBank, quantile_sampling
from vedette.baselines.ratios import RatioBank
from vedette.baselines.snapshot import Snapshot
from vedette.kernels.baselines.baseline_layout import LONG_ERROR, LONG_TRIALS, TRIALS, WEIGHT

FAMILIES = {
    "count": CountBank,
    "ratio": RatioBank,
    "log": lambda settings=None: LogBank(settings, sampling=quantile_sampling(0.95)),
    "gauge": GaugeBank,
}
COLUMNS = (
    "log10_p_high",
    "log10_p_low",
    "expected_low",
    "expected_mid",
    "expected_high",
    "sample_count",
    "ready",
    "season",
    "memory",
    "parent",
    "weight",
)

every_family = pytest.mark.parametrize("family", FAMILIES)


def steps(family: str, windows: int, entities: int = 6, seed: int = 7) -> list[Step]:
    rng = np.random.default_rng(seed)
    rate = 10.0 ** rng.uniform(0, 3, entities)
    found = []
    for _ in range(windows):
        requests = negative_binomial(rng, rate, 0.1)
        if family == "count":
            found.append(Step(requests))
        elif family == "ratio":
            found.append(Step(rng.binomial(requests.astype(int), 0.05).astype(float), requests))
        else:
            value = np.exp(rng.normal(-2, 0.2, entities))
            found.append(Step(value, requests if family == "log" else None))
    return found


def columns(judgement) -> dict[str, np.ndarray]:
    return {name: getattr(judgement, name) for name in COLUMNS} | judgement.inputs


def assert_same(left, right, order=slice(None)) -> None:
    for name, column in columns(left).items():
        np.testing.assert_array_equal(column[order], columns(right)[name], err_msg=name)


@every_family
def test_judging_changes_nothing(family):
    bank, history = FAMILIES[family](), steps(family, 40)
    walk(bank, history)
    before = bank.to_state()
    step = history[0]
    slots = np.arange(6, dtype=np.int32)
    first = bank.judge(slots, step.value, step.exposure, START + 40 * MINUTE)
    assert_same(first, bank.judge(slots, step.value, step.exposure, START + 40 * MINUTE))
    assert bank.to_state() == before


@every_family
@settings(max_examples=10)
@given(cut=st.integers(0, 79))
def test_restored_from_its_state_a_bank_has_the_same_future(family, cut):
    history = steps(family, 80)
    whole = FAMILIES[family]()
    walk(whole, history[:cut])
    restored = FAMILIES[family]()
    restored.from_state(whole.to_state())
    for left, right in zip(
        walk(whole, history[cut:], first=cut), walk(restored, history[cut:], first=cut), strict=True
    ):
        assert_same(left, right)
    assert whole.to_state() == restored.to_state()


@every_family
@settings(max_examples=10)
@given(data=st.data())
def test_order_of_entities_within_a_window_does_not_matter(family, data):
    straight, mixed = FAMILIES[family](), FAMILIES[family]()
    for number, step in enumerate(steps(family, 40)):
        order = np.array(data.draw(st.permutations(range(6))))
        slots, time = np.arange(6, dtype=np.int32), START + number * MINUTE
        exposure = None if step.exposure is None else step.exposure[order]
        left = straight.judge(slots, step.value, step.exposure, time)
        right = mixed.judge(slots[order], step.value[order], exposure, time)
        assert_same(left, right, order)
        straight.update(slots, step.value, step.exposure, time, left.weight)
        mixed.update(slots[order], step.value[order], exposure, time, right.weight)
    assert straight.to_state() == mixed.to_state()


@every_family
def test_a_larger_value_is_never_less_surprising(family):
    bank = FAMILIES[family]()
    walk(bank, steps(family, 60))
    values = np.arange(0.0, 400.0)
    high, low = [], []
    for value in values:
        exposure = {"ratio": np.array([400.0]), "log": np.array([50.0])}.get(family)
        given_value = {"count": 10 * value, "ratio": value}.get(family, 0.01 + value / 50)
        j = bank.judge(np.array([2], dtype=np.int32), np.array([given_value]), exposure, START + 60 * MINUTE)
        high.append(j.log10_p_high[0])
        low.append(j.log10_p_low[0])
    assert (np.diff(high) >= -1e-6).all()
    assert (np.diff(low) <= 1e-6).all()
    assert high[-1] > 3.0


@every_family
def test_every_ready_judgement_is_recomputed_from_its_formula(family):
    bank, history = FAMILIES[family](), steps(family, 60)
    walk(bank, history)
    busy = max(history, key=lambda s: s.value.min() if s.exposure is None else s.exposure.min())
    step = Step(busy.value if family == "ratio" else busy.value * 2, busy.exposure)
    judgement = bank.judge(np.arange(6, dtype=np.int32), step.value, step.exposure, START + 60 * MINUTE)
    assert judgement.ready.all()
    for row in range(6):
        for side in ("high", "low"):
            formula = judgement.formula_of(row, side)
            assert recompute(formula.name, formula.inputs) == pytest.approx(
                formula.result, rel=1e-5, abs=3e-4
            )


@every_family
def test_learning_is_the_same_whether_or_not_the_window_was_judged_first(family):
    judged, unjudged = FAMILIES[family](), FAMILIES[family]()
    walk(judged, steps(family, 50))
    for number, step in enumerate(steps(family, 50)):
        slots, time = np.arange(6, dtype=np.int32), START + number * MINUTE
        weight = judged_again(unjudged, slots, step, time)
        unjudged.update(slots, step.value, step.exposure, time, weight)
    assert judged.to_state() == unjudged.to_state()


@every_family
@settings(max_examples=10)
@given(cut=st.integers(1, 119))
def test_a_series_followed_in_one_or_two_calls_is_judged_as_window_after_window(family, cut):
    history = steps(family, 120, entities=1)
    value = np.array([step.value[0] for step in history])
    exposure = None if history[0].exposure is None else np.array([step.exposure[0] for step in history])
    times = START + np.arange(120) * MINUTE
    stepped, followed = FAMILIES[family](), FAMILIES[family]()
    judgements = walk(stepped, history)
    parts = [
        followed.follow(value[part], times[part], None if exposure is None else exposure[part])
        for part in (slice(0, cut), slice(cut, None))
    ]
    for name in COLUMNS:
        one_by_one = np.concatenate([getattr(j, name) for j in judgements])
        at_once = np.concatenate([getattr(j, name) for j in parts])
        np.testing.assert_array_equal(at_once, one_by_one, err_msg=name)
    assert followed.to_state() == stepped.to_state()


def test_a_series_whose_times_do_not_rise_is_refused():
    times = np.array([START, START])
    with pytest.raises(ValueError, match="windows must be in order"):
        GaugeBank().follow(np.ones(2), times)
    with pytest.raises(ValueError, match="2 values, 1 times"):
        GaugeBank().follow(np.ones(2), times[:1])


def judged_again(bank, slots, step, time):
    """The weights of a window, with another judgement in between that must leave no trace."""
    weight = bank.judge(slots, step.value, step.exposure, time).weight
    exposure = None if step.exposure is None else step.exposure[:2]
    bank.judge(slots[:2], step.value[:2], exposure, time)
    return weight


@every_family
def test_too_few_windows_judge_nothing(family):
    judgements = walk(FAMILIES[family](), steps(family, 35))
    assert not any(j.ready.any() for j in judgements[:30])
    assert all(not j.log10_p_high.any() and not j.log10_p_low.any() for j in judgements[:30])
    assert judgements[30].ready.any()


@every_family
def test_the_band_holds_as_many_normal_windows_as_stated(family):
    judgements = walk(FAMILIES[family](), steps(family, 500, entities=20))[60:]
    history = steps(family, 500, entities=20)[60:]
    inside = total = 0
    for judgement, step in zip(judgements, history, strict=True):
        shown = step.value / np.maximum(step.exposure, 1) if family == "ratio" else step.value
        within = (shown >= judgement.expected_low) & (shown <= judgement.expected_high)
        inside += int(within[judgement.ready].sum())
        total += int(judgement.ready.sum())
    assert inside / total > 0.975


@every_family
def test_hostile_numbers_leave_later_judgements_finite(family):
    bank = FAMILIES[family]()
    history = steps(family, 40)
    for number, extreme in enumerate((0.0, 1e12, 1.0, 1e-300)):
        history[10 + number] = Step(
            np.full(6, extreme), None if history[0].exposure is None else np.full(6, max(extreme, 1.0))
        )
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        last = walk(bank, history)[-1]
    assert all(np.isfinite(column).all() for column in columns(last).values())


def test_windows_out_of_order_are_refused():
    bank = CountBank()
    slots, one = np.zeros(1, dtype=np.int32), np.ones(1)
    bank.update(slots, one, None, START)
    with pytest.raises(ValueError, match="windows must be in order"):
        bank.judge(slots, one, None, START - 1)


def test_a_slot_twice_in_one_window_is_refused():
    with pytest.raises(ValueError, match="a slot comes twice"):
        CountBank().judge(np.array([3, 3], dtype=np.int32), np.ones(2), None, START)


def test_slots_beyond_the_cap_are_refused_before_memory_is_taken():
    bank = CountBank(BankSettings(cap=100))
    with pytest.raises(ValueError, match=r"must be within 0\.\.99"):
        bank.judge(np.array([100], dtype=np.int32), np.ones(1), None, START)
    assert len(bank) == 0


def test_lengths_that_differ_are_refused():
    with pytest.raises(ValueError, match="2 slots, 1 values"):
        CountBank().judge(np.array([0, 1], dtype=np.int32), np.ones(1), None, START)


def test_a_ratio_without_its_requests_is_refused():
    with pytest.raises(ValueError, match="a ratio needs its exposure"):
        RatioBank().judge(np.zeros(1, dtype=np.int32), np.ones(1), None, START)


def test_a_state_of_another_bank_is_refused():
    with pytest.raises(ValueError, match="must be of"):
        RatioBank().from_state(CountBank().to_state())
    with pytest.raises(ValueError, match="must be of"):
        CountBank(BankSettings(min_windows=40)).from_state(CountBank().to_state())


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_state_is_refused_or_harmless(data):
    bank: Bank = CountBank()
    walk(bank, steps("count", 3))
    content = bytearray(bank.to_state())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    restored = CountBank()
    try:
        restored.from_state(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except ValueError:
        assert len(restored) == 0


@pytest.mark.parametrize("family", [CountBank, RatioBank, LogBank])
def test_a_single_entity_is_judged_as_one_of_many(family: type[Bank]) -> None:
    """`judge_alone` and `learn_alone` say, and leave behind, what `judge` and `update` do."""
    draw, slot = np.random.default_rng(4), np.zeros(1, dtype=np.int32)
    alone, among = family(), family()
    for number in range(4_000):
        time, exposure = number * 60_000_000, float(draw.integers(20, 90)) if family is RatioBank else None
        value = float(draw.integers(1, 20))
        counted = None if exposure is None else np.array([exposure])
        one, other = (
            alone.judge_alone(value, exposure, time),
            among.judge(slot, np.array([value]), counted, time),
        )
        assert np.array_equal(one.table, other.table, equal_nan=True)
        if number % 5:
            most = 1.0 if number % 3 else 0.05
            alone.learn_alone(one, exposure, time, most)
            among.update(slot, np.array([value]), counted, time, np.minimum(other.weight, most))
    assert alone.to_state() == among.to_state()
    with pytest.raises(ValueError, match="windows must be in order"):
        alone.judge_alone(1.0, 5.0, 0)


def test_errors_below_the_expected_are_kept_and_weights_below_nothing_are_refused():
    bank = CountBank()
    walk(bank, steps("count", 40))
    kept = bank.to_state()
    kind = msgspec.msgpack.decode(kept, type=Snapshot).kind
    state = BankState.unpack(kept, kind, cap=bank.settings.cap, counts=True)
    levels = state.levels.copy()
    levels[0, LONG_ERROR] = -0.1
    kept = state._replace(levels=levels).pack(kind)
    bank.from_state(kept)
    assert bank.to_state() == kept
    for column in (WEIGHT, TRIALS, LONG_TRIALS):
        levels = state.levels.copy()
        levels[0, column] = -0.1
        with pytest.raises(ValueError, match="levels that no windows could have made"):
            bank.from_state(state._replace(levels=levels).pack(kind))
