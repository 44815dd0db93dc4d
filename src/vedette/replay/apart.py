"""The first stage of a scan in a process of its own.

Two threads share one interpreter's lock: while one runs Python, and it does between any two kernels, the other waits.
Two processes do not.
"""

import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from types import FrameType, TracebackType
from typing import Any, Self

import msgspec

from vedette.engine.batch import Batch
from vedette.replay.crossing import Crossing, read_frame, write_frame
from vedette.replay.reading import Reading, Tally
from vedette.schema.errors import VedetteError
from vedette.sources import BufferPool

_SLOTS = 4
"""Batches being made, waiting (two) and being judged."""
_SLOT_BYTES = 64 << 20
"""Room for a batch's columns. A chunk of the shortest lines that can be requests needs some 40 MB, a usual one three;
memory that is never written to costs nothing."""
_PATIENCE = 0.1
"""Seconds between looks at whether to stop."""


class ReaderLostError(VedetteError):
    """The process that reads has ended without a word."""


class Job(msgspec.Struct, frozen=True):
    """Something to read through."""

    reading: Reading
    pool: BufferPool
    slack: int
    """How far its groups may run ahead of each other, microseconds."""
    work: Callable[[Batch], object]
    """Called there with each batch; its outcome comes along."""
    end: Callable[[], object]
    """Called there once all is read; see `Apart.ended`."""


class _Made(msgspec.Struct, frozen=True):
    """A batch, with what was made of it, and how far reading was by then."""

    slot: int
    batch: Batch
    outcome: Any
    position: int
    lines: int
    parsed: int


class _Done(msgspec.Struct, frozen=True):
    tally: Tally
    outcome: Any


class _Failed(msgspec.Struct, frozen=True):
    error: BaseException
    trace: str


def can_be_apart() -> bool:
    """Whether this process can hand work to one that it forks.

    A fork takes none of the other threads along, and a lock that one of them held stays locked. macOS has libraries
    that do not bear it.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


class Apart:
    """Runs readings, one after the other, in a process of its own, a few batches ahead of their consumer.

    What goes wrong there is raised here.

    Args:
        jobs: What to read, in order.
        interrupted: Once it is set, nothing more is read.

    Attributes:
        ended: What the end of the last job that is through brought along.

    Raises:
        OSError: On entry, or before: the system has no memory or no process for it.
    """

    def __init__(self, jobs: Sequence[Job], interrupted: threading.Event) -> None:
        self.ended: Any = None
        self._jobs = jobs
        self._interrupted = interrupted
        self._passed_on = False
        self._crossing = Crossing(_SLOTS, _SLOT_BYTES, [m for job in jobs for m in job.pool.shared])
        self._process = 0

    def __enter__(self) -> Self:
        from_child, to_parent = os.pipe()
        from_parent, to_child = os.pipe()
        try:
            self._process = os.fork()
        except OSError:
            for end in (from_child, to_parent, from_parent, to_child):
                os.close(end)
            raise
        if self._process == 0:
            try:
                os.close(from_child)
                os.close(to_child)
                self._run(from_parent, to_parent)
            finally:
                # Nothing of what this process shares with its parent is to be flushed or closed twice.
                os._exit(0)
        os.close(from_parent)
        os.close(to_parent)
        self._source, self._returns = from_child, to_child
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._source)
        os.close(self._returns)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def batches(self, reading: Reading) -> Iterator[tuple[Batch, Any, Callable[[], None]]]:
        """The batches of the next job, which must be this reading's, each with its outcome and what gives it back.

        Raises:
            ReaderLostError: The other process was ended.
        """
        while True:
            content = self._crossing.unpack(self._next())
            if isinstance(content, _Failed):
                content.error.add_note(content.trace)
                raise content.error
            if isinstance(content, _Done):
                reading.tally, self.ended = content.tally, content.outcome
                return
            tally = reading.tally
            tally.position, tally.lines, tally.parsed = content.position, content.lines, content.parsed
            yield content.batch, content.outcome, partial(self._give_back, content.slot)

    def _give_back(self, slot: int) -> None:
        # The other process ends when it has told everything.
        with suppress(BrokenPipeError):
            os.write(self._returns, bytes([slot]))

    def _next(self) -> bytes:
        ready = select.poll()
        ready.register(self._source, select.POLLIN)
        while not ready.poll(1000 * _PATIENCE):
            self._pass_interrupt_on()
        self._pass_interrupt_on()
        frame = read_frame(self._source)
        if frame is None:
            raise ReaderLostError(
                "the process that reads was ended from outside: often that is for want of memory: "
                "free some, or scan fewer logs at a time"
            )
        return frame

    def _pass_interrupt_on(self) -> None:
        if self._interrupted.is_set() and not self._passed_on:
            self._passed_on = True
            os.kill(self._process, signal.SIGINT)

    # From here on: the other process.

    def _run(self, returns: int, to_parent: int) -> None:
        def interrupt(_number: int, _frame: FrameType | None) -> None:
            self._interrupted.set()

        signal.signal(signal.SIGINT, interrupt)
        free: SimpleQueue[int] = SimpleQueue()
        for slot in range(_SLOTS):
            free.put(slot)
        lent: dict[int, Callable[[], None]] = {}
        threading.Thread(target=_take_back, args=(returns, lent, free), daemon=True).start()
        try:
            for job in self._jobs:
                tally = job.reading.tally
                for batch, give_back in job.reading.batches(job.slack):
                    outcome = job.work(batch)
                    slot = free.get()
                    lent[slot] = give_back
                    made = _Made(slot, batch, outcome, tally.position, tally.lines, tally.parsed)
                    write_frame(to_parent, self._crossing.pack(made, slot))
                write_frame(to_parent, self._crossing.pack(_Done(tally, job.end()), 0))
        except BrokenPipeError:
            # The parent has heard enough.
            return
        except BaseException as error:  # noqa: BLE001 - raised again in the parent
            write_frame(to_parent, self._told(error))

    def _told(self, error: BaseException) -> bytes:
        """An exception for the parent."""
        trace = traceback.format_exc()
        try:
            return self._crossing.pack(_Failed(error, trace), 0)
        except Exception:  # noqa: BLE001 - there is no telling what an exception holds
            return self._crossing.pack(_Failed(RuntimeError(str(error)), trace), 0)


def _take_back(returns: int, lent: dict[int, Callable[[], None]], free: SimpleQueue[int]) -> None:
    """Free the slots that the parent gives back; end with it."""
    while slots := os.read(returns, _SLOTS):
        for slot in slots:
            lent.pop(slot)()
            free.put(slot)
    os._exit(0)
