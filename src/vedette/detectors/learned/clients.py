"""Clients that behave unlike the others of their service."""

from collections.abc import Collection, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.course import Course, CourseState
from vedette.detectors.learned.explaining import contributions, seen_values
from vedette.detectors.learned.model import ClientModel
from vedette.detectors.learned.phases import Phase
from vedette.detectors.learned.sample import SESSION_WINDOWS, client_keys, has_manner, session_keys
from vedette.detectors.learned.sessions import Sessions, SessionsState
from vedette.detectors.learned.training import Refused, Trainer
from vedette.detectors.statement import state, surprise_score, surprise_severity
from vedette.detectors.statistical.clients import MOST_PER_WINDOW
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Entity, EntityKind, Formula
from vedette.schema.learned import MemberStatus
from vedette.schema.state import check, decode, encode
from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows

MOST_SERVICES = 32
"""Services with a model of their own: half a megabyte each, and as much for its sample."""


ALONE = 1.0
"""Added to the budget's threshold, which counts on a second window that agrees, one time in ten; a session is alone."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `ClientBehaviour` remembers."""

    courses: dict[str, CourseState]
    sessions: SessionsState
    unlearned: int


class ClientBehaviour:
    """A client behaves unlike the clients that a service has.

    Signal: some twenty-five features of what a client does in a window (`vedette.detectors.learned.features`), scored
        by an isolation forest that was fitted to the service's own clients.
    Baseline: scores of sessions that the forest was not fitted to, the latest of the sample.
    Decision: the surprise of each window beyond `evidence.ALLOWANCE` is summed over the client's session (twelve
        windows); the most that was summed is as surprising as few usual sessions reach it. A session is one test of
        the budget.
    Explanation: by how much each feature isolates the client's latest window (exact Shapley values).
    Known false alarms: a new kind of client (an app's first release, a partner's integration) is unlike all others
        until the model is trained again.
    References: Liu, Ting, Zhou 2008 (isolation forest); Lundberg et al. 2020 (Shapley values in trees); Page 1954
        (cumulative sums); formula `exceedance`.
    """

    name = "forest"
    types = (AnomalyType.BEHAVIORAL_ANOMALY,)

    def __init__(
        self,
        thresholds: Thresholds,
        trainer: Trainer,
        *,
        span: int,
        warmup: int | None = None,
        models: Mapping[str, ClientModel],
    ) -> None:
        """Begin.

        Args:
            thresholds: From which surprise it alarms. trainer: Fits models.
            span: Length of a window, microseconds. warmup: Requests of a warm-up; None by traffic.
            models: By service, to judge by from the beginning, and after a restart.
        """
        self.unlearned = 0
        self._thresholds = thresholds
        self._trainer = trainer
        self._span = span
        self._warmup = warmup
        self._courses: dict[str, Course] = {}
        self._sessions = Sessions()
        self._given = dict(models)
        for service, model in sorted(models.items()):
            course = self._course(service)
            if course is not None:
                course.put_to_work(model, None)

    def statuses(self) -> list[MemberStatus]:
        """How far each service has come, by name."""
        return [course.status() for _, course in sorted(self._courses.items(), key=lambda pair: pair[0])]

    def models(self) -> dict[str, ClientModel]:
        """Those at work, by service."""
        return {name: c.model for name, c in sorted(self._courses.items()) if c.model is not None}

    def train_now(self) -> dict[str, ClientModel | Refused]:
        """Fit a model to what each service's sample holds, whatever its warm-up takes; none is put to work."""
        return {name: course.train_now() for name, course in sorted(self._courses.items())}

    def capped(self) -> dict[str, int]:
        """What found no room, by the name of its table."""
        found = {"learned_services": self.unlearned, "learned_sessions": self._sessions.forgotten}
        return {name: count for name, count in found.items() if count}

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the clients of a window that are unlike the others."""
        for known in self._courses.values():
            known.step(view.number - 1)
        if view.weight > 1 or all(course.model is None for course in self._courses.values()):
            return []
        found: list[Anomaly] = []
        ended = self._sessions.end(view.number)
        for name, rows in _of_services(view.services, view.clients):
            course = self._courses.get(name)
            if course is None or course.model is None:
                continue
            judged = rows.select(has_manner(rows))
            if len(judged):
                found.extend(self._judge(view, name, course.model, judged))
        self._thresholds.observe(self.name, ended)
        return found

    def learn(
        self,
        number: int,
        services: list[str],
        clients: ClientRows,
        requests: Mapping[str, int],
        distrusted: Collection[str],
        bad: NDArray[np.bool_],
    ) -> None:
        """Take a window's clients into the samples.

        Args:
            number: Of the window. services: Names by number. clients: All that the log names.
            requests: To each service. distrusted: Services in which something was wrong: nothing is learned of them.
            bad: bool (k,), clients that signatures, baselines or open incidents call bad.
        """
        # By name: who finds room must not depend on how batches numbered the services.
        for name, rows in sorted(_of_services(services, clients), key=lambda pair: pair[0]):
            course = self._course(name)
            if course is None:
                self.unlearned += 1
                continue
            first = int(np.searchsorted(clients.service, rows.service[0]))
            ill = bad[first : first + len(rows)] | (rows.sums[:, Client.ATTACKS] > 0)
            good = rows.select(~ill & (name not in distrusted))
            course.collect(number, requests.get(name, 0), good, rows.select(ill))
        for course in self._courses.values():
            course.step(number)

    @property
    def collects(self) -> bool:
        """Whether a sample is being collected, or may be for a service that is new."""
        return len(self._courses) < MOST_SERVICES or any(
            course.phase is Phase.WARMUP for course in self._courses.values()
        )

    def _course(self, service: str) -> Course | None:
        known = self._courses.get(service)
        if known is None and len(self._courses) < MOST_SERVICES:
            known = self._courses[service] = Course(service, self._span, self._warmup, self._trainer)
        return known

    def _judge(self, view: WindowView, service: str, model: ClientModel, rows: ClientRows) -> list[Anomaly]:
        features = model.rows(rows.sums, view.end)
        surprise = model.surprise(features)
        keys = session_keys(client_keys(rows), view.number // SESSION_WINDOWS)
        place = self._sessions.add(keys, view.number, surprise)
        evidence = self._sessions.evidence[place]
        of_session = model.card.sessions_tail.surprise(evidence)
        self._sessions.most[place] = np.maximum(self._sessions.most[place], of_session)
        threshold = self._thresholds.threshold(self.name) + ALONE
        alarmed = np.flatnonzero(of_session >= threshold)
        # Of many, those with the most evidence; of equal evidence, in order of their keys.
        alarmed = alarmed[np.argsort(-evidence[alarmed], kind="stable")][:MOST_PER_WINDOW]
        windows = self._sessions.windows[place]
        return [
            self._statement(
                view, service, model, rows, features[row], row,
                evidence=float(evidence[row]), surprise=float(of_session[row]), threshold=threshold,
                of_window=float(surprise[row]), windows=int(windows[row]),
            )
            for row in alarmed.tolist()
        ]  # fmt: skip

    def _statement(
        self,
        view: WindowView,
        service: str,
        model: ClientModel,
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
        path = float(model.forest.paths(features[None, :])[0])
        inputs = {
            "value": evidence,
            "start": tail.start,
            "rate": tail.rate,
            "scale": tail.scale,
            "shape": tail.shape,
        }
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
            expected=Band(tail.quantile(0.0), tail.quantile(0.5), tail.quantile(0.99)),
            threshold=tail.critical(threshold),
            sample_count=tail.rows,
            unit="evidence",
            formula=Formula("exceedance", inputs, surprise),
            contributions=contributions(model, features),
            evidence_total=requests,
            clients=(name,),
            details={
                "surprise": surprise,
                "surprise_threshold": threshold,
                "windows": windows,
                "requests": requests,
                "window_surprise": of_window,
                "isolation_score": 2.0 ** (-path / model.card.usual_path),
                "mean_path": path,
                "usual_path": model.card.usual_path,
                "features": seen_values(model, features),
            },
        )

    def to_state(self) -> bytes:
        """What is collected, fitted and summed up, as bytes."""
        courses = {name: course.to_state() for name, course in sorted(self._courses.items())}
        return encode(_State(courses, self._sessions.to_state(), self.unlearned))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        known = decode(content, _State, "learned clients")
        check(len(known.courses) <= MOST_SERVICES, "learned clients")
        for name, course in known.courses.items():
            self._courses[name] = Course(name, self._span, self._warmup, self._trainer)
            self._courses[name].from_state(course)
            if name in self._given:
                self._courses[name].put_to_work(self._given[name], None)
        self._sessions.from_state(known.sessions)
        self.unlearned = known.unlearned


def _of_services(services: list[str], clients: ClientRows) -> list[tuple[str, ClientRows]]:
    """Clients by the name of their service; they are sorted by its number."""
    numbers, first = np.unique(clients.service, return_index=True)
    ends = np.append(first, len(clients))[1:]
    return [
        (services[number], clients.select(slice(start, end)))
        for number, start, end in zip(numbers.tolist(), first.tolist(), ends.tolist(), strict=True)
    ]
