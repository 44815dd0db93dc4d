"""More or less traffic than usual."""

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import count_low
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import heaviest_clients, route_carriers
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.consequence import is_served, is_slight
from vedette.detectors.statistical.ebbs import Ebbs
from vedette.detectors.statistical.gate import Alarm
from vedette.detectors.statistical.recent_counts import RecentCounts, Summed
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.statistical.shared import Shared, apart
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.statistical.usual_routes import UsualRoutes
from vedette.detectors.statistical.visitors import Visitors
from vedette.detectors.statistical.yesterday import Yesterday
from vedette.detectors.view import Judged, Mask, Metric, WindowView
from vedette.enrich.service import OTHER_SERVICE
from vedette.kernels.windows.recent_counts import TOGETHER
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Severity
from vedette.windows.entities import NOBODYS_ROUTES
from vedette.windows.layout import Client, Group


def excess_by_route(view: WindowView, service: str) -> tuple[Contribution, ...]:
    """Which routes carry the difference between observed and expected requests of a service."""
    judged = view.judged[Metric.REQUESTS]
    extra: list[tuple[float, str]] = []
    for row, route in view.routes_of(service):
        found = judged.find(int(view.groups.key[row]))
        middle = 0.0 if found is None else float(np.nan_to_num(judged.expected_mid[found]))
        extra.append((int(view.groups.sums[row, Group.REQUESTS]) - middle, route))
    total = sum(e for e, _ in extra if e > 0)
    return tuple(
        Contribution("route", route, e / total)
        for e, route in sorted(extra, key=lambda e: (-e[0], e[1]))[:5]
        if total > 0 and e >= 0.05 * total
    )


class TrafficSpike(Remembering):
    """A service or route gets far more requests than its own normal.

    Signal: requests in the window.
    Baseline: over-dispersed counts (negative binomial), by hour of day and of week once earned.
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one; at least `factor`
        times and `MIN_EXCESS` requests above what was expected; not where a flood was stated already, nor where a
        burst as high has come before by the clock, or three times in the last week (`Recurrence`), nor of a route
        whose service has such a burst and answers as ever, nor where at least half as many came in a half-hour around
        that time yesterday (`Yesterday`), nor where it is what one client does on other days too, and the service
        answers as ever (`Routine`). Where fewer than `MIN_EXPECTED` requests are expected, only from `ALWAYS_MUCH`
        requests. Slight where nobody is the worse for it (`is_slight`).
    Explanation: which routes and clients carry the excess. Routes that only share what happens to their service
        are told with it (`vedette.detectors.statistical.shared`).
    Known false alarms: a campaign or a mention elsewhere (true, but good news); the first hours of a new site.
    References: formula `count_high`.
    """

    name = "volume.spike"
    types = (AnomalyType.TRAFFIC_SPIKE,)

    added = 1
    MIN_EXCESS = 50
    MIN_EXPECTED = 3
    """Where less is expected, traffic is single visitors, and a visit is no spike ..."""
    ALWAYS_MUCH = 1000
    """... unless it is this much."""

    def __init__(self, thresholds: Thresholds, *, factor: float = 2.5) -> None:
        self.factor = factor
        self._gated = Gated(self.name, thresholds, high=True)
        self._recurrence = Recurrence()
        self._yesterday = Yesterday()

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return *self._gated.memories, self._recurrence, self._yesterday

    def look(self, view: WindowView) -> list[Anomaly]:
        """State traffic spikes of the window."""
        judged = view.judged[Metric.REQUESTS]

        def worth() -> Mask:
            middle = np.nan_to_num(judged.expected_mid, nan=np.inf)
            large: Mask = (judged.value >= self.factor * middle) & (judged.value - middle >= self.MIN_EXCESS)
            return large

        alarms = self._gated.alarms(view, judged, worth)
        # Remembered from its first time on, also while it is too little to tell.
        expected = self._gated.expected(view, judged, worth, alarms, self._recurrence)
        self._foresee(view, judged, expected)
        alarms = [
            alarm
            for alarm in alarms
            if alarm.row not in expected
            and view.book[alarm.slot].service not in view.foreseen
            and not self._yesterday.as_many(alarm.slot, view.start, float(judged.value[alarm.row]))
            and (
                judged.expected_mid[alarm.row] >= self.MIN_EXPECTED
                or judged.value[alarm.row] >= self.ALWAYS_MUCH
            )
            and view.book[alarm.slot].service not in view.claimed
            # What nobody serves is the scanners' to raise; they are stated as such.
            and view.book[alarm.slot].route not in NOBODYS_ROUTES
            and not self._is_routine(view, judged, alarm)
        ]
        self._yesterday.learn(view.start, judged.slot, judged.value)
        return [self._state(view, judged, shared) for shared in apart(view, judged, alarms)]

    @staticmethod
    def _foresee(view: WindowView, judged: Judged, expected: set[int]) -> None:
        """Tell which services have a burst that came before; what is expected of one is of its routes, old or new."""
        for row in expected:
            slot = int(judged.slot[row])
            if view.book[slot].route is None and is_served(view, slot):
                view.foreseen.add(view.book[slot].service)

    @staticmethod
    def _is_routine(view: WindowView, judged: Judged, alarm: Alarm) -> bool:
        """Whether one client does what it does on other days too, and nobody is the worse for it."""
        burst = view.bursts.get(view.book[alarm.slot].service)
        if burst is None or not burst.usual or not is_served(view, int(view.book.owners[alarm.slot])):
            return False
        if view.book[alarm.slot].route is None:
            return True
        excess = float(judged.value[alarm.row] - judged.expected_mid[alarm.row])
        return burst.client in route_carriers(view, alarm.slot, Client.REQUESTS, excess)[0][:1]

    def _state(self, view: WindowView, judged: Judged, shared: Shared) -> Anomaly:
        alarm = shared.alarm
        entry = view.book[alarm.slot]
        middle = float(judged.expected_mid[alarm.row])
        excess = float(judged.value[alarm.row]) - middle
        least = 0 if middle >= self.MIN_EXPECTED else self.ALWAYS_MUCH
        contributions: tuple[Contribution, ...] = ()
        clients: tuple[str, ...] = ()
        if entry.route is None:
            clients, by_client = heaviest_clients(
                view, view.clients_of(entry.service), Client.REQUESTS, excess
            )
            contributions = excess_by_route(view, entry.service) + by_client
        else:
            clients, contributions = route_carriers(view, alarm.slot, Client.REQUESTS, excess)
        slight = entry.route is not None or is_slight(view, alarm.slot)
        severity = Severity.LOW if slight else Severity.MEDIUM
        return self._gated.statement(
            view,
            judged,
            alarm,
            shared=shared,
            type=AnomalyType.TRAFFIC_SPIKE,
            unit="requests",
            line=max(self.factor * middle, middle + self.MIN_EXCESS, least),
            severity=severity,
            contributions=contributions,
            evidence_total=int(judged.value[alarm.row]),
            clients=clients,
        )


class TrafficDrop(Remembering):
    """A service gets far fewer requests than its own normal, or none.

    Signal: requests in the window, a window without any counting as zero; or in the last 10 or 20 together,
        whichever is most surprising.
    Baseline: over-dispersed counts (negative binomial), by hour of day and of week once earned. Of several windows what
        was expected before them, and the dispersion that such sums had in the last day (`RecentCounts`).
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one; at most
        one part in `factor` of what was expected, which is at least `MIN_EXPECTED`. Services only: routes come and go.
        Of several windows more must be missing than one client alone may usually make; of 20 `MIN_MISSING` of what was
        expected is enough, but not where nearly as few came in that half-hour, or one beside it, yesterday.
        Of a window that the log begins or ends in, so much less is expected; less than half of one tells nothing.
        Not where it fell as low before at this time of the day (`Recurrence`), or where no more than twice as many
        came in that half-hour yesterday (`Yesterday`); where nothing is left at all, only if fewer than
        `NOBODY` came about that time yesterday. Not where so few clients were expected that all of them may be gone
        (by Poisson's law, that of visits which have nothing to do with each other) and it fell as low `EBBS` times in
        the last two days: who watches a film asks for hundreds of things, and is one.
        Not of the services that are not told apart: which these are changes.
    Explanation: the routes that are missing most, beside what they had of late (`UsualRoutes`).
    Known false alarms: public holidays; a log that was rotated away or shipped late.
    References: formula `count_low`.
    """

    name = "volume.drop"
    types = (AnomalyType.TRAFFIC_DROP,)

    added = 5
    MIN_EXPECTED = 10
    NOBODY = 3
    """Where fewer come in a window, there are some in which nobody does: one in twenty of a Poisson law's."""
    GONE = 3.0
    """-log10, one in a thousand: of the 336 half-hours of a week, all visits are over in one every third week."""
    EBBS = 3
    """As often as makes a burst normal at whatever times (`Recurrence`)."""
    MIN_SEEN = 0.5
    MIN_MISSING = 0.25

    def __init__(self, thresholds: Thresholds, *, factor: float = 2.5) -> None:
        self.factor = factor
        self._gated = Gated(self.name, thresholds, high=False)
        much = 1.0 - 1.0 / factor
        self._recent = RecentCounts((much, min(much, self.MIN_MISSING)))
        # What falls again and again at whatever times is not well.
        self._recurrence = Recurrence(times=None, hours=None)
        self._yesterday = Yesterday()
        self._usual = UsualRoutes()
        self._visitors = Visitors()
        self._ebbs, self._long_ebbs = Ebbs(), Ebbs()

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        known = self._recurrence, self._usual, self._yesterday
        return *self._gated.memories, *known, self._recent, self._visitors, self._ebbs, self._long_ebbs

    def look(self, view: WindowView) -> list[Anomaly]:
        """State traffic drops of the window."""
        own = view.judged[Metric.REQUESTS]
        services = view.book.is_service(own.slot)
        summed = self._summed(view, own, np.flatnonzero(services))
        judged, each = summed.judged, summed.each

        def worth() -> Mask:
            middle = np.nan_to_num(judged.expected_mid)
            here = middle * view.seen if view.seen >= self.MIN_SEEN else 0.0
            small = (self.factor * judged.value <= here) & (middle >= self.MIN_EXPECTED) & (here > 0.0)
            # Services that have earned to be told apart are missing among the others from then on.
            others = view.book.find(OTHER_SERVICE, None)
            named: Mask = judged.slot != (-1 if others is None else others)
            return services & named & (small | (summed.windows > 1))

        self._visitors.learn(view.judged[Metric.CLIENTS])
        alarms = self._gated.alarms(view, judged, worth)
        # The lower, the higher: half as much is as far as twice as much.
        expected = self._gated.expected(
            view, each, worth, alarms, self._recurrence, lambda value: 1.0 / (1.0 + value)
        )
        if not alarms:
            # A flood is not what was usual: of it counts what was to be expected at most.
            self._usual.learn(own.slot, np.fmin(own.value, own.expected_high))
        view.dropped.update(view.book[alarm.slot].service for alarm in alarms)
        found = [
            self._state(view, own, summed, alarm)
            for alarm in alarms
            if not self._usual_now(
                view,
                alarm,
                float(each.value[alarm.row]),
                alarm.row in expected,
                slight=self._slight(judged, alarm.row),
                ebbs=self._ebbs if summed.windows[alarm.row] == 1 else self._long_ebbs,
            )
        ]
        self._yesterday.learn(view.start, own.slot[services], own.value[services])
        self._ebbs.learn(view.start, own.slot[services], own.value[services])
        self._long_ebbs.learn(view.start, own.slot[services], summed.mean[services])
        return found

    def _summed(self, view: WindowView, own: Judged, rows: NDArray[np.intp]) -> Summed:
        """Services' windows with those before, where all of each of them was seen."""
        if view.seen < 1.0 or view.weight > 1:
            return Summed.alone(own)
        alone = np.zeros(len(rows))
        busiest = view.judged[Metric.TOP_CLIENT_REQUESTS]
        if len(busiest.slot):
            by_slot = np.zeros(max(int(own.slot.max()), int(busiest.slot.max())) + 1)
            by_slot[busiest.slot] = np.nan_to_num(busiest.expected_mid)
            alone = by_slot[own.slot[rows]]
        return self._recent.merge(view.number, own, rows, alone)

    def _slight(self, judged: Judged, row: int) -> bool:
        """Whether there is less than usual by no factor that a single window would be stated for."""
        return bool(self.factor * judged.value[row] > judged.expected_mid[row])

    def _usual_now(
        self, view: WindowView, alarm: Alarm, value: float, expected: bool, *, slight: bool, ebbs: Ebbs
    ) -> bool:
        """Whether a service falls as low at this time of the day, or now and then, being one of few clients."""
        if self._of_few(view, alarm, value, ebbs):
            return True
        if value == 0:
            return self._yesterday.was_quiet(alarm.slot, view.start, self.NOBODY)
        if slight:
            return expected or self._yesterday.as_few(
                alarm.slot, view.start, value, 1.0 - self.MIN_MISSING, around=1
            )
        return expected or self._yesterday.as_few(alarm.slot, view.start, value)

    def _of_few(self, view: WindowView, alarm: Alarm, value: float, ebbs: Ebbs) -> bool:
        """Whether so few clients were expected that all may be gone, and so it was now and then before."""
        return (
            count_low(0.0, self._visitors.expected(alarm.slot), 0.0) < self.GONE
            and ebbs.times(alarm.slot, view.start, value) >= self.EBBS
        )

    def _state(self, view: WindowView, own: Judged, summed: Summed, alarm: Alarm) -> Anomaly:
        missing = self._usual.missing(view, alarm.slot, own.slot, own.value)
        judged, windows = summed.judged, int(summed.windows[alarm.row])
        silent = float(own.value[alarm.row]) == 0
        part = 1.0 - self.MIN_MISSING if windows == TOGETHER else view.seen / self.factor
        severity = Severity.CRITICAL if silent else Severity.HIGH
        if self._slight(judged, alarm.row):
            severity = Severity.MEDIUM
        return self._gated.statement(
            view,
            judged,
            alarm,
            type=AnomalyType.TRAFFIC_DROP,
            unit="requests",
            line=float(judged.expected_mid[alarm.row]) * part,
            severity=severity,
            contributions=tuple(Contribution("route", route, share) for route, share in missing),
            evidence_total=int(judged.value[alarm.row]),
            start=view.start - (int(summed.since[alarm.row]) - 1) * (view.end - view.start),
            details={"windows": windows} if windows > 1 else None,
        )
