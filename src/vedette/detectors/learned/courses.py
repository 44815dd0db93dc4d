"""The courses of all services that one member has a model of, or collects for."""

from collections.abc import Callable
from typing import Generic

import msgspec

from vedette.detectors.learned.course import Course, CourseState, M, S
from vedette.detectors.learned.phases import Phase
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.training import Refused
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
        member: Whose models. model: Their type. sample: Makes an empty sample. plan: How models come to be.

    Attributes:
        unlearned: Windows of services for which there was no room.
    """

    def __init__(self, member: str, model: type[M], sample: Callable[[], S], plan: Plan) -> None:
        self.unlearned = 0
        self._plan = plan
        self._begin: Callable[[str], Course[M, S]] = lambda service: Course(
            member, model, service, plan=plan, sample=sample
        )
        self._courses: dict[str, Course[M, S]] = {}
        for service, known in sorted(plan.given.items()) if plan.record is None else ():
            course = self._of(service)
            if course is not None:
                course.begin_with(known)
        for service in sorted({*plan.asked, *(plan.record or ())}):
            course = self._of(service)
            if course is not None:
                course.offer(None, plan.asked.get(service))

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
        if self._plan.record is not None:
            return False
        return len(self._courses) < MOST_SERVICES or any(
            course.phase is Phase.WARMUP or self._plan.retrain is not None
            for course in self._courses.values()
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
        # What was given or asked for begins where the state ends, not where the log began.
        self._courses = {}
        for name in (*state.courses, *sorted({*self._plan.given, *self._plan.asked} - set(state.courses))):
            course = self._of(name)
            if course is None:
                continue
            if name in state.courses:
                course.from_state(state.courses[name])
            course.offer(self._plan.given.get(name), self._plan.asked.get(name))
        self.unlearned = state.unlearned
