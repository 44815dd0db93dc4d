"""The source of lines from Loki: a thread asks for pages ahead of what is taken."""

from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread

import msgspec
from msgspec.structs import replace

from vedette.sources.errors import SourceError, SourceProblem
from vedette.sources.labels import stream_of
from vedette.sources.loki.fetch import Fetcher, LokiError, Server
from vedette.sources.loki.walk import SECOND, Ask, Entry, Walk, WalkState
from vedette.sources.long_lines import LINE_BYTES
from vedette.sources.source import Delivery, SourceState, SourceStatus

AHEAD_BYTES = 16 << 20
"""Lines fetched and not taken, from which no further page is asked for."""
LONGEST_PAUSE_S = 60.0
FIRST_PAUSE_S = 1.0
CLOSE_S = 2.0
_VERSION = 1


class _Position(msgspec.Struct, frozen=True, array_like=True):
    version: int
    state: WalkState


class LokiQuery(msgspec.Struct, frozen=True):
    """What to ask for.

    Attributes:
        query: A LogQL query for lines.
        limit: Entries a page.
        poll_s: Between two questions when there is nothing more.
        delay_s: How recent nothing is asked for: what shippers and Loki take to bring a line in.
        back_s: How late a line may be and still be found; 0 for not looking back.
        since_s: How far back the first start begins.
        service: The service of all lines. format: Name of their format.
    """

    query: str
    limit: int = 5000
    poll_s: float = 1.0
    delay_s: float = 2.0
    back_s: float = 15.0
    since_s: float = 3600.0
    service: str | None = None
    format: str | None = None


class Loki:
    """Polls one query.

    Args:
        name: Its name among the sources; its position is kept under it.
        server: Whom to ask. query: What for. clock: Microseconds since the epoch.
        line_bytes: Longest line that is delivered whole.
    """

    def __init__(
        self,
        name: str,
        server: Server,
        query: LokiQuery,
        clock: Callable[[], int],
        *,
        line_bytes: int = LINE_BYTES,
    ) -> None:
        self.name = name
        self._query = query
        self._clock = clock
        self._line_bytes = line_bytes
        self._fetcher = Fetcher(server)
        self._walk: Walk | None = None
        self._changed = Condition()
        self._pages: deque[list[Delivery]] = deque()
        self._ahead = 0
        self._reason = ""
        self._behind = False
        self._cut = 0
        self._cut_bytes = 0
        self._closed = False
        self._thread: Thread | None = None

    def open(self, position: bytes | None) -> None:
        """See `Source`; begins to ask."""
        query, now = self._query, self._clock() * 1000
        if position is None:
            at = now - int(query.since_s * SECOND)
            state = WalkState(at, at, at, ())
        else:
            state = self._decode(position)
        self._walk = Walk(
            query.query,
            state,
            limit=query.limit,
            delay_ns=int(query.delay_s * SECOND),
            back_ns=int(query.back_s * SECOND),
        )
        self._thread = Thread(target=self._run, args=(self._walk,), name=self.name, daemon=True)
        self._thread.start()

    def take(self, room: int) -> Sequence[Delivery]:
        """See `Source`."""
        deliveries: list[Delivery] = []
        with self._changed:
            while self._pages and room > 0:
                page = self._pages.popleft()
                size = sum(len(delivery.lines) for delivery in page)
                room -= size
                self._ahead -= size
                if deliveries:
                    deliveries[-1] = replace(deliveries[-1], position=b"")
                deliveries += page
            self._changed.notify_all()
        return deliveries

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        with self._changed:
            return tuple({delivery.stream for page in self._pages for delivery in page})

    def committed(self, position: bytes) -> None:
        """See `Source`. Loki keeps what it has."""

    def status(self) -> SourceStatus:
        """See `Source`."""
        with self._changed:
            reason, behind, ahead = self._reason, self._behind, self._ahead
            dropped = {"lines_cut": self._cut, "bytes_cut": self._cut_bytes} if self._cut else {}
        if self._walk is not None and self._walk.beyond:
            dropped["pages_beyond_limit"] = self._walk.beyond
            reason = reason or (
                "a single nanosecond of one stream holds more lines than Loki gives at once; "
                "raise its max_entries_limit_per_query"
            )
        state = SourceState.READING if behind or ahead else SourceState.WAITING
        return SourceStatus(self.name, SourceState.FAILED if reason else state, reason, ahead, dropped)

    def close(self) -> None:
        """See `Source`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            # It may be waiting for an answer; it ends with that, or with the process.
            self._thread.join(CLOSE_S)

    def _run(self, walk: Walk) -> None:
        try:
            self._poll(walk)
        finally:
            self._fetcher.close()

    def _poll(self, walk: Walk) -> None:
        pause = 0.0
        while not self._wait(pause):
            ask = walk.ask(self._clock() * 1000)
            with self._changed:
                self._behind = ask is not None
            if ask is None:
                pause = self._query.poll_s
                continue
            try:
                self._answer(walk, ask)
            except LokiError as error:
                if error.lower_limit:
                    walk.refuse_limit(error.highest)
                failed = pause if self._reason else 0.0
                pause = 0.0 if error.lower_limit else min(max(2 * failed, FIRST_PAUSE_S), LONGEST_PAUSE_S)
                if error.retry_after_s is not None:
                    pause = min(error.retry_after_s, LONGEST_PAUSE_S)
                with self._changed:
                    self._reason = "" if error.lower_limit else error.reason
                continue
            pause = 0.0
            with self._changed:
                self._reason = ""

    def _answer(self, walk: Walk, ask: Ask) -> None:
        if ask.series:
            walk.answer_series(self._fetcher.series(ask))
            return
        new = walk.answer(ask, self._fetcher.entries(ask))
        if not new:
            return
        page = self._deliveries(new)
        page[-1] = replace(page[-1], position=msgspec.msgpack.encode(_Position(_VERSION, walk.state)))
        with self._changed:
            self._pages.append(page)
            self._ahead += sum(len(delivery.lines) for delivery in page)

    def _deliveries(self, entries: Sequence[Entry]) -> list[Delivery]:
        streams: dict[tuple[str, str | None], list[bytes]] = {}
        for entry in entries:
            line = entry.line.rstrip("\r\n").replace("\n", " ").encode("utf-8", "replace")
            if len(line) > self._line_bytes:
                self._cut += 1
                self._cut_bytes += len(line) - self._line_bytes
                line = line[: self._line_bytes]
            streams.setdefault(stream_of(entry.labels), []).append(line + b"\n")
        query = self._query
        return [
            Delivery(stream, b"".join(lines), b"", service=query.service or service, format=query.format)
            for (stream, service), lines in streams.items()
        ]

    def _wait(self, pause: float) -> bool:
        """Wait out a pause, and until there is room for a page; True when closed."""
        with self._changed:
            if pause:
                self._changed.wait_for(lambda: self._closed, pause)
            self._changed.wait_for(lambda: self._closed or self._ahead < AHEAD_BYTES)
            return self._closed

    def _decode(self, position: bytes) -> WalkState:
        try:
            found = msgspec.msgpack.decode(position, type=_Position)
        except msgspec.MsgspecError as error:
            reason = f"its position cannot be read ({error}); forget it to read from the last hour on"
            raise SourceError(self.name, SourceProblem.DAMAGED, reason) from None
        if found.version != _VERSION:
            reason = (
                f"its position has version {found.version}, not {_VERSION}; run the release that wrote it"
            )
            raise SourceError(self.name, SourceProblem.DAMAGED, reason)
        return found.state
