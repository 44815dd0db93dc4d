"""A store whose outages cost nothing: commits wait on disk until it is back."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Findings
from vedette.schema.incident import Incident
from vedette.schema.live import Commit, Notice, Resume
from vedette.schema.records import BaselineRecord, RunRecord, WindowRecord
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.keeper import Keeper
from vedette.storage.live import AuditLine, LiveStore, Resolution, Retention, Stats, StoredKey, Telling
from vedette.storage.spool import Spool
from vedette.storage.store import COUNT_LIMIT, AnomalyFilter, IncidentFilter, Page, WindowFilter

FIRST_PAUSE_US = 1_000_000
LONGEST_PAUSE_US = 30_000_000
"""Between tries to reach a store that is out: doubled from the first to the longest."""
REPLAY_US = 1_000_000
"""How long one commit may be held up by writing what waited before it."""

_WRONG = frozenset({StoreProblem.BAD_URL, StoreProblem.NOT_OURS, StoreProblem.NEWER_SCHEMA})
"""What waiting does not mend: said at once."""


def wall_clock() -> int:
    """Microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


class Spooled:
    """A `LiveStore` that rides out outages of another one: unreachable, locked, full, read-only.

    `commit` returns when the commit is in the store or in the spool. It raises when it is in neither: the spool is
    full, or its disk. Then the caller must keep the commit, take in nothing more, and try again. Commits reach the
    store in their order. Every other method needs the store, and raises while it is out.

    Args:
        connect: Opens the store.
        spool: Closed with this.
        clock: Now, microseconds since the epoch.

    Raises:
        StoreError: The store is wrong in a way that waiting does not mend.
    """

    def __init__(
        self, connect: Callable[[], LiveStore], spool: Spool, clock: Callable[[], int] = wall_clock
    ) -> None:
        self._connect = connect
        self._spool = spool
        self._clock = clock
        self._store: LiveStore | None = None
        self._keeper: Keeper | None = None
        """Whom the store is still to be told of."""
        # One for the order of commits, which may hold it long; one for what all threads look at.
        self._committing = threading.Lock()
        self._connecting = threading.Lock()
        self._replayed = 0
        self._pause = 0
        self._next_try = 0
        self._reason = ""
        try:
            self._reached()
        except StoreError as error:
            if error.problem in _WRONG:
                spool.close()
                raise
            self._put_off(error)

    @property
    def problem(self) -> str | None:
        """What is wrong, in one sentence with its remedy; None if nothing is."""
        if self._reason:
            # But for its numbers the same from the first commit to the last: the log tells it once.
            return (
                f"{self._reason}; commits waiting in the spool: {self._spool.commits:,} ({self._spool.taken:,} bytes); "
                "nothing is lost: the service goes on trying"
            )
        return self._spool.damage or None

    def begin(self, keeper: Keeper) -> None:
        """See `LiveStore`. A store that cannot be written to now is told with the first commit that it takes."""
        with self._committing:
            self._keeper = keeper
            try:
                self._tell_keeper()
            except StoreError as error:
                if error.problem is StoreProblem.IN_USE:
                    raise
                self._put_off(error)

    def commit(self, commit: Commit) -> None:
        """See `LiveStore`; raises only if neither the store nor the spool takes it."""
        with self._committing:
            if self._clock() >= self._next_try and self._replay(REPLAY_US) and self._take(commit):
                return
            try:
                self._spool.append(commit)
            except StoreError:
                # There is no other place: knock again, however short ago the last time was.
                if not (self._replay(REPLAY_US) and self._take(commit)):
                    raise

    def flush(self) -> None:
        """See `LiveStore`."""
        with self._committing:
            if self._clock() >= self._next_try and self._replay(REPLAY_US) and self._keeper is not None:
                self._tried(lambda _: None)

    def resume(self) -> Resume | None:
        """See `LiveStore`. What waits goes into the store first; while that is out, the state that waits counts."""
        with self._committing:
            if self._replay(None):
                return self._reached().resume()
            newest = self._spool.newest()
        if newest is None:
            return self._reached().resume()
        return newest

    def _take(self, commit: Commit) -> bool:
        """Whether the store has taken a commit."""
        return self._tried(lambda store: store.commit(commit))

    def _tried(self, act: Callable[[LiveStore], object]) -> bool:
        """Whether the store has let something be done, and knows whose it is."""
        try:
            self._tell_keeper()
            act(self._reached())
        except StoreError as error:
            self._put_off(error)
            return False
        self._pause = self._next_try = 0
        self._reason = ""
        return True

    def _tell_keeper(self) -> None:
        """Tell the store whose it is, once."""
        if self._keeper is not None:
            self._reached().begin(self._keeper)
            self._keeper = None

    def _replay(self, limit_us: int | None) -> bool:
        """Write what waits to the store; whether nothing is left. After the limit the rest waits for the next time."""
        if not self._spool.commits:
            return True
        begun = self._clock()
        for commit, end in self._spool.waiting(self._replayed):
            if not self._take(commit):
                return False
            self._replayed = end
            if limit_us is not None and self._clock() - begun > limit_us:
                break
        if self._replayed < self._spool.end:
            self._reason = f"{self._spool.directory}: the store is back and is being given what waited"
            return False
        self._spool.clear()
        self._replayed = 0
        return True

    def _put_off(self, error: StoreError) -> None:
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_US), LONGEST_PAUSE_US)
        self._next_try = self._clock() + self._pause
        self._reason = str(error)

    def _reached(self) -> LiveStore:
        with self._connecting:
            if self._store is None:
                self._store = self._connect()
            return self._store

    def close(self) -> None:
        """See `Store`. What waits stays on disk for the next start."""
        with self._committing, self._connecting:
            if self._store is not None:
                self._store.close()
            self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # What follows only needs the store.

    def save(self, findings: Findings, run: RunRecord | None = None) -> None:
        """See `Store`."""
        self._reached().save(findings, run)

    def save_windows(self, rows: Iterable[WindowRecord]) -> int:
        """See `Store`."""
        return self._reached().save_windows(rows)

    def save_baselines(self, rows: Iterable[BaselineRecord]) -> int:
        """See `Store`."""
        return self._reached().save_baselines(rows)

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """See `Store`."""
        return self._reached().anomaly(anomaly_id)

    def incident(self, incident_id: str) -> Incident | None:
        """See `Store`."""
        return self._reached().incident(incident_id)

    def anomalies(
        self, chosen: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Anomaly]:
        """See `Store`."""
        return self._reached().anomalies(chosen, limit=limit, cursor=cursor)

    def incidents(
        self, chosen: IncidentFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Incident]:
        """See `Store`."""
        return self._reached().incidents(chosen, limit=limit, cursor=cursor)

    def windows(
        self, chosen: WindowFilter, *, limit: int = 100, cursor: str | None = None
    ) -> Page[WindowRecord]:
        """See `Store`."""
        return self._reached().windows(chosen, limit=limit, cursor=cursor)

    def baselines(
        self, service: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[BaselineRecord]:
        """See `Store`."""
        return self._reached().baselines(service, limit=limit, cursor=cursor)

    def runs(self, *, limit: int = 100, cursor: str | None = None) -> Page[RunRecord]:
        """See `Store`."""
        return self._reached().runs(limit=limit, cursor=cursor)

    def untold(self, now: int, limit: int = 100) -> Sequence[Notice]:
        """See `LiveStore`."""
        return self._reached().untold(now, limit)

    def notice(self, notice_id: str) -> Notice | None:
        """See `LiveStore`."""
        return self._reached().notice(notice_id)

    def tellings(self, notice_id: str) -> Sequence[Telling]:
        """See `LiveStore`."""
        return self._reached().tellings(notice_id)

    def tell(self, telling: Telling) -> None:
        """See `LiveStore`."""
        self._reached().tell(telling)

    def settle(self, notice_id: str) -> None:
        """See `LiveStore`."""
        self._reached().settle(notice_id)

    def notification_log(self, *, limit: int = 100, cursor: str | None = None) -> Page[Telling]:
        """See `LiveStore`."""
        return self._reached().notification_log(limit=limit, cursor=cursor)

    def resolve(self, resolution: Resolution) -> bool:
        """See `LiveStore`."""
        return self._reached().resolve(resolution)

    def resolutions(self, anomaly_ids: Sequence[str]) -> Mapping[str, Resolution]:
        """See `LiveStore`."""
        return self._reached().resolutions(anomaly_ids)

    def count_anomalies(self, chosen: AnomalyFilter | None = None, most: int = COUNT_LIMIT) -> int:
        """See `LiveStore`."""
        return self._reached().count_anomalies(chosen, most)

    def stats(self) -> Stats:
        """See `LiveStore`."""
        return self._reached().stats()

    def audit(self, line: AuditLine) -> None:
        """See `LiveStore`."""
        self._reached().audit(line)

    def audits(self, *, limit: int = 100, cursor: str | None = None) -> Page[AuditLine]:
        """See `LiveStore`."""
        return self._reached().audits(limit=limit, cursor=cursor)

    def keys(self) -> Sequence[StoredKey]:
        """See `LiveStore`."""
        return self._reached().keys()

    def put_key(self, key: StoredKey) -> None:
        """See `LiveStore`."""
        self._reached().put_key(key)

    def document(self, name: str) -> bytes | None:
        """See `LiveStore`."""
        return self._reached().document(name)

    def put_document(self, name: str, content: bytes) -> None:
        """See `LiveStore`."""
        self._reached().put_document(name, content)

    def prune(self, now: int, retention: Retention) -> dict[str, int]:
        """See `LiveStore`."""
        return self._reached().prune(now, retention)
