"""Tail probabilities of the count families over arrays, in log space."""

from typing import Final

import numpy as np

from vedette.baselines.special import LOG10_E, Array, log10_normal_tail, log_gamma

POISSON_LIMIT: Final = 1e-9
"""Smallest dispersion told apart from none: below it the negative binomial is the Poisson distribution."""

_NEAR: Final = 1e-3
_BLOCKS: Final = (12, 64)
_LAST: Final = 32
_NEGLIGIBLE: Final = 1e-9
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)


def negative_binomial(x: Array, mean: Array, dispersion: Array) -> tuple[Array, Array]:
    """Both tails of a negative binomial count: -log10 P(X >= x) and -log10 P(X <= x).

    Variance is `mean + dispersion * mean**2`. The tails are the saddlepoint approximation of Lugannani and
    Rice (1980) in Barndorff-Nielsen's r* form with Daniels' (1987) second continuity correction; P(X = 0)
    is exact. Error in the result (log10): below 0.03 for dispersion <= 1, 0.09 for dispersion <= 3,
    usually below 0.002.

    Args:
        x: Shape (k,), >= 0. Need not be whole.
        mean: Shape (k,), > 0.
        dispersion: Shape (k,), >= 0; `POISSON_LIMIT` is used where smaller.

    Returns:
        Two arrays of shape (k,), >= 0.
    """
    dispersion = np.maximum(dispersion, POISSON_LIMIT)
    none = -np.log1p(dispersion * mean) / dispersion
    high = log10_normal_tail(_count_root(np.maximum(x - 0.5, 0.25), mean, dispersion))
    low = log10_normal_tail(-_count_root(x + 0.5, mean, dispersion))
    with np.errstate(divide="ignore"):  # a mean that vanishes against 1 makes P(X >= 1) exactly 0
        some = -LOG10_E * np.log(-np.expm1(none))
    high = np.where(x <= 0.0, 0.0, np.where(x <= 1.0, some, high))
    low = np.where(x < 1.0, -LOG10_E * none, low)
    return high, low


def _count_root(x: Array, mean: Array, dispersion: Array) -> Array:
    """The normal deviate r* of a (continuity-corrected) negative binomial count."""
    scaled = 1.0 + dispersion * x
    unit = 1.0 + dispersion * mean
    ratio = np.log1p((x - mean) / mean)
    growth = np.log1p(dispersion * (x - mean) / unit)
    deviance = 2.0 * (x * ratio - scaled / dispersion * growth)
    slope = ratio - growth
    w = np.copysign(np.sqrt(np.maximum(deviance, 0.0)), slope)
    near = np.abs(w) < _NEAR
    u = 2.0 * np.sinh(0.5 * slope) * np.sqrt(x * scaled)
    w_safe = np.where(near, 1.0, w)
    # Where w vanishes, log(u / w) / w tends to a sixth of the skewness.
    skew = (1.0 + 2.0 * dispersion * mean) / np.sqrt(mean * unit)
    root: Array = w + np.where(near, skew / 6.0, np.log(np.where(near, 1.0, u / w_safe)) / w_safe)
    return root


def beta_binomial(x: Array, n: Array, mean: Array, correlation: Array) -> tuple[Array, Array]:
    """Both tails of a beta-binomial count of x among n: -log10 P(X >= x) and -log10 P(X <= x).

    The tail away from the mean is summed, the other is its complement; so both are exact to about 1e-6.

    Args:
        x: Shape (k,), whole, 0 <= x <= n.
        n: Shape (k,), whole, >= 1.
        mean: Shape (k,), inside (0, 1).
        correlation: Shape (k,), inside (0, 1): 1 / (alpha + beta + 1), how far single requests of a window
        fail
            together. Variance of x / n is `mean (1 - mean) (1 + (n - 1) correlation) / n`.

    Returns:
        Two arrays of shape (k,), >= 0.
    """
    strength = 1.0 / correlation - 1.0
    upper = x > n * mean
    # P(X <= x) of (n, alpha, beta) is P(X >= n - x) of (n, beta, alpha): one routine sums away from the mean.
    k = np.where(upper, x, n - x)
    share = np.where(upper, mean, 1.0 - mean)
    log_mass = _beta_binomial_mass(k, n, share * strength, (1.0 - share) * strength)
    log_tail = np.minimum(
        log_mass + np.log(_terms_from(k, n, share * strength, (1.0 - share) * strength)), 0.0
    )
    other = np.log(np.clip(1.0 - np.exp(log_tail) + np.exp(log_mass), 1e-300, 1.0))
    high = np.where(upper, log_tail, other)
    low = np.where(upper, other, log_tail)
    return -LOG10_E * high, -LOG10_E * low


def _beta_binomial_mass(k: Array, n: Array, alpha: Array, beta: Array) -> Array:
    """Log P(X = k)."""
    g = log_gamma(
        np.stack(
            (
                n + 1.0,
                alpha + beta,
                k + alpha,
                n - k + beta,
                k + 1.0,
                n - k + 1.0,
                n + alpha + beta,
                alpha,
                beta,
            )
        )
    )
    mass: Array = g[0] + g[1] + g[2] + g[3] - g[4] - g[5] - g[6] - g[7] - g[8]
    return mass


def _terms_from(k: Array, n: Array, alpha: Array, beta: Array) -> Array:
    """Sum over j >= k of P(X = j) / P(X = k), for k at or above the mean.

    The first terms are summed, more of them where they still count; what is left after that, smooth by
    then, is integrated over panels that double in width (ten-point Gauss-Legendre) until nothing is added.
    """
    total = np.ones_like(k)
    last = np.ones_like(k)
    rows = np.arange(len(k))
    begin = 0
    for end in _BLOCKS:
        rows = rows[(last[rows] > _NEGLIGIBLE * total[rows]) & (n[rows] - k[rows] > begin)]
        if not len(rows):
            return total
        j = k[rows, None] + np.arange(begin, end)
        # Past k = n the ratio is 0, and with it every later term.
        remaining = np.maximum(n[rows, None] - j, 0.0)
        ratios = remaining * (j + alpha[rows, None])
        ratios /= (j + 1.0) * (np.maximum(remaining - 1.0, 0.0) + beta[rows, None])
        ratios[:, 0] *= last[rows]
        terms = np.cumprod(ratios, axis=1)
        total[rows] += terms.sum(axis=1)
        last[rows] = terms[:, -1]
        begin = end
    rows = rows[(last[rows] > _NEGLIGIBLE * total[rows]) & (n[rows] - k[rows] > begin)]
    if len(rows):
        total[rows] += _integral_from(k[rows], n[rows], alpha[rows], beta[rows], begin, total[rows])
    return total


def _integral_from(k: Array, n: Array, alpha: Array, beta: Array, first: int, total: Array) -> Array:
    """Sum over j > k + first of P(X = j) / P(X = k), as an integral from the midpoint before."""
    reference = _beta_binomial_mass(k, n, alpha, beta)[:, None]
    parameters = n[:, None], alpha[:, None], beta[:, None]

    def terms(at: Array) -> Array:
        mass = _beta_binomial_mass(at, *(np.broadcast_to(p, at.shape) for p in parameters))
        return np.asarray(np.exp(mass - reference))

    # The last terms are summed again: towards j = n they rise steeply where beta is below 1.
    start = k + (first + 0.5)
    final = np.maximum(n - (_LAST - 0.5), start)
    last = n[:, None] - np.arange(_LAST)
    rest: Array = np.where(last > final[:, None], terms(last), 0.0).sum(axis=1)
    width = float(first)
    while True:
        end = np.minimum(start + width, final)
        span = end - start
        at = start[:, None] + span[:, None] * (0.5 * (_NODES + 1.0))
        added = 0.5 * span * (terms(at) @ _WEIGHTS)
        rest += added
        if not np.any((added > _NEGLIGIBLE * (total + rest)) & (end < final)):
            return rest
        start, width = end, 2.0 * width
