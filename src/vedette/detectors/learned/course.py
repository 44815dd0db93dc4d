"""One service's way from warm-up to a model at work."""

import zlib

import msgspec
import numpy as np

from vedette.detectors.learned.model import ClientModel, ModelError, read_model, write_model
from vedette.detectors.learned.phases import Phase, warmup_requests
from vedette.detectors.learned.sample import (
    LEAST_REQUESTS,
    SESSION_WINDOWS,
    Sample,
    SampleState,
    client_keys,
    has_manner,
    session_keys,
)
from vedette.detectors.learned.training import LEAST_ROWS, Job, Refused, Trainer, Training
from vedette.schema.learned import MemberStatus
from vedette.schema.state import StateError, check
from vedette.windows.summary import ClientRows

LEAST_WINDOWS = 30
"""Windows with traffic that a warm-up takes, whatever the traffic."""
DELAY_WINDOWS = 5
"""Windows from the end of a warm-up to a model's first judgement. It is the same in every run, however long fitting
takes, so that the same log gives the same anomalies."""
_SESSIONS_BEFORE = 15
"""Sessions of a client that are forgotten when it is found to be bad: three hours, of windows of a minute."""
_AGAIN = 1.5
"""After a model was refused, the requests until the next attempt grow by this."""


class CourseState(msgspec.Struct, frozen=True, array_like=True):
    """What a `Course` holds."""

    requests: int
    windows: int
    first: int | None
    least: int
    elapsed: int
    reason: str
    sample: SampleState
    job: Job | None
    due: int | None
    model: bytes | None
    since: int | None


class Course:
    """Collects, has a model trained, and holds it.

    Args:
        service: Whose. span: Length of a window, microseconds. warmup: Requests; None by traffic. trainer: Fits.

    Attributes:
        requests: Seen. model: At work, or None. since: Window from which it is.
        reason: Why there is no model, or no newer one.
    """

    def __init__(self, service: str, span: int, warmup: int | None, trainer: Trainer) -> None:
        self.service = service
        self.requests = 0
        self.model: ClientModel | None = None
        self.since: int | None = None
        self.reason = ""
        self._span = span
        self._warmup = warmup
        self._trainer = trainer
        self._windows = 0
        self._first: int | None = None
        self._least = 0
        self._elapsed = 0
        self._sample = Sample()
        self._job: Job | None = None
        self._due: int | None = None
        self._training: Training | None = None
        self._written: bytes | None = None

    @property
    def phase(self) -> Phase:
        """Where it is."""
        if self.model is not None:
            return Phase.ENSEMBLE
        return Phase.WARMUP if self._job is None else Phase.TRAINING

    def status(self) -> MemberStatus:
        """How far it has come."""
        return MemberStatus(
            member="forest",
            service=self.service,
            phase=self.phase.value,
            requests=self.requests,
            wanted=self._wanted(self._elapsed),
            since=None if self.since is None else self.since * self._span,
            reason=self.reason,
            rows=0 if self.model is None else self.model.card.rows,
        )

    def put_to_work(self, model: ClientModel, window: int | None) -> None:
        """Judge by a model from a window on (None: from the first)."""
        self.model, self.since, self.reason = model, window, ""
        self._written = None
        self._job = self._due = self._training = None

    def collect(self, window: int, requests: int, clients: ClientRows, bad: ClientRows) -> None:
        """Take a window's clients in.

        Args:
            window: Its number. requests: To the service, of all its clients. clients: Those of no ill repute.
            bad: Those that signatures, baselines or open incidents call bad: forgotten, if they are in the sample.
        """
        if self.model is not None:
            return
        self.requests += requests
        self._windows += requests > 0
        if self._first is None:
            self._first = window
        session = window // SESSION_WINDOWS
        if len(bad):
            # What it did before it was found out, too.
            gone = client_keys(bad)
            before = range(session - _SESSIONS_BEFORE, session + 1)
            self._sample.drop(np.concatenate([session_keys(gone, number) for number in before]))
        busy = clients.select(has_manner(clients))
        client = client_keys(busy)
        keys = session_keys(client, session)
        wanted = self._sample.wants(keys)
        self._sample.add(keys[wanted], client[wanted], window, busy.sums[wanted])

    def step(self, window: int) -> None:
        """Go on at the end of a window: train when there is enough, work when it is time."""
        if self._due is not None and window >= self._due:
            self._finish(window)
        if self.model is not None or self._job is not None or self._first is None:
            return
        self._elapsed = (window - self._first + 1) * self._span
        if self.requests < max(self._wanted(self._elapsed), self._least) or self._windows < LEAST_WINDOWS:
            return
        self._sample.settle()
        if len(self._sample) < LEAST_ROWS:
            self._refuse(
                f"{len(self._sample)} windows in which a client made {LEAST_REQUESTS} requests or more: "
                f"{LEAST_ROWS} are needed"
            )
            return
        seed = zlib.crc32(f"{self.service}\x1f{window}".encode("utf-8", "surrogateescape"))
        self._job = Job(self.service, self._sample.to_state(), self._span, seed)
        self._due = window + DELAY_WINDOWS
        self._training = self._trainer(self._job)

    def train_now(self) -> ClientModel | Refused:
        """Fit a model to the sample as it is."""
        seed = zlib.crc32(self.service.encode("utf-8", "surrogateescape"))
        return self._trainer(Job(self.service, self._sample.to_state(), self._span, seed)).result()

    def _finish(self, window: int) -> None:
        if self._job is None:
            return
        # After a restart the training was lost with its process.
        training = self._training or self._trainer(self._job)
        outcome = training.result()
        self._job = self._due = self._training = None
        if isinstance(outcome, Refused):
            self._refuse(outcome.reason)
        else:
            self.put_to_work(outcome, window)
            self._sample = Sample()

    def _refuse(self, reason: str) -> None:
        self.reason = reason
        self._least = int(self.requests * _AGAIN)

    def _wanted(self, elapsed: int) -> int:
        return warmup_requests(self.requests, elapsed) if self._warmup is None else self._warmup

    def to_state(self) -> CourseState:
        """All of it; a model that is being fitted is fitted again by whoever takes it over."""
        if self.model is not None and self._written is None:
            self._written = write_model(self.model)
        return CourseState(
            self.requests,
            self._windows,
            self._first,
            self._least,
            self._elapsed,
            self.reason,
            self._sample.to_state(),
            self._job,
            self._due,
            self._written,
            self.since,
        )

    def from_state(self, state: CourseState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        self.requests, self._windows, self._first = state.requests, state.windows, state.first
        self._least, self._elapsed = state.least, state.elapsed
        self.reason, self.since = state.reason, state.since
        check((state.job is None) == (state.due is None), "training of a model")
        self._sample.from_state(state.sample)
        self._job, self._due = state.job, state.due
        if state.model is not None:
            try:
                self.model = read_model(state.model)
            except ModelError as error:
                raise StateError(f"model of {self.service}: {error}") from error
            self._written = state.model
