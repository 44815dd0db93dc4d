"""What happens, for those who watch it happen: the last so many events, each told to every watcher."""

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition
from typing import Any

from vedette.live.view import Event

KEPT = 1_000
"""Events that are there for a watcher who comes late or reads slowly."""
HEARTBEAT_S = 15.0


class Events:
    """A bounded row of events. Safe to use from several threads; one who tells never waits for one who reads.

    Args:
        kept: Most events kept.
        first: Id of the first event: ids go on growing over restarts if it is a time.
    """

    def __init__(self, kept: int = KEPT, first: int = 1) -> None:
        self._changed = Condition()
        self._events: deque[Event] = deque(maxlen=kept)
        self._next = first
        self._closed = False

    def tell(self, kind: str, content: Any) -> None:
        """Add an event; the oldest makes room."""
        with self._changed:
            self._events.append(Event(id=self._next, kind=kind, content=content))
            self._next += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End every watching."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def watch(
        self,
        after: int | None,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        wait: Callable[[Condition, float], bool] = Condition.wait,
    ) -> Iterator[Event | None]:
        """Events behind the one with id `after` (None: from now on), until `close`.

        Events that are gone already are told as one of kind `gap`, whose content is how many. None is handed out
        when there was nothing for `heartbeat_s`.
        """
        with self._changed:
            last = self._next - 1 if after is None else after
        while True:
            told: list[Event | None] = []
            with self._changed:
                if not self._closed and last >= self._next - 1 and not wait(self._changed, heartbeat_s):
                    told.append(None)
                oldest = self._events[0].id if self._events else self._next
                # An id from before a restart with a clock set back is like none.
                last = min(last, self._next - 1)
                if last < oldest - 1:
                    told.append(Event(id=oldest - 1, kind="gap", content={"missed": oldest - 1 - last}))
                    last = oldest - 1
                told += [event for event in self._events if event.id > last]
                if not told and self._closed:
                    return
                last = self._next - 1
            yield from told
