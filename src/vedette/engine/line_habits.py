"""What the site's own habits say of the lines that are judged by themselves."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

import numpy as np

from vedette.detectors.parameters.glance import HOSTILE, UNSERVED, USUAL, Glance, Looks
from vedette.detectors.parameters.habits import Habits
from vedette.engine.line_reader import SOURCE
from vedette.engine.line_verdicts import FIRST, REMEMBERED, REMEMBERED_BYTES, Told, Verdict, with_habit
from vedette.engine.row import Row
from vedette.enrich.enrich import Enricher
from vedette.schema.judged import NO_HABITS, Habit
from vedette.schema.requests import RequestFlag, Requests, Vocabulary
from vedette.windows.distinct import distinct_codes

_NOT_HTTP = int(RequestFlag.NOT_HTTP)


class LineHabits:
    """Holds lines against the habits of their services. For one thread.

    Args:
        enricher: Finds routes and services. learned: The habits as they are learned now; None where nobody learns them.

    Attributes:
        usual: What is said of a line before anybody has looked.
    """

    def __init__(self, enricher: Enricher, learned: Callable[[], Habits | None] | None) -> None:
        self._enricher = enricher
        self._learned = learned
        self._glance: Glance | None = None
        self.usual = NO_HABITS if learned is None else USUAL
        self._services: dict[bytes | None, str] = {}
        self._routes: dict[bytes, bytes] = {}

    def with_single(self, said: Verdict, row: Row, targets: Vocabulary) -> Verdict:
        """A verdict on a plain line that was read by itself, with what the habits say of it.

        Args:
            targets: Its target as the only text.
        """
        if self._learned is None:
            return said
        glance = self._glance_now()
        return with_habit(said, NO_HABITS if glance is None else self._habit_of(glance, row, said, targets))

    def with_rows(self, said: Told, requests: Requests, rows: Sequence[Row]) -> Told:
        """What is said of rows, with what the habits say; `rows` are those of few."""
        if self._learned is None:
            return said
        glance = self._glance_now()
        if glance is None:
            looks = Looks([NO_HABITS], np.zeros(len(requests), dtype=np.int64))
        elif len(rows) == 1:
            (verdict,), (row,) = said.verdicts, rows
            targets = Vocabulary.of([row.target or b""])
            habit = self._habit_of(glance, row, verdict, targets, requests)
            return Told([with_habit(verdict, habit)], FIRST)
        else:
            looks = self._look(glance, requests, said)
        # Few different things are said of many rows.
        pairs, which = distinct_codes(
            said.which * len(looks.habits) + looks.which, len(said.verdicts) * len(looks.habits)
        )
        both = [divmod(pair, len(looks.habits)) for pair in pairs.tolist()]
        return Told([with_habit(said.verdicts[one], looks.habits[other]) for one, other in both], which)

    def _glance_now(self) -> Glance | None:
        """What looks at the habits as they are learned now; None where nobody does."""
        habits = None if self._learned is None else self._learned()
        if habits is None:
            return None
        if self._glance is None or self._glance.habits is not habits:
            self._glance = Glance(habits)
        return self._glance

    def _habit_of(
        self,
        glance: Glance,
        row: Row,
        verdict: Verdict,
        targets: Vocabulary,
        requests: Requests | None = None,
    ) -> Habit:
        """What the site's habits say of a single row.

        Args:
            targets: Its target, the only text. requests: The batch of it alone; None if all about it is plain.
        """
        if row.status >= HTTPStatus.BAD_REQUEST:
            return UNSERVED
        if verdict.is_attack or verdict.everyday:
            return HOSTILE
        route: bytes | None
        # An application that names its routes may name two for one path.
        if requests is not None and (
            row.target is None or requests.template is not None or row.flags & _NOT_HTTP
        ):
            route = self._enricher.routes.fold(requests)[0]
        else:
            route = self._route_of(targets, row.target or b"")
        return glance.one(self._named(SOURCE, row.service), route, row.method, targets, row.target)

    def _look(self, glance: Glance, requests: Requests, said: Told) -> Looks:
        hostile = np.array([one.is_attack or one.everyday for one in said.verdicts])[said.which]
        routes = self._enricher.routes.fold(requests)
        hosts = requests.service
        names = [self._named(requests.source, host) for host in (*hosts.vocabulary, None)]
        # Of rows that tell none, the last.
        numbers = np.where(hosts.ids < 0, np.int32(len(names) - 1), hosts.ids)
        return glance.look(requests, routes, numbers, names, hostile)

    def _route_of(self, targets: Vocabulary, target: bytes) -> bytes:
        """The route of a target, the only one of some texts."""
        path = target.partition(b"?")[0]
        route = self._routes.get(path)
        if route is None:
            route = self._enricher.routes.fold_one(targets)
            # What is no path may be so because of what follows it.
            if len(path) <= REMEMBERED_BYTES and path.startswith(b"/"):
                if len(self._routes) >= REMEMBERED:
                    self._routes.clear()
                self._routes[path] = route
        return route

    def _named(self, source: str, host: bytes | None) -> str:
        """The service of a logged host, or of lines that tell none."""
        service = self._services.get(host)
        if service is None:
            service = self._enricher.namer.settled(source, host)
            if len(self._services) >= REMEMBERED:
                self._services.clear()
            if host is None or len(host) <= REMEMBERED_BYTES:
                self._services[host] = service
        return service
