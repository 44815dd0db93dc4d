"""From a budget of false alarms to the surprise from which a detector may alarm."""

from collections.abc import Callable
from math import log10
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import normal_deviations, normal_tail
from vedette.baselines.seen_tails import ANYBODY, SeenTails
from vedette.schema.findings import BudgetLine
from vedette.schema.spans import WEEK_US

_TALLEST: Final = 6.0
"""A peak beyond the promised threshold, or beyond this if that is more, is learned as this."""
_JOINED: Final = 0.5
"""Share of events (runs of surprising windows) over the threshold that become an alarm: the windows of a run are those
that have to agree. Of WSD's counts and averages (`bench/quality/baselines.py`) 0.2 gives 3.7 and 2.3 false alarms a
week, 0.5 gives 2.5 and 1.2, and 1 gives 2.1 and 0.6 and finds a fifth less of the averages' segments."""
_FURTHEST: Final = 2.5
"""The correction raises a threshold to at most this many times the promised one, so that a long attack cannot
teach it blindness."""


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


class _Ledger:
    """What one detector has tested."""

    def __init__(self) -> None:
        self.tests = self.windows = self.over = 0
        self.promised = 0.0
        self.tails = SeenTails()
        self.level = 0.0
        """The surprise that the budget allows if the baselines keep their word, as long as ..."""
        self.level_for: tuple[int, int] | None = None
        """... there are so many services, and detectors."""


class Budget:
    """So many false alarms per service and week, spread evenly over all tests made (Bonferroni).

    One test may exceed its threshold with probability p = budget * services / (agreement * tests per
    week), where the tests are counted as they are made. `agreement` is the chance that one normal window
    over the threshold is joined by the second that an alarm needs; windows next to each other are alike,
    so it is far above p.

    Where normal surprises exceed more often than their probabilities say, the far tail is extrapolated
    from the peaks seen (peaks over threshold, as SPOT: Siffer et al. 2017, fitted with
    probability-weighted moments: Hosking and Wallis 1987) and the threshold raised, of each service by its own
    (`vedette.baselines.seen_tails`). Peaks are events and
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

    def threshold(self, detector: str, begun: float = 0.0, owner: int = ANYBODY) -> float:
        """The surprise (-log10 p) from which the detector may alarm about a service.

        Args:
            begun: Tests that it has begun in a window on average. Those that take several windows share in the budget
                from their beginning, not only when they are observed.
            owner: Slot of the service.
        """
        ledger = self._ledgers.get(detector)
        if ledger is None:
            return self._promise(_Ledger(), begun)[1]
        return self._raised(ledger, *self._promise(ledger, begun), owner)

    def least(self, detector: str) -> float:
        """The surprise below which the detector alarms about nobody."""
        ledger = self._ledgers.get(detector)
        if ledger is None or ledger.level_for != (self.services, len(self._ledgers)):
            return self._promise(ledger or _Ledger())[1]
        return ledger.level

    def explain(self, detector: str, owner: int = ANYBODY) -> ThresholdReason:
        """Why the detector's threshold for a service is what it is."""
        ledger = self._ledgers.get(detector) or _Ledger()
        p, promised = self._promise(ledger)
        threshold, fit = self._raised(ledger, p, promised, owner), ledger.tails.of(owner)
        return ThresholdReason(
            threshold=threshold,
            promised=promised,
            p=p,
            corrected=threshold > promised,
            rate=fit.rate if fit else None,
            scale=fit.scale if fit else None,
            shape=fit.shape if fit else None,
            peaks=fit.peaks if fit else 0,
        )

    def observe(
        self, detector: str, surprise: NDArray[np.float64], owner: NDArray[np.int32] | None = None
    ) -> None:
        """Count one window's tests and learn their tail; call once per window and detector.

        Args:
            detector: Who tested.
            surprise: float64 (k,), -log10 p of the windows that were judged; of an event, its highest once.
            owner: int32 (k,), slot of the service of each; None where no service is told.
        """
        ledger = self._ledgers.get(detector)
        if ledger is None:
            ledger = self._ledgers[detector] = _Ledger()
        if not len(surprise):
            return
        ledger.tests += len(surprise)
        ledger.windows += 1
        p, promised = self._promise(ledger)
        ledger.promised += p * len(surprise)
        ledger.level, ledger.level_for = promised, (self.services, len(self._ledgers))
        for row in np.flatnonzero(surprise > promised).tolist():
            whose = ANYBODY if owner is None else int(owner[row])
            ledger.over += bool(surprise[row] > self._raised(ledger, p, promised, whose))
        ledger.tails.observe(surprise, owner, max(promised, _TALLEST))

    def spent(self, detector: str) -> Spent:
        """How often the detector exceeded its threshold, next to how often it promised to at most."""
        ledger = self._ledgers.get(detector, _Ledger())
        return Spent(tests=ledger.tests, windows=ledger.windows, promised=ledger.promised, over=ledger.over)

    def account(self, names: Callable[[int], str] = str) -> list[BudgetLine]:
        """What each detector promised and did, by name.

        Args:
            names: What the service of a slot is called.
        """
        return [self._line(name, ledger, names) for name, ledger in sorted(self._ledgers.items())]

    def _line(self, detector: str, ledger: _Ledger, names: Callable[[int], str]) -> BudgetLine:
        p, promised = self._promise(ledger)
        reached = {owner: self._raised(ledger, p, promised, owner) for owner in ledger.tails.owners}
        highest = max(reached.values(), default=promised)
        return BudgetLine(
            detector,
            ledger.tests,
            ledger.promised,
            ledger.over,
            threshold=highest,
            threshold_z=normal_deviations(highest),
            corrected=highest > promised,
            raised={names(o): level for o, level in reached.items() if level > promised and o != ANYBODY},
        )

    def _shares(self) -> int:
        return max(self._detectors, len(self._ledgers))

    @staticmethod
    def _tests_per_window(ledger: _Ledger) -> float:
        return max(1.0, ledger.tests / max(ledger.windows, 1))

    def _promise(self, ledger: _Ledger, begun: float = 0.0) -> tuple[float, float]:
        """Probability with which one normal test may alarm, and the surprise of that."""
        tests = max(self._tests_per_window(ledger), begun) * self._shares() * self._windows_per_week
        p = min(self.per_week * self.services / (self._agreement * tests), 0.01)
        return p, -log10(p)

    def _raised(self, ledger: _Ledger, p: float, promised: float, owner: int) -> float:
        """The threshold for a service."""
        fit = ledger.tails.of(owner)
        if fit is None:
            return promised
        return min(max(promised, fit.surprise_of(p * self._joined)), _FURTHEST * promised)

    def to_state(self) -> bytes:
        """Everything counted, as bytes."""
        rows = {
            name: _Row(entry.tests, entry.windows, entry.over, entry.promised, entry.tails.rows())
            for name, entry in self._ledgers.items()
        }
        return msgspec.msgpack.encode(_State(self.per_week, self.services, rows))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            ValueError: The bytes are damaged; the budget is then unchanged.
        """
        ledgers = {}
        try:
            state = msgspec.msgpack.decode(content, type=_State)
            for name, row in state.rows.items():
                ledger = ledgers[name] = _Ledger()
                ledger.tests, ledger.windows, ledger.over = row.tests, row.windows, row.over
                ledger.promised, ledger.tails = row.promised, SeenTails.of_rows(row.by_service())
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"budget state is damaged: {error}") from error
        self._ledgers, self.services = ledgers, max(1, state.services)


class _Row(msgspec.Struct, frozen=True, array_like=True):
    tests: int
    windows: int
    over: int
    promised: float
    tails: list[tuple[int, float, list[float]]] | float
    """Of earlier versions: the tests of the span that the kept peaks come from, of all services."""
    _recent_peaks: float = 0.0
    peaks: list[float] = []

    def by_service(self) -> list[tuple[int, float, list[float]]]:
        """As `SeenTails` has it: what was seen of all was seen of nobody in particular."""
        if isinstance(self.tails, list):
            return self.tails
        return [(ANYBODY, self.tails, self.peaks)] if self.tails > 0.0 else []


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

    def threshold(self, detector: str, begun: float = 0.0, owner: int = ANYBODY) -> float:  # noqa: ARG002 - the same for all
        """The surprise from which the detector may alarm: -log10 of the normal tail beyond z."""
        return self._surprise

    def least(self, detector: str) -> float:  # noqa: ARG002 - the same for all
        """The same."""
        return self._surprise

    def observe(
        self, detector: str, surprise: NDArray[np.float64], owner: NDArray[np.int32] | None = None
    ) -> None:
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

    def account(self, names: Callable[[int], str] = str) -> list[BudgetLine]:  # noqa: ARG002 - as above
        """Nothing: a plain z-score promises no number of false alarms."""
        return []
