"""What follows what, counted: what a network of sessions begins from, so that it has only the rest to learn."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.tokens import PAD

_DISCOUNT: Final = 0.75
"""Taken off each pair's count and given to those that were not seen (absolute discounting: Ney, Essen, Kneser 1994)."""


class Pairs(msgspec.Struct, frozen=True):
    """How likely tokens are after one another, as natural logarithms of factors.

    Attributes:
        frequency: float32 (v,), log of how frequent each token is.
        follows: float32 (v, v), what is added to it after each token; 0 of pairs that were not seen. The softmax of the
            sum is the interpolated bigram: (count - discount) / all + share that was taken off * frequency.
        without: float32 (v, v), the same if the pair had come once less. A network that is fitted to the pairs that
            were counted must not see each as known beforehand.
    """

    frequency: NDArray[np.float32]
    follows: NDArray[np.float32]
    without: NDArray[np.float32]


def counted_pairs(
    inputs: NDArray[np.int64], targets: NDArray[np.int64], vocabulary: int
) -> NDArray[np.int64]:
    """How often each token came after each, int64 (v, v).

    Args:
        inputs, targets: int64 (n, w), a token and the one after it; targets that are `PAD` do not count.
    """
    counted = targets != PAD
    pair = inputs[counted] * vocabulary + targets[counted]
    return np.bincount(pair, minlength=vocabulary * vocabulary).reshape(vocabulary, vocabulary)


def pairs_of(count: NDArray[np.int64]) -> Pairs:
    """How likely tokens are after one another, by how often they came so, int64 (v, v)."""
    share = count.sum(axis=0) + 0.5
    share /= share.sum()
    kinds = np.maximum(np.count_nonzero(count, axis=1), 1)
    unseen = _DISCOUNT * kinds[:, None] * share

    def factor(of: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(np.log1p(np.maximum(of - _DISCOUNT, 0.0) / unseen), dtype=np.float32)

    return Pairs(np.log(share).astype(np.float32), factor(count), factor(count - 1))
