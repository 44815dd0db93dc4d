"""Where records go: a bounded queue, emptied by a thread of its own.

`put` is all that a request waits for. What does not fit is dropped and counted; what goes wrong behind the queue stays
there.
"""

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from vedette.middleware.record import Record

LOG = logging.getLogger("vedette.middleware")
MOST_RECORDS = 10_000
MOST_BYTES = 8 << 20
BATCH_RECORDS = 1_000
BATCH_AGE_S = 1.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
CLOSING_S = 2.0
"""How long the end of a process may wait for what is left to be handed on."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of records in this process.

    Attributes:
        taken: Handed over by requests. delivered: Handed on.
        dropped: Not handed on, because the queue was full. refused: Not taken by the other side.
        queued: Waiting now.
    """

    taken: int
    delivered: int
    dropped: int
    refused: int
    queued: int


class Sink(Protocol):
    """What middleware needs."""

    def put(self, record: Record) -> None:
        """Take a record; returns at once."""
        ...


class DeliveryError(Exception):
    """A batch could not be handed on now. `wait_s`: the least pause that the other side asks for."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class RefusedError(Exception):
    """A batch was refused as such: it is not tried again."""


class Delivery(Protocol):
    """How batches are handed on. Used by one thread of one process."""

    def deliver(self, records: list[Record]) -> int:
        """Hand them on, and return how many were taken; the rest is offered again.

        Raises:
            DeliveryError: None could be. RefusedError: None ever will be.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Queue:
    """Records on their way to a `Delivery`. Safe in threads, and in processes that fork: each has its own thread.

    Args:
        delivery: Where they go.
        most_records, most_bytes: What waits at most; the rest is dropped.
        batch_records, batch_age_s: A batch goes when it is that large, or its first record that old.
    """

    def __init__(
        self,
        delivery: Delivery,
        *,
        most_records: int = MOST_RECORDS,
        most_bytes: int = MOST_BYTES,
        batch_records: int = BATCH_RECORDS,
        batch_age_s: float = BATCH_AGE_S,
    ) -> None:
        self._delivery = delivery
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._batch_records = batch_records
        self._batch_age_s = batch_age_s
        self._thread: threading.Thread | None
        self._records: deque[Record]
        self._begin()
        # Not by a reference: a middleware that is thrown away must not be kept for the end of the process.
        weak = weakref.ref(self)
        atexit.register(lambda: None if (queue := weak()) is None else queue.close())
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: None if (queue := weak()) is None else queue.forked())

    def put(self, record: Record) -> None:
        """Take a record, or count it as dropped; returns at once."""
        size = record.size
        with self._lock:
            if self._thread is None:
                # Not before the first request: servers load an application, and then fork.
                self._thread = threading.Thread(target=self._work, name="vedette-middleware", daemon=True)
                self._thread.start()
            self._taken += 1
            queued = len(self._records)
            if queued >= self._most_records or self._bytes + size > self._most_bytes or self._ended:
                self._dropped += 1
                return
            self._records.append(record)
            self._bytes += size
        if queued + 1 == self._batch_records:
            self._woken.set()

    def counts(self) -> Counts:
        """What became of records so far."""
        with self._lock:
            return Counts(self._taken, self._delivered, self._dropped, self._refused, len(self._records))

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Hand on what is left, for at most so many seconds; what comes later is dropped."""
        with self._lock:
            self._ended = True
            thread = self._thread
        self._closing.set()
        self._woken.set()
        if thread is not None:
            thread.join(timeout_s)

    def forked(self) -> None:
        """This is a new process: it has no thread, and what its parent had queued is the parent's to hand on."""
        self._delivery.close()
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._records = deque()
        self._bytes = 0
        self._taken = self._delivered = self._dropped = self._refused = 0
        self._thread = None
        self._ended = False

    def _work(self) -> None:
        pause = FIRST_PAUSE_S
        failing = False
        while True:
            if not self._records and self._closing.is_set():
                self._delivery.close()
                return
            if not self._closing.is_set():
                self._woken.wait(self._batch_age_s)
                self._woken.clear()
            with self._lock:
                batch = list(islice(self._records, self._batch_records))
            if not batch:
                continue
            try:
                taken = self._delivery.deliver(batch)
            except RefusedError as error:
                self._drop(len(batch), refused=True)
                LOG.warning("Vedette refused %d records of requests: %s", len(batch), error)
                continue
            except DeliveryError as error:
                wait, reason = max(pause, error.wait_s), str(error)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the application must not notice
                wait, reason = pause, type(error).__name__
            else:
                self._drop(taken, refused=False)
                if failing:
                    LOG.info("Vedette takes records of requests again")
                failing, pause = False, FIRST_PAUSE_S
                if len(self._records) >= self._batch_records or taken < len(batch):
                    self._woken.set()
                continue
            if not failing:
                LOG.warning(
                    "Vedette does not take records of requests, which wait, and are dropped beyond %d: %s",
                    self._most_records,
                    reason,
                )
            failing = True
            if self._closing.wait(min(wait, LONGEST_PAUSE_S)):
                self._delivery.close()
                return
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _drop(self, count: int, *, refused: bool) -> None:
        """Forget the first of the queue: they are on the other side, or never will be."""
        with self._lock:
            for _ in range(count):
                self._bytes -= self._records.popleft().size
            if refused:
                self._refused += count
            else:
                self._delivered += count


def now() -> float:
    """Seconds since the epoch."""
    return time.time()
