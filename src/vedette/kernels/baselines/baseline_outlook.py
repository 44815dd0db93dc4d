"""What the experts of a baseline expect of an entity at one time."""

from math import asin, isfinite, isnan, nan, pi, sin, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Floats, Ints32
from vedette.kernels.baselines.baseline_layout import (
    BORROWING_WINDOWS,
    CHOICE,
    COUNT,
    DAY,
    DAY_US,
    DEEPEST,
    ERROR,
    EXPERTS,
    FAMILY,
    FIRST,
    HOUR_WINDOWS,
    KEEP,
    KEEP_ERROR,
    LEAST_SPREAD,
    LONG_ERROR,
    LONG_TRIALS,
    MIN_WINDOWS,
    PARENT_LEVEL,
    PARENT_READY,
    PRIOR_MEAN,
    PRIOR_SPREAD,
    PRIOR_STRENGTH,
    RATIO,
    RHYTHM,
    SEASONAL,
    SEEN,
    SLOT,
    SPREAD,
    STATE_COLUMNS,
    SUM,
    TICK,
    TRIALS,
    WEEK,
    WEEK_US,
    WEIGHT,
    WINDOWS,
)
from vedette.kernels.compile import subkernel

Table = NDArray[np.float64]
Cells = NDArray[np.float32]

HOUR_US: Final = 3_600_000_000
DAY_CELLS, WEEK_CELLS = 24, 168
MONDAY: Final = 72
"""The epoch began on a Thursday: hours to add so that cell 0 of a week is Monday 00:00."""
TEMPER: Final = 0.1
"""Dispersion at which an error's moment is weighted: fixed, so that old and new errors stay comparable."""
LEAST_USUAL: Final = 0.05
"""At an hour that is always silent a single request is rare, not impossible."""
EDGE: Final = 1e-6
_HANDICAP: Final = (1.0, 1.25, 1.15, 1.25)
"""Spread is multiplied by this before experts are compared: a fast or seasonal one has to be clearly better."""
_INFINITE: Final = 1e300


@subkernel
def usual(rhythm: float) -> float:
    """A count's seasonal factor as it is used: 0 where it is not known."""
    if isnan(rhythm):
        return 0.0
    return rhythm if rhythm > LEAST_USUAL else LEAST_USUAL


@subkernel
def tempering(mean: float) -> float:
    """Weight of a squared error where so much is expected."""
    root = 1.0 / (1.0 + TEMPER * mean)
    return root * root


@subkernel
def angle(share: float) -> float:
    """The arcsine scale, on which a share's variance is constant (Anscombe 1948)."""
    return asin(sqrt(share))


@subkernel
def turned(mean: float, wide: float) -> float:
    """The share `wide` / 2 away on the arcsine scale."""
    at = angle(mean) + 0.5 * wide
    sine = sin(0.0 if at < 0.0 else at if at < 0.5 * pi else 0.5 * pi)
    return sine * sine


@subkernel
def information(n: float, mean: float) -> tuple[float, float]:
    """Weight of a window of n requests in the dispersion estimate, and what that makes of its trials."""
    d = (n - 1.0) * mean * (1.0 - mean)
    h = d * tempering(d) / (2.0 + 1.0 / (n * mean * (1.0 - mean)))
    return h, h * d


@subkernel
def count_mean(looks: Table, i: int, expert: int) -> float:
    """An expert's expected count; 0 where it has none."""
    weight = looks[i, WEIGHT + expert]
    if weight <= 0.0:
        return 0.0
    if weight < 1e-9:
        weight = 1e-9
    mean: float = (looks[i, SUM + expert] + 0.5) / weight * usual(looks[i, RHYTHM + expert])
    return mean


@subkernel
def ratio_mean(looks: Table, i: int, expert: int, prior: float, settings: Floats) -> float:
    """An expert's expected share."""
    m = settings[PRIOR_STRENGTH]
    mean: float = (looks[i, SUM + expert] + m * prior) / (looks[i, WEIGHT + expert] + m)
    return EDGE if mean < EDGE else mean if mean < 1.0 - EDGE else 1.0 - EDGE


@subkernel
def doubt(looks: Table, i: int, expert: int, settings: Floats) -> float:
    """What is not known of an expert's share, as a correlation of requests."""
    unsure: float = 1.0 / (looks[i, WEIGHT + expert] + settings[PRIOR_STRENGTH] + 1.0)
    return unsure


@subkernel
def ratio_prior(looks: Table, i: int, settings: Floats) -> float:
    """The share that an entity's own requests are weighed against."""
    prior: float = settings[PRIOR_MEAN]
    if looks[i, PARENT_READY] > 0.0 and not isnan(looks[i, PARENT_LEVEL]):
        prior = looks[i, PARENT_LEVEL]
    return prior


@subkernel
def level(looks: Table, i: int, settings: Floats) -> float:
    """The chosen expert's expectation; NaN where nothing is known."""
    family = settings[FAMILY]
    chosen = int(looks[i, CHOICE])
    if family == RATIO:
        return ratio_mean(looks, i, chosen, ratio_prior(looks, i, settings), settings)
    weight = looks[i, WEIGHT + chosen]
    expected: float = nan
    if family == COUNT:
        if weight > 0.0:
            expected = (looks[i, SUM + chosen] + 0.5) / weight * usual(looks[i, RHYTHM + chosen])
    elif weight > 0.0:
        expected = looks[i, SUM + chosen] / weight + looks[i, RHYTHM + chosen]
    else:
        expected = looks[i, PARENT_LEVEL]
    return expected


@subkernel
def _season(
    row: int, local_us: int, cells: int, shift: int, mean: Cells, weight: Cells, settings: Floats
) -> float:
    """The usual value within an hour; NaN unless the hour has been seen.

    Within an hour it rises or falls as from the hour before to the hour after, but by no more than twice as much as to
    either of them, and not at all where these disagree (the monotonised central slope: van Leer 1977). So a curve is
    followed closely, and a rhythm that jumps at a full hour is let jump there. It is asked for at the middle of a
    window; where windows are an hour or longer, a cell holds what was at this place of its hours.
    """
    hours = local_us // HOUR_US
    share = (local_us - hours * HOUR_US) / HOUR_US
    here = (hours + shift) % cells
    before, after = (here - 1) % cells, (here + 1) % cells
    windows = settings[HOUR_WINDOWS]
    enough = 0.5 * windows
    if weight[row, here] < enough:
        return nan
    # Compiled, single precision would go on in single precision; `float` leaves it as it is.
    usual_here: float = 1.0 * mean[row, here]
    if windows <= 1.0 or weight[row, before] < enough or weight[row, after] < enough:
        return usual_here
    rise, next_rise = usual_here - 1.0 * mean[row, before], 1.0 * mean[row, after] - usual_here
    if rise * next_rise <= 0.0:
        return usual_here
    slope = 0.5 * (rise + next_rise)
    most = 2.0 * (rise if abs(rise) < abs(next_rise) else next_rise)
    if abs(most) < abs(slope):
        slope = most
    usual_now: float = usual_here + (share + 0.5 / windows - 0.5) * slope
    return usual_now


@subkernel
def _absent(looks: Table, i: int, gap: float, settings: Floats) -> None:
    """Count the windows without the entity as zeros, in closed form."""
    keep_error = settings[KEEP_ERROR]
    kept = keep_error**gap
    share = (1.0 - kept) / (1.0 - keep_error)
    for expert in range(EXPERTS):
        weight = looks[i, WEIGHT + expert]
        seasonal = usual(looks[i, RHYTHM + expert])
        total = looks[i, SUM + expert]
        if weight == 0.0 and total == 0.0 and seasonal == 0.0:
            looks[i, ERROR + expert] *= kept
            looks[i, TRIALS + expert] *= kept
            continue
        forget = settings[KEEP + expert]
        keep = forget**gap
        half = forget ** (0.5 * gap)
        gained = seasonal * (1.0 - half) / (1.0 - forget)
        # The mean half way through the gap stands for all of it.
        mean = 0.0
        if weight * half + gained > 0.0:
            mean = total * half / (weight * half + gained) * (seasonal if seasonal > 0.0 else 1.0)
            if not isfinite(mean):
                mean = 0.0
        tempered = tempering(mean)
        looks[i, ERROR + expert] = looks[i, ERROR + expert] * kept + share * (mean * mean - mean) * tempered
        looks[i, TRIALS + expert] = looks[i, TRIALS + expert] * kept + share * mean * mean * tempered
        looks[i, SUM + expert] = total * keep
        looks[i, WEIGHT + expert] = weight * keep + seasonal * (1.0 - keep) / (1.0 - forget)
    looks[i, WINDOWS] += gap


@subkernel
def _read(
    looks: Table, i: int, slot: int, now: float, local_us: int, settings: Floats, state: Table,
    day_row: Ints32, day_mean: Cells, day_weight: Cells,
    week_row: Ints32, week_mean: Cells, week_weight: Cells,
) -> None:  # fmt: skip
    """Copy a slot's state, look up its seasons, and account for the windows before `now` that it missed."""
    for column in range(STATE_COLUMNS):
        looks[i, column] = state[slot, column]
    looks[i, SLOT] = slot
    neutral = 1.0 if settings[FAMILY] <= RATIO else 0.0
    for expert in range(EXPERTS):
        looks[i, RHYTHM + expert] = neutral
    if settings[SEASONAL] > 0.0:
        daily = weekly = nan
        row = day_row[slot]
        if row >= 0:
            daily = _season(row, local_us, DAY_CELLS, 0, day_mean, day_weight, settings)
        row = week_row[slot]
        if row >= 0:
            weekly = _season(row, local_us, WEEK_CELLS, MONDAY, week_mean, week_weight, settings)
        looks[i, RHYTHM + DAY] = daily
        looks[i, RHYTHM + DAY + 1] = weekly
    if settings[FAMILY] == COUNT and looks[i, SEEN] > 0.0:
        gap = now - 1.0 - looks[i, TICK]
        if gap > 0.0:
            _absent(looks, i, gap, settings)


@subkernel
def _worse_season(looks: Table, i: int) -> int:
    """Which of the hour of day and the hour of week was wrong more, where both had a say; -1 if neither was."""
    daily, weekly = looks[i, LONG_TRIALS], looks[i, LONG_TRIALS + 1]
    if not (daily > 0.0 and weekly > 0.0) or isnan(looks[i, RHYTHM + DAY]) or isnan(looks[i, RHYTHM + WEEK]):
        return -1
    if looks[i, LONG_ERROR] / daily * _HANDICAP[DAY] <= looks[i, LONG_ERROR + 1] / weekly * _HANDICAP[WEEK]:
        return WEEK
    return DAY


@subkernel
def _choose(looks: Table, i: int, time_us: int, parent: int, settings: Floats) -> None:
    """Say which expert is believed, given the parent's outlook in row `parent`, or -1."""
    prior = settings[PRIOR_SPREAD]
    looks[i, PARENT_LEVEL] = nan
    looks[i, PARENT_READY] = 0.0
    if parent >= 0:
        looks[i, PARENT_LEVEL] = level(looks, parent, settings)
        if looks[parent, WINDOWS] >= settings[MIN_WINDOWS] or looks[parent, PARENT_READY] > 0.0:
            looks[i, PARENT_READY] = 1.0
            prior = looks[parent, SPREAD]
    family = settings[FAMILY]
    age = time_us - looks[i, FIRST]
    best, least, believed = 0, _INFINITE, 0.0
    worse = _worse_season(looks, i)
    usual_variance = 1.0
    if family == RATIO:
        mean = ratio_mean(looks, i, 0, settings[PRIOR_MEAN], settings)
        usual_variance = mean * (1.0 - mean)
    for expert in range(EXPERTS):
        usable = looks[i, WEIGHT + expert] > 0.0
        if expert >= DAY:
            earned = settings[DAY_US] if expert == DAY else settings[WEEK_US]
            usable = (
                usable and settings[SEASONAL] > 0.0 and not isnan(looks[i, RHYTHM + expert]) and age >= earned
            )
        if (not usable and expert > 0) or (expert == worse and looks[i, WEIGHT + DAY + WEEK - expert] > 0.0):
            continue
        worth = 10.0
        if family == COUNT:
            mean = count_mean(looks, i, expert)
            worth = 5.0 + 5.0 * mean * mean * tempering(mean)
        elif family == RATIO:
            mean = ratio_mean(looks, i, expert, settings[PRIOR_MEAN], settings)
            trials = looks[i, WEIGHT + expert] * (1.0 - settings[KEEP + expert]) + 1.0
            worth = 0.5 + 10.0 * information(trials, mean)[1]
        spread = (looks[i, ERROR + expert] + prior * worth) / (looks[i, TRIALS + expert] + worth)
        if spread < 0.0:
            spread = 0.0
        unsure = 0.0
        if family == RATIO:
            # Of few requests, a fast expert remembers so few that it hardly knows their share.
            unsure = doubt(looks, i, expert, settings) / usual_variance
        cost = (spread + settings[LEAST_SPREAD] + unsure) * _HANDICAP[expert] if usable else _INFINITE
        # The slow expert stands in where none is usable.
        if expert == 0 or cost < least:
            best, least, believed = expert, cost, spread
    looks[i, CHOICE] = best
    looks[i, SPREAD] = believed


@subkernel
def outlook(
    looks: Table, i: int, scratch: int, slot: int, now: float, time_us: int, local_us: int,
    settings: Floats, state: Table, parents: Ints32,
    day_row: Ints32, day_mean: Cells, day_weight: Cells,
    week_row: Ints32, week_mean: Cells, week_weight: Cells,
) -> None:  # fmt: skip
    """Write an entity's outlook into a row of `looks`.

    Args:
        looks: float64 (rows, OUTLOOK_COLUMNS).
        i: The row.
        scratch: First of `DEEPEST` rows that the outlooks of parents may overwrite.
        slot: The entity.
        now: The bank's clock at this window.
        time_us, local_us: Start of the window, in UTC and as the wall clock reads it.
        settings, state, parents, and the cells of seasons: The bank's.
    """
    at, deep = i, 0
    _read(
        looks, at, slot, now, local_us, settings, state,
        day_row, day_mean, day_weight, week_row, week_mean, week_weight,
    )  # fmt: skip
    # Down to the parent that speaks for itself, then back up.
    while deep < DEEPEST and looks[at, WINDOWS] < 4 * settings[MIN_WINDOWS] and parents[slot] >= 0:
        slot = parents[slot]
        at = scratch + deep
        deep += 1
        _read(
            looks, at, slot, now, local_us, settings, state,
            day_row, day_mean, day_weight, week_row, week_mean, week_weight,
        )  # fmt: skip
    _choose(looks, at, time_us, -1, settings)
    while deep > 0:
        deep -= 1
        above = at
        at = scratch + deep - 1 if deep > 0 else i
        _choose(looks, at, time_us, above, settings)


@subkernel
def ready(looks: Table, i: int, settings: Floats) -> bool:
    """Whether enough was seen of an entity, or of it and its parent, to judge it."""
    windows = looks[i, WINDOWS]
    if windows >= settings[MIN_WINDOWS]:
        return True
    borrowed: bool = looks[i, PARENT_READY] > 0.0 and windows >= settings[BORROWING_WINDOWS]
    return borrowed
