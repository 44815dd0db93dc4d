"""Why an input cannot be read."""

from enum import StrEnum

from vedette.schema.errors import VedetteError
from vedette.sources.names import printable


class SourceProblem(StrEnum):
    """The kind of a `SourceError`, for callers that treat one apart (an empty file among several, say)."""

    MISSING = "missing"
    FORBIDDEN = "forbidden"
    EMPTY = "empty"
    NOTHING_USABLE = "nothing_usable"
    NOT_A_FILE = "not_a_file"
    BINARY = "binary"
    DAMAGED = "damaged"
    UNREADABLE = "unreadable"


class SourceError(VedetteError):
    """An input that cannot be read. The message names the input, the value, the rule and the remedy.

    Attributes:
        source: Name of the input, as the user gave it, made printable.
        problem: What kind of trouble.
        reason: The message without the name: what is wrong, and what to do.
    """

    def __init__(self, source: str, problem: SourceProblem, reason: str) -> None:
        self.source = printable(source)
        super().__init__(f"{self.source}: {reason}")
        self.problem = problem
        self.reason = reason
