"""Clients that behave unlike the others of their service."""

import zlib
from collections.abc import Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.learned.courses import Courses, CoursesState
from vedette.detectors.learned.explaining import contributions, seen_values
from vedette.detectors.learned.keys import session_keys
from vedette.detectors.learned.member import Lesson, ServiceLesson, spans
from vedette.detectors.learned.member_names import FOREST
from vedette.detectors.learned.model import BehaviourModel, ClientModel, rows_of
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.sample import SESSION_WINDOWS, Sample, client_keys, has_manner
from vedette.detectors.learned.sessions import ALONE, Sessions, SessionsState
from vedette.detectors.learned.training import Refused
from vedette.detectors.statement import state, surprise_score, surprise_severity
from vedette.detectors.statistical.clients import MOST_PER_WINDOW
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind
from vedette.schema.learned import MemberStatus
from vedette.schema.state import decode, encode
from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows

SESSIONS_BEFORE = 15
"""Sessions of a client that are forgotten when it is found to be bad: three hours, of windows of a minute."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `ClientBehaviour` remembers."""

    courses: CoursesState
    sessions: SessionsState


class ClientBehaviour(FewStated):
    """A client behaves unlike the clients that a service has.

    Signal: some twenty-five features of what a client does in a window (`vedette.detectors.learned.features`), scored
        by an isolation forest, or another model, that was fitted to the service's own clients.
    Baseline: scores of sessions that the model was not fitted to, the latest of the sample.
    Decision: the surprise of each window beyond `evidence.ALLOWANCE` is summed over the client's session (twelve
        windows); the most that was summed is as surprising as few usual sessions reach it. A session is one test of
        the budget.
    Explanation: by how much each feature isolates the client's latest window (exact Shapley values); of other models,
        a line fitted near it (LIME).
    Known false alarms: a new kind of client (an app's first release, a partner's integration) is unlike all others
        until the model is trained again.
    References: Liu, Ting, Zhou 2008 (isolation forest); Lundberg et al. 2020 (Shapley values in trees); Page 1954
        (cumulative sums); formula `exceedance`.
    """

    types = (AnomalyType.BEHAVIORAL_ANOMALY,)

    def __init__(
        self,
        thresholds: Thresholds,
        plan: Plan,
        name: str = FOREST,
        model: type[BehaviourModel] = ClientModel,
    ) -> None:
        """Begin.

        Args:
            thresholds: From which surprise it alarms. plan: How models come to be.
            name: Of the member. model: Type of its models.
        """
        self._thresholds = thresholds
        self.name = name
        self._courses = Courses(name, model, Sample, plan)
        self._sessions = Sessions()

    def statuses(self) -> list[MemberStatus]:
        """How far each service has come, by name."""
        return self._courses.statuses()

    def models(self) -> dict[str, BehaviourModel]:
        """Those at work, by service."""
        return self._courses.models()

    def train_now(self) -> dict[str, BehaviourModel | Refused]:
        """Fit a model to what each service's sample holds, whatever its warm-up takes; none is put to work."""
        return self._courses.train_now()

    def capped(self) -> dict[str, int]:
        """What found no room, by the name of its table."""
        found = {"learned_services": self._courses.unlearned, "learned_sessions": self._sessions.forgotten}
        return {name: count for name, count in found.items() if count}

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the clients of a window that are unlike the others."""
        self._courses.step(view.number - 1)
        if view.weight > 1 or not self._courses.judge:
            return []
        ended = self._sessions.end(view.number)
        found = self._judge(view)
        self._thresholds.observe(self.name, ended)
        return found

    def learn(self, lesson: Lesson) -> None:
        """Take a window's clients into the samples."""
        parts = [
            (part, sample)
            for part in lesson.by_service()
            if (sample := self._courses.count(part.service, lesson.number, part.requests)) is not None
        ]
        wanted = has_manner(lesson.clients)
        if wanted.any() or any(part.ill.any() for part, _ in parts):
            client = client_keys(lesson.clients)
            session = session_keys(client, lesson.number // SESSION_WINDOWS)
            for part, sample in parts:
                rows = part.rows
                _collect(sample, part, client[rows], session[rows], wanted[rows])
        self._courses.step(lesson.number)

    @property
    def collects(self) -> bool:
        """See `Member`."""
        return self._courses.collect

    def _judge(self, view: WindowView) -> list[Anomaly]:
        rows, sites = self._sites(view)
        if not sites:
            return []
        features = _features(rows, sites, view.end)
        surprise = np.concatenate(
            [site.model.surprise(of_site) for site, of_site in zip(sites, features, strict=True)]
        )

        def weigh(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
            tails = [(site.model.card.sessions_tail, site.rows) for site in sites]
            return np.concatenate([tail.surprise(evidence[part]) for tail, part in tails])

        keys = session_keys(client_keys(rows), view.number // SESSION_WINDOWS)
        added = self._sessions.add(keys, view.number, surprise, weigh)
        threshold = self._thresholds.threshold(self.name, self._sessions.begun.pace) + ALONE
        if not (added.surprise >= threshold).any():
            return []
        found: list[Anomaly] = []
        for site, of_site in zip(sites, features, strict=True):
            part = site.rows
            whose, added_here, surprises = rows.select(part), added.of(part), surprise[part]
            found += [
                self._statement(
                    view, site.service, site.model, whose, of_site[row], row,
                    evidence=float(added_here.evidence[row]), surprise=float(added_here.surprise[row]),
                    threshold=threshold, of_window=float(surprises[row]), windows=int(added_here.windows[row]),
                )
                for row in self.first(added_here.alarmed(threshold).tolist(), MOST_PER_WINDOW)
            ]  # fmt: skip
        return found

    def _sites(self, view: WindowView) -> tuple[ClientRows, list["_Site"]]:
        """The clients that models look at, one service after the other."""
        busy = view.clients.select(has_manner(view.clients))
        known = [
            (name, model, first, past)
            for name, first, past in spans(view.services, busy)
            # A crowd that comes every day at noon makes each of its people unlike those of other hours.
            if name not in view.foreseen and (model := self._courses.model(name)) is not None
        ]
        ends = list(accumulate(past - first for _, _, first, past in known))
        if known and ends[-1] < len(busy):
            busy = busy.select(np.concatenate([np.arange(first, past) for _, _, first, past in known]))
        return busy, [
            _Site(name, model, slice(end - (past - first), end))
            for (name, model, first, past), end in zip(known, ends, strict=True)
        ]

    def _statement(
        self,
        view: WindowView,
        service: str,
        model: BehaviourModel,
        rows: ClientRows,
        features: NDArray[np.float32],
        row: int,
        *,
        evidence: float,
        surprise: float,
        threshold: float,
        of_window: float,
        windows: int,
    ) -> Anomaly:
        tail = model.card.sessions_tail
        name = view.client_name(int(rows.high[row]), int(rows.low[row]))
        adds = model.adds(
            features, zlib.crc32(f"{service}\x1f{name}\x1f{view.number}".encode("utf-8", "replace"))
        )
        shown = contributions(model.card.names, adds)
        requests = int(rows.sums[row, Client.REQUESTS])
        return state(
            view,
            type=AnomalyType.BEHAVIORAL_ANOMALY,
            detector=self.name,
            service=service,
            route=None,
            entity=Entity(EntityKind.CLIENT, name),
            severity=surprise_severity(surprise, threshold),
            score=surprise_score(surprise, threshold),
            observed=evidence,
            expected=tail.band(),
            threshold=tail.critical(threshold),
            sample_count=tail.rows,
            unit="evidence",
            formula=tail.formula(evidence),
            contributions=shown,
            evidence_total=requests,
            clients=(name,),
            details={
                "surprise": surprise,
                "surprise_threshold": threshold,
                "windows": windows,
                "requests": requests,
                "window_surprise": of_window,
                **model.told(features),
                "features": seen_values(model, features, shown),
                "row": dict(zip(model.card.names, features.tolist(), strict=True)),
            },
        )

    def to_state(self) -> bytes:
        """What is collected, fitted and summed up, as bytes."""
        return encode(_State(self._courses.to_state(), self._sessions.to_state()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = decode(content, _State, "learned clients")
        self._courses.from_state(known.courses)
        self._sessions.from_state(known.sessions)


class _Site(NamedTuple):
    """A service, its model, and where its clients are among those that models look at."""

    service: str
    model: BehaviourModel
    rows: slice


def _features(rows: ClientRows, sites: Sequence[_Site], time: int) -> list[NDArray[np.float32]]:
    """Features of each service's clients, float32 (its rows, features); time: end of the window, microseconds."""
    found: list[NDArray[np.float32]] = []
    for _, alike in groupby(sites, lambda site: site.model.sight):
        some = list(alike)
        first, past = some[0].rows.start, some[-1].rows.stop
        ends = [site.rows.stop - first for site in some]
        models = [site.model for site in some]
        made = rows_of(list(zip(ends, models, strict=True)), rows.sums[first:past], time)
        found += np.split(made, ends[:-1])
    return found


def _collect(
    sample: Sample,
    part: ServiceLesson,
    client: NDArray[np.uint64],
    session: NDArray[np.uint64],
    wanted: NDArray[np.bool_],
) -> None:
    """Take a window's clients into a sample, and those that turned out bad out of it.

    Args:
        client, session: uint64 (k,), the clients' numbers and those of their sessions. wanted: bool (k,).
    """
    if part.ill.any():
        # What it did before it was found out, too.
        first = part.number // SESSION_WINDOWS - SESSIONS_BEFORE
        sample.forget(client[part.ill], first * SESSION_WINDOWS)
    if part.trusted:
        busy = np.flatnonzero(~part.ill & wanted & sample.wants(session))
        sample.add(session[busy], client[busy], part.number, part.clients.sums[busy])
