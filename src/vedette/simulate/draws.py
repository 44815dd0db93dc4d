"""Random numbers that are the same on every machine and with every numpy.

numpy promises that the raw output of a bit generator never changes, and promises nothing for the
distributions made from it. So everything here is made from PCG64's raw output by plain arithmetic and tables.
"""

import math
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_QUANTILES: Final = 4096


def _normal_table() -> Floats:
    normal = NormalDist()
    inner = [normal.inv_cdf(i / _QUANTILES) for i in range(1, _QUANTILES)]
    # The outermost cells end at the quantiles of one in a hundred thousand.
    return np.array([normal.inv_cdf(1e-5), *inner, normal.inv_cdf(1 - 1e-5)], dtype=np.float64)


_NORMAL: Final = _normal_table()


class Draws:
    """One named stream of random numbers; the same seed and key give the same numbers."""

    def __init__(self, seed: int, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key))

    def raw(self, n: int) -> NDArray[np.uint64]:
        """So many 64-bit words, uint64 (n,)."""
        return np.asarray(self._bits.random_raw(n), dtype=np.uint64)

    def uniform(self, n: int) -> Floats:
        """N numbers in [0, 1)."""
        return (self.raw(n) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, n: int, limit: int) -> Ints:
        """N whole numbers in 0..limit-1."""
        return (self.uniform(n) * limit).astype(np.int64)

    def normal(self, n: int) -> Floats:
        """N standard normal numbers, cut at one in a hundred thousand on either side."""
        position = self.uniform(n) * _QUANTILES
        cell = position.astype(np.int64)
        low = _NORMAL[cell]
        return low + (_NORMAL[cell + 1] - low) * (position - cell)

    def lognormal(self, n: int, sigma: float | Floats) -> Floats:
        """N lognormal factors of median 1."""
        return np.exp(self.normal(n) * sigma)

    def exponential(self, n: int) -> Floats:
        """N exponential numbers of mean 1."""
        return -np.log1p(-self.uniform(n))

    def choose(self, n: int, cumulative: Floats) -> Ints:
        """N indices, weighted: `cumulative` rises to 1."""
        return np.minimum(np.searchsorted(cumulative, self.uniform(n), side="right"), len(cumulative) - 1)

    def poisson(self, mean: float) -> int:
        """One Poisson number (beyond a mean of 500, a rounded normal of the same mean and variance)."""
        if mean > 500:
            return max(0, round(mean + math.sqrt(mean) * float(self.normal(1)[0])))
        u = float(self.uniform(1)[0])
        count, term = 0, math.exp(-mean)
        total = term
        while u > total and count < 2000:
            count += 1
            term *= mean / count
            total += term
        return count


def cumulative(weights: "list[float] | Floats") -> Floats:
    """Weights to what `Draws.choose` takes."""
    total = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.asarray(total / total[-1], dtype=np.float64)


def mix(values: Ints, salt: int) -> NDArray[np.uint64]:
    """A well-spread 64-bit number for each value (the finaliser of SplitMix64; Steele, Lea, Flood 2014)."""
    x = values.astype(np.uint64) + np.uint64((salt * 0x9E37_79B9_7F4A_7C15) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)


def mixed_uniform(values: Ints, salt: int) -> Floats:
    """A number in [0, 1) for each value, always the same for the same value and salt."""
    return (mix(values, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def mixed_normal(values: Ints, salt: int) -> Floats:
    """A standard normal number for each value, always the same for the same value and salt."""
    return _NORMAL[(mixed_uniform(values, salt) * _QUANTILES).astype(np.int64)]
