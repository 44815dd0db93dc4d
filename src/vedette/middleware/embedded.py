"""Feeds an engine inside the process."""

from typing import Any, Protocol

from vedette.middleware.record import FORMAT, Record, encode
from vedette.middleware.sink import DeliveryError, Queue


class Taking(Protocol):
    """The part of a running service that takes lines; `vedette.live`'s view of it has it."""

    def push(self, stream: str, lines: bytes, *, format: str | None = None) -> Any:  # noqa: A002 -- the view's name
        """Take lines; the result says how many were `taken`, and after how many seconds (`retry_after_s`) more are."""
        ...


class Embedded(Queue):
    """A queue to a service in the same process.

    Args:
        live: It takes the lines. service: Name of the application.
        queue: As `Queue` takes them.
    """

    def __init__(self, live: Taking, *, service: str | None = None, **queue: float) -> None:
        super().__init__(_Push(live, service), **queue)  # type: ignore[arg-type]


class _Push:
    def __init__(self, live: Taking, service: str | None) -> None:
        self._live = live
        self._service = service

    def deliver(self, records: list[Record]) -> int:
        pushed = self._live.push(self._service or "middleware", encode(records, self._service), format=FORMAT)
        taken = int(pushed.taken)
        if taken == 0:
            raise DeliveryError("the service takes no more now", float(pushed.retry_after_s))
        return min(taken, len(records))

    def close(self) -> None:
        """There is nothing to let go of."""
