"""What is to be expected of a series next, from its baseline, with bands that its own past has tried."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.judgement import Judgement
from vedette.baselines.reach import Held, Reach, widened
from vedette.baselines.series import Kind, Scored, SeriesBaseline

Array = NDArray[np.float64]
Times = NDArray[np.int64]

MOST_POINTS: Final = 10_000
"""Points that are foreseen at most."""


class Forecast(msgspec.Struct, frozen=True):
    """What is expected at n times to come.

    Attributes:
        time: int64 (n,), microseconds. expected, lower, upper: float64 (n,), in the values' unit.
        step: Microseconds from one to the next.
        held: How earlier forecasts of the same horizon have done.
    """

    time: Times
    expected: Array
    lower: Array
    upper: Array
    step: int
    held: Held


class Forecaster:
    """Scores a series, and foresees it.

    At the end of each span as long as the horizon it says what the next one holds, and learns from what comes.

    Args:
        baseline: Of the series. horizon: How far is looked ahead, microseconds.
    """

    def __init__(self, baseline: SeriesBaseline, horizon: int) -> None:
        self.baseline = baseline
        self.horizon = horizon
        self.reach = Reach()
        self._first: int | None = None
        self._last: int | None = None
        self._begun = -1
        """Number of the span that the last point was in."""
        self._exposure: float | None = None

    @property
    def last(self) -> int | None:
        """Time of the last point; None before the first."""
        return self._last

    def follow(self, time_us: Times, value: Array, exposure: Array | None = None) -> Scored:
        """Judge the next points, each by those before it; as `SeriesBaseline.follow`."""
        if not len(time_us):
            return self.baseline.follow(time_us, value, exposure)
        if self._first is None:
            self._first = int(time_us[0])
        span = (time_us - self._first) // self.horizon
        edges = np.flatnonzero(np.diff(span)) + 1
        parts = []
        for begin, end in zip([0, *edges.tolist()], [*edges.tolist(), len(span)], strict=True):
            here = slice(begin, end)
            of_span = None if exposure is None else exposure[here]
            if self._last is not None and int(span[begin]) != self._begun:
                self._compare(time_us[here], value[here], of_span)
            parts.append(self.baseline.follow(time_us[here], value[here], of_span))
            self._begun, self._last = int(span[end - 1]), int(time_us[end - 1])
            if of_span is not None and np.isfinite(of_span).any():
                self._exposure = max(1.0, float(np.nanmean(of_span)))
        return parts[0] if len(parts) == 1 else _joined(parts)

    def forecast(self) -> Forecast | None:
        """What is expected from the last point to the horizon; None where too little was seen.

        Raises:
            ValueError: These were more than `MOST_POINTS` points.
        """
        step = self.baseline.step
        if step is None or self._last is None:
            return None
        count = self.horizon // step
        if not 1 <= count <= MOST_POINTS:
            raise ValueError(
                f"a horizon of {self.horizon / 1e6:g} s holds {count} points of {step / 1e6:g} s: must be 1 to "
                f"{MOST_POINTS}"
            )
        times = self._last + step * np.arange(1, count + 1, dtype=np.int64)
        judged = self.baseline.foresee(times, self._exposure)
        if not judged.ready.all():
            return None
        lower, upper = widened(self._ahead(times), *_band(judged), self.reach.reach)
        if self.baseline.kind is not Kind.GAUGE:
            lower = np.maximum(lower, 0.0)
        if self.baseline.kind is Kind.RATIO:
            lower, upper = np.minimum(lower, 1.0), np.minimum(upper, 1.0)
        return Forecast(times, judged.expected_mid, lower, upper, step, self.reach.held)

    def _ahead(self, times: Times) -> Array:
        assert self._last is not None  # noqa: S101 -- the callers looked
        return np.asarray((times - self._last) / self.horizon)

    def _compare(self, time_us: Times, value: Array, exposure: Array | None) -> None:
        """Hold what is foreseen now against the points of the next span."""
        usable = np.isfinite(value)
        if exposure is not None:
            usable &= np.isfinite(exposure) & (exposure > 0.0)
        times = time_us[usable]
        if not len(times) or self.baseline.step is None or len(times) > MOST_POINTS:
            return
        ahead = self._ahead(times)
        # After a pause, what comes first is not what was asked for.
        near = (ahead > 0.0) & (ahead <= 1.0)
        judged = self.baseline.foresee(times[near], self._exposure)
        if near.any() and judged.ready.all():
            self.reach.learn(ahead[near], *_band(judged), value[usable][near])


def _band(judged: Judgement) -> tuple[Array, Array, Array]:
    return judged.expected_low, judged.expected_mid, judged.expected_high


def _joined(parts: list[Scored]) -> Scored:
    return Scored(
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in Scored.__struct_fields__}
    )
