"""The arithmetic behind every judgement, one value at a time, in plain Python.

A judgement names its formula and gives its inputs; `recompute` returns the tail probability (-log10) from
these alone. The banks compute the same in kernels (`vedette.kernels.baselines.tails`), written apart from this; tests
hold the two together, and both to an independent oracle. `docs/reference/formulas.md` states each formula with
its source.
"""

from collections.abc import Callable, Mapping
from math import copysign, erfc, exp, expm1, isfinite, lgamma, log, log1p, pi, sinh, sqrt
from typing import Final

_LOG10_E: Final = 1.0 / log(10.0)
_MOST_TERMS: Final = 2_000_000


def recompute(name: str, inputs: Mapping[str, float]) -> float:
    """The result of a formula: -log10 of a tail probability, >= 0.

    Args:
        name: One of `FORMULAS`.
        inputs: Exactly the formula's arguments.

    Raises:
        ValueError: No such formula, or the inputs are not those it takes.
    """
    formula = FORMULAS.get(name)
    if formula is None:
        raise ValueError(f"formula {name!r} is unknown: must be one of {', '.join(FORMULAS)}")
    try:
        return formula(**inputs)
    except TypeError as error:
        raise ValueError(f"formula {name!r}: {error}") from error


def critical_value(name: str, inputs: Mapping[str, float], log10_p: float) -> float:
    """The observed value at which a formula's result would have been `log10_p`: the alarm line in its unit.

    Found by bisection over the input `value`, all else unchanged.

    Returns:
        The value; for counts rounded towards the rarer side, so that it would have alarmed.
    """
    rising = name.endswith("_high")
    rest = {key: number for key, number in inputs.items() if key != "value"}

    def reached(value: float) -> bool:
        return recompute(name, rest | {"value": value}) >= log10_p

    calm, rare = _bracket(name, rest, reached)
    whole = name.startswith(("count", "ratio"))
    for _ in range(200):
        if (whole and abs(rare - calm) <= 1.0) or abs(rare - calm) <= 1e-9 * max(abs(rare), abs(calm), 1e-12):
            break
        middle = 0.5 * (calm + rare)
        if whole:
            middle = float(int(middle))
        if reached(middle):
            rare = middle
        else:
            calm = middle
    return rare if rising or rare >= 0.0 or not whole else 0.0


def _bracket(name: str, rest: Mapping[str, float], reached: Callable[[float], bool]) -> tuple[float, float]:
    """A value that does not reach the threshold, and one that does or the end of what is possible."""
    rising = name.endswith("_high")
    if name.startswith("ratio"):
        trials = rest["exposure"]
        return (0.0, trials) if rising else (trials, 0.0)
    if name.startswith("count"):
        if not rising:
            return float(int(rest["mean"])), 0.0
        calm = 0.0
    elif name.startswith("log"):
        calm = exp(rest["location"])
    else:
        calm = rest["location"]
    if name.startswith("gauge"):
        step = rest["scale"]
        for _ in range(200):
            rare = calm + (step if rising else -step)
            if reached(rare):
                return calm, rare
            step *= 2.0
        return calm, rare
    rare = max(rest["mean"], 1.0) if name.startswith("count") else calm
    for _ in range(200):
        rare = float(int(rare * 2.0)) if name.startswith("count") else rare * 2.0 if rising else rare / 2.0
        if reached(rare):
            break
    return calm, rare


def count_high(value: float, mean: float, dispersion: float) -> float:
    """-log10 P(X >= value) for a negative binomial X of variance mean + dispersion mean^2."""
    if value <= 0.0:
        return 0.0
    dispersion = max(dispersion, 1e-9)
    if value <= 1.0:
        return -_LOG10_E * _log_or_floor(-expm1(-log1p(dispersion * mean) / dispersion))
    return normal_tail(_count_root(value - 0.5, mean, dispersion))


def count_low(value: float, mean: float, dispersion: float) -> float:
    """-log10 P(X <= value) for a negative binomial X of variance mean + dispersion mean^2."""
    dispersion = max(dispersion, 1e-9)
    if value < 1.0:
        return _LOG10_E * log1p(dispersion * mean) / dispersion
    return normal_tail(-_count_root(value + 0.5, mean, dispersion))


def _count_root(x: float, mean: float, dispersion: float) -> float:
    ratio = log1p((x - mean) / mean)
    unit = 1.0 + dispersion * mean
    growth = log1p(dispersion * (x - mean) / unit)
    slope = ratio - growth
    deviance = 2.0 * (x * ratio - (1.0 + dispersion * x) / dispersion * growth)
    w = copysign(sqrt(max(deviance, 0.0)), slope)
    if abs(w) < 1e-3:
        return w + (1.0 + 2.0 * dispersion * mean) / sqrt(mean * unit) / 6.0
    u = 2.0 * sinh(0.5 * slope) * sqrt(x * (1.0 + dispersion * x))
    return w + log(u / w) / w


def ratio_high(value: float, exposure: float, mean: float, correlation: float) -> float:
    """-log10 P(X >= value) for a beta-binomial X among `exposure`, with mean share `mean`."""
    strength = 1.0 / correlation - 1.0
    return _beta_binomial(value, exposure, mean * strength, (1.0 - mean) * strength)


def ratio_low(value: float, exposure: float, mean: float, correlation: float) -> float:
    """-log10 P(X <= value) for a beta-binomial X among `exposure`, with mean share `mean`."""
    strength = 1.0 / correlation - 1.0
    return _beta_binomial(exposure - value, exposure, (1.0 - mean) * strength, mean * strength)


def _beta_binomial(k: float, n: float, alpha: float, beta: float) -> float:
    """-log10 P(X >= k), summed term by term away from the mean."""
    upwards = k > n * alpha / (alpha + beta)
    if not upwards:
        if k <= 0.0:
            return 0.0
        # Sum the complement: n - X has the parameters exchanged.
        k, alpha, beta = n - k + 1.0, beta, alpha
    log_mass = (
        lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)
        + lgamma(k + alpha) + lgamma(n - k + beta) - lgamma(n + alpha + beta)
        + lgamma(alpha + beta) - lgamma(alpha) - lgamma(beta)
    )  # fmt: skip
    total = term = 1.0
    for _ in range(_MOST_TERMS):
        if k >= n or term < 1e-12 * total:
            break
        term *= (n - k) * (k + alpha) / ((k + 1.0) * (n - k - 1.0 + beta))
        total += term
        k += 1.0
    log_tail = min(log_mass + log(total), 0.0)
    return -_LOG10_E * (log_tail if upwards else _log_or_floor(-expm1(log_tail)))


def log_high(value: float, location: float, scale: float, degrees: float) -> float:
    """-log10 P(T >= (log value - location) / scale) for Student's t with an even number of degrees."""
    return student_tail((log(value) - location) / scale, round(degrees))


def log_low(value: float, location: float, scale: float, degrees: float) -> float:
    """-log10 P(T <= (log value - location) / scale) for Student's t with an even number of degrees."""
    return student_tail((location - log(value)) / scale, round(degrees))


def gauge_high(value: float, location: float, scale: float, degrees: float) -> float:
    """-log10 P(T >= (value - location) / scale) for Student's t with an even number of degrees."""
    return student_tail((value - location) / scale, round(degrees))


def gauge_low(value: float, location: float, scale: float, degrees: float) -> float:
    """-log10 P(T <= (value - location) / scale) for Student's t with an even number of degrees."""
    return student_tail((location - value) / scale, round(degrees))


def normal_tail(z: float) -> float:
    """-log10 P(Z >= z) for a standard normal Z (beyond 20 from the continued fraction of Mills' ratio)."""
    if not isfinite(z):
        return max(z, 0.0)
    if z < 20.0:
        return -_LOG10_E * log(0.5 * erfc(z / sqrt(2.0)))
    mills = z
    for k in range(20, 0, -1):
        mills = z + k / mills
    return _LOG10_E * (0.5 * z * z + 0.5 * log(2.0 * pi) + log(mills))


def normal_deviations(surprise: float) -> float:
    """The z beyond which a standard normal's tail has this surprise: the inverse of `normal_tail`, by bisection."""
    low, high = -10.0, 10.0 + sqrt(2.0 * max(surprise, 0.0) / _LOG10_E)
    for _ in range(80):
        middle = 0.5 * (low + high)
        if normal_tail(middle) < surprise:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def student_tail(t: float, degrees: int) -> float:
    """-log10 P(T >= t) for Student's t with an even number of degrees (Abramowitz and Stegun 26.7.4)."""
    if t < 0.0:
        return -_LOG10_E * log1p(-(10.0 ** -student_tail(-t, degrees)))
    y = degrees / (degrees + t * t)
    # The tail is s (c_h y^h + c_h+1 y^(h+1) + ...) / 2 with h = degrees / 2, s = sqrt(1 - y) and
    # c_j = (2 j)! / (4^j j!^2): the series of (1 - y)^(-1/2) without its first h terms.
    half = degrees // 2
    coefficient, first = 1.0, 0.0
    if y > 0.5:
        for j in range(half):
            first += coefficient * y**j
            coefficient *= (2 * j + 1) / (2 * j + 2)
        return -_LOG10_E * log(0.5 * (1.0 - sqrt(1.0 - y) * first))
    for j in range(half):
        coefficient *= (2 * j + 1) / (2 * j + 2)
    total, power, j = 0.0, 1.0, half
    while power * coefficient > 1e-17 * total:
        total += coefficient * power
        power *= y
        coefficient *= (2 * j + 1) / (2 * j + 2)
        j += 1
    return -_LOG10_E * (half * log(y) + log(0.5 * sqrt(1.0 - y) * total))


def _log_or_floor(p: float) -> float:
    return log(p) if p > 0.0 else -745.0


FORMULAS: Final[dict[str, Callable[..., float]]] = {
    "count_high": count_high,
    "count_low": count_low,
    "ratio_high": ratio_high,
    "ratio_low": ratio_low,
    "log_high": log_high,
    "log_low": log_low,
    "gauge_high": gauge_high,
    "gauge_low": gauge_low,
}
"""Every formula by name, as `docs/reference/formulas.md` lists them."""
