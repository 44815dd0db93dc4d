"""A plain series of one metric: each point judged by the points before it."""

from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.calendar import Calendar, plain
from vedette.baselines.counts import CountBank
from vedette.baselines.judgement import Judgement
from vedette.baselines.locations import GaugeBank, LogBank
from vedette.baselines.ratios import RatioBank
from vedette.kernels.baselines.news import NEWS_STATE, SINCE, tell_news
from vedette.kernels.baselines.novelty import (
    BLOCK,
    BLOCKS,
    NEXT,
    RANKS,
    RECENT,
    RESOLUTION,
    SHAPE_STATE,
    VALUE_STATE,
    nearest_shape,
    nearest_value,
    rank_surprise,
)
from vedette.schema.anomaly import Formula
from vedette.schema.spans import HOUR_US, MINUTE_US

Array = NDArray[np.float64]
Times = NDArray[np.int64]

_MOST: Final = 1e300
_LARGEST: Final = 1e100
"""What is larger counts as this: squares of it and sums of those are still numbers."""
_FEWEST: Final = 2.0
"""Points that news casts its shade on, and is held for, at least, however far apart they are."""
_INPUTS: Final = {
    "count": ("mean", "dispersion"),
    "ratio": ("mean", "correlation"),
    "log": ("location", "scale"),
    "gauge": ("location", "scale"),
}
"""By formula, the names of its centre and width."""


class Kind(StrEnum):
    """What a metric is, and with that how it scatters."""

    COUNT = "count"
    """Whole numbers of events per step: over-dispersed counts."""
    RATIO = "ratio"
    """A share, 0..1, of a known number of events: binomial."""
    LATENCY = "latency"
    """A positive value that scatters by factors: judged on a log scale."""
    GAUGE = "gauge"
    """Any other value, of either sign."""


class SeriesSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a series is scored. `docs/explanation/metric.md` gives the reason or the sweep of each."""

    warm_up: int = 30
    """Points that set the scale and are not judged."""
    novelty: float = 2.2
    """-log10: how rare it must be so far to be so unlike all before (1 in 160), for a point to be news."""
    surprise: float = 2.0
    """-log10 of the tail under the baseline that news must have: outside the band 99 % of points are inside of."""
    shade: int = 100
    """Points after news in which weaker news is not told again ..."""
    shade_hours: float = 24.0
    """... if they are not longer than this: what comes on another day is another event."""
    stronger: float = 1.2
    """By what factor -log10 must exceed that of news within its shade."""
    hold: float = 20.0
    """Points after which a held surprise has fallen to a third ..."""
    hold_hours: float = 2.0
    """... or this long, if that is less: the hours after a wild one are points of their own."""
    threshold: float = 0.5
    """Score from which a point is an anomaly."""
    half: float = 8.0
    """A held surprise (-log10) that scores half as much as news at its least."""
    values: int = 512
    """Most values remembered."""
    resolution: float = 0.01
    """Share of the spread below which values are not told apart."""
    shapes: int = 500
    """Most shapes remembered."""
    shape_handicap: float = 0.5
    baseline_handicap: float = 1.0
    """Taken off the novelty of shapes, and of surprises, before the largest of the three counts."""
    rank_memory: float = 20_000.0
    """Points after which the past counts a third when asking how rare a distance is."""


class Scored(msgspec.Struct, frozen=True):
    """What is said of each of n points.

    Attributes:
        score: float64 (n,), 0..1: above 0.5 where something new begins; strictly ordered, never 1. 0 where not
            ready.
        surprise: float64 (n,), -log10 of the smaller tail under the baseline.
        novelty: float64 (n,), -log10 of how rare it is to be so unlike all before.
        expected, lower, upper: float64 (n,), the baseline's level and the band 99 % of points are inside of, in the
            value's unit; NaN where not ready.
        centre, width: float64 (n,), what the formula of the kind's tail takes beside the value; NaN where not ready.
        high: bool (n,): whether the smaller tail is the upper one; False where not ready.
        is_anomaly: bool (n,): scores at or above the threshold, and what follows until the band is kept again.
        ready: bool (n,): False where too little was seen, or no value was.
    """

    score: Array
    surprise: Array
    novelty: Array
    expected: Array
    lower: Array
    upper: Array
    centre: Array
    width: Array
    high: NDArray[np.bool_]
    is_anomaly: NDArray[np.bool_]
    ready: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.score)


class SeriesBaseline:
    """The baseline of one series, and what is known of the shapes it takes.

    A point's `surprise` is what the bank of its kind says (`vedette.baselines.bank`). Its `novelty` asks what the
    bank does not: has the series ever been near this value, has it ever moved like this, has it ever surprised
    so? Each is a distance, and how rare a distance so large is comes from all distances before, so that no unit
    and no scale has to be set.
    """

    def __init__(
        self,
        kind: Kind = Kind.GAUGE,
        *,
        calendar: Calendar = plain,
        settings: SeriesSettings | None = None,
    ) -> None:
        self.kind = kind
        self.calendar = calendar
        self.settings = s = settings or SeriesSettings()
        self._bank: Bank | None = None
        self._time = -1
        self._early: list[tuple[Times, Array, Array | None]] = []
        self._unit = 1.0
        self._known = np.zeros(s.values)
        self._value_state = np.zeros(VALUE_STATE)
        self._value_state[RESOLUTION] = s.resolution
        self._shapes = np.zeros((s.shapes, BLOCKS))
        self._recent = np.zeros(RECENT + BLOCK)
        self._shape_state = np.zeros(SHAPE_STATE)
        self._ranks = np.zeros((3, RANKS))
        self._ranks[:, NEXT] = 1.0
        self._news = np.zeros(NEWS_STATE)
        self._news[SINCE] = s.shade + 1.0
        self._shade, self._hold = float(s.shade), s.hold

    def follow(self, time_us: Times, value: Array, exposure: Array | None = None) -> Scored:
        """Judge the next points, each by those before it.

        Args:
            time_us: int64 (n,), microseconds since the epoch, not falling.
            value: float64 (n,); what is not finite is not judged and teaches nothing.
            exposure: float64 (n,), for ratios: the events that `value` is a share of. Always or never; without, a
                ratio is judged as a gauge within 0..1.

        Raises:
            ValueError: Shapes differ.
        """
        n = len(value)
        if len(time_us) != n or (exposure is not None and len(exposure) != n):
            raise ValueError(f"{n} values, {len(time_us)} times: must be one time for each value")
        usable = np.isfinite(value)
        if exposure is not None:
            usable &= np.isfinite(exposure) & (exposure > 0.0)
        at = np.flatnonzero(usable)
        out = _blank(n)
        if len(at):
            found = self._follow(
                np.ascontiguousarray(time_us[at]),
                np.clip(np.asarray(value[at], dtype=np.float64), -_LARGEST, _LARGEST),
                None if exposure is None else np.ascontiguousarray(exposure[at], dtype=np.float64),
            )
            late = at[n_late:] if (n_late := len(at) - len(found)) else at
            for name in Scored.__struct_fields__:
                getattr(out, name)[late] = getattr(found, name)
        return out

    @property
    def step(self) -> int | None:
        """Microseconds from point to point, the median of the first ones; None before these were seen."""
        return None if self._bank is None else self._bank.settings.window_us

    def foresee(self, time_us: Times, exposure: float | None = None) -> Judgement:
        """What is expected at times to come, int64 (n,), rising, if nothing is learned until then. Changes nothing.

        Args:
            time_us: Times. exposure: Of ratios, the events that a value will be a share of.

        Raises:
            ValueError: Too little was seen, or a time lies before the last point.
        """
        if self._bank is None:
            raise ValueError(f"nothing can be foreseen before {self.settings.warm_up} points were seen")
        return self._bank.foresee(time_us, exposure=exposure if isinstance(self._bank, RatioBank) else None)

    def formula_of(self, scored: Scored, at: int, value: float, exposure: float | None = None) -> Formula:
        """The arithmetic of one point's surprise, for `vedette.baselines.formulas.recompute`.

        Args:
            scored, at: What was said of the point.
            value, exposure: The point.

        Raises:
            ValueError: The point was not judged.
        """
        if self._bank is None or not scored.ready[at]:
            raise ValueError(f"point {at} was not judged: it has no formula")
        counted = self._counted(
            np.array([value], dtype=np.float64), None if exposure is None else np.array([exposure])
        )
        inputs = {"value": float(counted[0])}
        if exposure is not None:
            inputs["exposure"] = exposure
        centre, width = _INPUTS[self._bank.formula]
        inputs |= {centre: float(scored.centre[at]), width: float(scored.width[at])}
        if self._bank.judged_degrees:
            inputs["degrees"] = float(self._bank.judged_degrees)
        side = "high" if scored.high[at] else "low"
        return Formula(f"{self._bank.formula}_{side}", inputs, float(scored.surprise[at]))

    def _follow(self, time_us: Times, value: Array, exposure: Array | None) -> Scored:
        """Points that all have a value. The last of them are returned, those that are no longer early."""
        if self._bank is None:
            self._early.append((time_us, value, exposure))
            met = sum(len(part[1]) for part in self._early)
            if met < self.settings.warm_up:
                return _blank(0)
            fresh = len(value)
            time_us = np.concatenate([part[0] for part in self._early])
            value = np.concatenate([part[1] for part in self._early])
            exposure = None if exposure is None else np.concatenate([part[2] for part in self._early])
            self._early.clear()
            self._bank = self._lay_out(time_us, value, exposure is not None)
            self._bank.calendar = self.calendar
            return self._score(self._bank, time_us, value, exposure, fresh)
        return self._score(self._bank, time_us, value, exposure, len(value))

    def _lay_out(self, time_us: Times, value: Array, counted: bool) -> Bank:
        """The bank of the kind, scaled by the first points alone."""
        first, times = value[: self.settings.warm_up], time_us[: self.settings.warm_up]
        steps = np.diff(times)
        steps = steps[steps > 0]
        settings = BankSettings(
            window_us=int(np.median(steps)) if len(steps) else MINUTE_US, min_windows=self.settings.warm_up
        )
        self._shade = self._points(self.settings.shade, self.settings.shade_hours, settings.window_us)
        self._hold = self._points(self.settings.hold, self.settings.hold_hours, settings.window_us)
        spread = float(first.std())
        self._unit = max(spread, 1e-3 * float(np.abs(first).mean()), 1e-12)
        if self.kind is Kind.COUNT:
            return CountBank(settings)
        if self.kind is Kind.RATIO and counted:
            return RatioBank(settings)
        if self.kind is Kind.LATENCY:
            return LogBank(settings)
        return GaugeBank(settings, prior_scale=self._unit, least_scale=0.01 * self._unit)

    @staticmethod
    def _points(most: float, hours: float, step_us: int) -> float:
        """So many points, or as many as so many hours have, but two at least."""
        return max(_FEWEST, min(most, hours * HOUR_US / step_us))

    def _score(self, bank: Bank, time_us: Times, value: Array, exposure: Array | None, fresh: int) -> Scored:
        n = len(value)
        s = self.settings
        judgement = bank.follow(self._counted(value, exposure), self._rising(time_us), exposure)
        surprise = np.maximum(judgement.log10_p_high, judgement.log10_p_low)
        surprise = np.minimum(np.where(judgement.ready, np.nan_to_num(surprise), 0.0), _MOST)
        novelty = self._novelty(value, surprise)
        score, anomalous = np.empty(n), np.empty(n)
        settings = np.array(
            [s.novelty, s.surprise, self._shade, s.stronger, 1.0 - 1.0 / self._hold, s.half, s.threshold]
        )
        tell_news(surprise, novelty, settings, self._news, score, anomalous)
        scored = _parted(judgement, score, surprise, novelty, anomalous, n - fresh)
        if self.kind is Kind.RATIO:
            np.clip(scored.lower, 0.0, 1.0, out=scored.lower)
            np.clip(scored.upper, 0.0, 1.0, out=scored.upper)
        return scored

    def _novelty(self, value: Array, surprise: Array) -> Array:
        s = self.settings
        n = len(value)
        distance, rare = np.empty(n), np.empty(n)
        grow = 1.0 / (1.0 - 1.0 / s.rank_memory)
        nearest_value(value, self._known, self._value_state, distance)
        novelty = np.empty(n)
        rank_surprise(distance, self._unit, grow, self._ranks[0], novelty)
        nearest_shape(value, self._shapes, self._recent, self._shape_state, distance)
        rank_surprise(distance, self._unit, grow, self._ranks[1], rare)
        np.maximum(novelty, rare - s.shape_handicap, out=novelty)
        rank_surprise(surprise, 1.0, grow, self._ranks[2], rare)
        np.maximum(novelty, rare - s.baseline_handicap, out=novelty)
        return novelty

    def _counted(self, value: Array, exposure: Array | None) -> Array:
        if exposure is not None and self.kind is Kind.RATIO:
            return np.rint(np.clip(value, 0.0, 1.0) * exposure)
        return np.maximum(value, 0.0) if self.kind is Kind.COUNT else value

    def _rising(self, time_us: Times) -> Times:
        """The times, told apart by a microsecond where several are the same."""
        order = np.arange(len(time_us), dtype=np.int64)
        rising: Times = np.maximum.accumulate(np.maximum(time_us, self._time + 1) - order) + order
        self._time = int(rising[-1])
        return rising


def _parted(
    judgement: Judgement, score: Array, surprise: Array, novelty: Array, anomalous: Array, first: int
) -> Scored:
    ready = judgement.ready[first:]
    return Scored(
        score=np.where(ready, score[first:], 0.0),
        surprise=surprise[first:],
        novelty=np.where(ready, novelty[first:], 0.0),
        expected=np.where(ready, judgement.expected_mid[first:], np.nan),
        lower=np.where(ready, judgement.expected_low[first:], np.nan),
        upper=np.where(ready, judgement.expected_high[first:], np.nan),
        centre=np.where(ready, judgement.centre[first:], np.nan),
        width=np.where(ready, judgement.width[first:], np.nan),
        high=ready & (judgement.log10_p_high[first:] >= judgement.log10_p_low[first:]),
        is_anomaly=anomalous[first:] > 0.0,
        ready=ready,
    )


def _blank(n: int) -> Scored:
    """Points that are not judged."""
    return Scored(
        score=np.zeros(n),
        surprise=np.zeros(n),
        novelty=np.zeros(n),
        expected=np.full(n, np.nan),
        lower=np.full(n, np.nan),
        upper=np.full(n, np.nan),
        centre=np.full(n, np.nan),
        width=np.full(n, np.nan),
        high=np.zeros(n, dtype=np.bool_),
        is_anomaly=np.zeros(n, dtype=np.bool_),
        ready=np.zeros(n, dtype=np.bool_),
    )
