"""The source of lines from files: looks at them once a second, and reads what came."""

import os
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from vedette.sources.long_lines import LINE_BYTES, LongLines
from vedette.sources.names import printable
from vedette.sources.source import Delivery, SourceState, SourceStatus
from vedette.sources.tail.losses import Losses
from vedette.sources.tail.mark import Place
from vedette.sources.tail.paths import Follow, Found, find
from vedette.sources.tail.position import decode, encode
from vedette.sources.tail.trail import Told, Trail

_MOST_TOLD = 8
"""Files of which it is said why they are not read."""
LOOK_US = 1_000_000
"""Between two looks at the files that are followed."""
FIND_US = 2_000_000
"""Between two searches for new ones."""
MOST_PATHS = 10_000
"""Paths followed at a time: as many as a position has room for."""
MOST_OPEN = 256
"""Files held open while nothing comes: a quarter of what a process may open by default."""
LEAST_SHARE = 256 << 10
"""Bytes that each path is offered when several have something."""

Clock = Callable[[], int]


class Tail:
    """Follows files.

    Args:
        follows: What to follow. Of a path that several cover, the first counts.
        clock: Microseconds since the epoch.
        line_bytes: Longest line that is delivered whole; of a longer one, as many bytes.
    """

    name = "files"

    def __init__(self, follows: Sequence[Follow], clock: Clock, *, line_bytes: int = LINE_BYTES) -> None:
        self._follows = tuple(
            replace(follow, paths=tuple(os.path.abspath(path) for path in follow.paths))  # noqa: PTH100 -- keeps links
            for follow in follows
        )
        self._clock = clock
        self._long = LongLines(line_bytes)
        self._losses = Losses()
        self._trails: dict[str, Trail] = {}
        self._named: set[str] = set()
        self._unmatched: tuple[str, ...] = ()
        """What was asked for, and no file is of it."""
        self._turn = 0
        self._looked = self._found = -FIND_US
        self._too_many = 0

    def open(self, position: bytes | None) -> None:
        """See `Source`."""
        now = self._clock()
        places = () if position is None else decode(self.name, position)
        resumed: dict[str, list[Place]] = {}
        for place in places:
            resumed.setdefault(place.name, []).append(place)
        # All are known before any is looked at: what one of them follows is not another's rotated file.
        for path in resumed:
            follow = next((follow for follow in self._follows if follow.covers(path)), None)
            if follow is not None:
                self._trails[path] = self._trail(path, follow)
        first = position is None
        new = self._find(now, first=first)
        for path, trail in self._trails.items():
            if path in resumed:
                trail.resume(resumed[path], now)
        for found, follow in new:
            at_end = first and (follow.from_end or (found.past and not follow.history))
            history = first and follow.history and not found.past
            self._trails[found.path].begin(now, from_end=at_end, history=history)
        self._looked = now

    def take(self, room: int) -> Sequence[Delivery]:
        """See `Source`."""
        now = self._clock()
        self._look(now)
        ready = [trail for trail in self._trails.values() if trail.backlog(now)]
        if not ready:
            return ()
        # In turns: who had none last time comes first.
        self._turn = (self._turn + 1) % len(ready)
        share = max(room // len(ready), LEAST_SHARE)
        deliveries: list[Delivery] = []
        for trail in ready[self._turn :] + ready[: self._turn]:
            if room <= 0:
                break
            taken = trail.take(min(share, room), now)
            room -= sum(len(delivery.lines) for delivery in taken)
            deliveries += taken
        if deliveries:
            deliveries[-1] = replace(deliveries[-1], position=self._position())
        return deliveries

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        now = self._clock()
        return [printable(trail.path) for trail in self._trails.values() if trail.backlog(now)]

    def committed(self, position: bytes) -> None:
        """See `Source`. Files stay where they are."""

    def status(self) -> SourceStatus:
        """See `Source`."""
        # Copied, because other threads ask too.
        trails = list(self._trails.values())
        failing = [trail for trail in trails if trail.failed]
        waiting = [trail for trail in trails if trail.missing and trail.path in self._named]
        behind = sum(trail.behind for trail in trails)
        reason = ""
        told = [(trail.path, trail.reason) for trail in (*failing, *waiting)]
        told += [(path, "no file matches; what appears is read") for path in self._unmatched]
        if told:
            # What cannot be read stands first; each is named, as each takes a remedy of its own.
            reason = "; ".join(f"{printable(path)}: {why}" for path, why in told[:_MOST_TOLD])
            reason += f" (and {len(told) - _MOST_TOLD} more)" if len(told) > _MOST_TOLD else ""
        elif self._too_many:
            reason = f"{self._too_many} files beyond the first {MOST_PATHS} are not followed; name fewer"
        dropped = dict(self._losses.counts)
        if self._long.lines:
            dropped |= {"lines_cut": self._long.lines, "bytes_cut": self._long.bytes}
        state = SourceState.READING if behind else SourceState.WAITING
        return SourceStatus(self.name, SourceState.FAILED if failing else state, reason, behind, dropped)

    def close(self) -> None:
        """See `Source`."""
        for trail in self._trails.values():
            trail.close()

    def _look(self, now: int) -> None:
        if now - self._looked < LOOK_US:
            return
        self._looked = now
        for trail in self._trails.values():
            trail.look(now)
        if now - self._found >= FIND_US:
            for found, _ in self._find(now, first=False):
                self._trails[found.path].begin(now)
            gone = [p for p, trail in self._trails.items() if trail.finished and p not in self._named]
            for path in gone:
                self._trails.pop(path).close()
        self._close_idle()

    def _find(self, now: int, *, first: bool) -> list[tuple[Found, Follow]]:
        """Paths that were not followed so far; each has its trail now."""
        self._found = now
        self._too_many = 0
        found = [
            (path, follow)
            for follow in self._follows
            for path in find(follow, list(self._trails), history=first and follow.history)
        ]
        self._named = {path.path for path, _ in found if path.named}
        paths = {path.path for path, _ in found}
        self._unmatched = tuple(
            own
            for follow in self._follows
            for own in follow.paths
            if own not in self._named and not any(map(Follow((own,)).covers, paths))
        )
        new = []
        for path, follow in found:
            if path.path in self._trails or (not path.named and _is_link_to_one_of(path.path, paths)):
                continue
            if len(self._trails) >= MOST_PATHS:
                self._too_many += 1
                continue
            self._trails[path.path] = self._trail(path.path, follow)
            new.append((path, follow))
        return new

    def _trail(self, path: str, follow: Follow) -> Trail:
        told = Told(follow.service, follow.format)
        return Trail(path, told, self._long, self._losses, self._trails.__contains__)

    def _close_idle(self) -> None:
        """Keep the number of open files bounded."""
        idle = [
            f for t in self._trails.values() for f in t.files if f.is_open and not f.away and not f.unread
        ]
        idle.sort(key=lambda file: file.grown_at)
        for file in idle[: max(len(idle) - MOST_OPEN, 0)]:
            file.close()

    def _position(self) -> bytes:
        return encode([place for trail in self._trails.values() for place in trail.places()])


def _is_link_to_one_of(path: str, paths: set[str]) -> bool:
    return os.path.islink(path) and os.path.realpath(path) in paths  # noqa: PTH114 -- paths are text
