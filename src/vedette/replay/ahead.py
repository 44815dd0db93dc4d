"""Work done in a thread of its own, a little ahead of who wants it: kernels leave the GIL to others."""

import threading
from collections.abc import Callable, Iterator
from queue import Full, Queue
from types import TracebackType
from typing import Final, Generic, Self, TypeVar, cast

T = TypeVar("T")

_PATIENCE: Final = 0.1
"""Seconds between looks at whether to stop."""


def _nothing() -> None:
    """Nothing to free."""


class Ahead(Generic[T]):
    """Makes things in a thread of its own, some ahead of its consumer, who gets them in their order.

    What goes wrong in the thread is raised in the consumer.

    Args:
        begin: Gives the things; called, and asked for each, in the thread.
        most: How many may wait.
        free: Lets go what `begin` may be waiting for, where the consumer ends before the things do.
    """

    _END = object()

    def __init__(
        self, begin: Callable[[], Iterator[T]], most: int, free: Callable[[], None] = _nothing
    ) -> None:
        self._queue: Queue[object] = Queue(most)
        self._stop = threading.Event()
        self._free = free
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(begin,), name="vedette-reading", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._free()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while (item := self._queue.get()) is not self._END:
            yield cast("T", item)
        if self._error is not None:
            raise self._error

    def _run(self, begin: Callable[[], Iterator[T]]) -> None:
        try:
            for item in begin():
                if not self._put(item):
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, who raises it
            # Where the consumer has ended, nobody asks: it was let go.
            self._error = error
        self._put(self._END)

    def _put(self, item: object) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
            except Full:
                continue
            return True
        return False
