"""More refused requests (4xx) than usual, whoever asks."""

from typing import Final

import numpy as np

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import CARRIED, route_carriers
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.callers import Callers
from vedette.detectors.statistical.gate import Alarm
from vedette.detectors.statistical.merged import Merged, RecentRatios
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Mask, Metric, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity
from vedette.windows.entities import NOBODYS_ROUTES
from vedette.windows.layout import Client, Group

_TOLD: Final = (
    (401, Group.STATUS_401),
    (403, Group.STATUS_403),
    (404, Group.STATUS_404),
    (429, Group.STATUS_429),
)
"""Statuses that are counted by themselves."""


class Refusals(Remembering):
    """A route that usually works refuses what it is asked: a missing script, a release that no old version fits.

    Signal: 4xx answers but for failed logins, attacks, what is answered when asked again with credentials, and HEAD
        that is told that nothing is there, among all answers of the window; where these are fewer than
        `min_requests`, or fewer than `MIN_REFUSED` were refused, of up to 20 windows.
    Baseline: the share of these, beta-binomial, with a prior borrowed from the service; held against what was expected
        before the first of those 20 windows.
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one; at least
        `MIN_REFUSED` refused, and `MIN_EXCESS` of all answers above what was expected. What somebody alone is refused
        is his doing, and who is refused whatever he asks for is looking for holes: so at least `MIN_CLIENTS` clients
        are refused that are answered otherwise (`Callers`), or the route serves less than half of what it usually
        does. Of routes only: what nobody serves answers 404 to whoever comes.
    Explanation: which statuses, and which clients carry them.
    Known false alarms: a page that was taken away on purpose and is still asked for by many.
    References: docs/explanation/how-it-decides.md; formula `ratio_high`.
    """

    name = "errors.refused"
    types = (AnomalyType.ERROR_SPIKE,)

    MIN_REFUSED = 10
    MIN_EXCESS = 0.1
    MIN_CLIENTS = 3
    MOST_OF_IT = 0.5

    def __init__(self, thresholds: Thresholds, *, min_requests: int = 20) -> None:
        self._gated = Gated(self.name, thresholds, high=True)
        self._recent = RecentRatios(min_requests, self.MIN_REFUSED)
        self._callers = Callers()

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return *self._gated.memories, self._recent, self._callers

    def look(self, view: WindowView) -> list[Anomaly]:
        """State refusals of the window."""
        if view.silent:
            return []
        own = view.judged[Metric.REFUSED_RATIO]
        merged = self._recent.merge(view.number, own)
        judged = merged.judged

        def worth() -> Mask:
            refused = own.judgement.value
            excess = judged.value - judged.expected_mid
            # What came now and then before and after does not make it longer.
            still = own.value >= self.MOST_OF_IT * judged.value
            much = (refused > 0) & still & (merged.count >= self.MIN_REFUSED) & (excess >= self.MIN_EXCESS)
            for row in np.flatnonzero(much).tolist():
                much[row] = self._of_the_route(view, own, merged, row)
            return much

        alarms = self._gated.alarms(view, judged, worth)
        return [self._state(view, merged, alarm) for alarm in alarms]

    def _of_the_route(self, view: WindowView, own: Judged, merged: Merged, row: int) -> bool:
        """Whether what is refused is no single client's doing."""
        slot = int(own.slot[row])
        route = view.book[slot].route
        if route is None or route in NOBODYS_ROUTES:
            return False
        callers = self._callers.refused(view, slot)
        if callers >= self.MIN_CLIENTS:
            return True
        requests = view.judged[Metric.REQUESTS]
        found = requests.find(slot)
        usual = 0.0 if found is None else float(np.nan_to_num(requests.expected_mid[found]))
        windows = int(merged.windows[row])
        served = float(merged.exposure[row] - merged.count[row])
        return usual * windows >= self.MIN_REFUSED and served < self.MOST_OF_IT * usual * windows

    def _state(self, view: WindowView, merged: Merged, alarm: Alarm) -> Anomaly:
        judged, row = merged.judged, alarm.row
        total = view.total(alarm.slot, Group.STATUS_4XX)
        clients, by_client = route_carriers(view, alarm.slot, Client.STATUS_4XX, total)
        statuses = {str(status): view.total(alarm.slot, column) for status, column in _TOLD}
        statuses["other"] = total - sum(statuses.values())
        share = float(judged.value[row])
        return self._gated.statement(
            view,
            judged,
            alarm,
            type=AnomalyType.ERROR_SPIKE,
            unit="ratio",
            line=max(
                self.MIN_REFUSED / float(merged.exposure[row]),
                float(judged.expected_mid[row]) + self.MIN_EXCESS,
            ),
            severity=Severity.HIGH if share >= 0.5 else Severity.MEDIUM,
            contributions=tuple(each for each in by_client if each.share * total >= CARRIED),
            evidence_total=total,
            clients=clients,
            start=view.start - (int(merged.hit[row]) - 1) * (view.end - view.start),
            details={
                "requests": int(merged.exposure[row]),
                "refused": int(merged.count[row]),
                "windows": int(merged.windows[row]),
                "statuses": {name: number for name, number in statuses.items() if number > 0},
            },
        )
