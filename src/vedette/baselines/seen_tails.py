"""How far the surprises of a detector reach while nothing is wrong, as seen of each service."""

from collections.abc import Sequence
from math import exp, log
from typing import Final, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.pareto import fit_excess
from vedette.windows.distinct import distinct_values

PEAK_LEVEL: Final = 2.0
"""Surprise from which a test is a peak: one normal test in a hundred, if the baselines keep their word."""
FEWEST_PEAKS: Final = 50
MOST_PEAKS: Final = 512
"""Peaks that a tail is fitted from, and the most that are kept of a service (the latest)."""
ANYBODY: Final = -1
"""The service of tests that are told of none."""
_BORROWED: Final = 10.0
"""Peaks that what is typical of the other services is worth."""
_HONEST_RATE: Final = 10.0**-PEAK_LEVEL
_HONEST_SCALE: Final = 1.0 / log(10.0)
"""Of baselines that keep their word."""
_MOST_OWNERS: Final = 1 << 24
"""Of a state that is believed."""


class Fit(msgspec.Struct, frozen=True):
    """A generalised Pareto tail of the surprises above `PEAK_LEVEL` (Pickands 1975)."""

    rate: float
    """Share of tests that are peaks."""
    scale: float
    """log10 units: 1 / ln 10 = 0.434 if the baselines keep their word."""
    shape: float
    """0 if they do; larger is heavier."""
    peaks: int
    """How many it rests on."""

    def surprise_of(self, p: float) -> float:
        """The surprise that a share `p` of normal tests exceeds."""
        if p >= self.rate:
            return PEAK_LEVEL
        if self.shape < 1e-6:
            return PEAK_LEVEL + self.scale * log(self.rate / p)
        return PEAK_LEVEL + self.scale / self.shape * float((self.rate / p) ** self.shape - 1.0)


class _Seen:
    """The peaks of one service, the latest."""

    def __init__(self) -> None:
        self.peaks: list[float] = []
        self.excess = 0.0
        """Their sum above `PEAK_LEVEL`."""
        self._tail: tuple[float, float] | None = None

    def add(self, peaks: NDArray[np.float64]) -> float:
        """Take peaks in; returns the share of all that is kept."""
        self.peaks.extend(peaks.tolist())
        kept = min(1.0, MOST_PEAKS / max(1, len(self.peaks)))
        del self.peaks[:-MOST_PEAKS]
        self.excess = sum(self.peaks) - PEAK_LEVEL * len(self.peaks)
        self._tail = None
        return kept

    @property
    def tail(self) -> tuple[float, float]:
        """Scale and shape; there are peaks."""
        if self._tail is None:
            self._tail = fit_excess(np.array(self.peaks) - PEAK_LEVEL)
        return self._tail


class SeenTails:
    """The tests and peaks of one detector, by service.

    A service with `FEWEST_PEAKS` has a tail of its own. One with fewer borrows from the others: not the peaks of all,
    of which one noisy service may have most, but what is typical of a service, the geometric mean of their rates and
    of their scales (exponential tails), each held to what baselines promise by `_BORROWED` peaks. As long as all
    services have fewer than `FEWEST_PEAKS` together, nothing is said.
    """

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._tests = np.zeros(1)
        """By service, that of `ANYBODY` first: tests of the span that the kept peaks come from."""
        self._peaks = 0

    def observe(self, surprise: NDArray[np.float64], owner: NDArray[np.int32] | None, highest: float) -> None:
        """Count one window's tests.

        Args:
            surprise: float64 (k,), -log10 p. owner: int32 (k,), whose each is; None for `ANYBODY`'s.
            highest: As which higher peaks count.
        """
        if owner is None:
            self._tests[0] += len(surprise)
        else:
            counts = np.bincount(owner)
            if len(counts) >= len(self._tests):
                self._tests = np.append(self._tests, np.zeros(1 + len(counts) - len(self._tests)))
            self._tests[1 : len(counts) + 1] += counts
        places = np.flatnonzero(surprise > PEAK_LEVEL)
        if not len(places):
            return
        peaks = np.minimum(surprise[places], highest)
        whose = np.full(len(places), ANYBODY) if owner is None else owner[places]
        for slot in distinct_values(whose).tolist():
            # In order of size: what is kept must not depend on the order of entities within a window.
            self._take(slot, np.sort(peaks[whose == slot]))

    def of(self, owner: int) -> Fit | None:
        """How far a service's surprises reach; None while that is not known."""
        seen = self._seen.get(owner) or _Seen()
        tests = float(self._tests[owner + 1]) if owner + 1 < len(self._tests) else 0.0
        if len(seen.peaks) >= FEWEST_PEAKS:
            return Fit(len(seen.peaks) / tests, *seen.tail, len(seen.peaks))
        owners = self.owners
        if self._peaks < FEWEST_PEAKS or len(owners) < 2:
            return None
        rate, scale = self._typical(owners)
        peaks = len(seen.peaks) + _BORROWED
        return Fit(
            peaks / (tests + _BORROWED / rate), (seen.excess + _BORROWED * scale) / peaks, 0.0, self._peaks
        )

    @property
    def owners(self) -> list[int]:
        """The services that have been tested."""
        return [int(place) - 1 for place in np.flatnonzero(self._tests)]

    def _typical(self, owners: Sequence[int]) -> tuple[float, float]:
        """Rate and scale of a service among these."""
        rates = scales = 0.0
        nothing = _Seen()
        for owner in owners:
            seen = self._seen.get(owner, nothing)
            rates += log((len(seen.peaks) + 1.0) / (self._tests[owner + 1] + 1.0 / _HONEST_RATE))
            scales += log((seen.excess + _BORROWED * _HONEST_SCALE) / (len(seen.peaks) + _BORROWED))
        return exp(rates / len(owners)), exp(scales / len(owners))

    def _take(self, owner: int, peaks: NDArray[np.float64]) -> None:
        seen = self._seen.setdefault(owner, _Seen())
        self._peaks -= len(seen.peaks)
        # The share of peaks is taken over the span that the kept ones come from.
        self._tests[owner + 1] *= seen.add(peaks)
        self._peaks += len(seen.peaks)

    def rows(self) -> list[tuple[int, float, list[float]]]:
        """What a state keeps: service, tests and peaks of each."""
        return [
            (owner, float(self._tests[owner + 1]), self._seen[owner].peaks if owner in self._seen else [])
            for owner in self.owners
        ]

    @classmethod
    def of_rows(cls, rows: Sequence[tuple[int, float, list[float]]]) -> Self:
        """What gave the rows.

        Raises:
            ValueError: They are no such rows.
        """
        tails = cls()
        for owner, tests, peaks in rows:
            if not (ANYBODY <= owner <= _MOST_OWNERS and 0.0 < tests < np.inf):
                raise ValueError(f"{tests} tests of service {owner}")
            if len(peaks) > MOST_PEAKS or not all(PEAK_LEVEL < peak < np.inf for peak in peaks):
                raise ValueError(f"peaks of service {owner} are too many or too low")
            tails._tests = np.append(tails._tests, np.zeros(max(0, owner + 2 - len(tails._tests))))
            tails._tests[owner + 1] = tests
            if peaks:
                tails._take(owner, np.array(peaks))
        return tails
