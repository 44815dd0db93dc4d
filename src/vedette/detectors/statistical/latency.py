"""Slower answers than usual."""

import numpy as np

from vedette.detectors.evidence import Topic
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.gate import Alarm
from vedette.detectors.statistical.shared import Shared, apart
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Mask, Metric, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Severity
from vedette.windows.layout import Group
from vedette.windows.summary import quantile


class LatencySpike(Remembering):
    """A service's or route's slow end got slower than its own normal.

    Signal: the 95th percentile of durations in the window (relative error at most 4.4 %).
    Baseline: location and scale on a log scale, widened by the sampling error of a window with few requests.
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one; at least
        `MIN_RATIO` times and `MIN_EXCESS_SECONDS` above what was expected, over at least `min_requests` requests,
        by a baseline of at least `min_windows` windows.
    Explanation: which routes carry the time above the expected one. Routes that only share what happens to their
        service are told with it (`vedette.detectors.statistical.shared`).
    Known false alarms: a batch of exports; a route whose work depends on what is asked of it.
    References: formula `log_high`.
    """

    name = "latency.p95"
    types = (AnomalyType.LATENCY_SPIKE,)

    MIN_RATIO = 1.5
    MIN_EXCESS_SECONDS = 0.01

    def __init__(self, thresholds: Thresholds, *, min_requests: int = 5, min_windows: int = 30) -> None:
        self.min_requests = min_requests
        self.min_windows = min_windows
        self._gated = Gated(self.name, thresholds, high=True)

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return (self._gated.gate,)

    def look(self, view: WindowView) -> list[Anomaly]:
        """State latency spikes of the window."""
        judged = view.judged[Metric.LATENCY]
        if view.silent:
            return []

        def worth() -> Mask:
            middle = np.nan_to_num(judged.expected_mid, nan=np.inf)
            large = (judged.value >= self.MIN_RATIO * middle) & (
                judged.value - middle >= self.MIN_EXCESS_SECONDS
            )
            timed = [view.total(slot, Group.TIMED) for slot in judged.slot.tolist()]
            enough = np.array(timed, dtype=np.int64) >= self.min_requests
            return large & enough & (judged.sample_count >= self.min_windows)

        alarms = self._gated.alarms(view, judged, worth)
        return [self._state(view, judged, shared) for shared in apart(view, judged, alarms)]

    def _state(self, view: WindowView, judged: Judged, shared: Shared) -> Anomaly:
        alarm = shared.alarm
        entry = view.book[alarm.slot]
        contributions: tuple[Contribution, ...] = ()
        if entry.route is None:
            contributions = self._by_route(view, judged, entry.service)

        def severity(each: Alarm) -> Severity:
            ratio = float(judged.value[each.row] / judged.expected_mid[each.row])
            return Severity.HIGH if ratio >= 5 else Severity.MEDIUM

        return self._gated.statement(
            view,
            judged,
            alarm,
            shared=shared,
            type=AnomalyType.LATENCY_SPIKE,
            unit="seconds",
            severity=shared.worst(severity),
            contributions=contributions,
            evidence=view.route_proof(Topic.SLOW, alarm.slot),
            evidence_total=view.total(alarm.slot, Group.TIMED),
            details={"timed_requests": view.total(alarm.slot, Group.TIMED)},
        )

    @staticmethod
    def _by_route(view: WindowView, judged: Judged, service: str) -> tuple[Contribution, ...]:
        """Share of the time spent above each route's expected 95th percentile, summed over its requests."""
        extra: list[tuple[float, str]] = []
        for row, route in view.routes_of(service):
            found = judged.find(int(view.groups.key[row]))
            if found is None or not np.isfinite(judged.expected_mid[found]):
                continue
            slow = float(quantile(view.groups.latency[row : row + 1], 0.95)[0]) - float(
                judged.expected_mid[found]
            )
            if slow > 0:
                extra.append((slow * int(view.groups.sums[row, Group.TIMED]), route))
        total = sum(seconds for seconds, _ in extra)
        return tuple(
            Contribution("route", route, seconds / total)
            for seconds, route in sorted(extra, key=lambda e: (-e[0], e[1]))[:5]
            if seconds >= 0.05 * total
        )
