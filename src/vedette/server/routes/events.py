"""What happens, as it happens: server-sent events (WHATWG HTML, section 9.2)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from vedette.live.view import Event
from vedette.report.json import as_json, noun_fields
from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident
from vedette.server.answer import problems
from vedette.server.classic import anomaly_fields
from vedette.server.problem import Fault, ProblemError
from vedette.server.rooms import Inside
from vedette.server.scopes import PREFIX

RETRY_MS = 3000
"""How long a browser waits before it connects again."""
_ENDED = object()


class Watchers:
    """Threads that wait for events, one for each client; the rest of the service has its own.

    Args:
        most: Clients at one time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._now = 0
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="vedette-events")

    @property
    def count(self) -> int:
        """Clients now."""
        return self._now

    def enter(self) -> None:
        """Take a place.

        Raises:
            ProblemError: All are taken.
        """
        if self._now >= self._most:
            raise ProblemError(
                503,
                f"{self._most} clients follow the events already (server.limits.event_clients)",
                headers={"Retry-After": "30"},
            )
        self._now += 1

    async def follow(self, events: Iterator[Event | None]) -> AsyncIterator[bytes]:
        """Events as they are sent."""
        loop = asyncio.get_running_loop()
        try:
            yield b"retry: %d\n\n" % RETRY_MS
            while True:
                event = await loop.run_in_executor(self._threads, next, events, _ENDED)
                if event is _ENDED:
                    return
                yield b": nothing new\n\n" if event is None else told(event)  # type: ignore[arg-type] # the end is gone
        finally:
            self._now -= 1


def told(event: Event) -> bytes:
    """An event as it is sent: its id, its kind, and its content as one line of JSON."""
    match event.content:
        case Anomaly():
            content: Any = anomaly_fields(event.content, None)
        case Incident():
            content = noun_fields(event.content)
        case _:
            content = event.content
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), as_json(content))


@get(
    f"{PREFIX}/events",
    tags=["events"],
    responses={
        200: ResponseSpec(str, generate_examples=False, media_type="text/event-stream"),
        **problems(503),
    },
)
async def events(
    rooms: Inside,
    request: Request[Any, Any, Any],
    last_event_id: Annotated[
        str | None, QueryParameter(max_length=40, description="As the header `Last-Event-ID`.")
    ] = None,
) -> Stream:
    """New and changed incidents, anomalies and counters, as they come.

    A client that connects again with `Last-Event-ID` gets what it missed. What is not kept any more is told by an
    event `gap`, whose data say how many were missed. A comment comes about every 15 seconds when nothing happens.
    """
    given = request.headers.get("last-event-id") or last_event_id
    after = None
    if given:
        if not given.isascii() or not given.isdigit() or len(given) > 19:
            rule = "must be the id of an event, a whole number"
            raise ProblemError(422, f"Last-Event-ID: {rule}", [Fault("Last-Event-ID", rule, "header")])
        after = int(given)
    watchers: Watchers = request.app.state.watchers
    watchers.enter()
    return Stream(watchers.follow(rooms.view.events(after)), media_type="text/event-stream")
