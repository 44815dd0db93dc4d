"""What every route works with."""

import asyncio
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import msgspec
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from vedette.config.server import Server
from vedette.live.view import LiveView
from vedette.storage.live import LiveStore

P = ParamSpec("P")
T = TypeVar("T")
Clock = Callable[[], int]
"""Now, microseconds since the epoch, UTC."""

CALLER = "vedette.caller"
"""Where the gate notes in a request's scope who calls."""


class Caller(msgspec.Struct, frozen=True):
    """Who calls.

    Attributes:
        name: The key's name, or `local` where none is asked for.
        address: The client's, after the walk past trusted proxies.
        scopes: What it may do: of `ingest`, `read`, `admin`.
    """

    name: str
    address: str
    scopes: frozenset[str]


class Rooms(msgspec.Struct):
    """The running service, its store, its settings and the time.

    Attributes:
        view: Who answers for the service: another while it starts than from then on.
    """

    view: LiveView
    store: LiveStore
    settings: Server
    clock: Clock


Inside = NamedDependency[SkipValidation[Rooms]]
"""The rooms, as a handler asks for them."""


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do what may wait for a disk or a lock in another thread, so that other requests go on."""
    return await asyncio.to_thread(work, *args, **kwargs)


def caller_of(scope: Any) -> Caller:
    """Who calls, as the gate found."""
    found = scope.get(CALLER)
    if not isinstance(found, Caller):
        raise RuntimeError("a request came past the gate")  # noqa: TRY004 -- a defect, not a wrong type
    return found
