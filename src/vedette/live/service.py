"""The live thread, and what the rest of the program may ask of it."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from time import sleep
from typing import Any, TypeVar

from vedette.live.counting import Stated
from vedette.live.events import Events
from vedette.live.live import ROOM, Live, ended
from vedette.schema.live import Commit

_LOG = logging.getLogger("vedette.live")

T = TypeVar("T")

REST_S = 0.2
"""How long what comes is gathered, unless much waits: a turn for each line costs as much as one for a thousand."""
ANSWER_S = 30.0
"""How long one waits for the live thread to answer between two turns."""


class Service:
    """Runs `Live` in a thread of its own.

    Args:
        make: Makes what is to be run; called in the thread that starts the service. Its argument is to be told of
            each commit that was kept.
        before_turn: Called in the thread before each turn. kept: Called in it with each commit that was kept.
        until_ended: End once every source but the journal has ended (standard input, say).
        events: Where what happens is told, if somebody listens there already.
    """

    def __init__(
        self,
        make: Callable[[Callable[[Commit], None]], Live],
        *,
        before_turn: Callable[[], object] = lambda: None,
        kept: Callable[[Commit], object] = lambda _: None,
        until_ended: bool = False,
        events: Events | None = None,
    ) -> None:
        self.stated = Stated()
        self._until_ended = until_ended
        self._before_turn = before_turn
        self._tell_kept = kept
        self.live = make(self._kept)
        self.events = events or Events(first=self.live.clock())
        self._asked: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._wake = threading.Event()
        self._called = threading.Event()
        """Somebody waits for an answer, or for the end."""
        self._stopping = False
        self.failure: BaseException | None = None
        self.ended = threading.Event()
        """Set when the thread is over, whatever the reason."""
        self._thread = threading.Thread(target=self._run, name="vedette-live", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Take in what is there, commit, and end; waits until that is done."""
        self._stopping = True
        self._call()
        self._thread.join()
        self.events.close()

    def wake(self) -> None:
        """Say that something has come, so that it is not left waiting until the next look."""
        self._wake.set()

    def hurry(self) -> None:
        """Say that so much has come that nothing more is worth being gathered with it."""
        self._call()

    def ask(self, question: Callable[[], T]) -> T:
        """Have something done by the live thread between two turns, and wait for what it gives.

        Raises:
            TimeoutError: It had no time.
            Exception: What the question raised.
        """
        answer: Future[T] = Future()
        self._asked.put((question, answer))
        self._call()
        return answer.result(ANSWER_S)

    def _call(self) -> None:
        self._called.set()
        self._wake.set()

    def _run(self) -> None:
        live = self.live
        try:
            while not self._stopping:
                self._called.clear()
                self._answer()
                self._before_turn()
                before = live.work.bytes
                if live.turn():
                    if live.work.bytes - before < ROOM and not live.behind and not self._stopping:
                        self._called.wait(REST_S)
                    continue
                if self._until_ended and ended(live.sources):
                    _LOG.info("every source has ended")
                    break
                self._wake.wait(live.config.live.poll_s)
                self._wake.clear()
            live.drain(live.clock() + live.config.live.drain_s * 1_000_000, sleep)
        except BaseException as error:  # noqa: BLE001 - told to whoever started the thread, and logged
            self.failure = error
            _LOG.critical("the live thread has failed; what it had committed is kept", exc_info=error)
        finally:
            live.close()
            self.ended.set()
            self._answer()

    def _answer(self) -> None:
        while True:
            try:
                question, answer = self._asked.get_nowait()
            except Empty:
                return
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(question())
            except Exception as error:  # noqa: BLE001 - raised where it was asked
                answer.set_exception(error)

    def _kept(self, commit: Commit) -> None:
        self.stated.count(commit)
        for notice in commit.notices:
            self.events.tell("incident", notice)
        for anomaly in commit.anomalies:
            self.events.tell("anomaly", anomaly)
        self._tell_kept(commit)
