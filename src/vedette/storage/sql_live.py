"""What a live service keeps in an SQL database, besides findings."""

import time
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, func, select, update

from vedette.schema.anomaly import AnomalyType, Severity
from vedette.schema.live import Commit, Notice, Resume
from vedette.storage import rows as to
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.keeper import DOCUMENT as KEEPER
from vedette.storage.keeper import Keeper, refuse_running, taken_over
from vedette.storage.live import (
    AuditLine,
    Resolution,
    Retention,
    Stats,
    StoredKey,
    Telling,
    checked_document,
    checked_ids,
)
from vedette.storage.postgresql import vacuum
from vedette.storage.sql import SqlStore
from vedette.storage.sql_access import put
from vedette.storage.sql_findings import anomalies_where, put_findings
from vedette.storage.sql_retention import PAUSE_S, prune
from vedette.storage.sql_windows import put_windows
from vedette.storage.sqlite import give_back
from vedette.storage.store import COUNT_LIMIT, AnomalyFilter, Page
from vedette.storage.tables import (
    ANOMALIES,
    AUDITS,
    BASELINES,
    DOCUMENTS,
    KEYS,
    LIVE_STATE,
    NOTICES,
    RESOLUTIONS,
    TELLINGS,
)
from vedette.storage.text import document

REPLACED_BYTES = 64 << 20
"""Of states that PostgreSQL keeps beside the last one, until their room is used again: autovacuum may be too slow."""

_KEEPER = select(DOCUMENTS.c.content).where(DOCUMENTS.c.name == KEEPER)


class SqlLiveStore(SqlStore):
    """Implements `LiveStore`."""

    _replaced = 0
    """Bytes of states that were replaced since their room was last cleared."""
    _keeper: bytes | None = None
    """The service that commits, None where nobody has said."""

    @property
    def problem(self) -> str | None:
        """See `LiveStore`: here nothing waits."""
        return None

    def flush(self) -> None:
        """See `LiveStore`: here nothing waits."""

    def begin(self, keeper: Keeper) -> None:
        """See `LiveStore`."""
        own = keeper.to_document()
        with self._reading() as connection:
            # Also of a store that cannot be written to now.
            refuse_running(self._name, connection.execute(_KEEPER).scalar_one_or_none())
        with self._writing() as connection:
            refuse_running(self._name, connection.execute(_KEEPER).scalar_one_or_none())
            put(connection, DOCUMENTS, [{"name": KEEPER, "content": own}])
        self._keeper = own

    def _check_keeper(self, connection: Connection) -> None:
        """Raise if another service has begun to keep the store; if somebody has removed who keeps it, nobody has."""
        if self._keeper is None:
            return
        content = connection.execute(_KEEPER).scalar_one_or_none()
        if content is not None and content != self._keeper:
            raise taken_over(self._name, content)

    def commit(self, commit: Commit) -> None:
        """See `LiveStore`."""
        with self._writing() as connection:
            self._check_keeper(connection)
            put_findings(connection, commit.anomalies, commit.incidents, None)
            put_windows(connection, commit.windows)
            put(connection, BASELINES, [to.baseline_values(row) for row in commit.baselines])
            notices = [to.notice_values(notice) for notice in commit.notices]
            put(connection, NOTICES, notices, keep=("due_us", "settled"))
            # One row that is replaced: its pages are used again, so that the file does not grow.
            row: to.Values = {
                "id": 1,
                "analysed_us": commit.time,
                "time_us": commit.time,
                "positions": msgspec.msgpack.encode(commit.positions),
                "state": commit.state,
            }
            of_state = ("time_us", "positions", "state")
            if commit.state is None:
                row |= dict.fromkeys(of_state)
                put(connection, LIVE_STATE, [row], keep=of_state)
            else:
                put(connection, LIVE_STATE, [row])
        self._replaced += len(commit.state or b"")
        if self._replaced > REPLACED_BYTES and self._engine.dialect.name == "postgresql":
            self._replaced = 0
            with self._explained():
                vacuum(self._engine, LIVE_STATE.name)

    def resume(self) -> Resume | None:
        """See `LiveStore`."""
        with self._reading() as connection:
            row = connection.execute(select(LIVE_STATE).where(LIVE_STATE.c.state.is_not(None))).one_or_none()
        if row is None:
            return None
        try:
            positions = msgspec.msgpack.decode(row.positions, type=dict[str, bytes])
        except msgspec.DecodeError as error:
            reason = f"the positions of sources cannot be read back ({error}); restore the database"
            raise StoreError(self._name, StoreProblem.DAMAGED, reason) from None
        return Resume(time=row.time_us, state=row.state, positions=positions)

    def untold(self, now: int, limit: int = 100) -> Sequence[Notice]:
        """See `LiveStore`."""
        c = NOTICES.c
        query = select(NOTICES).where(c.settled == 0, c.due_us <= now).order_by(c.time_us, c.id).limit(limit)
        with self._reading() as connection:
            self._check_keeper(connection)
            found = connection.execute(query).all()
        return [self._reader(Notice)(row) for row in found]

    def notice(self, notice_id: str) -> Notice | None:
        """See `LiveStore`."""
        return self._one(NOTICES, Notice, notice_id)

    def tellings(self, notice_id: str) -> Sequence[Telling]:
        """See `LiveStore`."""
        c = TELLINGS.c
        query = select(TELLINGS).where(c.notice_id == notice_id).order_by(c.channel)
        with self._reading() as connection:
            found = connection.execute(query).all()
        return [self._reader(Telling)(row) for row in found]

    def tell(self, telling: Telling) -> None:
        """See `LiveStore`."""
        next_try = select(func.min(TELLINGS.c.next_try_us)).where(TELLINGS.c.notice_id == telling.notice_id)
        with self._writing() as connection:
            put(connection, TELLINGS, [to.telling_values(telling)])
            connection.execute(
                update(NOTICES)
                .where(NOTICES.c.id == telling.notice_id)
                .values(due_us=func.coalesce(next_try.scalar_subquery(), 0))
            )

    def settle(self, notice_id: str) -> None:
        """See `LiveStore`."""
        with self._writing() as connection:
            connection.execute(update(NOTICES).where(NOTICES.c.id == notice_id).values(settled=1))

    def notification_log(self, *, limit: int = 100, cursor: str | None = None) -> Page[Telling]:
        """See `LiveStore`."""
        c = TELLINGS.c
        order = [c.at_us, c.notice_id, c.channel]
        return self._page(select(TELLINGS), order, limit, cursor, self._reader(Telling), newest_first=True)

    def resolve(self, resolution: Resolution) -> bool:
        """See `LiveStore`."""
        anomaly = select(ANOMALIES.c.id).where(ANOMALIES.c.id == resolution.anomaly_id)
        values = {"anomaly_id": resolution.anomaly_id, "document": document(resolution)}
        with self._writing() as connection:
            if connection.execute(anomaly).one_or_none() is None:
                return False
            put(connection, RESOLUTIONS, [values])
        return True

    def resolutions(self, anomaly_ids: Sequence[str]) -> Mapping[str, Resolution]:
        """See `LiveStore`."""
        query = select(RESOLUTIONS).where(RESOLUTIONS.c.anomaly_id.in_(checked_ids(anomaly_ids)))
        with self._reading() as connection:
            found = connection.execute(query).all()
        return {row.anomaly_id: self._reader(Resolution)(row) for row in found}

    def count_anomalies(self, chosen: AnomalyFilter | None = None, most: int = COUNT_LIMIT) -> int:
        """See `LiveStore`."""
        some = select(ANOMALIES.c.id).where(*anomalies_where(chosen or AnomalyFilter())).limit(most)
        with self._reading() as connection:
            return connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()

    def stats(self) -> Stats:
        """See `LiveStore`."""
        c = ANOMALIES.c
        kinds = select(c.type, c.severity, func.count().label("rows")).group_by(c.type, c.severity)
        resolved = select(func.count()).select_from(RESOLUTIONS)
        with self._reading() as connection:
            counts = connection.execute(kinds).all()
            said = connection.execute(resolved).scalar_one()
            analysed = connection.execute(select(LIVE_STATE.c.analysed_us)).scalar_one_or_none()
        total = sum(row.rows for row in counts)
        by_severity = {severity.value: 0 for severity in Severity}
        by_type: dict[str, int] = {}
        for row in counts:
            by_severity[tuple(Severity)[row.severity].value] += row.rows
            by_type[row.type] = by_type.get(row.type, 0) + row.rows
        by_type = {kind.value: by_type[kind.value] for kind in AnomalyType if kind.value in by_type}
        return Stats(
            total=total,
            by_severity=by_severity,
            by_type=by_type,
            unresolved=total - said,
            last_analysis=analysed,
        )

    def audit(self, line: AuditLine) -> None:
        """See `LiveStore`."""
        with self._writing() as connection:
            put(connection, AUDITS, [to.audit_values(line)])

    def audits(self, *, limit: int = 100, cursor: str | None = None) -> Page[AuditLine]:
        """See `LiveStore`."""
        order = [AUDITS.c.at_us, AUDITS.c.id]
        return self._page(select(AUDITS), order, limit, cursor, self._reader(AuditLine), newest_first=True)

    def keys(self) -> Sequence[StoredKey]:
        """See `LiveStore`."""
        with self._reading() as connection:
            found = connection.execute(select(KEYS).order_by(KEYS.c.name)).all()
        return [self._reader(StoredKey)(row) for row in found]

    def put_key(self, key: StoredKey) -> None:
        """See `LiveStore`."""
        with self._writing() as connection:
            put(connection, KEYS, [to.key_values(key)])

    def document(self, name: str) -> bytes | None:
        """See `LiveStore`."""
        with self._reading() as connection:
            query = select(DOCUMENTS.c.content).where(DOCUMENTS.c.name == name)
            return connection.execute(query).scalar_one_or_none()

    def put_document(self, name: str, content: bytes) -> None:
        """See `LiveStore`."""
        with self._writing() as connection:
            put(connection, DOCUMENTS, [{"name": name, "content": checked_document(name, content)}])

    def prune(self, now: int, retention: Retention) -> dict[str, int]:
        """See `LiveStore`."""
        removed = prune(self._reading, self._writing, now, retention, time.sleep)
        while self._give_back():
            time.sleep(PAUSE_S)
        return removed

    def _give_back(self) -> bool:
        """Give some unused pages back to the disk; whether there are more."""
        if self._engine.dialect.name != "sqlite":
            # PostgreSQL's autovacuum does what is needed.
            return False
        with self._writing() as connection:
            return give_back(connection)
