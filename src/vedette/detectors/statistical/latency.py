"""Slower answers than usual."""

import numpy as np

from vedette.baselines.seen_tails import PEAK_LEVEL
from vedette.detectors.evidence import Topic
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import route_carriers
from vedette.detectors.statistical import gate
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.gate import Alarm
from vedette.detectors.statistical.levels import Levels, RecentLevels
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.statistical.shared import Shared, apart
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Mask, Metric, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Severity
from vedette.schema.spans import DAY_US
from vedette.windows.layout import Client, Group
from vedette.windows.summary import seconds_above


class LatencySpike(Remembering):
    """A service's or route's slow end got slower than its own normal.

    Signal: the 95th percentile of durations in the window (relative error at most 4.4 %), or its geometric mean over
        as many windows as hold `ENOUGH` requests, of up to 20, whichever is more surprising.
    Baseline: location and scale on a log scale, widened by the sampling error of a window with few requests. Several
        windows are held against what was expected before the first of those 20, and by how far such comparisons were
        off before (`RecentLevels`).
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one; at least
        `MIN_RATIO` times and `MIN_EXCESS_SECONDS` above what was expected, over at least `min_requests` requests,
        by a baseline of at least `min_windows` windows. Not where a service's time is that of routes which take as long
        as they did before (more of them was asked for) or, in its first day, are asked for the first time; nor where it
        was as slow before by the clock, or three times in the last week (`Recurrence`); a route only where it was at
        the same time of the day.
    Explanation: which routes carry the time beyond what the service was expected to take, and who asked for most
        of it. Routes that only share what happens to their service are told with it
        (`vedette.detectors.statistical.shared`).
    Known false alarms: a first batch of exports; a route whose work depends on what is asked of it.
    References: formula `log_high`.
    """

    name = "latency.p95"
    types = (AnomalyType.LATENCY_SPIKE,)

    added = 2
    ENOUGH = 100
    """Requests whose 95th percentile scatters by a fifth or less, if single ones do as wide as baselines assume."""
    MIN_RATIO = 1.5
    MIN_EXCESS_SECONDS = 0.01
    USUAL_SHARE = 0.9
    """Part of a service's time above the expected one that must be usual on its routes for it to be no news."""
    SETTLED_US = DAY_US
    """Time that a service's windows must make up before a slow route that it was never asked for is news."""
    UNREMARKABLE = 1.0
    """Surprise up to which a route with few requests is as slow as before: one window in ten is."""
    MOSTLY = 0.5
    """Part of that time from which a client that asked for it is named."""

    def __init__(
        self, thresholds: Thresholds, *, min_requests: int = 5, min_windows: int = 30, sampling: float = 0.0
    ) -> None:
        self.min_requests = min_requests
        self.min_windows = min_windows
        self._gated = Gated(self.name, thresholds, high=True)
        self._recurrence = Recurrence()
        # That a route is slow again and again is no habit; that a job is at its time is one.
        self._of_routes = Recurrence(times=None, hours=None)
        self._recent = RecentLevels(self.ENOUGH, sampling)

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return *self._gated.memories, self._recurrence, self._recent, self._of_routes

    def look(self, view: WindowView) -> list[Anomaly]:
        """State latency spikes of the window."""
        if view.silent:
            return []
        levels = self._recent.merge(view.number, view.judged[Metric.LATENCY])
        judged = levels.judged
        for row in np.flatnonzero(judged.ready & (judged.surprise_high > PEAK_LEVEL)).tolist():
            if view.book[int(judged.slot[row])].route is None and self._of_usual_routes(view, judged, row):
                judged = judged.without(row)

        def worth() -> Mask:
            middle = np.nan_to_num(judged.expected_mid, nan=np.inf)
            large = (judged.value >= self.MIN_RATIO * middle) & (
                judged.value - middle >= self.MIN_EXCESS_SECONDS
            )
            found: Mask = (
                large & (levels.exposure >= self.min_requests) & (judged.sample_count >= self.min_windows)
            )
            return found

        alarms = [
            alarm for alarm in self._gated.alarms(view, judged, worth) if not self._known(view, judged, alarm)
        ]
        return [
            self._state(view, judged, levels, shared)
            for shared in apart(view, judged, alarms, levels.windows)
        ]

    def _state(self, view: WindowView, judged: Judged, levels: Levels, shared: Shared) -> Anomaly:
        alarm = shared.alarm
        entry = view.book[alarm.slot]
        contributions = (
            self._by_route(view, judged, alarm.row)
            if entry.route is None
            else tuple(each for each in self._by_client(view, alarm.slot) if each.share >= self.MOSTLY)
        )

        windows, requests = int(levels.windows[alarm.row]), int(levels.exposure[alarm.row])
        middle = float(judged.expected_mid[alarm.row])

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
            line=max(self.MIN_RATIO * middle, middle + self.MIN_EXCESS_SECONDS),
            severity=shared.worst(severity),
            contributions=contributions,
            evidence=view.route_proof(Topic.SLOW, alarm.slot),
            evidence_total=view.total(alarm.slot, Group.TIMED),
            start=view.start - (int(levels.slow[alarm.row]) - 1) * (view.end - view.start),
            details={"timed_requests": requests, "windows": windows},
        )

    def _known(self, view: WindowView, judged: Judged, alarm: Alarm) -> bool:
        """Whether a service is slow as it was before: again and again, or because more of slow routes was asked for.

        A route only where it was at the same time of the day.
        """
        if view.book[alarm.slot].route is not None:
            return self._of_routes.expects(alarm.slot, view.start, float(judged.value[alarm.row]))
        if self._recurrence.expects(alarm.slot, view.start, float(judged.value[alarm.row])):
            return True
        # What a route was like before this began is what counts, not what it has been since. The first alarm may
        # come some windows after the first surprise.
        since = (view.start - self._recurrence.began(alarm.slot)) // (view.end - view.start) + (
            gate.MEMORY - 1
        )
        # In its first day a service is asked for everything for the first time. That counts only here: it was a
        # surprise, and has come now.
        young = int(judged.sample_count[alarm.row]) * (view.end - view.start) < self.SETTLED_US
        return self._of_usual_routes(view, judged, alarm.row, since, all_new=young)

    def _of_usual_routes(
        self, view: WindowView, judged: Judged, row: int, since: int = 0, *, all_new: bool = False
    ) -> bool:
        """Whether a service's time is that of routes that take as long as they did before, or that were met lately.

        Args:
            view, judged, row: The service's. since: Windows ago that what is wrong began.
            all_new: Whether routes that were never asked for are none that could be slower than usual.
        """
        seconds, usual = 0.0, 0.0
        for carried, _, of_route in self._carried(view, judged, row):
            seconds += carried
            found = judged.find(of_route)
            if found is None or judged.sample_count[found] < gate.MEMORY:
                # Slow things that were never asked for are news once, but not while everything is new.
                usual += carried if all_new else 0.0
                continue
            if not judged.ready[found] or (
                judged.sample_count[found] > since
                and (
                    judged.value[found] < self.MIN_RATIO * judged.expected_mid[found]
                    or judged.surprise_high[found] < self.UNREMARKABLE
                )
            ):
                usual += carried
        return usual > self.USUAL_SHARE * seconds

    @staticmethod
    def _carried(view: WindowView, judged: Judged, row: int) -> list[tuple[float, str, int]]:
        """Seconds beyond the service's expected 95th percentile on each of its routes: (seconds, route, slot)."""
        routes = view.routes_of(view.book[int(judged.slot[row])].service)
        rows = [of_route for of_route, _ in routes]
        seconds = seconds_above(view.groups.latency[rows], float(judged.expected_mid[row]))
        return [
            (carried, route, int(view.groups.key[of_route]))
            for carried, (of_route, route) in zip(seconds.tolist(), routes, strict=True)
        ]

    @staticmethod
    def _by_client(view: WindowView, slot: int) -> tuple[Contribution, ...]:
        """Clients' parts of a route's time, which are taken to be their parts of its requests."""
        return route_carriers(view, slot, Client.REQUESTS, view.total(slot, Group.REQUESTS))[1]

    def _by_route(self, view: WindowView, judged: Judged, row: int) -> tuple[Contribution, ...]:
        """Shares of the time beyond the service's expected 95th percentile, of routes and of who asked for them."""
        carried = self._carried(view, judged, row)
        total = sum(seconds for seconds, _, _ in carried)
        shares = [
            (seconds / total, route, slot)
            for seconds, route, slot in sorted(carried, key=lambda e: (-e[0], e[1]))[:5]
            if seconds > 0 and seconds >= 0.05 * total
        ]
        of_client: dict[str, float] = {}
        for share, _, slot in shares:
            for each in self._by_client(view, slot):
                of_client[each.value] = of_client.get(each.value, 0.0) + share * each.share
        return (
            *(Contribution("route", route, share) for share, route, _ in shares),
            *(
                Contribution("client", client, share)
                for client, share in sorted(of_client.items(), key=lambda c: (-c[1], c[0]))
                if share >= self.MOSTLY
            ),
        )
