"""A verdict for each request: what its own signatures say, and what the anomalies of its windows add.

Windows are judged after their rows are gone, so the little that a verdict needs of each row is kept in a spool
(`ROW`, 58 bytes a row, on disk if the caller wants) and marked at the end.

Which rows an anomaly of a window marks:

| anomaly | rows marked |
|---|---|
| about a client | that client's requests to the service in the window |
| `error_spike` | 5xx answers of the service or route in the window, and of routes that share it in theirs |
| `latency_spike` | requests at least as slow as the alarm's threshold |
| `brute_force` of many clients | failed logins: 401 anywhere, another 4xx but 404 on a route that takes credentials |
| `ddos_attack` of many clients | requests to the route that carries most of the excess |
| `abnormal_request` of the detector `parameters` | the odd requests themselves |
| others | none: no single request is to blame |
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Self

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from vedette.detectors.learned.member_names import FOREST, MARKOV, OUTLIERS, TRANSFORMER
from vedette.detectors.parameters.habits import Marked
from vedette.detectors.signatures.opinions import ANOMALOUS
from vedette.engine.engine import Engine
from vedette.enrich.client import clients_called
from vedette.fusion.calibration import Ranks
from vedette.fusion.fusing import any_of, log_odds, probability, with_evidence
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind
from vedette.windows.registry import is_login

ROW = np.dtype(
    [
        ("line", np.int64),
        ("time", np.int64),
        ("high", np.uint64),
        ("low", np.uint64),
        ("duration", np.float32),
        ("score", np.float32),
        ("types", np.uint32),
        ("source", np.uint16),
        ("service", np.uint16),
        ("route", np.uint32),
        ("status", np.int16),
        ("suspect", np.uint32),
    ]
)
"""What is kept of each row. `source`, `service` and `route` are numbers into the caller's lists."""

EVERYDAY = np.uint32(1 << 31)
"""Bit of a row's `types` that is no type: it looks like an attack, and is what the site is asked every day."""

_BY_ROW = frozenset({"signatures", "parameters"})
"""Detectors whose rows are known one by one."""


_MEMBERS = frozenset({FOREST, MARKOV, TRANSFORMER, *OUTLIERS})
"""Learned models of what one client does: their tails are evidence about its requests, beside what these say."""
_TAIL = Ranks()
ALARM = 2.0
"""Evidence that a request is to blame which an alarm of its window marks, added to the log-odds of the alarm's score:
at the threshold that makes 0.88. Chosen of 0, 2 and 3 by the calibration error on simulated logs of seeds 1 to 3:
0.123, 0.113 and 0.115. `bench/quality/ensemble.py` measures others."""


class Verdicts(msgspec.Struct, frozen=True):
    """Verdicts on n rows. `score` is 0..1; `types` a bit per name in `type_names`."""

    rows: NDArray[np.void]
    anomalous: NDArray[np.bool_]
    score: NDArray[np.float64]
    types: NDArray[np.int64]


class Marker:
    """Marks rows by the anomalies of their windows.

    Args:
        anomalies: All that were found.
        services, routes: Names by number.
        names: Host names of clients known by name.
        type_names: Names of type bits; those of the signatures first.
        odd: Suspects that were odd, and their scores.
        login_routes: Routes that take credentials though their names do not say so.
    """

    def __init__(
        self,
        anomalies: Iterable[Anomaly],
        services: Sequence[str],
        routes: Sequence[str],
        names: dict[int, str],
        type_names: Sequence[AnomalyType],
        odd: Marked | None = None,
        login_routes: Collection[str] = (),
    ) -> None:
        marks = [part for a in anomalies if a.detector not in _BY_ROW for part in _parts(a)]
        self._marks = sorted(marks, key=lambda a: a.start)
        self._starts = np.array([a.start for a in self._marks], dtype=np.int64)
        self._longest = max((a.end - a.start for a in self._marks), default=0)
        self._services = {name: number for number, name in enumerate(services)}
        self._routes: dict[str, list[int]] = {}
        for number, name in enumerate(routes):
            self._routes.setdefault(name, []).append(number)
        self._logins = [
            number for number, name in enumerate(routes) if is_login(name) or name in login_routes
        ]
        self._names = names
        self._bit = {name: bit for bit, name in enumerate(type_names)}
        odd = odd or Marked()
        suspects = np.array(odd.number, dtype=np.uint32)
        order = np.argsort(suspects)
        self._odd, self._odd_score = suspects[order], np.array([of_row(s) for s in odd.score])[order]

    @classmethod
    def of(
        cls,
        engine: Engine,
        anomalies: Iterable[Anomaly],
        routes: Sequence[str],
        type_names: Sequence[AnomalyType],
    ) -> Self:
        """One for what an engine has found."""
        return cls(
            anomalies,
            engine.services,
            routes,
            engine.names,
            type_names,
            engine.habits.marked if engine.habits is not None else None,
            engine.settings.windows.login_routes,
        )

    def judge(self, rows: NDArray[np.void]) -> Verdicts:
        """Verdicts on a block of rows (dtype `ROW`), in the block's order."""
        score = rows["score"].astype(np.float64)
        types = (rows["types"] & ~EVERYDAY).astype(np.int64)
        anomalous = score >= ANOMALOUS
        # What each detector says of each row; it may state one thing of a service and of its route.
        told: dict[str, NDArray[np.float64]] = {}
        weighed: dict[str, NDArray[np.float64]] = {}
        if len(rows) and len(self._odd):
            place = np.minimum(np.searchsorted(self._odd, rows["suspect"]), len(self._odd) - 1)
            odd = self._odd[place] == rows["suspect"]
            anomalous |= odd
            told["parameters"] = np.where(odd, self._odd_score[place], 0.0)
            types[odd] |= 1 << self._bit[AnomalyType.ABNORMAL_REQUEST]
        if len(rows):
            order = np.argsort(rows["time"], kind="stable")
            time = rows["time"][order]
            for anomaly in self._overlapping(int(time[0]), int(time[-1])):
                first, last = np.searchsorted(time, [anomaly.start, anomaly.end])
                candidates = order[first:last]
                marked = candidates[self._touches(anomaly, rows[candidates])]
                if not len(marked):
                    continue
                anomalous[marked] = True
                types[marked] |= 1 << self._bit[anomaly.type]
                into, worth = told, of_row(anomaly.score)
                if anomaly.detector in _MEMBERS:
                    into, worth = weighed, float(_TAIL.evidence(np.array(anomaly.details["surprise"])))
                said = into.setdefault(anomaly.detector, np.zeros(len(rows)))
                said[marked] = np.maximum(said[marked], worth)
        if weighed:
            evidence = np.sum(list(weighed.values()), axis=0)
            on = evidence != 0.0
            score[on] = with_evidence(score[on], evidence[on])
        if told:
            score = any_of([score, *told.values()])
        return Verdicts(rows, anomalous, score, types)

    def _overlapping(self, first: int, last: int) -> Iterator[Anomaly]:
        begin = int(np.searchsorted(self._starts, first - self._longest))
        end = int(np.searchsorted(self._starts, last, side="right"))
        return (a for a in self._marks[begin:end] if a.end > first)

    def _touches(self, anomaly: Anomaly, rows: NDArray[np.void]) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = rows["service"] == self._services.get(anomaly.service, -1)
        if anomaly.entity.kind is EntityKind.CLIENT:
            called = {anomaly.entity.value}
            return mask & clients_called(called, rows["high"], rows["low"], self._names)
        if anomaly.route is not None:
            mask &= np.isin(rows["route"], self._routes.get(anomaly.route, []))
        match anomaly.type:
            case AnomalyType.ERROR_SPIKE:
                return mask & (rows["status"] >= 500)
            case AnomalyType.LATENCY_SPIKE:
                return mask & (rows["duration"] >= anomaly.threshold)
            case AnomalyType.BRUTE_FORCE:
                status = rows["status"]
                refused = (status >= 400) & (status < 500) & (status != 404)
                mask &= (status == 401) | (refused & np.isin(rows["route"], self._logins))
                return mask
            case AnomalyType.DDOS_ATTACK:
                routes = [c.value for c in anomaly.contributions if c.dimension == "route"][:1]
                return mask & np.isin(rows["route"], [n for r in routes for n in self._routes.get(r, [])])
            case _:
                return np.zeros(len(rows), dtype=bool)


def _parts(anomaly: Anomaly) -> Iterator[Anomaly]:
    """A statement, and what it tells of routes that rest on more windows than it does, as statements of theirs."""
    yield anomaly
    windows = anomaly.details.get("windows", 1)
    span = (anomaly.end - anomaly.start) // windows
    for told in anomaly.details.get("shared_by", {}).get("routes", ()):
        if told["windows"] > windows:
            start = anomaly.end - told["windows"] * span
            yield structs.replace(anomaly, route=told["route"], start=start)


def of_row(score: float) -> float:
    """Probability that a row is to blame which an alarm of this score marks."""
    return float(probability(np.array(log_odds(score) + ALARM)))
