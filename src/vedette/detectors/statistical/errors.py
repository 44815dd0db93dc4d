"""More server errors than usual."""

from vedette.detectors.evidence import Topic
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import CARRIED, heaviest_clients, route_carriers
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.merged import Merged, RecentRatios
from vedette.detectors.statistical.shared import Shared, apart
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Mask, Metric, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Severity
from vedette.windows.layout import Client, Group


class ErrorSpike(Remembering):
    """A service or route answers 5xx more often than its own normal.

    Signal: 5xx answers among all answers of the window; where these are fewer than `min_requests`, among those of
        up to five windows with requests together, and where fewer than `MIN_ERRORS` failed, of up to 20. Held
        against what was expected before the first of those 20.
    Baseline: the share of 5xx, beta-binomial, with a prior borrowed from the parent (route, service, all).
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one in which at
        least `OUTAGE` of the answers failed (a restart fails for seconds, and is over); at least `MIN_ERRORS`
        errors and `MIN_EXCESS` of all answers above what was expected. Of several windows together, this one has to
        have the most errors, or the others without the worst of them `SPREAD`: a restart is not to count again in each
        window behind it.
    Explanation: which routes, and which clients, have the errors of the window. Routes that only share
        what happens to their service are told with it (`vedette.detectors.statistical.shared`).
    Known false alarms: a monitor that probes a broken address on purpose; deploys that answer 503 for minutes.
    References: docs/explanation/how-it-decides.md; formula `ratio_high`.
    """

    name = "errors.ratio"
    types = (AnomalyType.ERROR_SPIKE,)

    MIN_ERRORS = 5
    MIN_EXCESS = 0.02
    OUTAGE = 0.5
    SPREAD = 3

    def __init__(self, thresholds: Thresholds, *, min_requests: int = 20) -> None:
        self._gated = Gated(self.name, thresholds, high=True)
        self._recent = RecentRatios(min_requests, self.MIN_ERRORS)

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return *self._gated.memories, self._recent

    def look(self, view: WindowView) -> list[Anomaly]:
        """State error spikes of the window."""
        if view.silent:
            return []
        own = view.judged[Metric.ERROR_RATIO]
        merged = self._recent.merge(view.number, own)
        judged = merged.judged

        def worth() -> Mask:
            failing = own.judgement.value
            spread = (failing >= merged.largest) | (merged.count - merged.largest >= self.SPREAD)
            excess = judged.value - judged.expected_mid
            return (failing > 0) & spread & (merged.count >= self.MIN_ERRORS) & (excess >= self.MIN_EXCESS)

        alarms = self._gated.alarms(view, judged, worth, lambda: judged.value >= self.OUTAGE)
        found = []
        for shared in apart(view, judged, alarms, merged.windows):
            anomaly = self._state(view, own, merged, shared)
            found.append(anomaly)
            if anomaly.route is None:
                self._hold(view, own, anomaly)
        return found

    @staticmethod
    def _hold(view: WindowView, own: Judged, anomaly: Anomaly) -> None:
        """Hold the window against all routes that fail while their service does, be it too seldom to alarm."""
        failing = own.slot[own.judgement.value > 0]
        parent = view.book.find(anomaly.service, None)
        theirs = failing[view.book.parents[failing] == parent]
        told = view.shared.get(anomaly.id, ())
        view.shared[anomaly.id] = (*told, *(s for s in theirs.tolist() if s not in told))

    def _state(self, view: WindowView, own: Judged, merged: Merged, shared: Shared) -> Anomaly:
        judged, alarm = merged.judged, shared.alarm
        entry = view.book[alarm.slot]
        requests, errors = int(merged.exposure[alarm.row]), int(merged.count[alarm.row])
        windows, failing = int(merged.windows[alarm.row]), int(merged.hit[alarm.row])
        # Of this window alone.
        failed = float(own.judgement.value[alarm.row])
        # As sums are: of all requests, where only some were looked at.
        whole = failed * view.weight
        contributions: list[Contribution] = []
        if entry.route is None:
            shares = [
                (int(view.groups.sums[row, Group.STATUS_5XX]) / whole, route)
                for row, route in view.routes_of(entry.service)
            ]
            contributions.extend(
                Contribution("route", route, min(1.0, share))
                for share, route in sorted(shares, key=lambda s: (-s[0], s[1]))[:5]
                if share >= 0.05
            )
        clients: tuple[str, ...] = ()
        if entry.route is None:
            clients, by_client = heaviest_clients(
                view, view.clients_of(entry.service), Client.STATUS_5XX, whole
            )
        else:
            clients, by_client = route_carriers(view, alarm.slot, Client.STATUS_5XX, whole)
        if failed >= self.MIN_ERRORS:
            # Of two errors, half are somebody's; and who met one of five carries nothing.
            contributions.extend(each for each in by_client if each.share * failed >= CARRIED)
        return self._gated.statement(
            view,
            judged,
            alarm,
            shared=shared,
            type=AnomalyType.ERROR_SPIKE,
            unit="ratio",
            line=max(
                self.MIN_ERRORS / float(merged.exposure[alarm.row]),
                float(judged.expected_mid[alarm.row]) + self.MIN_EXCESS,
            ),
            severity=shared.worst(
                lambda each: _severity(float(judged.value[each.row]), view.book[each.slot].route)
            ),
            contributions=tuple(contributions),
            evidence=view.route_proof(Topic.SERVER_ERROR, alarm.slot),
            evidence_total=view.total(alarm.slot, Group.STATUS_5XX),
            clients=clients,
            start=view.start - (failing - 1) * (view.end - view.start),
            details={"requests": requests, "errors": errors, "windows": windows},
        )


def _severity(ratio: float, route: str | None) -> Severity:
    if ratio >= 0.5:
        return Severity.CRITICAL if route is None else Severity.HIGH
    return Severity.HIGH if ratio >= 0.1 else Severity.MEDIUM
