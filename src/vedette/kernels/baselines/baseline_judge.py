"""How rare one value is under the outlook of its baseline."""

from math import asinh, exp, isfinite, isnan, log, nan, sinh, sqrt

from vedette.kernels.arrays import Floats
from vedette.kernels.baselines.baseline_layout import (
    BAND,
    BAND_HIGH,
    BAND_LOW,
    BAND_MIDDLE,
    BETWEEN,
    CENTRE,
    CHOICE,
    COUNT,
    DEGREES,
    EXPERT,
    FAMILY,
    HIGH,
    LEAST_SPREAD,
    LOG,
    LOW,
    MIN_WINDOWS,
    PARENT,
    PARENT_READY,
    PRIOR_STRENGTH,
    RATIO,
    READY,
    SAMPLES,
    SAMPLING,
    SMALLEST,
    SPREAD,
    SUM,
    TEACHES,
    WEIGHT,
    WIDTH,
    WINDOWS,
)
from vedette.kernels.baselines.baseline_outlook import EDGE, Table, doubt, level, ready, turned
from vedette.kernels.baselines.tails import count_tail_high, count_tail_low, ratio_tails, student_tail
from vedette.kernels.compile import subkernel

_WIDEST_COUNT = 10.0
_WIDEST_RATIO = 0.3
_HIGHEST = 350.0
"""The square of whose hyperbolic sine is still a float."""
_LARGEST = 1e100
"""Values beyond this count as this: their squares must be floats."""


@subkernel
def bounded(value: float) -> float:
    """The value as baselines take it."""
    return -_LARGEST if value < -_LARGEST else _LARGEST if value > _LARGEST else value


@subkernel
def influence(log10_p: float) -> float:
    """How much a window of this rarity should teach its baseline: 1 down to 0.02.

    Full weight up to one in 300, then falling with the square root of the probability. It never reaches 0, so
    that a baseline cannot be locked out of a new normal for ever.
    """
    if log10_p <= 2.5:
        return 1.0
    taught = 10.0 ** (-0.5 * (log10_p - 2.5))
    return taught if taught > 0.02 else 0.02


@subkernel
def shifted(mean: float, dispersion: float, z: float) -> float:
    """The count z spreads away from the mean, on the scale where a negative binomial's variance is constant.

    Anscombe (1948): asinh(sqrt(dispersion (x + 3/8))) has variance dispersion / 4.
    """
    d = dispersion if dispersion > 1e-6 else 1e-6
    at = asinh(sqrt(d * (mean + 0.375))) + 0.5 * z * sqrt(d)
    if at <= 0.0:
        return 0.0
    root = sinh(at if at < _HIGHEST else _HIGHEST)
    x = root * root / d - 0.375
    return x if x > 0.0 else 0.0


@subkernel
def deviate(x: float, mean: float, dispersion: float) -> float:
    """How many spreads x lies above the mean, on the same scale."""
    d = dispersion if dispersion > 1e-6 else 1e-6
    return 2.0 * (asinh(sqrt(d * (x + 0.375))) - asinh(sqrt(d * (mean + 0.375)))) / sqrt(d)


@subkernel
def count_dispersion(looks: Table, i: int) -> float:
    """The spread of a count, and what is not known of its mean."""
    dispersion: float = looks[i, SPREAD] + 1.0 / (looks[i, SUM + int(looks[i, CHOICE])] + 0.5)
    return dispersion


@subkernel
def ratio_correlation(looks: Table, i: int, mean: float, settings: Floats) -> float:
    """How far single requests fail together, and what is not known of the mean."""
    unsure = doubt(looks, i, int(looks[i, CHOICE]), settings)
    correlation = looks[i, SPREAD] * mean * (1.0 - mean) + unsure
    return EDGE if correlation < EDGE else correlation if correlation < _WIDEST_RATIO else _WIDEST_RATIO


@subkernel
def scaled(value: float, settings: Floats) -> float:
    """A measured value on its bank's working scale."""
    if settings[FAMILY] == LOG:
        return log(value if value > settings[SMALLEST] else settings[SMALLEST])
    return value


@subkernel
def _unscaled(at: float, settings: Floats) -> float:
    if settings[FAMILY] == LOG:
        return exp(at if at < 700.0 else 700.0)
    return at


@subkernel
def location_spread(looks: Table, i: int, exposure: float, settings: Floats) -> tuple[float, float]:
    """Variance of a value about its level without and with what sampling adds; no exposure if negative."""
    spread = looks[i, SPREAD]
    if spread < settings[LEAST_SPREAD]:
        spread = settings[LEAST_SPREAD]
    if exposure < 0.0:
        return spread, spread
    return spread, spread + settings[SAMPLING] / (exposure if exposure > 1.0 else 1.0)


@subkernel
def _say(
    out: Table, i: int, looks: Table, row: int, known: bool, low: float, middle: float, high: float, parent: bool,
    settings: Floats,
) -> bool:  # fmt: skip
    """Write what does not depend on the value; give back whether there is enough to judge it."""
    sure = known and ready(looks, row, settings)
    out[HIGH, i] = 0.0
    out[LOW, i] = 0.0
    out[BAND_LOW, i] = low if known else nan
    out[BAND_MIDDLE, i] = middle if known else nan
    out[BAND_HIGH, i] = high if known else nan
    out[SAMPLES, i] = float(int(looks[row, WINDOWS]))
    out[READY, i] = 1.0 if sure else 0.0
    out[EXPERT, i] = looks[row, CHOICE]
    out[PARENT, i] = 1.0 if parent and sure else 0.0
    out[TEACHES, i] = 1.0
    return sure


@subkernel
def _weigh(out: Table, i: int, high: float, low: float) -> None:
    high = high if high > 0.0 else 0.0
    low = low if low > 0.0 else 0.0
    out[HIGH, i] = high
    out[LOW, i] = low
    out[TEACHES, i] = influence(high if high > low else low)


@subkernel
def _judge_count(out: Table, i: int, looks: Table, row: int, value: float, settings: Floats) -> None:
    mean = level(looks, row, settings)
    known = not isnan(mean) and not isnan(value)
    if isnan(mean):
        mean = 1.0
    dispersion = count_dispersion(looks, row)
    if dispersion > _WIDEST_COUNT:
        dispersion = _WIDEST_COUNT
    z = settings[BAND]
    parent = looks[row, PARENT_READY] > 0.0 and looks[row, WINDOWS] < 2 * settings[MIN_WINDOWS]
    low, high = shifted(mean, dispersion, -z), shifted(mean, dispersion, z)
    out[CENTRE, i] = mean
    out[WIDTH, i] = dispersion
    if _say(out, i, looks, row, known, low, mean, high, parent, settings):
        _weigh(out, i, count_tail_high(value, mean, dispersion), count_tail_low(value, mean, dispersion))


@subkernel
def _judge_ratio(
    out: Table, i: int, looks: Table, row: int, value: float, exposure: float, settings: Floats
) -> None:
    mean = level(looks, row, settings)
    correlation = ratio_correlation(looks, row, mean, settings)
    n = exposure if exposure > 1.0 else 1.0
    wide = settings[BAND] * sqrt(1.0 / n + correlation)
    weight = looks[row, WEIGHT + int(looks[row, CHOICE])]
    parent = looks[row, PARENT_READY] > 0.0 and weight < 10.0 * settings[PRIOR_STRENGTH]
    known = exposure > 0.0 and (looks[row, PARENT_READY] > 0.0 or looks[row, WINDOWS] > 0.0)
    out[CENTRE, i] = mean
    out[WIDTH, i] = correlation
    if _say(out, i, looks, row, known, turned(mean, -wide), mean, turned(mean, wide), parent, settings):
        x = 0.0 if value < 0.0 else value if value < exposure else exposure
        high, low = ratio_tails(x, n, mean, correlation)
        _weigh(out, i, high, low)


@subkernel
def _judge_location(
    out: Table, i: int, looks: Table, row: int, value: float, exposure: float, settings: Floats
) -> None:
    location = level(looks, row, settings)
    known = not isnan(location) and isfinite(value)
    if not known:
        location = 0.0
    spread, variance = location_spread(looks, row, exposure, settings)
    weight = looks[row, WEIGHT + int(looks[row, CHOICE])]
    unsure = spread / (weight if weight > 1e-9 else 1e-9)
    if unsure > settings[BETWEEN]:
        unsure = settings[BETWEEN]
    scale = sqrt(variance + unsure)
    wide = settings[BAND] * scale
    low, high = _unscaled(location - wide, settings), _unscaled(location + wide, settings)
    parent = looks[row, PARENT_READY] > 0.0 and looks[row, WINDOWS] < 2 * settings[MIN_WINDOWS]
    out[CENTRE, i] = location
    out[WIDTH, i] = scale
    if _say(out, i, looks, row, known, low, _unscaled(location, settings), high, parent, settings):
        t = (scaled(value, settings) - location) / scale
        degrees = int(settings[DEGREES])
        _weigh(out, i, student_tail(t, degrees), student_tail(-t, degrees))


@subkernel
def judge_one(
    out: Table, i: int, looks: Table, row: int, value: float, exposure: float, settings: Floats
) -> None:
    """Judge a value by an outlook.

    Args:
        out: float64 (JUDGEMENT_ROWS, k), whose column i is filled.
        looks: float64 (rows, OUTLOOK_COLUMNS), whose given row is the outlook.
        value: In the metric's unit.
        exposure: Requests that it rests on; -1 if it rests on no count.
        settings: The bank's.
    """
    family = settings[FAMILY]
    if isfinite(value):
        value = bounded(value)
    if family == COUNT:
        _judge_count(out, i, looks, row, value, settings)
    elif family == RATIO:
        _judge_ratio(out, i, looks, row, value, exposure, settings)
    else:
        _judge_location(out, i, looks, row, value, exposure, settings)
