"""Reading what a caller asked for in a query, and saying which parameter is wrong."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypeVar

from litestar.params import QueryParameter

from vedette.server.problem import Fault, ProblemError
from vedette.storage.store import PAGE_LIMIT

Name = Annotated[str | None, QueryParameter(max_length=1000)]
E = TypeVar("E", bound=StrEnum)

Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_LIMIT, description="Most items in one answer.")]
Cursor = Annotated[str | None, QueryParameter(max_length=1000, description="`cursor` of the page before.")]
Since = Annotated[
    str | None, QueryParameter(description="ISO 8601; without a zone it is UTC.", max_length=40)
]
Until = Annotated[str | None, QueryParameter(description="ISO 8601, exclusive.", max_length=40)]

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def moment_asked(name: str, text: str | None) -> int | None:
    """A time, microseconds since the epoch; None if none was given.

    Raises:
        ProblemError: It is no time.
    """
    if text is None or not text:
        return None
    try:
        # A `+` in a query that nobody encoded has become a space.
        then = datetime.fromisoformat(text.strip().replace(" 0", "+0") if "T" in text else text)
    except ValueError:
        raise wrong(name, text, "must be ISO 8601, like 2026-03-02T08:00:00Z") from None
    then = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    if not _EARLIEST <= then <= _LATEST:
        raise wrong(name, text, "must be between the years 1970 and 9999")
    return round(then.timestamp() * 1_000_000)


def one_of(name: str, text: str, kind: type[E]) -> E:
    """A value of an enum, by its text.

    Raises:
        ProblemError: There is none such.
    """
    try:
        return kind(text)
    except ValueError:
        raise wrong(name, text, f"must be one of {', '.join(kind)}") from None


def several(name: str, text: str | None, kind: type[E]) -> tuple[E, ...]:
    """Values of an enum, parted by commas; none if none was given."""
    return tuple(one_of(name, part.strip(), kind) for part in text.split(",")) if text else ()


def wrong(name: str, value: str, rule: str) -> ProblemError:
    """A parameter that is wrong."""
    shown = value if len(value) <= 60 else f"{value[:57]}..."
    return ProblemError(422, f"{name} = {shown!r}: {rule}", [Fault(name, rule, "query")])
