"""How answers are written."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from litestar import MediaType, Response
from litestar.openapi.datastructures import ResponseSpec

from vedette.report.json import as_json
from vedette.server.problem import MEDIA_TYPE, Problem

T = TypeVar("T")


class Answer(Response[T]):
    """JSON that may hold what a log held."""

    def render(self, content: Any, media_type: str, enc_hook: Callable[[Any], Any] | None = None) -> bytes:
        """The body."""
        if media_type.startswith(MediaType.JSON) and not isinstance(content, bytes):
            return as_json(content)
        return super().render(content, media_type, enc_hook or _no_hook)


def _no_hook(value: Any) -> Any:
    raise NotImplementedError(f"{type(value).__name__} is not JSON")


_MEANINGS = {
    400: "The request cannot be read.",
    401: "A key is needed, or the one shown is not valid.",
    403: "The key does not allow this, or a page elsewhere asked.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    411: "The length of the body must be told.",
    409: "It cannot be done as things stand; `detail` says why.",
    413: "The body is too long.",
    415: "The body's media type is not one that is read here.",
    421: "The name asked for in `Host` is not one of this service.",
    422: "A field is wrong; `errors` names it.",
    429: "Too many requests; `Retry-After` says when to come back.",
    503: "The store, or the service, cannot take it now; `Retry-After` says when to try again.",
}
_ALWAYS = (400, 401, 403, 408, 413, 421, 422, 429)


def problems(*more: int) -> Mapping[int, ResponseSpec]:
    """The problems that a route may answer with, for the OpenAPI document: those of every route, and `more`."""
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description=_MEANINGS[status],
            media_type=MEDIA_TYPE,
        )
        for status in sorted({*_ALWAYS, *more})
    }
