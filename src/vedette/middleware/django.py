"""Tells the middleware around a Django application which route a request took.

Django keeps that in an object of its own; this marks it where `VedetteWSGI` and `VedetteASGI` look. One line in
`MIDDLEWARE`: `"vedette.middleware.vedette_route"`.
"""

from collections.abc import Callable
from typing import Any


def vedette_route(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A Django middleware, for synchronous and asynchronous applications."""
    from asgiref.sync import iscoroutinefunction, markcoroutinefunction

    if not iscoroutinefunction(get_response):

        def plain(request: Any) -> Any:
            response = get_response(request)
            _mark(request)
            return response

        return plain

    async def waiting(request: Any) -> Any:
        response = await get_response(request)
        _mark(request)
        return response

    return markcoroutinefunction(waiting)


vedette_route.sync_capable = True  # type: ignore[attr-defined]
vedette_route.async_capable = True  # type: ignore[attr-defined]


def _mark(request: Any) -> None:
    route = getattr(getattr(request, "resolver_match", None), "route", None)
    place = getattr(request, "scope", None) or getattr(request, "environ", None)
    if route is not None and place is not None:
        place["vedette.route"] = f"/{route.removeprefix('/')}"
