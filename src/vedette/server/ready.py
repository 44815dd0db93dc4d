"""What cannot be done before the service is past its start: who asks for it waits a moment, or is told to come back."""

import asyncio
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from vedette.live.view import Preparation
from vedette.server.problem import ProblemError
from vedette.server.rooms import Rooms

PATIENCE_S: Final = 5.0
"""How long somebody who asks waits: a start for which nothing has to be compiled takes a second."""
LOOK_S: Final = 0.02
RETRY_S: Final = 5


async def until_ready(rooms: Rooms) -> None:
    """Wait until the engine is there, if that is soon.

    Raises:
        ProblemError: It takes longer.
    """
    if rooms.view.ready:
        return
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S
    while not rooms.view.ready:
        if loop.time() >= until:
            raise _not_yet(rooms.view.health().preparation)
        await asyncio.sleep(LOOK_S)


async def needs_engine(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """`until_ready` as a guard of a route."""
    await until_ready(connection.app.state["rooms"])


def _not_yet(preparation: Preparation | None) -> ProblemError:
    about = f": {preparation.told}" if preparation is not None else ""
    return ProblemError(
        503,
        f"the service is starting{about}; nothing is judged yet, lines are taken in at /ingest",
        headers={"Retry-After": str(RETRY_S)},
    )
