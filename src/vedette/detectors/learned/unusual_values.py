"""Routes whose response times, or statuses, are others than theirs usually are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.formulas import critical_value, recompute
from vedette.detectors.learned.courses import Courses, CoursesState
from vedette.detectors.learned.kinds import RESPONSE_TIME, STATUS_CODE
from vedette.detectors.learned.member import Lesson
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.training import Refused
from vedette.detectors.learned.value_model import ValueModel
from vedette.detectors.learned.value_sample import ValueSample
from vedette.detectors.learned.values import STATUS, response_times, statuses, step_edges
from vedette.detectors.statement import slot_entity, state, surprise_score, surprise_severity
from vedette.detectors.statistical.gate import Gate
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Contribution, Formula
from vedette.schema.learned import MemberStatus
from vedette.schema.state import decode, encode
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


@dataclass(frozen=True, slots=True)
class ValueKind:
    """What is counted on a route.

    Attributes:
        member: Name of the member. type: What is stated.
        counts: Requests by value of some rows of a window, int64 (k, values). name: What a value is called.
        files: Whether static files are looked at. How many of those are answered 304 is the visitors' caches'.
    """

    member: str
    type: AnomalyType
    counts: Callable[[Groups, NDArray[np.intp]], NDArray[np.int64]]
    name: Callable[[int], str]
    files: bool


RESPONSE_TIMES: Final = ValueKind(
    RESPONSE_TIME, AnomalyType.RESPONSE_TIME_ANOMALY, response_times, _seconds, True
)
STATUSES: Final = ValueKind(
    STATUS_CODE, AnomalyType.STATUS_CODE_ANOMALY, statuses, lambda place: STATUS[place][0], False
)


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `UnusualValues` remembers."""

    courses: CoursesState
    gate: bytes


class UnusualValues:
    """A route answers with other values than it usually does.

    Signal: requests of a route by response time (half octaves) or by class of status.
    Baseline: a one-class SVM of the route's own values says which of them lie outside what is usual; how often usual
        requests do, and how much those of one window go together, is from windows that it was not fitted to.
    Decision: a beta-binomial says how likely so many outside are in one window; within the budget of false alarms, in
        two of three windows.
    Explanation: the values outside that came most.
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
        slots = view.groups.key.astype(np.int32)
        rows = np.flatnonzero(~view.book.is_service(slots))
        counts = self._kind.counts(view.groups, rows)
        some = counts.any(axis=1)
        rows, counts = rows[some], counts[some]
        owners = view.owners(slots[rows])
        parts: list[_Part] = []
        for owner in np.unique(owners).tolist():
            service, of = view.book[owner].service, np.flatnonzero(owners == owner)
            model = self._courses.model(service)
            if model is not None:
                place = self._places(view, service, model, slots[rows[of]])
                known = place >= 0
                parts.append(_Part(service, model, slots[rows[of]][known], place[known], counts[of][known]))
            if self._courses.collect and (model is None or view.number % LATER == 0):
                # A signature's hits are not to be learned, and cannot be taken out of sums.
                clean = of[view.groups.sums[rows[of], Group.ATTACKS] == 0]
                names = [view.book[slot].route or "" for slot in slots[rows[clean]].tolist()]
                wanted = [i for i, name in enumerate(names) if self._kind.files or not is_asset(name)]
                self._seen[service] = [names[i] for i in wanted], counts[clean[wanted]]
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
        if not parts:
            return []
        surprise = np.concatenate([part.surprise() for part in parts])
        slots = np.concatenate([part.slot for part in parts])
        threshold = self._thresholds.threshold(self.name)
        # One window alone is never enough: a deployment is one.
        alone = np.zeros(len(slots), dtype=np.bool_)
        alarmed = self._gate.decide(slots, surprise, threshold, alone)
        self._thresholds.observe(self.name, surprise)
        owner = np.repeat(np.arange(len(parts)), [len(part.slot) for part in parts])
        first = np.searchsorted(owner, np.arange(len(parts)))
        return [
            self._statement(
                view, parts[owner[row]].route(row - first[owner[row]]), float(surprise[row]), threshold
            )
            for row in alarmed
        ]

    def _statement(self, view: WindowView, one: "_Route", surprise: float, threshold: float) -> Anomaly:
        beyond = np.where(one.mask, one.counts, 0)
        requests, inputs = int(one.counts.sum()), one.inputs()
        order = np.argsort(-beyond, kind="stable")[:SHOWN].tolist()
        critical, high = (critical_value("ratio_high", inputs, p) / requests for p in (threshold, _BAND))
        share = inputs["mean"]
        return state(
            view,
            type=self._kind.type,
            detector=self.name,
            service=one.service,
            route=one.name,
            entity=slot_entity(one.service, one.name),
            severity=surprise_severity(surprise, threshold),
            score=surprise_score(surprise, threshold),
            observed=one.beyond / requests,
            expected=Band(0.0, share, min(1.0, high)),
            threshold=min(1.0, critical),
            sample_count=one.model.card.requests[one.place],
            unit="ratio",
            formula=Formula("ratio_high", inputs, surprise),
            contributions=tuple(
                Contribution("value", self._kind.name(value), float(beyond[value]) / one.beyond)
                for value in order
                if beyond[value]
            ),
            evidence_total=one.beyond,
            details={
                "surprise": surprise,
                "surprise_threshold": threshold,
                "outside": one.beyond,
                "requests": requests,
                "usual_share": share,
            },
        )

    def to_state(self) -> bytes:
        """What is collected and fitted, as bytes."""
        return encode(_State(self._courses.to_state(), self._gate.to_state()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = decode(content, _State, "learned values")
        self._courses.from_state(known.courses)
        self._gate.from_state(known.gate)


@dataclass(frozen=True, slots=True)
class _Part:
    """Routes of one service in a window that its model knows.

    Attributes:
        slot: int32 (k,). place: int64 (k,), in the model. counts: int64 (k, values).
    """

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
            found[row] = recompute("ratio_high", self.route(row).inputs())
        return found

    def route(self, row: int) -> "_Route":
        """One of them."""
        return _Route(self.service, self.model, int(self.place[row]), self.counts[row])


@dataclass(frozen=True, slots=True)
class _Route:
    """A route of a window. `place`: in the model. `counts`: int64 (values,)."""

    service: str
    model: ValueModel
    place: int
    counts: NDArray[np.int64]

    @property
    def name(self) -> str:
        """The route."""
        return self.model.card.routes[self.place]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which values lie outside."""
        return np.asarray(self.model.outside[self.place])

    @property
    def beyond(self) -> int:
        """Requests outside."""
        return int(self.counts[self.mask].sum())

    def inputs(self) -> dict[str, float]:
        """Of the formula."""
        card = self.model.card
        return {
            "value": float(self.beyond),
            "exposure": float(self.counts.sum()),
            "mean": card.share[self.place],
            "correlation": card.correlation[self.place],
        }
