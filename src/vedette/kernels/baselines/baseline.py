"""Judge and learn: the kernels that banks of baselines call, once for each window and bank.

The arithmetic is in the modules `baseline_outlook` (what is expected), `baseline_judge` and `baseline_learn`.
"""

from vedette.kernels.arrays import Floats, Ints, Ints32
from vedette.kernels.baselines.baseline_judge import judge_one
from vedette.kernels.baselines.baseline_layout import (
    DAY_MEMORY,
    DEEPEST,
    FIRST,
    HOUR_WINDOWS,
    SEASONAL,
    SEEN,
    SLOT,
    STATE_COLUMNS,
    TEACHES,
    WEEK_MEMORY,
    WINDOWS,
)
from vedette.kernels.baselines.baseline_learn import learn_one
from vedette.kernels.baselines.baseline_outlook import (
    DAY_CELLS,
    HOUR_US,
    MONDAY,
    WEEK_CELLS,
    Cells,
    Table,
    outlook,
)
from vedette.kernels.compile import kernel, subkernel

OUT_OF_RANGE = -1
REPEATED = -2
_LARGEST = 3e38
"""What a cell can hold."""
_LEAST_TAUGHT = 0.25
"""Weight of a rare window in the cell of its hour: three such hours make a cell known, as one usual hour does."""


@subkernel
def _room_for(slots: Ints32, cap: int, marks: Ints, mark: int) -> int:
    """How many slots there must be room for; or `OUT_OF_RANGE`, or `REPEATED`.

    Args:
        slots: int32 (k,).
        cap: Slots must be within 0 .. cap - 1.
        marks: int64, one for each slot there is room for: those met are set to `mark`.
        mark: A number never given before.
    """
    top = -1
    for i in range(slots.shape[0]):
        slot = slots[i]
        if slot < 0 or slot >= cap:
            return OUT_OF_RANGE
        if slot > top:
            top = slot
        if slot < marks.shape[0]:
            if marks[slot] == mark:
                return REPEATED
            marks[slot] = mark
    return top + 1


@kernel
def check_slots(slots: Ints32, cap: int, marks: Ints, mark: int) -> int:
    """How many slots there must be room for; or `OUT_OF_RANGE`, or `REPEATED`. Arguments as for `judge_window`."""
    return _room_for(slots, cap, marks, mark)


@subkernel
def _learn_cell(
    slot: int, cell: int, kept: float, at: float, sure: float, memory: float, known: float,
    row: Ints32, mean: Cells, weight: Cells, used: Ints, which: int,
) -> None:  # fmt: skip
    """Add one window to the cell of its hour; a slot without a row of cells is given one.

    A cell moves towards the value, never past it: where the level is far off, so is what is believed of the value,
    and a cell that followed it would drive the level further. Rare windows teach a cell that is not
    known yet more than they teach a level: the first Sundays are rare, and have to make their hours known.
    """
    if row[slot] < 0:
        row[slot] = used[which]
        used[which] += 1
    place = row[slot]
    if 0.0 < sure < _LEAST_TAUGHT and weight[place, cell] < known:
        sure = _LEAST_TAUGHT
    before = float(mean[place, cell])
    towards = at
    if weight[place, cell] > 0.0:
        least, most = (before, at) if before < at else (at, before)
        towards = least if kept < least else kept if kept < most else most
    after = weight[place, cell] * (1.0 - 1.0 / memory) + sure
    weight[place, cell] = after
    if after > 0.0:
        moved = before + sure / (after if after > 1e-9 else 1e-9) * (towards - before)
        mean[place, cell] = -_LARGEST if moved < -_LARGEST else moved if moved < _LARGEST else _LARGEST


@subkernel
def _learn(
    looks: Table, i: int, slot: int, value: float, exposure: float, weight: float, now: float, time_us: int,
    local_us: int, settings: Floats, state: Table,
    day_row: Ints32, day_mean: Cells, day_weight: Cells,
    week_row: Ints32, week_mean: Cells, week_weight: Cells, used: Ints,
) -> None:  # fmt: skip
    """Learn one window of the entity whose outlook is in row i."""
    kept, at, sure = learn_one(looks, i, value, exposure, weight, now, time_us, settings)
    for column in range(STATE_COLUMNS):
        state[slot, column] = looks[i, column]
    # Seasons are taught by entities that have lived for two hours (day), two days (week), and are there most of
    # the time: the cells of a rare one would say nothing.
    if settings[SEASONAL] <= 0.0 or 2.0 * looks[i, SEEN] < looks[i, WINDOWS]:
        return
    age = time_us - looks[i, FIRST]
    hour = local_us // HOUR_US
    known = 0.5 * settings[HOUR_WINDOWS]
    if age >= 2 * HOUR_US:
        _learn_cell(
            slot,
            hour % DAY_CELLS,
            kept,
            at,
            sure,
            settings[DAY_MEMORY],
            known,
            day_row,
            day_mean,
            day_weight,
            used,
            0,
        )
    if age >= 48 * HOUR_US:
        _learn_cell(
            slot, (hour + MONDAY) % WEEK_CELLS, kept, at, sure, settings[WEEK_MEMORY], known,
            week_row, week_mean, week_weight, used, 1,
        )  # fmt: skip


@kernel
def judge_window(
    slots: Ints32, cap: int, marks: Ints, mark: int,
    value: Floats, exposure: Floats, now: float, time_us: int, local_us: int,
    settings: Floats, state: Table, parents: Ints32,
    day_row: Ints32, day_mean: Cells, day_weight: Cells,
    week_row: Ints32, week_mean: Cells, week_weight: Cells,
    looks: Table, out: Table,
) -> int:  # fmt: skip
    """Judge one value of each of k entities, if there is room for all and each comes once.

    Args:
        slots: int32 (k,).
        cap: Slots must be within 0 .. cap - 1.
        marks: int64, one for each slot there is room for: those met are set to `mark`.
        mark: A number never given before.
        value: float64 (k,). exposure: float64 (k,), or (0,) where values rest on no count.
        now: The bank's clock at this window.
        time_us, local_us: Start of the window, microseconds, in UTC and as the wall clock reads it.
        settings: float64 (SETTINGS,).
        state: float64 (slots, STATE_COLUMNS). parents: int32 (slots,), or -1.
        day_row, week_row: int32 (slots,), row in the cells below, or -1.
        day_mean, day_weight: float32 (rows, 24). week_mean, week_weight: float32 (rows, 168).
        looks: float64 (k + DEEPEST or more, OUTLOOK_COLUMNS), filled: what was expected.
        out: float64 (JUDGEMENT_ROWS, k), filled.

    Returns:
        How many slots there must be room for, or `OUT_OF_RANGE`, or `REPEATED`. Where there is no such room
        nothing was judged.
    """
    need = _room_for(slots, cap, marks, mark)
    if need < 0 or need > marks.shape[0]:
        return need
    k = slots.shape[0]
    for i in range(k):
        outlook(
            looks, i, looks.shape[0] - DEEPEST, slots[i], now, time_us, local_us, settings, state, parents,
            day_row, day_mean, day_weight, week_row, week_mean, week_weight,
        )  # fmt: skip
        judge_one(out, i, looks, i, value[i], exposure[i] if exposure.shape[0] > 0 else -1.0, settings)
    return need


@kernel
def learn_window(
    slots: Ints32, value: Floats, exposure: Floats, weight: Floats, now: float, time_us: int, local_us: int,
    settings: Floats, state: Table, parents: Ints32,
    day_row: Ints32, day_mean: Cells, day_weight: Cells,
    week_row: Ints32, week_mean: Cells, week_weight: Cells,
    looks: Table, looked: int, used: Ints,
) -> None:  # fmt: skip
    """Learn one value of each of k entities.

    Args:
        slots, value, exposure, now, time_us, local_us, settings, state, parents: As for `judge_window`; the state
            changes.
        weight: float64 (k,), 0..1, how much to learn.
        day_row, day_mean, day_weight, week_row, week_mean, week_weight: They change; with k rows to spare.
        looks: As `judge_window` left them, if this very window was judged; otherwise scratch.
        looked: How many rows of `looks` are of this window and of the present state.
        used: int64 (2,), rows of day and week cells in use, updated.
    """
    k = slots.shape[0]
    # All are looked at before any learns: a parent's outlook is that of before the window.
    for i in range(k):
        if i >= looked or looks[i, SLOT] != slots[i]:
            outlook(
                looks, i, looks.shape[0] - DEEPEST, slots[i], now, time_us, local_us, settings, state,
                parents, day_row, day_mean, day_weight, week_row, week_mean, week_weight,
            )  # fmt: skip
    for i in range(k):
        n = exposure[i] if exposure.shape[0] > 0 else -1.0
        _learn(
            looks, i, slots[i], value[i], n, weight[i], now, time_us, local_us, settings, state,
            day_row, day_mean, day_weight, week_row, week_mean, week_weight, used,
        )  # fmt: skip


@kernel
def follow_series(
    slot: int, value: Floats, exposure: Floats, first: float, time_us: Ints, local_us: Ints,
    settings: Floats, state: Table, parents: Ints32,
    day_row: Ints32, day_mean: Cells, day_weight: Cells,
    week_row: Ints32, week_mean: Cells, week_weight: Cells,
    looks: Table, used: Ints, out: Table,
) -> None:  # fmt: skip
    """Judge each of n windows of one entity by those before it, then learn it.

    Args:
        slot: The entity.
        value: float64 (n,). exposure: float64 (n,) or (0,).
        first: The bank's clock at the first of them.
        time_us, local_us: int64 (n,), rising.
        settings, state, parents, and the cells of seasons: As for `learn_window`, with one row to spare.
        looks: float64 (1 + DEEPEST or more, OUTLOOK_COLUMNS), scratch.
        used: int64 (2,), rows of day and week cells in use, updated.
        out: float64 (JUDGEMENT_ROWS, n), filled.
    """
    for i in range(value.shape[0]):
        now = first + i
        n = exposure[i] if exposure.shape[0] > 0 else -1.0
        outlook(
            looks, 0, looks.shape[0] - DEEPEST, slot, now, time_us[i], local_us[i], settings, state, parents,
            day_row, day_mean, day_weight, week_row, week_mean, week_weight,
        )  # fmt: skip
        judge_one(out, i, looks, 0, value[i], n, settings)
        _learn(
            looks, 0, slot, value[i], n, out[TEACHES, i], now, time_us[i], local_us[i], settings, state,
            day_row, day_mean, day_weight, week_row, week_mean, week_weight, used,
        )  # fmt: skip


@kernel
def foresee_series(
    slot: int, exposure: float, now: float, time_us: Ints, local_us: Ints,
    settings: Floats, state: Table, parents: Ints32,
    day_row: Ints32, day_mean: Cells, day_weight: Cells,
    week_row: Ints32, week_mean: Cells, week_weight: Cells,
    looks: Table, out: Table,
) -> None:  # fmt: skip
    """Say what is expected of one entity at n times to come, if nothing is learned until then.

    Args:
        slot: The entity.
        exposure: Requests that a value would rest on, or below 0 where values rest on no count.
        now: The bank's clock at the next window.
        time_us, local_us: int64 (n,), rising.
        settings, state, parents, and the cells of seasons: As for `judge_window`.
        looks: float64 (1 + DEEPEST or more, OUTLOOK_COLUMNS), scratch.
        out: float64 (JUDGEMENT_ROWS, n), filled: the judgements of a value of 1.
    """
    for i in range(time_us.shape[0]):
        outlook(
            looks, 0, looks.shape[0] - DEEPEST, slot, now, time_us[i], local_us[i], settings, state, parents,
            day_row, day_mean, day_weight, week_row, week_mean, week_weight,
        )  # fmt: skip
        judge_one(out, i, looks, 0, 1.0, exposure, settings)
