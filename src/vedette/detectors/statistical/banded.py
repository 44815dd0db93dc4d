"""What all detectors that hold a metric against its baseline share."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import critical_value
from vedette.detectors.memory import Memory
from vedette.detectors.statement import slot_entity, state, surprise_score, surprise_severity
from vedette.detectors.statistical.gate import Alarm, Gate
from vedette.detectors.statistical.peaks import Peaks
from vedette.detectors.statistical.recurrence import NEARLY, Recurrence
from vedette.detectors.statistical.shared import Shared
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Evidence, Severity
from vedette.windows.distinct import distinct_values


class Gated:
    """Turns the surprises of one side of one metric into alarms."""

    def __init__(self, detector: str, thresholds: Thresholds, *, high: bool) -> None:
        self.detector = detector
        self.high = high
        self._thresholds = thresholds
        self.gate = Gate()
        self._peaks = Peaks()

    @property
    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return self.gate, *self._peaks.memories

    def alarms(
        self,
        view: WindowView,
        judged: Judged,
        worth: Callable[[], NDArray[np.bool_]],
        alone: Callable[[], NDArray[np.bool_]] | None = None,
    ) -> list[Alarm]:
        """Rows that alarm, by slot. In most windows nothing is surprising, and nothing more is asked.

        Args:
            view: The window.
            judged: The metric.
            worth: Gives bool (k,): deviations large enough for a person to care about.
            alone: Gives bool (k,): rows that may alarm on this window alone, if they are overwhelming; None for all.
        """
        surprise = judged.surprise_high if self.high else judged.surprise_low
        if len(surprise) == 0:
            self._thresholds.observe(self.detector, surprise)
            return []
        ready = judged.ready
        tested, slots = surprise[ready], judged.slot[ready]
        owners = view.owners(slots)
        if self._peaks.matter(tested):
            tested = self._peaks.tests(owners, slots, tested, view.start)
        self._thresholds.observe(self.detector, tested, owners)
        if surprise.max() < self._thresholds.least(self.detector) and self.gate.calm:
            return []
        usable = np.where(ready & worth(), surprise, np.nan)
        threshold = self._limits(view, judged, usable)
        passed = self.gate.decide(judged.slot, usable, threshold, None if alone is None else alone())
        return [Alarm(r, int(judged.slot[r]), float(surprise[r]), float(threshold[r])) for r in passed]

    def _limits(self, view: WindowView, judged: Judged, surprise: NDArray[np.float64]) -> NDArray[np.float64]:
        """From which surprise each row alarms, float64 (k,); infinite where it is below that of any."""
        limits = np.full(len(surprise), np.inf)
        near = np.flatnonzero(surprise >= NEARLY * self._thresholds.least(self.detector))
        owners = view.owners(judged.slot[near])
        for owner in distinct_values(owners).tolist():
            limits[near[owners == owner]] = self._thresholds.threshold(self.detector, owner=owner)
        return limits

    def expected(
        self,
        view: WindowView,
        judged: Judged,
        worth: Callable[[], NDArray[np.bool_]],
        alarms: Sequence[Alarm],
        memory: Recurrence,
        height: Callable[[float], float] = float,
    ) -> set[int]:
        """Rows whose deviation came before.

        Args:
            view, judged, worth: As for `alarms`.
            alarms: What it gave.
            memory: Of what came before.
            height: How high a value counts.
        """
        surprise = judged.surprise_high if self.high else judged.surprise_low
        if len(surprise) == 0 or surprise.max() < NEARLY * self._thresholds.least(self.detector):
            return set()
        alarming = {alarm.row for alarm in alarms}
        usable = np.where(judged.ready & worth(), surprise, np.nan)
        near = np.flatnonzero(usable >= NEARLY * self._limits(view, judged, usable)).tolist()
        return {
            row
            for row in near
            if memory.expects(
                int(judged.slot[row]), view.start, height(float(judged.value[row])), alarms=row in alarming
            )
        }

    def statement(
        self,
        view: WindowView,
        judged: Judged,
        alarm: Alarm,
        *,
        type: AnomalyType,  # noqa: A002 - as in `state`
        unit: str,
        line: float,
        severity: Severity | None = None,
        contributions: tuple[Contribution, ...] = (),
        evidence: tuple[Evidence, ...] = (),
        evidence_total: int = 0,
        clients: tuple[str, ...] = (),
        details: dict[str, Any] | None = None,
        start: int | None = None,
        shared: Shared | None = None,
    ) -> Anomaly:
        """State an alarm with the metric's band and formula.

        Its `threshold` is the first value that would have been stated, in the metric's unit: as rare as the budget
        asks for (that surprise stands in `details`), and beyond the `line` from which it is worth stating. `shared`
        tells what it has to do with the other alarms of its service.
        """
        entry = view.book[alarm.slot]
        formula = judged.formula(alarm.row, high=self.high)
        # Ratios are counted: their critical value is a number of requests out of `exposure`.
        critical = critical_value(formula.name, formula.inputs, alarm.threshold)
        critical /= formula.inputs.get("exposure", 1.0)
        threshold = max(critical, line) if self.high else min(critical, line)
        known: dict[str, Any] = {"surprise": alarm.surprise, "surprise_threshold": alarm.threshold}
        if shared is not None:
            known |= shared.details(view, judged)
        anomaly = state(
            view,
            type=type,
            detector=self.detector,
            service=entry.service,
            route=entry.route,
            entity=slot_entity(entry.service, entry.route),
            severity=severity or surprise_severity(alarm.surprise, alarm.threshold),
            score=surprise_score(alarm.surprise, alarm.threshold),
            observed=float(judged.value[alarm.row]),
            expected=judged.band(alarm.row),
            threshold=threshold,
            sample_count=int(judged.sample_count[alarm.row]),
            unit=unit,
            formula=formula,
            contributions=contributions,
            evidence=evidence,
            evidence_total=evidence_total,
            clients=clients,
            details={**known, **(details or {})},
            start=start,
        )
        if shared is not None and shared.routes:
            view.shared[anomaly.id] = tuple(each.slot for each in shared.routes)
        return anomaly
