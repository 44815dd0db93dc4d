"""Parameters of a query that a route does not know.

A filter that is spelled wrongly and ignored answers with everything, as if it had been applied.
"""

from functools import lru_cache
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from vedette.server.problem import Fault, ProblemError
from vedette.server.scopes import PREFIX

_STRICT = (PREFIX + "/", "/ingest", "/status")
"""Paths that people ask, or programs written for Vedette. Load balancers, scrapers and shippers of logs add
parameters of their own."""
_SHOWN = 60


def refuse_unknown(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard that lets no unknown parameter pass.

    Raises:
        ProblemError: There is one; all are named.
    """
    query = connection.query_params
    if not query or not connection.scope["path"].startswith(_STRICT):
        return
    known = known_parameters(handler)
    unknown = [name for name in dict.fromkeys(query.keys()) if name not in known]
    if unknown:
        rule = (
            f"there is no such parameter here; there is {', '.join(known)}"
            if known
            else "no parameter is taken here"
        )
        faults = [Fault(_shown(name), rule, "query") for name in unknown]
        raise ProblemError(422, "; ".join(f"{_shown(name)}: {rule}" for name in unknown[:3]), faults[:20])


@lru_cache(maxsize=256)
def known_parameters(handler: BaseRouteHandler) -> tuple[str, ...]:
    """Names of the parameters of a route's query, in the order of its page."""
    return tuple(
        given.kwarg_definition.name or name
        for name, given in handler.parsed_fn_signature.parameters.items()
        if isinstance(given.kwarg_definition, QueryParameter)
    )


def _shown(name: str) -> str:
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 3]}..."
