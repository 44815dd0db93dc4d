"""How one window changes the state of its baseline."""

from math import isfinite, isnan, sqrt

from vedette.kernels.arrays import Floats
from vedette.kernels.baselines.baseline_judge import (
    bounded,
    count_dispersion,
    deviate,
    location_spread,
    ratio_correlation,
    scaled,
    shifted,
)
from vedette.kernels.baselines.baseline_layout import (
    CHOICE,
    COUNT,
    DAY,
    ERROR,
    EXPERTS,
    FAMILY,
    FIRST,
    KEEP,
    KEEP_ERROR,
    KEEP_LONG,
    LONG_ERROR,
    LONG_TRIALS,
    PRIOR_STRENGTH,
    RATIO,
    RHYTHM,
    SEEN,
    SHIFT_SUM,
    SHIFT_US,
    SHIFT_WEIGHT,
    SIDE,
    SINCE,
    SUM,
    TICK,
    TRIALS,
    WEEK,
    WEIGHT,
    WINDOWS,
)
from vedette.kernels.baselines.baseline_outlook import (
    HOUR_US,
    Table,
    angle,
    count_mean,
    information,
    level,
    ratio_mean,
    ratio_prior,
    tempering,
    turned,
    usual,
)
from vedette.kernels.compile import subkernel

_CLIP = 3.0
"""Spreads by which a value moves the level at most."""
_FAR = 4.0
"""Spreads beyond which the level may have shifted."""
_YOUNG = 5
"""Windows before which nothing is clipped."""
_KNOWN_FROM = 10.0
"""A new level counts as if known from so many windows."""


@subkernel
def _kept(settings: Floats, expert: int, weight: float) -> float:
    """What a window of this weight leaves of an expert's older level.

    A window that hardly teaches must hardly make forget: else it would replace what it adds little to.
    """
    kept: float = 1.0 - weight * (1.0 - settings[KEEP + expert])
    return kept


@subkernel
def _kept_error(settings: Floats, weight: float) -> float:
    kept: float = 1.0 - weight * (1.0 - settings[KEEP_ERROR])
    return kept


@subkernel
def _compare_seasons(
    looks: Table, i: int, expert: int, excess: float, worth: float, settings: Floats
) -> None:
    """Remember for weeks how wrong the hour of day or of week was."""
    at = expert - DAY
    looks[i, LONG_ERROR + at] = looks[i, LONG_ERROR + at] * settings[KEEP_LONG] + excess
    looks[i, LONG_TRIALS + at] = looks[i, LONG_TRIALS + at] * settings[KEEP_LONG] + worth


@subkernel
def _compare_count_seasons(looks: Table, i: int, value: float, dispersion: float, settings: Floats) -> None:
    """Hold the hour of day against the hour of week where both are known.

    The value counts as far as the nearer of the two finds it usual: were it clipped around what is believed, the
    one that is believed could not be wrong.
    """
    daily, weekly = count_mean(looks, i, DAY), count_mean(looks, i, WEEK)
    if not (daily > 0.0 and weekly > 0.0):
        return
    near = daily if abs(daily - value) < abs(weekly - value) else weekly
    least, most = shifted(near, dispersion, -_CLIP), shifted(near, dispersion, _CLIP)
    seen = least if value < least else value if value < most else most
    for expert in range(DAY, EXPERTS):
        own = count_mean(looks, i, expert)
        tempered = tempering(own)
        _compare_seasons(
            looks, i, expert, ((seen - own) * (seen - own) - own) * tempered, own * own * tempered, settings
        )


@subkernel
def _compare_location_seasons(
    looks: Table, i: int, at: float, sd: float, precision: float, settings: Floats
) -> None:
    """The same for values on a scale."""
    if not (looks[i, WEIGHT + DAY] > 0.0 and looks[i, WEIGHT + WEEK] > 0.0):
        return
    daily = looks[i, SUM + DAY] / looks[i, WEIGHT + DAY] + looks[i, RHYTHM + DAY]
    weekly = looks[i, SUM + WEEK] / looks[i, WEIGHT + WEEK] + looks[i, RHYTHM + WEEK]
    if isnan(daily) or isnan(weekly):
        return
    near = daily if abs(daily - at) < abs(weekly - at) else weekly
    least, most = near - _CLIP * sd, near + _CLIP * sd
    seen = least if at < least else at if at < most else most
    _compare_seasons(looks, i, DAY, precision * (seen - daily) * (seen - daily), precision, settings)
    _compare_seasons(looks, i, WEEK, precision * (seen - weekly) * (seen - weekly), precision, settings)


@subkernel
def _side(z: float) -> float:
    return 1.0 if z > _FAR else -1.0 if z < -_FAR else 0.0


@subkernel
def _restart(looks: Table, i: int, at: float, settings: Floats) -> None:
    """Set every expert to a new level."""
    family = settings[FAMILY]
    for expert in range(EXPERTS):
        if family == RATIO:
            trials = _KNOWN_FROM * looks[i, WEIGHT + expert] * (1.0 - settings[KEEP + expert])
            if trials < settings[PRIOR_STRENGTH]:
                trials = settings[PRIOR_STRENGTH]
            looks[i, SUM + expert] = trials * at
            looks[i, WEIGHT + expert] = trials
            continue
        rhythm = looks[i, RHYTHM + expert]
        if isnan(rhythm):
            # What the level means for a season's expert is not known at this hour: it begins anew.
            looks[i, SUM + expert] = 0.0
            looks[i, WEIGHT + expert] = 0.0
        elif family == COUNT:
            looks[i, SUM + expert] = _KNOWN_FROM * at
            looks[i, WEIGHT + expert] = _KNOWN_FROM * usual(rhythm)
        else:
            looks[i, SUM + expert] = _KNOWN_FROM * (at - rhythm)
            looks[i, WEIGHT + expert] = _KNOWN_FROM


@subkernel
def _follow_shift(looks: Table, i: int, side: float, at: float, time_us: int, settings: Floats) -> None:
    """Accept a new level once it has been held for long enough; a few ordinary windows do not interrupt it.

    Args:
        looks: The entity's row i changes.
        i: Which.
        side: 1 or -1 where the window is far outside on that side, else 0.
        at: The window's own level, on the family's working scale.
        time_us: Start of the window.
        settings: The bank's.
    """
    before = looks[i, SIDE]
    if side == 0.0 and before == 0.0:
        return
    if side == 0.0:
        looks[i, SHIFT_SUM] *= 0.9
        looks[i, SHIFT_WEIGHT] *= 0.9
        if looks[i, SHIFT_WEIGHT] < 1.0:
            looks[i, SIDE] = 0.0
        return
    if side != before:
        looks[i, SHIFT_SUM] = 0.0
        looks[i, SHIFT_WEIGHT] = 0.0
        looks[i, SINCE] = time_us
        looks[i, SIDE] = side
    looks[i, SHIFT_SUM] = looks[i, SHIFT_SUM] * (1.0 - 1.0 / 30.0) + at
    looks[i, SHIFT_WEIGHT] = looks[i, SHIFT_WEIGHT] * (1.0 - 1.0 / 30.0) + 1.0
    needed = looks[i, SINCE] - looks[i, FIRST]
    if needed > settings[SHIFT_US]:
        needed = settings[SHIFT_US]
    if needed < HOUR_US:
        needed = float(HOUR_US)
    if time_us - looks[i, SINCE] >= needed:
        _restart(looks, i, looks[i, SHIFT_SUM] / looks[i, SHIFT_WEIGHT], settings)
        looks[i, SIDE] = 0.0
        looks[i, SHIFT_WEIGHT] = 0.0
        looks[i, SHIFT_SUM] = 0.0


@subkernel
def _learn_count(
    looks: Table, i: int, value: float, weight: float, time_us: int, settings: Floats
) -> tuple[float, float, float]:
    mean = level(looks, i, settings)
    young = isnan(mean) or looks[i, WINDOWS] < _YOUNG
    if isnan(mean):
        mean = 1.0
    dispersion = count_dispersion(looks, i)
    kept = value
    if not young:
        least, most = shifted(mean, dispersion, -_CLIP), shifted(mean, dispersion, _CLIP)
        kept = least if value < least else value if value < most else most
    keep_error = _kept_error(settings, weight)
    _compare_count_seasons(looks, i, value, dispersion, settings)
    for expert in range(EXPERTS):
        seasonal = usual(looks[i, RHYTHM + expert])
        if seasonal <= 0.0:
            continue
        keep = _kept(settings, expert, weight)
        total = looks[i, SUM + expert]
        if looks[i, WEIGHT + expert] >= 3.0 * seasonal:
            own = count_mean(looks, i, expert)
            tempered = tempering(own)
            uncertain = own * own / (total + 0.5)
            excess = ((kept - own) * (kept - own) - own - uncertain) * tempered
            looks[i, ERROR + expert] = looks[i, ERROR + expert] * keep_error + weight * excess
            looks[i, TRIALS + expert] = looks[i, TRIALS + expert] * keep_error + weight * own * own * tempered
        looks[i, SUM + expert] = total * keep + weight * kept
        looks[i, WEIGHT + expert] = looks[i, WEIGHT + expert] * keep + weight * seasonal
    side = 0.0 if young else _side(deviate(value, mean, dispersion))
    _follow_shift(looks, i, side, value, time_us, settings)
    return kept, value, weight


@subkernel
def _learn_ratio(
    looks: Table, i: int, value: float, exposure: float, weight: float, time_us: int, settings: Floats
) -> tuple[float, float, float]:
    n = exposure if exposure > 1.0 else 1.0
    mean = level(looks, i, settings)
    prior = ratio_prior(looks, i, settings)
    sd = sqrt(1.0 / n + ratio_correlation(looks, i, mean, settings))
    share = value / n
    kept = share
    young = looks[i, WINDOWS] < _YOUNG
    if not young:
        # The bounds are those of the arcsine scale, moved out by half a request.
        least, most = turned(mean, -_CLIP * sd) - 0.5 / n, turned(mean, _CLIP * sd) + 0.5 / n
        kept = least if share < least else share if share < most else most
    kept = (0.0 if kept < 0.0 else kept if kept < 1.0 else 1.0) * n
    keep_error = _kept_error(settings, weight)
    for expert in range(EXPERTS):
        total, trials = looks[i, SUM + expert], looks[i, WEIGHT + expert]
        if trials > 0.0:
            own = ratio_mean(looks, i, expert, prior, settings)
            h, worth = information(n, own)
            chi = (kept - n * own) * (kept - n * own) / (n * own * (1.0 - own))
            unsure = n / (trials + settings[PRIOR_STRENGTH])
            looks[i, ERROR + expert] = looks[i, ERROR + expert] * keep_error + weight * h * (
                chi - 1.0 - unsure
            )
            looks[i, TRIALS + expert] = looks[i, TRIALS + expert] * keep_error + weight * worth
        keep = _kept(settings, expert, weight)
        looks[i, SUM + expert] = total * keep + weight * kept
        looks[i, WEIGHT + expert] = trials * keep + weight * n
    side = 0.0
    if not young:
        at = (value + 0.375) / (n + 0.75)
        at = 0.0 if at < 0.0 else at if at < 1.0 else 1.0
        side = _side(2.0 * (angle(at) - angle((n * mean + 0.375) / (n + 0.75))) / sd)
    _follow_shift(looks, i, side, share, time_us, settings)
    return kept, value, weight


@subkernel
def _learn_location(
    looks: Table, i: int, value: float, exposure: float, weight: float, time_us: int, settings: Floats
) -> tuple[float, float, float]:
    y = scaled(value, settings)
    at = level(looks, i, settings)
    if isnan(at):
        at = y
    young = looks[i, WINDOWS] < _YOUNG or looks[i, WEIGHT + int(looks[i, CHOICE])] <= 0.0
    spread, variance = location_spread(looks, i, exposure, settings)
    precision = spread / variance
    sd = sqrt(variance)
    kept = y
    if not young:
        least, most = at - _CLIP * sd, at + _CLIP * sd
        kept = least if y < least else y if y < most else most
    sure = weight * precision
    keep_error = _kept_error(settings, sure)
    _compare_location_seasons(looks, i, y, sd, precision, settings)
    for expert in range(EXPERTS):
        rhythm = looks[i, RHYTHM + expert]
        if isnan(rhythm):
            continue
        total, known = looks[i, SUM + expert], looks[i, WEIGHT + expert]
        if known > 1.0:
            error = kept - total / known - rhythm
            excess = error * error - (variance - variance * precision)
            looks[i, ERROR + expert] = looks[i, ERROR + expert] * keep_error + sure * precision * excess
            looks[i, TRIALS + expert] = looks[i, TRIALS + expert] * keep_error + sure * precision
        keep = _kept(settings, expert, sure)
        looks[i, SUM + expert] = total * keep + sure * (kept - rhythm)
        looks[i, WEIGHT + expert] = known * keep + sure
    side = 0.0 if young else _side((y - at) / sd)
    _follow_shift(looks, i, side, y, time_us, settings)
    return kept, y, sure


@subkernel
def learn_one(
    looks: Table, i: int, value: float, exposure: float, weight: float, now: float, time_us: int,
    settings: Floats,
) -> tuple[float, float, float]:  # fmt: skip
    """Change the state in row i of `looks` by a window; its columns before `RHYTHM` are the new state.

    Args:
        looks: float64 (rows, OUTLOOK_COLUMNS), holding the entity's outlook.
        i: The row.
        value, exposure: As for `judge_one`.
        weight: 0..1, how much to learn.
        now: The bank's clock.
        time_us: Start of the window.
        settings: The bank's.

    Returns:
        The value as far as it is believed, the value itself, both on the family's working scale, and with what
        weight the seasonal cells should learn.
    """
    if looks[i, SEEN] == 0.0:
        looks[i, FIRST] = time_us
    family = settings[FAMILY]
    if isfinite(value):
        value = bounded(value)
    if not isfinite(value) or exposure == 0.0:
        # Nothing was measured: only a suspected shift fades.
        _follow_shift(looks, i, 0.0, 0.0, time_us, settings)
        kept, at, sure = 0.0, 0.0, 0.0
    elif family == COUNT:
        kept, at, sure = _learn_count(looks, i, value, weight, time_us, settings)
    elif family == RATIO:
        kept, at, sure = _learn_ratio(looks, i, value, exposure, weight, time_us, settings)
    else:
        kept, at, sure = _learn_location(looks, i, value, exposure, weight, time_us, settings)
    looks[i, TICK] = now
    looks[i, WINDOWS] += 1.0
    looks[i, SEEN] += 1.0
    return kept, at, sure
