"""From a budget of false alarms to the surprise from which a detector may alarm."""

from math import log, log10
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import normal_deviations, normal_tail
from vedette.baselines.pareto import fit_excess
from vedette.schema.findings import BudgetLine
from vedette.schema.spans import WEEK_US

PEAK_LEVEL: Final = 2.0
"""Surprise from which a test is a peak: one normal test in a hundred, if the baselines keep their word."""
FEWEST_PEAKS: Final = 50
MOST_PEAKS: Final = 512
"""Peaks that the tail is fitted from, and the most that are kept (the latest)."""
_TALLEST: Final = 6.0
"""A peak beyond the promised threshold, or beyond this if that is more, is learned as this."""
_JOINED: Final = 0.5
"""Share of events (runs of surprising windows) over the threshold that become an alarm: the windows of a run are those
that have to agree. Of WSD's counts and averages (`bench/quality/baselines.py`) 0.2 gives 3.7 and 2.3 false alarms a
week, 0.5 gives 2.5 and 1.2, and 1 gives 2.1 and 0.6 and finds a fifth less of the averages' segments."""
_FURTHEST: Final = 2.5
"""The correction raises a threshold to at most this many times the promised one, so that a long attack cannot
teach it blindness."""


class Fit(msgspec.Struct, frozen=True):
    """A generalised Pareto tail of the surprises above `PEAK_LEVEL` (Pickands 1975)."""

    rate: float
    """Share of tests that are peaks."""
    scale: float
    """log10 units: 1 / ln 10 = 0.434 if the baselines keep their word."""
    shape: float
    """0 if they do; larger is heavier."""
    peaks: int

    def surprise_of(self, p: float) -> float:
        """The surprise that a share `p` of normal tests exceeds."""
        if p >= self.rate:
            return PEAK_LEVEL
        if self.shape < 1e-6:
            return PEAK_LEVEL + self.scale * log(self.rate / p)
        return PEAK_LEVEL + self.scale / self.shape * float((self.rate / p) ** self.shape - 1.0)


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector promised and what it did."""

    tests: int
    windows: int
    promised: float
    """Surprises over the threshold expected of normal traffic so far."""
    over: int
    """Surprises that were over the threshold when they were seen, true alarms among them."""


class ThresholdReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a threshold is what it is."""

    threshold: float
    promised: float
    """The surprise the budget allows if the baselines keep their word."""
    p: float
    """Probability that one normal test may exceed it."""
    corrected: bool
    """The tail of the surprises seen is heavier than promised, and the threshold higher for it."""
    rate: float | None = None
    scale: float | None = None
    shape: float | None = None
    peaks: int = 0


class _Ledger(msgspec.Struct):
    """What one detector has tested."""

    tests: int = 0
    windows: int = 0
    over: int = 0
    promised: float = 0.0
    recent_tests: float = 0.0
    recent_peaks: float = 0.0
    peaks: list[float] = msgspec.field(default_factory=list)
    fit: Fit | None = None
    decided: float = 0.0
    """The threshold, as long as ..."""
    decided_for: tuple[int, int] | None = None
    """... there are so many services, and detectors."""


class Budget:
    """So many false alarms per service and week, spread evenly over all tests made (Bonferroni).

    One test may exceed its threshold with probability p = budget * services / (agreement * tests per
    week), where the tests are counted as they are made. `agreement` is the chance that one normal window
    over the threshold is joined by the second that an alarm needs; windows next to each other are alike,
    so it is far above p.

    Where normal surprises exceed more often than their probabilities say, the far tail is extrapolated
    from the peaks seen (peaks over threshold, as SPOT: Siffer et al. 2017, fitted with
    probability-weighted moments: Hosking and Wallis 1987) and the threshold raised. Peaks are events and
    not windows (runs declustering: Smith and Weissman 1994), so the share of them that becomes an alarm is
    `_JOINED`, if that is more. It is never laxer than promised. A peak beyond the promised threshold (and
    beyond 6) counts as one at it: attacks must not teach that attacks are normal.
    """

    def __init__(
        self,
        false_alarms_per_week: float,
        *,
        window_us: int,
        services: int = 1,
        detectors: int = 8,
        agreement: float = 0.1,
    ) -> None:
        """Open the ledger.

        Args:
            false_alarms_per_week: For each service, > 0.
            window_us: Span of a window, microseconds.
            services: How many share in the tests.
            detectors: Detectors that will share it; more that turn up count too.
            agreement: See above; 1 where one window over the threshold is an alarm.

        Raises:
            ValueError: A number is not positive.
        """
        for name, number in (
            ("false_alarms_per_week", false_alarms_per_week),
            ("window_us", window_us),
            ("services", services),
            ("detectors", detectors),
            ("agreement", agreement),
        ):
            if not number > 0:
                raise ValueError(f"{name} = {number}: must be positive")
        self.services = services
        self.per_week = false_alarms_per_week
        self._windows_per_week = WEEK_US / window_us
        self._detectors = detectors
        self._agreement = agreement
        self._joined = agreement / max(agreement, _JOINED)
        self._ledgers: dict[str, _Ledger] = {}

    def share(self, services: int) -> None:
        """Each service has the budget: with more of them, more false alarms are accepted in all."""
        self.services = max(1, services)

    def threshold(self, detector: str, begun: float = 0.0) -> float:
        """The surprise (-log10 p) from which the detector may alarm.

        Args:
            begun: Tests that it has begun in a window on average. Those that take several windows share in the budget
                from their beginning, not only when they are observed.
        """
        ledger = self._ledgers.get(detector)
        if (
            ledger is None
            or ledger.decided_for != (self.services, len(self._ledgers))
            or begun > self._tests_per_window(ledger)
        ):
            return self._decide(ledger or _Ledger(), begun)[0]
        return ledger.decided

    def explain(self, detector: str) -> ThresholdReason:
        """Why the detector's threshold is what it is."""
        ledger = self._ledgers.get(detector) or _Ledger()
        threshold, p, promised = self._decide(ledger)
        fit = ledger.fit
        return ThresholdReason(
            threshold=threshold,
            promised=promised,
            p=p,
            corrected=threshold > promised,
            rate=fit.rate if fit else None,
            scale=fit.scale if fit else None,
            shape=fit.shape if fit else None,
            peaks=len(ledger.peaks),
        )

    def observe(self, detector: str, surprise: NDArray[np.float64]) -> None:
        """Count one window's tests and learn their tail; call once per window and detector.

        Args:
            detector: Who tested.
            surprise: float64 (k,), -log10 p of the windows that were judged; of an event, its highest once.
        """
        ledger = self._ledgers.get(detector)
        if ledger is None:
            ledger = self._ledgers[detector] = _Ledger()
        if not len(surprise):
            return
        ledger.tests += len(surprise)
        ledger.windows += 1
        threshold, p, promised = self._decide(ledger)
        ledger.promised += p * len(surprise)
        ledger.recent_tests += len(surprise)
        ledger.decided, ledger.decided_for = threshold, (self.services, len(self._ledgers))
        if len(surprise) == 1 and surprise[0] <= PEAK_LEVEL:
            return
        peaks = surprise[surprise > PEAK_LEVEL]
        if not len(peaks):
            return
        ledger.over += int(np.count_nonzero(peaks > threshold))
        # In order of size: what is kept must not depend on the order of entities within a window.
        ledger.peaks.extend(np.sort(np.minimum(peaks, max(promised, _TALLEST))).tolist())
        ledger.recent_peaks += len(peaks)
        if len(ledger.peaks) > MOST_PEAKS:
            # The share of peaks is taken over the span that the kept peaks come from.
            kept = MOST_PEAKS / len(ledger.peaks)
            ledger.recent_peaks *= kept
            ledger.recent_tests *= kept
            del ledger.peaks[:-MOST_PEAKS]
        if len(ledger.peaks) >= FEWEST_PEAKS:
            ledger.fit = _fit(np.array(ledger.peaks), ledger.recent_peaks / ledger.recent_tests)
            ledger.decided_for = None

    def spent(self, detector: str) -> Spent:
        """How often the detector exceeded its threshold, next to how often it promised to at most."""
        ledger = self._ledgers.get(detector, _Ledger())
        return Spent(tests=ledger.tests, windows=ledger.windows, promised=ledger.promised, over=ledger.over)

    def account(self) -> list[BudgetLine]:
        """What each detector promised and did, by name."""
        return [self._line(name, self.spent(name), self.explain(name)) for name in sorted(self._ledgers)]

    @staticmethod
    def _line(name: str, spent: Spent, reason: ThresholdReason) -> BudgetLine:
        return BudgetLine(
            name,
            spent.tests,
            spent.promised,
            spent.over,
            threshold=reason.threshold,
            threshold_z=normal_deviations(reason.threshold),
            corrected=reason.corrected,
        )

    def _shares(self) -> int:
        return max(self._detectors, len(self._ledgers))

    @staticmethod
    def _tests_per_window(ledger: _Ledger) -> float:
        return max(1.0, ledger.tests / max(ledger.windows, 1))

    def _decide(self, ledger: _Ledger, begun: float = 0.0) -> tuple[float, float, float]:
        tests = max(self._tests_per_window(ledger), begun) * self._shares() * self._windows_per_week
        p = min(self.per_week * self.services / (self._agreement * tests), 0.01)
        promised = -log10(p)
        threshold = promised
        if ledger.fit is not None:
            threshold = min(max(promised, ledger.fit.surprise_of(p * self._joined)), _FURTHEST * promised)
        return threshold, p, promised

    def to_state(self) -> bytes:
        """Everything counted, as bytes."""
        rows = {
            name: _Row(
                entry.tests,
                entry.windows,
                entry.over,
                entry.promised,
                entry.recent_tests,
                entry.recent_peaks,
                entry.peaks,
                entry.fit,
                entry.decided,
                entry.decided_for,
            )
            for name, entry in self._ledgers.items()
        }
        return msgspec.msgpack.encode(_State(self.per_week, self.services, rows))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            ValueError: The bytes are damaged; the budget is then unchanged.
        """
        try:
            state = msgspec.msgpack.decode(content, type=_State)
        except msgspec.MsgspecError as error:
            raise ValueError(f"budget state is damaged: {error}") from error
        ledgers = {}
        for name, row in state.rows.items():
            if len(row.peaks) > MOST_PEAKS or not all(peak > PEAK_LEVEL for peak in row.peaks):
                raise ValueError(f"budget state is damaged: peaks of {name!r} are too many or too low")
            ledger = _Ledger(
                tests=row.tests,
                windows=row.windows,
                over=row.over,
                promised=row.promised,
                recent_tests=row.recent_tests,
                recent_peaks=row.recent_peaks,
                peaks=row.peaks,
                fit=row.fit,
                decided=row.decided,
                # Another budget decides anew.
                decided_for=row.decided_for if state.per_week == self.per_week else None,
            )
            ledgers[name] = ledger
        self._ledgers, self.services = ledgers, max(1, state.services)


class _Row(msgspec.Struct, frozen=True, array_like=True):
    tests: int
    windows: int
    over: int
    promised: float
    recent_tests: float
    recent_peaks: float
    peaks: list[float]
    fit: Fit | None
    decided: float
    decided_for: tuple[int, int] | None


class _State(msgspec.Struct, frozen=True, array_like=True):
    per_week: float
    services: int
    rows: dict[str, _Row]


class ZScore:
    """The classic way: alarm beyond so many standard deviations, whatever that spends."""

    def __init__(self, threshold: float = 3.0) -> None:
        """Fix the threshold.

        Args:
            threshold: Standard deviations of a normal distribution, one-sided.
        """
        self.z = threshold
        self._surprise = normal_tail(threshold)

    def threshold(self, detector: str, begun: float = 0.0) -> float:  # noqa: ARG002 - the same for all
        """The surprise from which the detector may alarm: -log10 of the normal tail beyond z."""
        return self._surprise

    def observe(self, detector: str, surprise: NDArray[np.float64]) -> None:
        """Learn nothing: the threshold is fixed."""

    def share(self, services: int) -> None:
        """Nothing is shared."""

    def to_state(self) -> bytes:
        """Nothing."""
        return b""

    def from_state(self, content: bytes) -> None:
        """Take over nothing, whatever a budget has learned."""

    @property
    def per_week(self) -> float | None:
        """Nothing is promised."""
        return None

    def account(self) -> list[BudgetLine]:
        """Nothing: a plain z-score promises no number of false alarms."""
        return []


def _fit(peaks: NDArray[np.float64], rate: float) -> Fit:
    """The tail of the peaks."""
    scale, shape = fit_excess(peaks - PEAK_LEVEL)
    return Fit(rate, scale, shape, len(peaks))
