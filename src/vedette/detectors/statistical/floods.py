"""Floods: one client, or many."""

import numpy as np

from vedette.baselines.formulas import critical_value
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import excess_score, heaviest_clients, slot_entity, state, surprise_score
from vedette.detectors.statistical.acquaintance import MOSTLY, Acquaintance
from vedette.detectors.statistical.bursts import Bursts
from vedette.detectors.statistical.consequence import is_served, is_slight
from vedette.detectors.statistical.familiar import Familiar
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.statistical.volume import excess_by_route
from vedette.detectors.statistical.yesterday import Yesterday
from vedette.detectors.view import Judged, Metric, WindowView
from vedette.schema.anomaly import (
    Anomaly,
    AnomalyType,
    Band,
    Contribution,
    Entity,
    EntityKind,
    Formula,
    Severity,
)
from vedette.windows.layout import Client, Group
from vedette.windows.registry import is_asset


class Flood(Remembering):
    """Someone tries to drown a service.

    Signal: requests by client and by route in the window.
    Baseline: requests, distinct clients and the busiest client of the service's own past windows.
    Decision: either one client makes more than `client_share` of more than `requests_per_minute` requests, and
        more than the busiest client of the past did, unless it does as much on other days too and the service answers
        as ever (`Routine`); or, with many clients, requests and distinct clients are both beyond twice the budget's
        threshold, at least `MIN_RATIO` times the expected and `MIN_EXCESS` more, and the excess looks like no crowd of
        people: most of it goes to one route, or most of it is refused or fails. Clients of whom `MOSTLY` were known by
        the day before (`Acquaintance`) are a crowd, whatever they ask for. Nor where at least half as many requests
        came about that time yesterday (`Yesterday`), or where as many did at that time of the day before (`Recurrence`)
        and the service answers as ever.
    Explanation: the clients and routes that carry the excess.
    Known false alarms: a load test; a proxy in front whose address is logged for everyone (set trusted proxies).
    References: formulas `share`, `count_high`.
    """

    name = "flood"
    types = (AnomalyType.DDOS_ATTACK,)

    added = 3
    MIN_RATIO = 3.0
    MIN_EXCESS = 200
    """Requests a minute."""
    ONE_ROUTE = 0.6
    FAILING = 0.3

    def __init__(
        self,
        thresholds: Thresholds,
        familiar: Familiar,
        *,
        client_share: float = 0.7,
        requests_per_minute: float = 1000.0,
    ) -> None:
        self._thresholds = thresholds
        self.client_share = client_share
        self.requests_per_minute = requests_per_minute
        self._acquaintance = Acquaintance()
        self._yesterday = Yesterday()
        self._bursts = Bursts(familiar)
        self._recurrence = Recurrence(times=None, hours=None)

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return self._acquaintance, self._yesterday, *self._bursts.memories, self._recurrence

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave; earlier versions remembered nothing. Raises `StateError`."""
        if content:
            super().from_state(content)

    def look(self, view: WindowView) -> list[Anomaly]:
        """State floods of the window."""
        if view.silent:
            return []
        found = []
        flooded: set[int] = set()
        requests = view.judged[Metric.REQUESTS]
        self._bursts.look(view, requests)
        busy = view.book.is_service(requests.slot) & (requests.value > 0)
        for row in np.flatnonzero(busy).tolist():
            slot = int(requests.slot[row])
            if requests.value[row] >= self.MIN_RATIO * requests.expected_mid[row]:
                # Whoever they are: they are to be known once it is certain that this is no flood.
                flooded.add(slot)
                if self._is_crowd(view, requests, row):
                    view.crowds.add(view.book[slot].service)
            anomaly = self._one_client(view, slot) or self._many_clients(view, requests, row)
            if anomaly is not None:
                view.claimed.add(view.book[slot].service)
                found.append(anomaly)
        self._acquaintance.learn(view, flooded)
        services = view.book.is_service(requests.slot)
        self._yesterday.learn(view.start, requests.slot[services], requests.value[services])
        return found

    def _is_crowd(self, view: WindowView, requests: Judged, row: int) -> bool:
        """Whether many more clients than usual came, none of whom asks for much more than usual, and mostly known."""
        slot, distinct = int(requests.slot[row]), view.judged[Metric.CLIENTS]
        found = distinct.find(slot)
        if found is None:
            return False
        clients, usual = float(distinct.value[found]), float(distinct.expected_mid[found])
        many = clients >= self.MIN_RATIO * usual
        eager = requests.value[row] * usual > self.MIN_RATIO * requests.expected_mid[row] * clients
        return bool(many and not eager and self._acquaintance.known(view, slot) >= MOSTLY)

    def _one_client(self, view: WindowView, slot: int) -> Anomaly | None:
        service = view.book[slot].service
        total = view.total(slot, Group.REQUESTS)
        limit = self.requests_per_minute * view.minutes
        if total <= limit:
            return None
        clients = view.clients_of(service)
        if len(clients) == 0:
            return None
        top = int(np.argmax(clients.sums[:, Client.REQUESTS]))
        count = int(clients.sums[top, Client.REQUESTS])
        share = count / total
        if share <= self.client_share:
            return None
        burst = view.bursts.get(service)
        if burst is not None and burst.usual and is_served(view, slot):
            return None
        usual = view.judged[Metric.TOP_CLIENT_REQUESTS]
        found = usual.find(slot)
        band = Band(None, None, None)
        samples = 0
        if found is not None and usual.ready[found]:
            # A service that one client always dominates (a gateway, a probe) is judged by that client's past.
            if usual.surprise_high[found] < self._thresholds.threshold(self.name, owner=slot):
                return None
            samples = int(usual.sample_count[found])
            band = Band(None, min(1.0, float(usual.expected_mid[found]) / total), None)
        name = view.client_name(int(clients.high[top]), int(clients.low[top]))
        return state(
            view,
            type=AnomalyType.DDOS_ATTACK,
            detector=self.name,
            service=service,
            route=None,
            entity=Entity(EntityKind.CLIENT, name),
            severity=_severity(view, slot, share),
            score=excess_score(share * total, self.client_share * limit),
            observed=share,
            expected=band,
            threshold=self.client_share,
            sample_count=samples,
            unit="ratio",
            formula=Formula("share", {"part": float(count), "whole": float(total)}, share),
            contributions=(Contribution("client", name, share), *excess_by_route(view, service)),
            evidence_total=count,
            clients=(name,),
            details={
                "requests": total,
                "client_requests": count,
                "requests_threshold": limit,
                "shape": "one client",
            },
        )

    def _many_clients(self, view: WindowView, requests: Judged, row: int) -> Anomaly | None:
        slot = int(requests.slot[row])
        if not requests.value[row] >= self.MIN_RATIO * requests.expected_mid[row]:
            return None
        threshold = 2 * self._thresholds.threshold(self.name, owner=slot)
        distinct = view.judged[Metric.CLIENTS]
        found = distinct.find(slot)
        if found is None or not requests.ready[row] or not distinct.ready[found]:
            return None
        observed, middle = float(requests.value[row]), float(requests.expected_mid[row])
        surprise = float(requests.surprise_high[row])
        if surprise < threshold or distinct.surprise_high[found] < threshold:
            return None
        if observed - middle < self.MIN_EXCESS * view.minutes:
            return None
        if self._yesterday.as_many(slot, view.start, observed):
            return None
        service = view.book[slot].service
        if service in view.crowds:
            return None
        routes = excess_by_route(view, service)
        one_route = routes[0].share if routes and not is_asset(routes[0].value) else 0.0
        failing = (
            view.total(slot, Group.STATUS_5XX)
            + view.total(slot, Group.STATUS_429)
            + view.total(slot, Group.STATUS_403)
        ) / observed
        if one_route < self.ONE_ROUTE and failing < self.FAILING:
            return None
        # Tickets that go on sale at noon; what others suffer from is told every time.
        if self._recurrence.expects(slot, view.start, observed) and is_served(view, slot):
            return None
        clients, by_client = heaviest_clients(
            view, view.clients_of(service), Client.REQUESTS, observed - middle
        )
        formula = requests.formula(row, high=True)
        return state(
            view,
            type=AnomalyType.DDOS_ATTACK,
            detector=self.name,
            service=service,
            route=None,
            entity=slot_entity(service, None),
            # A crowd that is answered as ever may be one, whoever they are.
            severity=Severity.MEDIUM if is_slight(view, slot) else Severity.CRITICAL,
            score=surprise_score(surprise, threshold),
            observed=observed,
            expected=requests.band(row),
            threshold=max(
                critical_value(formula.name, formula.inputs, threshold),
                self.MIN_RATIO * middle,
                middle + self.MIN_EXCESS * view.minutes,
            ),
            sample_count=int(requests.sample_count[row]),
            unit="requests",
            formula=formula,
            contributions=routes + by_client,
            evidence_total=int(observed),
            clients=clients,
            details={
                "distinct_clients": float(distinct.value[found]),
                "expected_clients": float(distinct.expected_mid[found]),
                "share_on_one_route": one_route,
                "share_refused_or_failing": failing,
                "surprise": surprise,
                "surprise_threshold": threshold,
                "shape": "many clients",
            },
        )


def _severity(view: WindowView, slot: int, share: float) -> Severity:
    """How severe it is that one client makes such a share of a service's requests."""
    if is_slight(view, slot):
        return Severity.LOW
    return Severity.CRITICAL if share > 0.9 else Severity.HIGH
