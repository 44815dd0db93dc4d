"""A rule of the user's, ready to be evaluated."""

from fnmatch import fnmatchcase

import msgspec

from vedette.expression.tree import Condition
from vedette.schema.anomaly import Severity
from vedette.windows.entities import BookEntry


class Rule(msgspec.Struct, frozen=True):
    """One custom rule.

    Attributes:
        name: As anomalies name it, after `rules.`.
        condition: What must hold, and for how long.
        services: Patterns of services; empty for all.
        routes: Patterns of routes, each judged by itself; empty for services as a whole.
        severity: Of what it states.
        message: What to tell who reads it; may be empty.
    """

    name: str
    condition: Condition
    services: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    severity: Severity = Severity.MEDIUM
    message: str = ""

    def covers(self, entry: BookEntry) -> bool:
        """Whether the rule is about a service or route."""
        if self.services and not any(fnmatchcase(entry.service, pattern) for pattern in self.services):
            return False
        if entry.route is None:
            return not self.routes
        return any(fnmatchcase(entry.route, pattern) for pattern in self.routes)


class Tally(msgspec.Struct):
    """How a rule fared so far, in windows of single services or routes.

    Attributes:
        judged: Windows looked at. unknown: Of these, ones where a number that decides was not known.
        held: Ones in which the condition held. longest: Most of them in a row.
        stated: Ones that were stated. times: Runs of stated ones.
    """

    judged: int = 0
    unknown: int = 0
    held: int = 0
    longest: int = 0
    stated: int = 0
    times: int = 0
