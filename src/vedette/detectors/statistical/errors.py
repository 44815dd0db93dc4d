"""More server errors than usual."""

from vedette.detectors.evidence import Topic
from vedette.detectors.statement import heaviest_clients
from vedette.detectors.statistical.banded import Alarm, Gated
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Metric, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Severity
from vedette.windows.layout import Client, Group


class ErrorSpike:
    """A service or route answers 5xx more often than its own normal.

    Signal: 5xx answers among all answers of the window.
    Baseline: the share of 5xx, beta-binomial, with a prior borrowed from the parent (route, service, all).
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one; at least
        `MIN_ERRORS` errors and `MIN_EXCESS` of all answers above what was expected.
    Explanation: which routes, and which clients, carry the errors above the expected ones.
    Known false alarms: a monitor that probes a broken address on purpose; deploys that answer 503 for a minute.
    References: DESIGN, "How it decides"; formula `ratio_high`.
    """

    name = "errors.ratio"
    types = (AnomalyType.ERROR_SPIKE,)

    MIN_ERRORS = 5
    MIN_EXCESS = 0.02

    def __init__(self, thresholds: Thresholds) -> None:
        self._gated = Gated(self.name, thresholds, high=True)

    def look(self, view: WindowView) -> list[Anomaly]:
        """State error spikes of the window."""
        judged = view.judged[Metric.ERROR_RATIO]
        rows = [view.group(int(slot)) for slot in judged.slot.tolist()]
        errors = judged.value * [
            0 if row is None else int(view.groups.sums[row, Group.REQUESTS]) for row in rows
        ]
        worth = (errors >= self.MIN_ERRORS) & (judged.value - judged.expected_mid >= self.MIN_EXCESS)
        return [self._state(view, judged, alarm) for alarm in self._gated.alarms(view, judged, worth)]

    def _state(self, view: WindowView, judged: Judged, alarm: Alarm) -> Anomaly:
        entry = view.book[alarm.slot]
        requests = view.total(alarm.slot, Group.REQUESTS)
        errors = view.total(alarm.slot, Group.STATUS_5XX)
        excess = errors - float(judged.expected_mid[alarm.row]) * requests
        contributions: list[Contribution] = []
        if entry.route is None:
            shares = [
                (int(view.groups.sums[row, Group.STATUS_5XX]) / excess, route)
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
                view, view.clients_of(entry.service), Client.STATUS_5XX, excess
            )
            contributions.extend(by_client)
        ratio = float(judged.value[alarm.row])
        severity = Severity.MEDIUM
        if ratio >= 0.5:
            severity = Severity.CRITICAL if entry.route is None else Severity.HIGH
        elif ratio >= 0.1:
            severity = Severity.HIGH
        return self._gated.statement(
            view,
            judged,
            alarm,
            type=AnomalyType.ERROR_SPIKE,
            unit="ratio",
            severity=severity,
            contributions=tuple(contributions),
            evidence=view.route_proof(Topic.SERVER_ERROR, alarm.slot),
            evidence_total=errors,
            clients=clients,
            details={"requests": requests, "errors": errors},
        )
