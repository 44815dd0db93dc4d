"""Clients that ask for things in an order in which no other client does."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.learned.courses import Courses, CoursesState
from vedette.detectors.learned.member import Lesson, ServiceLesson, of_services
from vedette.detectors.learned.order_model import OrderModel
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.sample import client_keys, says_bot
from vedette.detectors.learned.sequence_sample import SequenceSample
from vedette.detectors.learned.sessions import ALONE
from vedette.detectors.learned.tokens import UNKNOWN, decoded, token_text
from vedette.detectors.learned.trails import Trails
from vedette.detectors.learned.training import Refused
from vedette.detectors.learned.walkers import MOST, Step, Walkers, WalkersState
from vedette.detectors.learned.walks import STEADY
from vedette.detectors.learned.why import contributions, odd_steps, part_of
from vedette.detectors.statement import state, surprise_score, surprise_severity
from vedette.detectors.statistical.clients import MOST_PER_WINDOW
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import RouteNumbers, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind
from vedette.schema.learned import MemberStatus
from vedette.schema.state import check, decode, encode
from vedette.windows.distinct import distinct_codes
from vedette.windows.summary import ClientRows

_MOST_COUNTED: Final = 20_000
"""Requests by which the share of unknown ones is told; from so many on, older ones count half."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `ClientSequences` remembers."""

    courses: CoursesState
    walkers: WalkersState
    unknown: dict[str, tuple[int, int]]
    seeds: dict[str, int]


class _Requests(msgspec.Struct, frozen=True):
    """A window's requests of some clients of a service, one client after the other.

    Attributes:
        rows: The clients (k). key: uint64 (k,). token: int64 (n,), numbers into `texts`. count: int64 (k,).
    """

    rows: ClientRows
    key: NDArray[np.uint64]
    token: NDArray[np.int64]
    count: NDArray[np.int64]
    texts: list[str]


class ClientSequences(FewStated):
    """A client asks for things in an order that a service's clients do not have.

    Signal: each request of a client's session, static files apart, as method, route and class of status; how
        surprising it is after those before it, to a model that was fitted to the service's own sessions: a Markov
        chain (`pair_model`), or a causal transformer (`sequence_model`).
    Baseline: sessions that the model was not fitted to, the latest of the sample.
    Decision: the surprise of a session's requests beyond what the model expected of them, summed (over sixty requests
        at most) and set against the root of their number, is as high as few usual sessions have it. A session is one
        test of the budget.
    Explanation: by how much each kind of request adds to the sum, and what was expected instead of the oddest ones.
    Known false alarms: a new way through the site (a new page, another checkout) is unlike all others until the model
        is trained again, which it is when the share of unknown requests grows.
    References: Ney, Essen, Kneser 1994 (bigram); Vaswani et al. 2017 (transformer); Du, Li, Zheng, Srikumar 2017
        (DeepLog: the next entry of a log); formula `exceedance`.
    """

    types = (AnomalyType.SEQUENCE_ANOMALY,)

    def __init__(
        self, thresholds: Thresholds, plan: Plan, trails: Trails, name: str, model: type[OrderModel]
    ) -> None:
        """Begin.

        Args:
            thresholds: From which surprise it alarms. plan: How models come to be. trails: What clients ask for.
            name: Of the member. model: Type of its models.
        """
        self.name = name
        self._thresholds = thresholds
        self._trails = trails
        self._courses = Courses(name, model, SequenceSample, plan)
        self.walkers = Walkers()
        self._unlooked = 0
        self._unknown: dict[str, tuple[int, int]] = {}
        self._seeds: dict[str, int] = {}

    def statuses(self) -> list[MemberStatus]:
        """How far each service has come, by name."""
        models = self._courses.models()
        return [
            msgspec.structs.replace(
                status,
                vocabulary=len(models[status.service].card.vocabulary) if status.service in models else 0,
                unknown=self._share(status.service),
            )
            for status in self._courses.statuses()
        ]

    def models(self) -> dict[str, OrderModel]:
        """Those at work, by service."""
        return self._courses.models()

    def train_now(self) -> dict[str, OrderModel | Refused]:
        """Fit a model to what each service's sample holds, whatever its warm-up takes; none is put to work."""
        return self._courses.train_now()

    def capped(self) -> dict[str, int]:
        """What found no room, by the name of its table."""
        found = {
            "learned_services": self._courses.unlearned,
            "learned_sequences": self.walkers.forgotten,
            "sequence_requests": self._trails.left_out,
            "sequence_clients": self._unlooked,
        }
        return {name: count for name, count in found.items() if count}

    @property
    def collects(self) -> bool:
        """See `Member`."""
        return self._courses.collect

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the clients of a window whose sessions are unlike others."""
        self._courses.step(view.number - 1)
        if view.weight > 1 or not self._courses.judge:
            return []
        found: list[Anomaly] = []
        ended = self.walkers.end(view.number)
        for name, rows in (
            of_services(view.services, view.clients) if self._trails.window == view.number else ()
        ):
            model = self._courses.model(name)
            if model is None:
                continue
            self._meet(name, model)
            asked = self._requests(rows.select(~says_bot(rows)), view.route_numbers)
            if len(asked.key):
                found.extend(self._judge(view, name, model, asked))
        self._thresholds.observe(self.name, ended)
        return found

    def learn(self, lesson: Lesson) -> None:
        """Take a window's requests into the samples."""
        for part in lesson.by_service():
            sample = self._courses.count(part.service, lesson.number, part.requests)
            if sample is not None:
                self._collect(sample, part, lesson.routes)
        self._courses.step(lesson.number)

    def _collect(self, sample: SequenceSample, part: ServiceLesson, routes: RouteNumbers) -> None:
        bad = part.clients.select(part.ill)
        if len(bad):
            # What it did before it was found out, too.
            sample.drop(client_keys(bad))
        if not part.trusted or self._trails.window != part.number:
            return
        good = part.clients.select(~part.ill & ~says_bot(part.clients))
        asked = self._requests(good.select(sample.wants(client_keys(good))), routes)
        sample.add(np.repeat(asked.key, asked.count), part.number, asked.token, asked.texts)

    def _requests(self, rows: ClientRows, routes: RouteNumbers) -> _Requests:
        """What clients asked for in the window that closed last; those that asked for nothing are left out."""
        trail = self._trails.trail
        key = client_keys(rows)
        first, count = trail.of(key)
        there = np.flatnonzero(count)
        self._unlooked += max(0, len(there) - MOST)
        there = there[:MOST]
        rows, key, first, count = rows.select(there), key[there], first[there], count[there].astype(np.int64)
        at = np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
        kind, token = distinct_codes(trail.which[at], len(trail.code))
        route, method, status = decoded(trail.code[kind])
        names = routes.names(route)
        texts = [
            token_text(name, m, s) for name, m, s in zip(names, method.tolist(), status.tolist(), strict=True)
        ]
        return _Requests(rows, key, token.astype(np.int64, copy=False), count, texts)

    def _judge(self, view: WindowView, service: str, model: OrderModel, asked: _Requests) -> list[Anomaly]:
        token = model.vocabulary.numbers(asked.texts)[asked.token]
        self._count(service, token)
        place = self.walkers.find(asked.key, view.number)
        windows = self.walkers.windows_on(place, token, asked.count, model.depth)
        step = self.walkers.add(place, view.number, token, asked.count, model.excess(windows))
        of_part = model.card.sessions_tail.surprise(step.score)
        np.maximum.at(self.walkers.most, place[step.session], of_part)
        threshold = self._thresholds.threshold(self.name, self.walkers.begun.pace) + ALONE
        alarmed = np.flatnonzero(of_part >= threshold)
        if not len(alarmed):
            return []
        # Of each session its most surprising part; of many, the most surprising; of equals, in order of clients.
        alarmed = alarmed[np.argsort(-step.score[alarmed], kind="stable")]
        first: dict[int, int] = {}
        for session, part in zip(step.session[alarmed].tolist(), alarmed.tolist(), strict=True):
            first.setdefault(session, part)
        return [
            self._statement(view, service, model, asked.rows, step, part, float(of_part[part]), threshold)
            for part in self.first(list(first.values()), MOST_PER_WINDOW)
        ]

    def _statement(
        self,
        view: WindowView,
        service: str,
        model: OrderModel,
        rows: ClientRows,
        step: Step,
        part: int,
        surprise: float,
        threshold: float,
    ) -> Anomaly:
        tail, session = model.card.sessions_tail, int(step.session[part])
        name = view.client_name(int(rows.high[session]), int(rows.low[session]))
        place = int(step.place[session])
        seen = part_of(self.walkers, place, int(step.past[part]), int(step.count[part]))
        observed = float(step.score[part])
        return state(
            view,
            type=AnomalyType.SEQUENCE_ANOMALY,
            detector=self.name,
            service=service,
            route=None,
            entity=Entity(EntityKind.CLIENT, name),
            severity=surprise_severity(surprise, threshold),
            score=surprise_score(surprise, threshold),
            observed=observed,
            expected=tail.band(),
            threshold=tail.critical(threshold),
            sample_count=tail.rows,
            unit="oddness",
            formula=tail.formula(observed),
            contributions=contributions(model, seen),
            evidence_total=int(step.count[part]),
            clients=(name,),
            details={
                "surprise": surprise,
                "surprise_threshold": threshold,
                "windows": int(self.walkers.windows[place]),
                "requests": int(step.count[part]),
                "excess": float(step.total[part]),
                "steady": STEADY,
                "unknown": int(np.count_nonzero(seen.token == UNKNOWN)),
                "steps": odd_steps(model, seen),
            },
        )

    def _meet(self, service: str, model: OrderModel) -> None:
        """Take note of a model that is new: requests of sessions that go on are numbered by another."""
        if self._seeds.get(service) != model.card.seed:
            if service in self._seeds:
                self.walkers.unlearn()
            self._seeds[service] = model.card.seed
            self._unknown.pop(service, None)

    def _count(self, service: str, token: NDArray[np.int64]) -> None:
        """Count requests that a model does not know."""
        unknown, counted = self._unknown.get(service, (0, 0))
        if counted >= _MOST_COUNTED:
            unknown, counted = unknown // 2, counted // 2
        unknown, counted = unknown + int(np.count_nonzero(token == UNKNOWN)), counted + len(token)
        self._unknown[service] = unknown, counted

    def _share(self, service: str) -> float:
        unknown, counted = self._unknown.get(service, (0, 0))
        return unknown / counted if counted else 0.0

    def to_state(self) -> bytes:
        """What is collected, fitted and summed up, as bytes."""
        return encode(
            _State(
                self._courses.to_state(),
                self.walkers.to_state(),
                dict(sorted(self._unknown.items())),
                dict(sorted(self._seeds.items())),
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = decode(content, _State, "sequences of clients")
        self._courses.from_state(known.courses)
        self.walkers.from_state(known.walkers)
        check(
            all(0 <= unknown <= counted for unknown, counted in known.unknown.values()),
            "sequences of clients",
        )
        self._unknown, self._seeds = dict(known.unknown), dict(known.seeds)
