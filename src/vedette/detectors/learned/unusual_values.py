"""Routes whose response times, or statuses, are others than theirs usually are."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import critical_value, recompute
from vedette.detectors.learned.courses import Courses, CoursesState
from vedette.detectors.learned.member import Lesson
from vedette.detectors.learned.member_names import RESPONSE_TIME, STATUS_CODE
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.training import Refused
from vedette.detectors.learned.value_carrier import CountedAs, of_status, of_time, value_carrier
from vedette.detectors.learned.value_model import ValueModel
from vedette.detectors.learned.value_sample import ValueSample
from vedette.detectors.learned.values import STATUS, response_times, statuses, step_edges
from vedette.detectors.statement import slot_entity, state, surprise_score, surprise_severity
from vedette.detectors.statistical.gate import Alarm, Gate
from vedette.detectors.statistical.peaks import Peaks
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.statistical.shared import Shared, apart
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Contribution, Formula, Severity
from vedette.schema.learned import MemberStatus
from vedette.schema.state import check, decode, encode
from vedette.windows.layout import Group
from vedette.windows.registry import is_asset
from vedette.windows.summary import Groups

LEAST_OUTSIDE: Final = 5
"""Requests outside from which a window is looked at more closely: fewer may be one page of one visitor."""
LATER: Final = 16
"""While a model is at work, one window in so many is collected for the next: a week is more than a sample holds."""
SHOWN: Final = 4
"""Values that are named."""
_BAND: Final = 2.0
"""Surprise of the upper edge of what is expected: one normal window in a hundred has more."""


def _seconds(step: int) -> str:
    low, high = step_edges(step)
    return f"{low:.3g} to {high:.3g} s"


class ValueKind(msgspec.Struct, frozen=True):
    """What is counted on a route.

    Attributes:
        member: Name of the member. type: What is stated. counted: Column of the requests that have a value.
        counts: Requests by value of some rows of a window, int64 (k, values). name: What a value is called.
        files: Whether static files are looked at. How many of those are answered 304 is the visitors' caches'.
        counted_as: Column of clients that tells who got a value.
        excused: Whether what came at the same time of another day is normal. Errors are not excused so.
    """

    member: str
    type: AnomalyType
    counted: Group
    counts: Callable[[Groups, NDArray[np.intp]], NDArray[np.int64]]
    name: Callable[[int], str]
    files: bool
    counted_as: CountedAs
    excused: bool


RESPONSE_TIMES: Final = ValueKind(
    RESPONSE_TIME,
    AnomalyType.RESPONSE_TIME_ANOMALY,
    Group.TIMED,
    response_times,
    _seconds,
    True,
    of_time,
    True,
)
STATUSES: Final = ValueKind(
    STATUS_CODE,
    AnomalyType.STATUS_CODE_ANOMALY,
    Group.REQUESTS,
    statuses,
    lambda place: STATUS[place][0],
    False,
    of_status,
    False,
)


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `UnusualValues` remembers."""

    courses: CoursesState
    gate: bytes
    peaks: list[bytes]
    recurrence: bytes = b""


class UnusualValues:
    """A route answers with other values than it usually does.

    Signal: requests of a route by response time (half octaves) or by class of status.
    Baseline: a one-class SVM of the route's own values says which of them lie outside what is usual; how often usual
        requests do, and how much those of one window go together, is from windows that it was not fitted to.
    Decision: a beta-binomial says how likely so many outside are in one window; within the budget of false alarms, in
        two of three windows; of times not where as many lay outside at the same time of another day (`Recurrence`).
        Where several routes of a service alarm and all of its requests together would too, they are told as one; a
        route that is hit harder is stated beside it (`vedette.detectors.statistical.shared`).
    Explanation: the values outside that came most, and the client that got most of them. What nobody else got is of
        medium severity at most.
    Known false alarms: a release that makes a route quicker or lets it answer otherwise, until it is trained again.
    References: Schölkopf et al. 2001 (one-class SVM); formula `ratio_high`.
    """

    def __init__(self, kind: ValueKind, thresholds: Thresholds, plan: Plan) -> None:
        """Begin; see `ClientBehaviour`."""
        self.name = kind.member
        self.types = (kind.type,)
        self._kind = kind
        self._thresholds = thresholds
        self._courses = Courses(kind.member, ValueModel, ValueSample, plan)
        self._gate = Gate()
        self._peaks = Peaks(by_the_clock=False)
        self._recurrence = Recurrence(times=None, hours=None)
        self._seen: dict[str, tuple[list[str], NDArray[np.int64]]] = {}
        """Counts of the window that was looked at last, by service, until it is learned."""
        self._known: dict[str, tuple[ValueModel, dict[int, int]]] = {}
        """Places of slots in each service's model."""

    def statuses(self) -> list[MemberStatus]:
        """How far each service has come, by name."""
        return self._courses.statuses()

    def models(self) -> dict[str, ValueModel]:
        """Those at work, by service."""
        return self._courses.models()

    def train_now(self) -> dict[str, ValueModel | Refused]:
        """Fit a model to what each service's sample holds, whatever its warm-up takes; none is put to work."""
        return self._courses.train_now()

    def capped(self) -> dict[str, int]:
        """Windows of services that found no room."""
        return {f"{self.name}_services": self._courses.unlearned} if self._courses.unlearned else {}

    @property
    def collects(self) -> bool:
        """See `Member`."""
        return self._courses.collect

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the routes of a window with values outside what is usual."""
        self._courses.step(view.number - 1)
        self._seen = {}
        if view.silent or view.weight > 1 or not (self._courses.judge or self._courses.collect):
            return []
        # A log without durations has no response times to lay out.
        counted = view.groups.sums[:, self._kind.counted]
        rows = np.flatnonzero(~view.own & (counted > 0))
        slots = view.groups.key[rows].astype(np.int32)
        owners = view.book.parents[slots]
        parts: list[_Part] = []
        # Most windows of most sites: no route has so many requests that those outside could be looked at.
        unseen = self._gate.calm and int(counted[rows].max(initial=0)) < LEAST_OUTSIDE
        counts: NDArray[np.int64] | None = None
        tests = 0
        for owner in sorted(set(owners.tolist())):
            service, of = view.book[owner].service, np.flatnonzero(owners == owner)
            model = self._courses.model(service)
            wanted = self._courses.collect and (model is None or view.number % LATER == 0)
            if counts is None and (wanted or not unseen):
                counts = self._kind.counts(view.groups, rows)
            if model is not None:
                place = self._places(view, service, model, slots[of])
                known = place >= 0
                tests += int(np.count_nonzero(known))
                if counts is not None and not unseen:
                    parts.append(
                        _Part(owner, service, model, slots[of][known], place[known], counts[of][known])
                    )
            if counts is not None and wanted:
                # A signature's hits are not to be learned, and cannot be taken out of sums.
                clean = of[view.groups.sums[rows[of], Group.ATTACKS] == 0]
                names = [view.book[slot].route or "" for slot in slots[clean].tolist()]
                kept = [i for i, name in enumerate(names) if self._kind.files or not is_asset(name)]
                self._seen[service] = [names[i] for i in kept], counts[clean[kept]]
        if unseen:
            if tests:
                self._thresholds.observe(self.name, np.zeros(tests))
            return []
        return self._judge(view, parts)

    def _places(
        self, view: WindowView, service: str, model: ValueModel, slots: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Places of slots among a model's routes, int64 (k,); -1 where it has none."""
        known = self._known.get(service)
        if known is None or known[0] is not model:
            known = self._known[service] = (model, {})
        places, routes = known[1], model.card.routes
        found = []
        for slot in slots.tolist():
            place = places.get(slot)
            if place is None:
                route = view.book[slot].route
                place = places[slot] = routes.index(route) if route in routes else -1
            found.append(place)
        return np.array(found, dtype=np.int64)

    def learn(self, lesson: Lesson) -> None:
        """Take a window's counts into the samples, of services in which nothing was wrong."""
        for service, requests in sorted(lesson.requests.items()):
            sample = self._courses.count(service, lesson.number, requests)
            seen = self._seen.get(service)
            if sample is not None and seen is not None and service not in lesson.distrusted:
                sample.add(lesson.number, *seen)
        self._seen = {}
        self._courses.step(lesson.number)

    def _judge(self, view: WindowView, parts: list["_Part"]) -> list[Anomaly]:
        parts = [part for part in parts if len(part.slot)]
        if not parts:
            return []
        surprise = np.concatenate([part.surprise() for part in parts])
        slots = np.concatenate([part.slot for part in parts])
        threshold = self._thresholds.threshold(self.name)
        tested = surprise
        if self._peaks.matter(tested):
            tested = self._peaks.tests(view.owners(slots), slots, tested, view.start)
        self._thresholds.observe(self.name, tested)
        rows: list[_Row] = []
        if (surprise >= threshold).any():
            rows = [part.route(row) for part in parts for row in range(len(part.slot))]
            # A service alarms only beside its routes, and is no test of its own.
            whole = [part.whole() for part in parts]
            rows += whole
            surprise = np.append(surprise, [row.surprise() for row in whole])
            slots = np.append(slots, np.array([row.slot for row in whole], dtype=np.int32))
        # One window alone is never enough: a deployment is one.
        alone = np.zeros(len(slots), dtype=np.bool_)
        alarmed = self._gate.decide(slots, surprise, threshold, alone)
        if not alarmed:
            return []
        alarms = [Alarm(row, int(slots[row]), float(surprise[row]), threshold) for row in alarmed]
        hit = [rows[alarm.row].service for alarm in alarms if rows[alarm.row].name is not None]
        alarms = [a for a in alarms if rows[a.row].name is not None or hit.count(rows[a.row].service) > 1]
        if self._kind.excused:
            alarms = [
                a
                for a in alarms
                if not self._recurrence.expects(
                    a.slot, view.start, rows[a.row].outside / rows[a.row].requests
                )
            ]
        measured = _Measured(rows)
        return [self._statement(view, measured, shared) for shared in apart(view, measured, alarms)]

    def _statement(self, view: WindowView, measured: "_Measured", shared: Shared) -> Anomaly:
        alarm, one = shared.alarm, measured.rows[shared.alarm.row]
        beyond, requests, inputs = one.beyond, one.requests, one.inputs()
        order = np.argsort(-beyond, kind="stable")[:SHOWN].tolist()
        critical, high = (
            critical_value("ratio_high", inputs, p) / requests for p in (alarm.threshold, _BAND)
        )
        share = inputs["mean"]
        values = tuple(
            Contribution("value", self._kind.name(value), float(beyond[value]) / one.outside)
            for value in order
            if beyond[value]
        )
        carrier = value_carrier(view, alarm.slot, beyond, self._kind.counted_as)
        severity = shared.worst(lambda each: surprise_severity(each.surprise, each.threshold))
        if carrier is not None and carrier.alone and severity.rank > Severity.MEDIUM.rank:
            severity = Severity.MEDIUM
        return state(
            view,
            type=self._kind.type,
            detector=self.name,
            service=one.service,
            route=one.name,
            entity=slot_entity(one.service, one.name),
            severity=severity,
            score=surprise_score(alarm.surprise, alarm.threshold),
            observed=one.outside / requests,
            expected=Band(0.0, share, min(1.0, high)),
            threshold=min(1.0, critical),
            sample_count=one.learned,
            unit="ratio",
            formula=Formula("ratio_high", inputs, alarm.surprise),
            contributions=values if carrier is None else (*values, carrier.contribution),
            evidence_total=one.outside,
            clients=() if carrier is None else (carrier.name,),
            details={
                "surprise": alarm.surprise,
                "surprise_threshold": alarm.threshold,
                "outside": one.outside,
                "requests": requests,
                "usual_share": share,
                **shared.details(view, measured),
            },
        )

    def to_state(self) -> bytes:
        """What is collected and fitted, as bytes."""
        return encode(
            _State(
                self._courses.to_state(),
                self._gate.to_state(),
                [m.to_state() for m in self._peaks.memories],
                self._recurrence.to_state(),
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = decode(content, _State, "learned values")
        self._courses.from_state(known.courses)
        self._gate.from_state(known.gate)
        check(len(known.peaks) == len(self._peaks.memories), "learned values")
        for memory, part in zip(self._peaks.memories, known.peaks, strict=True):
            memory.from_state(part)
        if known.recurrence:
            self._recurrence.from_state(known.recurrence)


class _Row(msgspec.Struct, frozen=True):
    """A route of a window, or all of a service's together.

    Attributes:
        slot: Of the entity. name: The route; None of a service.
        beyond: int64 (values,), requests outside what is usual. requests: In all. learned: That the model rests on.
        share: Of usual requests that lie outside. correlation: Of those of one window.
    """

    slot: int
    service: str
    name: str | None
    beyond: NDArray[np.int64]
    requests: int
    learned: int
    share: float
    correlation: float

    @property
    def outside(self) -> int:
        """Requests outside."""
        return int(self.beyond.sum())

    def inputs(self) -> dict[str, float]:
        """Of the formula."""
        return {
            "value": float(self.outside),
            "exposure": float(self.requests),
            "mean": self.share,
            "correlation": self.correlation,
        }

    def surprise(self) -> float:
        """-log10 of the probability of so many outside; 0 for so few that nobody would look."""
        return recompute("ratio_high", self.inputs()) if self.outside >= LEAST_OUTSIDE else 0.0


class _Part(msgspec.Struct, frozen=True):
    """Routes of one service in a window that its model knows.

    Attributes:
        owner: Slot of the service. slot: int32 (k,). place: int64 (k,), in the model. counts: int64 (k, values).
    """

    owner: int
    service: str
    model: ValueModel
    slot: NDArray[np.int32]
    place: NDArray[np.int64]
    counts: NDArray[np.int64]

    def surprise(self) -> NDArray[np.float64]:
        """-log10 of the probability of so many outside, float64 (k,); 0 for so few that nobody would look."""
        beyond = (self.counts * self.model.outside[self.place]).sum(axis=1)
        found = np.zeros(len(self.slot))
        for row in np.flatnonzero(beyond >= LEAST_OUTSIDE).tolist():
            found[row] = self.route(row).surprise()
        return found

    def route(self, row: int) -> _Row:
        """One of them."""
        place, counts, card = int(self.place[row]), self.counts[row], self.model.card
        return _Row(
            int(self.slot[row]), self.service, card.routes[place], np.where(self.model.outside[place], counts, 0),
            int(counts.sum()), card.requests[place], card.share[place], card.correlation[place],
        )  # fmt: skip

    def whole(self) -> _Row:
        """All of them together; what goes together on one route goes together over all of them."""
        rows = [self.route(row) for row in range(len(self.slot))]
        requests = sum(row.requests for row in rows)
        return _Row(
            self.owner,
            self.service,
            None,
            np.sum([row.beyond for row in rows], axis=0),
            requests,
            sum(row.learned for row in rows),
            sum(row.share * row.requests for row in rows) / max(1, requests),
            max(row.correlation for row in rows),
        )


class _Measured:
    """Rows as `apart` compares them."""

    counted: Final = False

    def __init__(self, rows: Sequence[_Row]) -> None:
        self.rows = rows
        self.exposure = np.array([row.requests for row in rows], dtype=np.float64)
        self.value = np.array([row.outside for row in rows]) / np.maximum(1.0, self.exposure)
        self.expected_mid = np.array([row.share for row in rows])

    def formula(self, row: int, *, high: bool) -> Formula:  # noqa: ARG002 - more than usual is all that is judged
        """See `Measured`."""
        return Formula("ratio_high", self.rows[row].inputs(), self.rows[row].surprise())
