"""Tail probabilities one value at a time: -log10 of the normal, Student's t, negative binomial, beta-binomial.

SciPy is the oracle in the tests. It is not used here because only its normal tail exists in log space: its t,
beta and binomial tails underflow at 1e-308. `docs/reference/formulas.md` states each formula with its source.
"""

from math import copysign, erfc, exp, expm1, isfinite, log, log1p, pi, sinh, sqrt
from typing import Final

from vedette.kernels.compile import subkernel

LOG10_E: Final = 1.0 / log(10.0)
POISSON_LIMIT: Final = 1e-9
"""Smallest dispersion told apart from none: below it the negative binomial is the Poisson distribution."""

_HALF_LOG_2PI: Final = 0.5 * log(2.0 * pi)
_ROOT_HALF: Final = sqrt(0.5)
_NEAR: Final = 1e-3
_SUMMED: Final = 64
"""Terms of a beta-binomial tail that are summed before the rest is integrated."""
_LAST: Final = 32
"""Terms at its end that are summed too: towards x = n they rise steeply where beta is below 1."""
_NEGLIGIBLE: Final = 1e-12
_SMALLEST_P: Final = 1e-300

# Ten-point Gauss-Legendre on (0, 1), its upper half; the lower mirrors it.
_NODES: Final = (
    0.5744371694908156, 0.7166976970646236, 0.8397047841495122, 0.9325316833444923, 0.9869532642585859,
)  # fmt: skip
_WEIGHTS: Final = (
    0.1477621123573764, 0.13463335965499826, 0.109543181257991, 0.0747256745752902, 0.03333567215434407,
)  # fmt: skip


@subkernel
def log_gamma(x: float) -> float:
    """Logarithm of the gamma function of x > 0, to 2e-15 of the larger of itself and 10.

    Stirling's series (Abramowitz, Stegun 1964, 6.1.41) from ten on, and up to there by the recurrence. Python's own and
    the C library's differ in the last digit two times in three, so that an interpreted kernel would not say what a
    compiled one does.
    """
    product = 1.0
    while x < 10.0:
        product *= x
        x += 1.0
    inverse = 1.0 / x
    square = inverse * inverse
    series = -691.0 / 360360.0 + square * (1.0 / 156.0)
    series = 1.0 / 1188.0 + square * series
    series = -1.0 / 1680.0 + square * series
    series = 1.0 / 1260.0 + square * series
    series = -1.0 / 360.0 + square * series
    series = inverse * (1.0 / 12.0 + square * series)
    return (x - 0.5) * log(x) - x + _HALF_LOG_2PI + series - (log(product) if product != 1.0 else 0.0)


@subkernel
def _log_or_floor(p: float) -> float:
    return log(p) if p > 0.0 else -745.0


@subkernel
def normal_tail(z: float) -> float:
    """-log10 P(Z >= z) for a standard normal Z (beyond 20 from the continued fraction of Mills' ratio)."""
    if not isfinite(z):
        return z if z > 0.0 else 0.0
    if z < 20.0:
        return -LOG10_E * log(0.5 * erfc(z * _ROOT_HALF))
    mills = z
    for k in range(20, 0, -1):
        mills = z + k / mills
    return LOG10_E * (0.5 * z * z + _HALF_LOG_2PI + log(mills))


@subkernel
def student_tail(t: float, degrees: int) -> float:
    """-log10 P(T >= t) for Student's t with an even number of degrees (Abramowitz and Stegun 26.7.4)."""
    y = degrees / (degrees + t * t)
    # The tail is s (c_h y^h + c_h+1 y^(h+1) + ...) / 2 with h = degrees / 2, s = sqrt(1 - y) and
    # c_j = (2 j)! / (4^j j!^2): the series of (1 - y)^(-1/2) without its first h terms.
    half = degrees // 2
    coefficient = 1.0
    if y > 0.5:
        first, power = 0.0, 1.0
        for j in range(half):
            first += coefficient * power
            power *= y
            coefficient *= (2 * j + 1) / (2 * j + 2)
        log_tail = log(0.5 * (1.0 - sqrt(1.0 - y) * first))
    else:
        for j in range(half):
            coefficient *= (2 * j + 1) / (2 * j + 2)
        total, power, j = 0.0, 1.0, half
        while power * coefficient > 1e-17 * total:
            total += coefficient * power
            power *= y
            coefficient *= (2 * j + 1) / (2 * j + 2)
            j += 1
        # Very far out y vanishes, and y^h with it.
        log_y = log(y) if y > 0.0 else log(float(degrees)) - 2.0 * log(abs(t))
        log_tail = half * log_y + log(0.5 * sqrt(1.0 - y) * total)
    if t < 0.0:
        return -LOG10_E * log1p(-exp(log_tail))
    return -LOG10_E * log_tail


@subkernel
def _count_root(x: float, mean: float, dispersion: float) -> float:
    """The normal deviate r* of a (continuity-corrected) negative binomial count."""
    unit = 1.0 + dispersion * mean
    ratio = log1p((x - mean) / mean)
    growth = log1p(dispersion * (x - mean) / unit)
    slope = ratio - growth
    deviance = 2.0 * (x * ratio - (1.0 + dispersion * x) / dispersion * growth)
    w = copysign(sqrt(deviance if deviance > 0.0 else 0.0), slope)
    if abs(w) < _NEAR:
        # log(u / w) / w tends to a sixth of the skewness.
        return w + (1.0 + 2.0 * dispersion * mean) / sqrt(mean * unit) / 6.0
    u = 2.0 * sinh(0.5 * slope) * sqrt(x * (1.0 + dispersion * x))
    return w + log(u / w) / w


@subkernel
def count_tail_high(value: float, mean: float, dispersion: float) -> float:
    """-log10 P(X >= value) for a negative binomial X of variance mean + dispersion mean^2, mean > 0.

    The saddlepoint approximation of Lugannani and Rice (1980) in Barndorff-Nielsen's r* form with Daniels'
    (1987) second continuity correction; P(X = 0) is exact. Error in the result (log10): below 0.03 for
    dispersion <= 1, 0.09 for dispersion <= 3, usually below 0.002.
    """
    if value <= 0.0:
        return 0.0
    d = dispersion if dispersion > POISSON_LIMIT else POISSON_LIMIT
    if value <= 1.0:
        return -LOG10_E * _log_or_floor(-expm1(-log1p(d * mean) / d))
    return normal_tail(_count_root(value - 0.5, mean, d))


@subkernel
def count_tail_low(value: float, mean: float, dispersion: float) -> float:
    """-log10 P(X <= value); see `count_tail_high`."""
    d = dispersion if dispersion > POISSON_LIMIT else POISSON_LIMIT
    if value < 1.0:
        return LOG10_E * log1p(d * mean) / d
    return normal_tail(-_count_root(value + 0.5, mean, d))


@subkernel
def _log_mass(k: float, n: float, alpha: float, beta: float) -> float:
    """Log P(X = k) of a beta-binomial X."""
    return (
        log_gamma(n + 1.0) - log_gamma(k + 1.0) - log_gamma(n - k + 1.0)
        + log_gamma(k + alpha) + log_gamma(n - k + beta) - log_gamma(n + alpha + beta)
        + log_gamma(alpha + beta) - log_gamma(alpha) - log_gamma(beta)
    )  # fmt: skip


@subkernel
def _log_mass_change(k: float, at: float, n: float, alpha: float, beta: float) -> float:
    """Log P(X = at) / P(X = k), without the terms that cancel."""
    return (
        log_gamma(k + 1.0) - log_gamma(at + 1.0) + log_gamma(n - k + 1.0) - log_gamma(n - at + 1.0)
        + log_gamma(at + alpha) - log_gamma(k + alpha) + log_gamma(n - at + beta) - log_gamma(n - k + beta)
    )  # fmt: skip


@subkernel
def _terms_from(k: float, n: float, alpha: float, beta: float) -> float:
    """Sum over j >= k of P(X = j) / P(X = k), for k at or above the mean.

    The first terms are summed; what is left, smooth by then, is integrated over panels that double in width
    until nothing is added.
    """
    total = term = 1.0
    j = k
    for _ in range(_SUMMED):
        if j >= n or term < _NEGLIGIBLE * total:
            return total
        remaining = n - j
        term *= remaining * (j + alpha) / ((j + 1.0) * (remaining - 1.0 + beta))
        total += term
        j += 1.0
    if term < _NEGLIGIBLE * total:
        return total
    # From the midpoint after the last term summed to the midpoint before the last ones.
    start = j + 0.5
    last = n - (_LAST - 0.5)
    if last < start:
        last = start
    at = n
    for _ in range(_LAST):
        if at <= last:
            break
        total += exp(_log_mass_change(k, at, n, alpha, beta))
        at -= 1.0
    width = float(_SUMMED)
    while start < last:
        end = start + width
        if end > last:
            end = last
        span = end - start
        added = 0.0
        for i in range(5):
            above = _log_mass_change(k, start + span * _NODES[i], n, alpha, beta)
            below = _log_mass_change(k, start + span * (1.0 - _NODES[i]), n, alpha, beta)
            added += _WEIGHTS[i] * (exp(above) + exp(below))
        added *= span
        total += added
        if added < _NEGLIGIBLE * total:
            break
        start = end
        width *= 2.0
    return total


@subkernel
def ratio_tails(value: float, exposure: float, mean: float, correlation: float) -> tuple[float, float]:
    """-log10 P(X >= value) and -log10 P(X <= value) of a beta-binomial X among `exposure`.

    The tail away from the mean is summed, the other is its complement; so both are exact to about 1e-6.

    Args:
        value: Whole, 0 <= value <= exposure.
        exposure: Whole, >= 1.
        mean: Inside (0, 1).
        correlation: Inside (0, 1): 1 / (alpha + beta + 1), how far single requests of a window fail together.
            Variance of X / n is `mean (1 - mean) (1 + (n - 1) correlation) / n`.
    """
    strength = 1.0 / correlation - 1.0
    upper = value > exposure * mean
    # P(X <= x) of (n, alpha, beta) is P(X >= n - x) of (n, beta, alpha): one routine sums away from the mean.
    k = value if upper else exposure - value
    share = mean if upper else 1.0 - mean
    alpha, beta = share * strength, (1.0 - share) * strength
    log_mass = _log_mass(k, exposure, alpha, beta)
    log_tail = log_mass + log(_terms_from(k, exposure, alpha, beta))
    if log_tail > 0.0:
        log_tail = 0.0
    rest = 1.0 - exp(log_tail) + exp(log_mass)
    rest = 1.0 if rest > 1.0 else rest if rest > _SMALLEST_P else _SMALLEST_P
    if upper:
        return -LOG10_E * log_tail, -LOG10_E * log(rest)
    return -LOG10_E * log(rest), -LOG10_E * log_tail
