"""One in how many packets an exporter of NetFlow v9 or IPFIX looks at, as it says itself. Bounded."""

from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.parsers.flows.netflow_fields import Columns, Field

MOST_SAMPLERS: Final = 1_024
"""Samplers of one exporter; the one that was told of longest ago makes room."""
_MOST: Final = 1 << 20
"""One in more than this is not believed: exporters offer tens of thousands at most."""

Domain = tuple[int, int]
"""Version, and source id or observation domain."""


class Rates:
    """The samplers of one exporter, each with its rate."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int, int], int] = OrderedDict()

    def learn(self, domain: Domain, columns: Columns, count: int) -> int:
        """Take records about the exporter in; returns how many tell a rate that cannot be.

        Args:
            columns: Of the records. count: How many there are.
        """
        told = _told(columns)
        if told is None:
            return 0
        sampler = columns.get(Field.SAMPLER, np.zeros(count, dtype=np.int64))
        refused = 0
        for which, rate in zip(sampler.tolist(), told.tolist(), strict=True):
            refused += rate > _MOST
            # Not sampling is told as 0 by some.
            if not 0 < rate <= _MOST:
                continue
            self._known[*domain, which] = rate
            self._known.move_to_end((*domain, which))
            if len(self._known) > MOST_SAMPLERS:
                self._known.popitem(last=False)
        return refused

    def of(self, domain: Domain, columns: Columns, count: int) -> NDArray[np.int64]:
        """The rate of each flow, int64 (count,): what it says itself, its sampler's, its exporter's; 1 if nobody does.

        A sampler that told nothing of itself counts as the exporter's only one, if there is just one.
        """
        own = _told(columns)
        if own is not None:
            return np.where((own > 0) & (own <= _MOST), own, 1)
        rates = {key[2]: rate for key, rate in self._known.items() if key[:2] == domain}
        if not rates:
            return np.ones(count, dtype=np.int64)
        only = next(iter(rates.values())) if len(rates) == 1 else rates.get(0, 1)
        sampler = columns.get(Field.SAMPLER)
        if sampler is None:
            return np.full(count, only, dtype=np.int64)
        which, place = np.unique(sampler, return_inverse=True)
        return np.array([rates.get(one, only) for one in which.tolist()], dtype=np.int64)[place]

    def dump(self) -> list[tuple[tuple[int, int, int], int]]:
        """All of them, the one told of longest ago first."""
        return list(self._known.items())

    def load(self, kept: list[tuple[tuple[int, int, int], int]]) -> None:
        """Take over what `dump` gave."""
        self._known = OrderedDict((key, rate) for key, rate in kept[-MOST_SAMPLERS:] if 0 < rate <= _MOST)


def _told(columns: Columns) -> NDArray[np.int64] | None:
    """One in how many, as records say; None where they do not."""
    direct = columns.get(Field.SAMPLING)
    if direct is not None:
        return direct
    taken, passed_over = columns.get(Field.SAMPLED), columns.get(Field.PASSED_OVER)
    if taken is None or passed_over is None:
        return None
    least = np.clip(taken, 1, _MOST)
    rate = (least + np.minimum(passed_over, _MOST * least) + least // 2) // least
    return np.where(taken > 0, rate, 0)
