"""Far more data leaving than usual."""

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import heaviest_clients, state, surprise_score
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.customary import Customary
from vedette.detectors.statistical.familiar import Familiar
from vedette.detectors.statistical.gate import Alarm
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.statistical.slow_taking import SlowTaking, Taker
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Mask, Metric, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Contribution, Entity, EntityKind, Severity
from vedette.schema.spans import HOUR_US, MINUTE_US
from vedette.windows.layout import Client, Group


class DataExfiltration(Remembering):
    """A client takes, or a route gives, far more bytes than ever.

    Signal: response bytes of the window's largest taker, of the last hour's, and of each route.
    Baseline: the largest taker of each of the service's past windows, and of its hours of a week, and the route's own
        bytes, on a log scale.
    Decision: the surprise passes the budget's threshold in two of three windows, or doubly in one; at least
        `MIN_RATIO` times the expected and `min_bytes` bytes; of a route, and of a client in a flood, `MIN_RATIO` times
        what the requests of this window would explain. Not where the same client took as much, or the route gave it,
        before by the clock (`Recurrence`), nor where three other clients took as much in the last week, and the
        service knew this one by the day before (`Customary`). Of an hour: by the tail of the largest takers of the past
        hours, at least `MIN_RATIO` times what one in four of them took more than, and what the third largest took
        beside him (`SlowTaking`).
    Explanation: the clients that took most of it, and the routes it came from.
    Known false alarms: the first night of a backup or a mirror; the first download of a new release.
    References: ATT&CK T1567; formulas `log_high`, `exceedance`.
    """

    name = "exfiltration"
    types = (AnomalyType.DATA_EXFILTRATION,)

    added = 8
    MIN_RATIO = 5.0

    def __init__(self, thresholds: Thresholds, familiar: Familiar, *, min_bytes: float = 10e6) -> None:
        self.min_bytes = min_bytes
        self._clients = Gated(self.name + ".client", thresholds, high=True)
        self._routes = Gated(self.name + ".route", thresholds, high=True)
        # Who comes by the clock is a job; a thief may come three times a week.
        self._taken, self._given = Recurrence(times=None), Recurrence(times=None)
        self._slowly = SlowTaking(
            self.name + ".slow", thresholds, familiar, times=self.MIN_RATIO, min_bytes=min_bytes
        )
        self._in_hours = Recurrence(times=None)
        self._customary, self._familiar = Customary(), familiar

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        first = *self._clients.memories, *self._routes.memories, self._taken, self._given
        return *first, self._in_hours, *self._slowly.memories, self._customary

    def capped(self) -> dict[str, int]:
        """Clients whose bytes of an hour found no room."""
        return {"takers": self._slowly.left_out} if self._slowly.left_out else {}

    def look(self, view: WindowView) -> list[Anomaly]:
        """State exfiltration in the window."""
        if view.silent:
            return []
        by_client = view.judged[Metric.TOP_CLIENT_BYTES]
        found = []
        for alarm in self._clients.alarms(view, by_client, lambda: self._worth(by_client)):
            if self._floods(view, by_client, alarm):
                continue
            anomaly = self._client(view, by_client, alarm)
            usual = self._taken.expects(alarm.slot, view.start, anomaly.observed, anomaly.entity.value)
            if not self._is_custom(view, alarm.slot, anomaly) and not usual:
                found.append(anomaly)
        found += self._of_hours(view, {a.entity.value for a in found})
        stated = {a.service for a in found}
        by_route = view.judged[Metric.BYTES_OUT]

        def worth() -> Mask:
            larger = by_route.value >= self.MIN_RATIO * by_route.expected_mid * self._busier(view, by_route)
            return self._worth(by_route) & ~view.book.is_service(by_route.slot) & larger

        found.extend(
            self._route(view, by_route, alarm)
            for alarm in self._routes.alarms(view, by_route, worth)
            if not self._given.expects(alarm.slot, view.start, float(by_route.value[alarm.row]))
            # One cause, one statement: a client that took it has been named; a flood takes bytes too.
            and view.book[alarm.slot].service not in stated | view.claimed
        )
        return found

    def _is_custom(self, view: WindowView, slot: int, anomaly: Anomaly) -> bool:
        """Whether others took as much before, and who does so now is no stranger."""
        clients = view.clients_of(view.book[slot].service)
        top = int(np.argmax(clients.sums[:, Client.BYTES_OUT]))
        number, high, low = int(clients.service[top]), int(clients.high[top]), int(clients.low[top])
        known = self._familiar.knows(number, high, low, view.start)
        custom = self._customary.allows(slot, anomaly.entity.value, view.start, anomaly.observed)
        # In its first day a service knows nobody by the day before.
        return custom and (known or not self._familiar.tells(number, view.start))

    def _floods(self, view: WindowView, judged: Judged, alarm: Alarm) -> bool:
        """Whether who took most in a flood took no more than so many requests do."""
        service = view.book[alarm.slot].service
        usual = view.judged[Metric.TOP_CLIENT_REQUESTS]
        found = usual.find(alarm.slot)
        if service not in view.claimed or found is None:
            return False
        clients = view.clients_of(service)
        requests = int(clients.sums[int(np.argmax(clients.sums[:, Client.BYTES_OUT])), Client.REQUESTS])
        times = max(1.0, requests / max(1.0, float(np.nan_to_num(usual.expected_mid[found]))))
        middle = float(judged.expected_mid[alarm.row])
        return float(judged.value[alarm.row]) < self.MIN_RATIO * middle * times

    @staticmethod
    def _busier(view: WindowView, judged: Judged) -> NDArray[np.float64]:
        """How many times the expected requests each row's route got, at least 1."""
        requests = view.judged[Metric.REQUESTS]
        order = np.argsort(requests.slot, kind="stable")
        rows = order[np.searchsorted(requests.slot, judged.slot, sorter=order)]
        with np.errstate(divide="ignore", invalid="ignore"):
            times = requests.value[rows] / requests.expected_mid[rows]
        return np.maximum(1.0, np.nan_to_num(times, nan=1.0, posinf=np.inf))

    def _worth(self, judged: Judged) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        middle = np.nan_to_num(judged.expected_mid, nan=np.inf)
        worth: np.ndarray[tuple[int], np.dtype[np.bool_]] = (judged.value >= self.MIN_RATIO * middle) & (
            judged.value >= self.min_bytes
        )
        return worth

    def _client(self, view: WindowView, judged: Judged, alarm: Alarm) -> Anomaly:
        service = view.book[alarm.slot].service
        clients = view.clients_of(service)
        value = float(judged.value[alarm.row])
        names, contributions = heaviest_clients(
            view, clients, Client.BYTES_OUT, float(clients.sums[:, Client.BYTES_OUT].sum())
        )
        anomaly = self._clients.statement(
            view,
            judged,
            alarm,
            type=AnomalyType.DATA_EXFILTRATION,
            unit="bytes",
            line=max(self.MIN_RATIO * float(judged.expected_mid[alarm.row]), self.min_bytes),
            severity=Severity.HIGH,
            contributions=contributions + self._routes_by_bytes(view, service),
            evidence_total=int(clients.sums[np.argmax(clients.sums[:, Client.BYTES_OUT]), Client.REQUESTS]),
            clients=names[:1],
            details={"client_bytes": value},
        )
        return msgspec.structs.replace(
            anomaly, entity=Entity(EntityKind.CLIENT, names[0] if names else "unknown")
        )

    def _of_hours(self, view: WindowView, named: set[str]) -> list[Anomaly]:
        """Who has carried off in an hour what no window shows, but for whom this one does."""
        found = []
        for taker in self._slowly.look(view):
            clients = view.clients
            name = view.client_name(int(clients.high[taker.row]), int(clients.low[taker.row]))
            # Remembered also while it is too little to tell: with more hours known, less is.
            usual = self._in_hours.expects(taker.slot, view.start, taker.taken, name, alarms=taker.too_much)
            if (
                taker.too_much
                and not usual
                and name not in named
                and view.book[taker.slot].service not in view.claimed
            ):
                found.append(self._slow(view, taker, name))
        return found

    def _slow(self, view: WindowView, taker: Taker, name: str) -> Anomaly:
        tail, sums = taker.tail, view.clients.sums[taker.row]
        details: dict[str, Any] = {
            "minutes": HOUR_US // MINUTE_US,
            "client_bytes": int(sums[Client.BYTES_OUT]),
            "stranger": taker.stranger,
            "hours": tail.hours,
            "hours_told": tail.told,
            "hours_of_strangers": tail.new,
            "surprise": taker.surprise,
            "surprise_threshold": taker.threshold,
        }
        return state(
            view,
            type=AnomalyType.DATA_EXFILTRATION,
            detector=self._slowly.name,
            service=view.book[taker.slot].service,
            route=None,
            entity=Entity(EntityKind.CLIENT, name),
            severity=Severity.HIGH if taker.stranger and 2 * tail.new <= tail.told else Severity.MEDIUM,
            score=surprise_score(taker.surprise, taker.threshold),
            observed=taker.taken,
            expected=Band(None, math.exp(tail.middle), tail.high),
            threshold=taker.least,
            sample_count=tail.hours,
            unit="bytes",
            formula=tail.formula(taker.taken),
            contributions=self._routes_by_bytes(view, view.book[taker.slot].service),
            evidence_total=int(sums[Client.REQUESTS]),
            clients=(name,),
            details=details,
        )

    def _route(self, view: WindowView, judged: Judged, alarm: Alarm) -> Anomaly:
        usual = float(judged.expected_mid[alarm.row] * self._busier(view, judged)[alarm.row])
        return self._routes.statement(
            view,
            judged,
            alarm,
            type=AnomalyType.DATA_EXFILTRATION,
            unit="bytes",
            line=max(self.MIN_RATIO * usual, self.min_bytes),
            severity=Severity.MEDIUM,
            evidence_total=view.total(alarm.slot, Group.REQUESTS),
            details={"requests": view.total(alarm.slot, Group.REQUESTS)},
        )

    @staticmethod
    def _routes_by_bytes(view: WindowView, service: str) -> tuple[Contribution, ...]:
        sizes = [
            (int(view.groups.sums[row, Group.BYTES_OUT]), route) for row, route in view.routes_of(service)
        ]
        total = sum(size for size, _ in sizes)
        return tuple(
            Contribution("route", route, size / total)
            for size, route in sorted(sizes, key=lambda s: (-s[0], s[1]))[:5]
            if total > 0 and size >= 0.05 * total
        )
