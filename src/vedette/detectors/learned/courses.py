"""The courses of all services that one member has a model of, or collects for."""

from collections.abc import Callable, Mapping
from typing import Generic

import msgspec

from vedette.detectors.learned.course import Course, CourseState, M, S
from vedette.detectors.learned.phases import Phase
from vedette.detectors.learned.training import Refused, Trainer
from vedette.schema.learned import MemberStatus
from vedette.schema.state import check

MOST_SERVICES = 32
"""Services with a model of their own: about half a megabyte each, and as much for its sample."""


class CoursesState(msgspec.Struct, frozen=True, array_like=True):
    """What `Courses` hold."""

    courses: dict[str, CourseState]
    unlearned: int


class Courses(Generic[M, S]):
    """A course for each service, of the first `MOST_SERVICES`.

    Args:
        member: Whose models. model: Their type. sample: Makes an empty sample.
        span: Length of a window, microseconds. warmup: Requests; None by traffic. trainer: Fits.
        retrain: See `Course`.
        given: Models by service, to judge by from the beginning, and after a restart.

    Attributes:
        unlearned: Windows of services for which there was no room.
    """

    def __init__(
        self,
        member: str,
        model: type[M],
        sample: Callable[[], S],
        *,
        span: int,
        warmup: int | None,
        trainer: Trainer,
        given: Mapping[str, M],
        retrain: int | None = None,
    ) -> None:
        self.unlearned = 0
        self._retrain = retrain is not None
        self._begin: Callable[[str], Course[M, S]] = lambda service: Course(
            member, model, service, span=span, warmup=warmup, trainer=trainer, sample=sample, retrain=retrain
        )
        self._courses: dict[str, Course[M, S]] = {}
        self._given = dict(given)
        for service, known in sorted(given.items()):
            course = self._of(service)
            if course is not None:
                course.put_to_work(known, None)

    def model(self, service: str) -> M | None:
        """The model at work of a service."""
        course = self._courses.get(service)
        return None if course is None else course.model

    def models(self) -> dict[str, M]:
        """Those at work, by service."""
        return {name: c.model for name, c in sorted(self._courses.items()) if c.model is not None}

    def statuses(self) -> list[MemberStatus]:
        """How far each service has come, by name."""
        return [course.status() for _, course in sorted(self._courses.items(), key=lambda pair: pair[0])]

    def train_now(self) -> dict[str, M | Refused]:
        """Fit a model to what each service's sample holds, whatever its warm-up takes; none is put to work."""
        return {name: course.train_now() for name, course in sorted(self._courses.items())}

    @property
    def judge(self) -> bool:
        """Whether any model is at work."""
        return any(course.model is not None for course in self._courses.values())

    @property
    def collect(self) -> bool:
        """Whether a sample is being collected, or may be for a service that is new."""
        return len(self._courses) < MOST_SERVICES or any(
            course.phase is Phase.WARMUP or self._retrain for course in self._courses.values()
        )

    def count(self, service: str, window: int, requests: int) -> S | None:
        """Count a window's requests to a service; returns the sample that its clients belong into, if there is one."""
        course = self._of(service)
        if course is None:
            self.unlearned += 1
            return None
        return course.sample if course.count(window, requests) else None

    def step(self, window: int) -> None:
        """Go on at the end of a window: train where there is enough, work where it is time."""
        for course in self._courses.values():
            course.step(window)

    def _of(self, service: str) -> Course[M, S] | None:
        known = self._courses.get(service)
        if known is None and len(self._courses) < MOST_SERVICES:
            known = self._courses[service] = self._begin(service)
        return known

    def to_state(self) -> CoursesState:
        """What is collected and fitted."""
        courses = {name: course.to_state() for name, course in sorted(self._courses.items())}
        return CoursesState(courses, self.unlearned)

    def from_state(self, state: CoursesState) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        check(len(state.courses) <= MOST_SERVICES, "learned models")
        for name, known in state.courses.items():
            course = self._courses[name] = self._begin(name)
            course.from_state(known)
            if name in self._given:
                course.put_to_work(self._given[name], None)
        self.unlearned = state.unlearned
