"""Errors as `application/problem+json` (RFC 9457), whichever room they come from."""

import logging
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from vedette.schema.errors import VedetteError
from vedette.storage.errors import StoreError, StoreProblem

MEDIA_TYPE = "application/problem+json"
DEFECT = "a defect in Vedette, not in your request; its log says more"
_LOG = logging.getLogger(__name__)


class Fault(msgspec.Struct, frozen=True):
    """One field that is wrong.

    Attributes:
        field: Its path in the body, like `logs[3].log_line`, or the parameter's name.
        detail: What is wrong with it.
        place: `body`, `query`, `path` or `header`.
    """

    field: str
    detail: str
    place: str = "body"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, as RFC 9457 has it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: tuple[Fault, ...] = ()
    """The fields that are wrong."""


class ProblemError(Exception):
    """A request that ends with a problem.

    Args:
        status: HTTP status.
        detail: One sentence: what, and what to do about it.
        faults: The fields that are wrong.
        headers: Sent along.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})

    def body(self, path: str) -> bytes:
        """The problem as JSON."""
        return problem_body(self.status, self.detail, path, self.faults)


def problem_body(status: int, detail: str, path: str, faults: Iterable[Fault] = ()) -> bytes:
    """A problem as JSON."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, instance=path, errors=tuple(faults)
    )
    return msgspec.json.encode(problem)


def of_store(error: StoreError) -> ProblemError:
    """What a caller is told when the store cannot be used."""
    if error.problem is StoreProblem.BAD_CURSOR:
        detail = "cursor: is not one that this list gave; begin without a cursor"
        return ProblemError(422, detail, [Fault("cursor", "is not one that this list gave", "query")])
    return ProblemError(503, f"the store cannot be used now: {error}", headers={"Retry-After": "5"})


def of_litestar(error: HTTPException) -> ProblemError:
    """What the framework refused."""
    headers = {name: str(value) for name, value in (error.headers or {}).items()}
    if isinstance(error, ValidationException):
        faults = [_fault(entry) for entry in error.extra or []] if isinstance(error.extra, list) else []
        if not faults and (missing := _MISSING.match(error.detail)):
            faults = [Fault(missing[2], "must be given", missing[1])]
        detail = "; ".join(f"{f.field}: {f.detail}" if f.field else f.detail for f in faults)
        return ProblemError(422, detail or error.detail, faults, headers)
    return ProblemError(error.status_code, _DETAILS.get(error.status_code, error.detail), (), headers)


_DETAILS = {
    404: "there is nothing here; /schema lists what there is",
    405: "this path does not take that method; the header Allow names those it takes",
}


_MISSING = re.compile(r"Missing required (query|header|cookie) parameter '([^']+)'")


def problem_of(request: Request[Any, Any, Any], error: Exception) -> ProblemError:
    """What whatever a handler raised is to who asked; what is nobody's mistake but ours is logged."""
    match error:
        case ProblemError():
            problem = error
        case StoreError():
            problem = of_store(error)
            if problem.status == 503:
                _LOG.error("%s %s: %s", request.method, request.url.path, error)
        case HTTPException():
            problem = of_litestar(error)
        case VedetteError():
            problem = ProblemError(422, str(error))
        case _:
            _LOG.error("%s %s", request.method, request.url.path, exc_info=error)
            problem = ProblemError(500, DEFECT)
    return problem


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Turn whatever a handler raised into a response."""
    return told(request, problem_of(request, error))


def told(request: Request[Any, Any, Any], problem: ProblemError) -> Response[bytes]:
    """A problem as a response for programs."""
    return Response(
        problem.body(request.url.path),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def invalid(error: msgspec.ValidationError) -> ProblemError:
    """What msgspec refused, with the field that it names."""
    message, _, path = str(error).partition(" - at `")
    fault = _named(path.rstrip("`").removeprefix("$").removeprefix("."), message, "body")
    return ProblemError(422, f"{fault.field}: {fault.detail}" if fault.field else fault.detail, [fault])


def _fault(entry: Any) -> Fault:
    if not isinstance(entry, dict):
        return Fault("", str(entry))
    place = str(getattr(entry.get("source"), "value", entry.get("source") or "body"))
    # The framework calls a body as a whole `data`.
    return _named(str(entry.get("key", "")).removeprefix("data"), str(entry.get("message", "")), place)


def _named(path: str, message: str, place: str) -> Fault:
    """A fault with the field's own name, where msgspec names the object around it."""
    for said, rule in (
        ("Object contains unknown field `", "there is no such field"),
        ("Object missing required field `", "must be given"),
    ):
        if message.startswith(said):
            name = message.removeprefix(said).rstrip("`")
            return Fault(f"{path}.{name}" if path else name, rule, place)
    if message.startswith(_NO_MEMBER):
        return Fault(
            path, f"{message.removeprefix(_NO_MEMBER)} is none of the values that /schema lists", place
        )
    return Fault(path, message, place)


_NO_MEMBER = "Invalid enum value "
