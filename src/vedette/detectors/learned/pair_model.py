"""A model of what follows what in a client's session: a Markov chain, counted."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.archive import read_archive, write_archive
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.order_model import OrderCard, OrderModel, check_vocabulary
from vedette.detectors.learned.pairs import pairs_of
from vedette.detectors.learned.walks import Chunks

_ARRAYS: Final = ("pair", "count")
_MOST_COUNT: Final = 2**31
_LN10: Final = float(np.log(10.0))


class PairModel(OrderModel):
    """How likely a request is after the one before it: an interpolated bigram with absolute discounting.

    References: Ney, Essen, Kneser 1994; see `vedette.detectors.learned.pairs`.

    Args:
        card: What it rests on. pair: int32 (p, 2), a token and one that came after it, distinct and in order.
        count: int64 (p,), how often each did.
    """

    depth = 1

    def __init__(self, card: OrderCard, pair: NDArray[np.int32], count: NDArray[np.int64]) -> None:
        super().__init__(card)
        self._pair, self._count = pair, count
        self._table: tuple[NDArray[np.float32], NDArray[np.float64]] | None = None

    def surprise(self, windows: Chunks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See `OrderModel`."""
        surprise, entropy = self._surprises()
        before = windows.inputs[windows.row, windows.column]
        seen = surprise[before, windows.targets[windows.row, windows.column]]
        return seen.astype(np.float64), entropy[before]

    def expected(self, inputs: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `OrderModel`."""
        return np.asarray(np.exp(-_LN10 * self._surprises()[0][inputs].astype(np.float64)))

    def calibrated(self, card: OrderCard) -> "PairModel":
        """See `OrderModel`."""
        return PairModel(card, self._pair, self._count)

    def to_bytes(self) -> bytes:
        """See `Model`."""
        return write_archive(self.card, {"pair": self._pair, "count": self._count})

    def _surprises(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """-log10 of how likely each token is after each, float32 (v, v), and the mean of that after each, (v,)."""
        if self._table is None:
            known = len(self.vocabulary)
            count = np.zeros((known, known), dtype=np.int64)
            count[self._pair[:, 0], self._pair[:, 1]] = self._count
            pairs = pairs_of(count)
            likely = np.exp(pairs.frequency.astype(np.float64) + pairs.follows)
            likely /= likely.sum(axis=1, keepdims=True)
            surprise = -np.log10(likely)
            self._table = surprise.astype(np.float32), np.asarray((likely * surprise).sum(axis=1))
        return self._table


def read_pair_model(content: bytes) -> PairModel:
    """What `PairModel.to_bytes` gave.

    Raises:
        ModelError: It is no such thing, or is damaged.
    """
    card, arrays = read_archive(content, OrderCard, _ARRAYS)
    known = check_vocabulary(card)
    pair, count = arrays["pair"], arrays["count"]
    if pair.dtype != np.int32 or count.dtype != np.int64 or pair.shape != (len(count), 2) or count.ndim != 1:
        raise ModelError(f"pairs of shape {pair.shape} with counts of {count.shape}: must be (p, 2) and (p,)")
    place = pair[:, 0].astype(np.int64) * known + pair[:, 1]
    if ((pair < 0) | (pair >= known)).any() or (place[1:] <= place[:-1]).any():
        raise ModelError(
            f"pairs of other tokens than the {known} that there are, or not each once and in order"
        )
    if ((count < 1) | (count >= _MOST_COUNT)).any():
        raise ModelError(f"a count of a pair that is not from 1 to {_MOST_COUNT - 1}")
    return PairModel(card, pair, count)
