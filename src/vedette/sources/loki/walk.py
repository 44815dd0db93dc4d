"""Which pages to ask Loki for, and which of their entries are new. Pure: no network, no clock.

`query_range`, forward, gives the oldest `limit` entries from `start` (inclusive) to `end` (exclusive). The next page
begins at the time of the last entry, because more may have the same; what was given out is known by its hash. What
arrives in Loki late is found by looking back over the last seconds again.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec

from vedette.sources.labels import stream_of

SECOND = 1_000_000_000
STEP_NS = 3600 * SECOND
"""Longest span that is asked for at once: Loki limits it, too."""
MOST_RECENT = 32_768
"""Hashes that are kept; when there are more, less far back is looked."""
HIGHEST_LIMIT = 1 << 17


class Entry(msgspec.Struct, frozen=True):
    """One line.

    Attributes:
        time: Nanoseconds since the epoch. labels: Its stream's. line: The line, without newline.
    """

    time: int
    labels: Mapping[str, str]
    line: str

    @property
    def hash(self) -> bytes:
        """Eight bytes for its time, stream and line: in Loki these are what tells entries apart."""
        stream, _ = stream_of(self.labels)
        return blake2b(f"{self.time} {stream} {self.line}".encode("utf-8", "replace"), digest_size=8).digest()


class Ask(msgspec.Struct, frozen=True):
    """A page to ask for: `start` is included, `end` is not. With `series`, only which streams there are."""

    query: str
    start: int
    end: int
    limit: int
    series: bool = False


class WalkState(msgspec.Struct, frozen=True, array_like=True):
    """What a position holds: everything before `at` was given out, and of what comes after, `recent` was.

    Attributes:
        at: Nanoseconds since the epoch.
        looked: What had arrived by then was found, however late it was.
        floor: Before that is not looked back.
        recent: Times and hashes of entries, in the order in which they were given out.
    """

    at: int
    looked: int
    floor: int
    recent: tuple[tuple[int, bytes], ...]


class _Pass(msgspec.Struct):
    """One way through a span of time: `at` moves from its beginning to `end`. It began at `begun`."""

    at: int
    end: int
    back: bool
    limit: int
    begun: int


class Walk:
    """Goes through a query's entries, each once.

    Args:
        query: A LogQL query for lines.
        state: Where to begin.
        limit: Entries a page.
        delay_ns: How recent nothing is asked for.
        back_ns: How late an entry may arrive and still be found.

    Attributes:
        beyond: How often a single nanosecond of one stream held more entries than Loki gives at once; the rest of
            them cannot be asked for.
        limit: Entries a page, as far as Loki allows.
    """

    def __init__(self, query: str, state: WalkState, *, limit: int, delay_ns: int, back_ns: int) -> None:
        self.beyond = 0
        self.limit = limit
        self._highest = HIGHEST_LIMIT
        self._query = query
        self._delay = delay_ns
        self._back = back_ns
        self._at = state.at
        self._floor = state.floor
        self._recent = {digest: time for time, digest in state.recent}
        self._looked = state.looked
        self._pass: _Pass | None = None
        self._splits: list[str] | None = None

    @property
    def state(self) -> WalkState:
        """What a position has to hold now."""
        return WalkState(
            self._cursor,
            self._looked,
            self._floor,
            tuple((time, digest) for digest, time in self._recent.items()),
        )

    def ask(self, now: int) -> Ask | None:
        """The next page, None if there is nothing to ask for yet. `now`: nanoseconds since the epoch."""
        if self._pass is None:
            self._pass = self._next_pass(now)
        way = self._pass
        if way is None:
            return None
        if self._splits is not None:
            if self._splits:
                return Ask(self._splits[-1], way.at, way.at + 1, self._highest)
            return Ask(selector_of(self._query), way.at, way.at + 1, 0, series=True)
        return Ask(self._query, way.at, way.end, way.limit)

    def answer(self, ask: Ask, entries: Sequence[Entry]) -> list[Entry]:
        """Entries of a page that are new, the oldest first."""
        way = self._pass
        if way is None:
            return []
        new = []
        for entry in sorted(entries, key=lambda entry: entry.time):
            digest = entry.hash
            if digest not in self._recent:
                self._recent[digest] = entry.time
                new.append(entry)
        full = len(entries) >= ask.limit
        if self._splits is not None:
            self._splits.pop()
            self.beyond += full
            if not self._splits:
                self._go_on(way, way.at + 1)
        elif not full:
            self._go_on(way, way.end)
        elif (last := max(entry.time for entry in entries)) > way.at:
            way.at, way.limit = last, self.limit
        else:
            self._widen(way)
        self._forget()
        return new

    def answer_series(self, streams: Sequence[Mapping[str, str]]) -> None:
        """The streams that have entries in the nanosecond that was asked about."""
        way = self._pass
        if way is None:
            return
        rest = self._query[len(selector_of(self._query)) :]
        self._splits = [_selector(labels) + rest for labels in streams]
        if not self._splits:
            self._go_on(way, way.at + 1)

    def refuse_limit(self, highest: int | None) -> None:
        """Loki gives fewer entries at once than were asked for: at most `highest`, if it says."""
        asked = self._pass.limit if self._pass is not None else self.limit
        self._highest = max(min(highest or asked // 2, asked - 1), 1)
        self.limit = min(self.limit, self._highest)
        if self._pass is not None:
            self._pass.limit = min(self._pass.limit, self._highest)

    @property
    def _cursor(self) -> int:
        """Before that, everything was given out but what arrives late."""
        return self._at if self._pass is None or self._pass.back else self._pass.at

    def _next_pass(self, now: int) -> _Pass | None:
        until = now - self._delay
        if self._back and until - self._looked >= self._back:
            # What arrives later than that is at most so much older.
            start = max(self._looked - self._back, self._floor)
            if start < self._at:
                return _Pass(start, self._at, True, self.limit, until)
        if until <= self._at:
            return None
        return _Pass(self._at, min(until, self._at + STEP_NS), False, self.limit, until)

    def _widen(self, way: _Pass) -> None:
        """A whole page of one nanosecond: ask for more at once, and if that is all, stream by stream."""
        if way.limit < self._highest:
            way.limit = min(2 * way.limit, self._highest)
        else:
            self._splits = []

    def _go_on(self, way: _Pass, to: int) -> None:
        self._splits = None
        way.at, way.limit = to, self.limit
        if not way.back:
            self._at = to
        if to >= way.end:
            self._pass = None
            if way.back:
                self._looked = way.begun

    def _forget(self) -> None:
        """Keep only what may be met again."""
        oldest = min(self._looked - self._back, self._cursor)
        excess = len(self._recent) - MOST_RECENT
        for digest, time in list(self._recent.items()):
            if excess > 0:
                self._floor = max(self._floor, time + 1)
                excess -= 1
            elif time >= oldest:
                break
            del self._recent[digest]


def selector_of(query: str) -> str:
    """The stream selector that a query begins with: `{app="shop"}` of `{app="shop"} |= "GET"`.

    Raises:
        ValueError: It begins with none.
    """
    quote = ""
    at = 0
    stripped = query.lstrip()
    if stripped.startswith("{"):
        start = len(query) - len(stripped)
        for at in range(start, len(query)):
            character = query[at]
            if quote:
                escaped = quote == '"' and query[at - 1] == "\\" and query[at - 2] != "\\"
                quote = "" if character == quote and not escaped else quote
            elif character in '"`':
                quote = character
            elif character == "}":
                return query[: at + 1]
    raise ValueError('must begin with a stream selector, like {job="nginx"}, and ask for lines')


def _selector(labels: Mapping[str, str]) -> str:
    return (
        "{"
        + ", ".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in labels.items())
        + "}"
    )
