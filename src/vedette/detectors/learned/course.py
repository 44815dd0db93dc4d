"""One service's way from warm-up to a model at work."""

import hashlib
import zlib
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from vedette.detectors.learned.card import Model, ModelError
from vedette.detectors.learned.kinds import kind_of
from vedette.detectors.learned.phases import Phase, warmup_requests
from vedette.detectors.learned.plan import Plan, Recorded
from vedette.detectors.learned.training import Job, Refused, Training
from vedette.schema.learned import MemberStatus, ModelUse
from vedette.schema.state import StateError, check

LEAST_WINDOWS = 30
"""Windows with traffic that a warm-up takes, whatever the traffic."""
DELAY_WINDOWS = 5
"""Windows from the end of a warm-up to a model's first judgement. It is the same in every run, however long fitting
takes, so that the same log gives the same anomalies."""
LOOK_WINDOWS = 60
"""Windows between two looks at whether a model is to be fitted anew."""
_HISTORY = 100
"""Models that are told of."""
DIGITS = 16
"""Of a SHA-256, by which a use names its model."""
_AGAIN = 1.5
"""After a model was refused, the requests until the next attempt grow by this."""
_WARMED_UP = "warm-up"
_SCHEDULE = "schedule"
_FEATURES = "other features are configured"
_GIVEN = "given"
_ROLLED_BACK = "rolled back"


class CourseState(msgspec.Struct, frozen=True, array_like=True):
    """What a `Course` holds."""

    requests: int
    windows: int
    first: int | None
    least: int
    elapsed: int
    reason: str
    sample: bytes
    job: Job | None
    due: int | None
    model: bytes | None
    since: int | None
    fresh: int | None
    looked: int | None
    why: str
    history: tuple[ModelUse, ...]


class Collected(Protocol):
    """What a model is to be fitted to, while it comes together; bounded."""

    def __len__(self) -> int:
        """What it holds; 0 while there is nothing."""
        ...

    def lacks(self) -> str:
        """What a model would need more of; empty if nothing."""
        ...

    def to_state(self) -> bytes:
        """All of it, as bytes."""
        ...

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        ...


M = TypeVar("M", bound=Model)
S = TypeVar("S", bound=Collected)


class Course(Generic[M, S]):
    """Counts a warm-up, has a model trained on what was collected, and holds it.

    Args:
        member: Whose model. model: Its type. service: Of which service. plan: How models come to be.
        sample: Makes an empty sample.

    Attributes:
        requests: Seen. model: At work, or None. since: Window from which it is.
        reason: Why there is no model, or no newer one. sample: Filled by the member.
    """

    def __init__(
        self, member: str, model: type[M], service: str, *, plan: Plan, sample: Callable[[], S]
    ) -> None:
        self.member = member
        self.service = service
        self.requests = 0
        self.model: M | None = None
        self.sample = sample()
        self._type = model
        self._empty = sample
        self.since: int | None = None
        self.reason = ""
        self._plan = plan
        self._span = plan.span
        self._windows = 0
        self._first: int | None = None
        self._least = 0
        self._elapsed = 0
        self._job: Job | None = None
        self._due: int | None = None
        self._training: Training | None = None
        self._written: bytes | None = None
        self._fresh: int | None = None
        self._looked: int | None = None
        self._why = _WARMED_UP
        self._history: list[ModelUse] = []
        self._offered: tuple[M, str] | None = None
        record = None if plan.record is None else plan.record.get(service, ())
        self._record: list[Recorded] | None = None if record is None else list(record)
        if self._record is not None:
            self.reason = "the record tells of no model yet" if record else "the record tells of no model"
            self._follow_record(None)

    @property
    def phase(self) -> Phase:
        """Where it is."""
        if self.model is not None:
            return Phase.ENSEMBLE
        return Phase.WARMUP if self._job is None else Phase.TRAINING

    def status(self) -> MemberStatus:
        """How far it has come."""
        return MemberStatus(
            member=self.member,
            service=self.service,
            phase=self.phase.value,
            requests=self.requests,
            wanted=self._wanted(self._elapsed),
            since=None if self.since is None else self.since * self._span,
            reason=self.reason or self._young(),
            rows=0 if self.model is None else self.model.card.rows,
            sessions=0 if self.model is None else self.model.card.sessions,
            history=tuple(self._history),
            training=self._job is not None,
        )

    def _young(self) -> str:
        """What its warm-up takes besides requests; empty while those are too few."""
        if self.phase is not Phase.WARMUP or self._windows >= LEAST_WINDOWS:
            return ""
        if self.requests < max(self._wanted(self._elapsed), self._least):
            return ""
        return f"{self._windows} windows with requests: {LEAST_WINDOWS} are needed"

    def begin_with(self, model: Model) -> None:
        """Judge by a given model from the first window on."""
        if isinstance(model, self._type):
            self._put_to_work(model, None, _GIVEN)

    def offer(self, given: Model | None, asked: Model | None) -> None:
        """Judge from the next window by a model that was given and never at work, or by one that is asked for again."""
        at_work = {use.model for use in self._history}
        if isinstance(given, self._type) and _digest(given.to_bytes()) not in at_work:
            self._offered = given, _GIVEN
        latest = self._history[-1].model if self._history else ""
        if isinstance(asked, self._type) and _digest(asked.to_bytes()) != latest:
            self._offered = asked, _ROLLED_BACK

    def _put_to_work(self, model: M, window: int | None, why: str) -> None:
        self.model, self.since, self.reason = model, window, ""
        self._written = model.to_bytes()
        self._job = self._due = self._training = None
        self._fresh = self._looked = None
        at = None if window is None else window * self._span
        self._history = [*self._history, ModelUse(at, _digest(self._written), why)][-_HISTORY:]
        self._plan.keep(self.member, self.service, self._written)

    def count(self, window: int, requests: int) -> bool:
        """Count a window's requests to the service; returns whether its clients belong into the sample."""
        if self.model is not None:
            if self._fresh is None:
                self._fresh = self._looked = window
            return self._plan.retrain is not None
        self.requests += requests
        self._windows += requests > 0
        if self._first is None:
            self._first = window
        return True

    def step(self, window: int) -> None:
        """Go on at the end of a window: train when there is enough, work when it is time."""
        if self._record is not None:
            self._follow_record(window)
            return
        if self._offered is not None:
            model, why = self._offered
            self._offered = None
            self._put_to_work(model, window, why)
            self.sample = self._empty()
        if self._due is not None and window >= self._due:
            self._finish(window)
        if self._job is not None:
            return
        if self.model is not None:
            self._look(self.model, window)
            return
        if self._first is None:
            return
        self._elapsed = (window - self._first + 1) * self._span
        if self.requests < max(self._wanted(self._elapsed), self._least) or self._windows < LEAST_WINDOWS:
            return
        lacks = self.sample.lacks()
        if lacks:
            self._refuse(lacks)
            return
        self._begin(window, None)

    def _follow_record(self, window: int | None) -> None:
        """Put to work what was at the end of a window (None: from the first)."""
        while self._record and (
            (at := self._record[0].use.since) is None or (window is not None and at <= window * self._span)
        ):
            one = self._record.pop(0)
            if isinstance(one.model, self._type):
                self._put_to_work(one.model, None if at is None else at // self._span, one.use.why)
            else:
                self.model, self.since = None, None
                self.reason = f"model {one.use.model} was at work from here, and is no longer kept"

    def _look(self, model: M, window: int) -> None:
        """Fit a model anew if it is old, or its clients have changed."""
        if self._plan.retrain is None or self._fresh is None or self._looked is None:
            return
        if window - self._looked < LOOK_WINDOWS:
            return
        self._looked = window
        why = self._due_because(model, window - self._fresh >= self._plan.retrain)
        if why and not self.sample.lacks():
            self._why = why
            self._begin(window, self._written)

    def _due_because(self, model: M, old: bool) -> str:
        """Why a new model is due; empty if none is."""
        kind = kind_of(self.member)
        if kind.features(model) != self._plan.features:
            return _FEATURES
        return _SCHEDULE if old else kind.drift(model, self.sample, self._span)

    def _begin(self, window: int, running: bytes | None) -> None:
        seed = zlib.crc32(f"{self.service}\x1f{window}".encode("utf-8", "surrogateescape"))
        self._job = self._job_of(seed, running)
        self._due = window + DELAY_WINDOWS
        self._training = self._plan.trainer(self._job)

    def train_now(self) -> M | Refused:
        """Fit a model to the sample as it is."""
        seed = zlib.crc32(self.service.encode("utf-8", "surrogateescape"))
        return self._own(self._plan.trainer(self._job_of(seed, None)).result())

    def _job_of(self, seed: int, running: bytes | None) -> Job:
        sample, features = self.sample.to_state(), self._plan.features
        return Job(self.member, self.service, sample, self._span, seed, running, features)

    def _finish(self, window: int) -> None:
        if self._job is None:
            return
        # After a restart the training was lost with its process.
        training = self._training or self._plan.trainer(self._job)
        outcome = self._own(training.result())
        self._job = self._due = self._training = None
        if not isinstance(outcome, Refused):
            self._put_to_work(outcome, window, self._why)
            self.sample = self._empty()
        elif self.model is None:
            self._refuse(outcome.reason)
        else:
            # The running one stays, and a sample of later clients is collected for the next attempt.
            self.reason = f"no newer model ({self._why}): {outcome.reason}"
            self.sample = self._empty()
            self._fresh = self._looked = window

    def _own(self, outcome: Model | Refused) -> M | Refused:
        """What came of a training, of this member's type."""
        if isinstance(outcome, (self._type, Refused)):
            return outcome
        return Refused(f"training gave a {type(outcome).__name__}: no model of {self.member}")

    def _refuse(self, reason: str) -> None:
        self.reason = reason
        self._least = int(self.requests * _AGAIN)

    def _wanted(self, elapsed: int) -> int:
        return warmup_requests(self.requests, elapsed) if self._plan.warmup is None else self._plan.warmup

    def to_state(self) -> CourseState:
        """All of it; a model that is being fitted is fitted again by whoever takes it over."""
        return CourseState(
            self.requests,
            self._windows,
            self._first,
            self._least,
            self._elapsed,
            self.reason,
            self.sample.to_state(),
            self._job,
            self._due,
            self._written,
            self.since,
            self._fresh,
            self._looked,
            self._why,
            tuple(self._history),
        )

    def from_state(self, state: CourseState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        self.requests, self._windows, self._first = state.requests, state.windows, state.first
        self._least, self._elapsed = state.least, state.elapsed
        self.reason, self.since = state.reason, state.since
        self._fresh, self._looked, self._why = state.fresh, state.looked, state.why
        check((state.fresh is None) == (state.looked is None), "training of a model")
        self._history = list(state.history)
        check((state.job is None) == (state.due is None), "training of a model")
        self.sample.from_state(state.sample)
        self._job, self._due = state.job, state.due
        if state.model is not None:
            try:
                model = kind_of(self.member).read(state.model)
            except ModelError as error:
                # Bytes are those that were written: this program, or a library, is another one. A new one is fitted.
                self.reason, self.since = f"the model at work before cannot be used: {error}", None
                self._fresh = self._looked = None
                return
            if not isinstance(model, self._type):
                raise StateError(f"model of {self.service} is a {type(model).__name__}")
            self.model, self._written = model, state.model


def _digest(content: bytes) -> str:
    """By which a model's bytes are told, in short."""
    return hashlib.sha256(content).hexdigest()[:DIGITS]
