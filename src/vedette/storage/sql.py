"""A store in an SQL database, through SQLAlchemy Core."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table, delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Findings
from vedette.schema.incident import Incident
from vedette.schema.records import BaselineRecord, RunRecord, WindowRecord
from vedette.storage import rows as to
from vedette.storage.cursor import read_cursor, write_cursor
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.migrations import is_current, migrate
from vedette.storage.store import PAGE_LIMIT, AnomalyFilter, IncidentFilter, Page, WindowFilter
from vedette.storage.tables import ANOMALIES, BASELINES, INCIDENT_SERVICES, INCIDENTS, RUNS, WINDOWS

BATCH_ROWS = 5000
"""Rows in one transaction of `save_windows` and `save_baselines`."""

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class SqlStore:
    """Implements `Store`. What differs between dialects is in the engine, in `explain` and in `_put`.

    Args:
        engine: Where to. Its `begin` must honour the execution option `writes`.
        explain: Turns the driver's errors into ours.
    """

    def __init__(self, engine: Engine, explain: Callable[[str, SQLAlchemyError], StoreError]) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._explain = explain
        self._name = engine.url.render_as_string(hide_password=True)
        try:
            with self._reading() as connection:
                current = is_current(connection)
            if not current:
                with self._writing() as connection:
                    migrate(connection, self._name)
        except StoreError:
            self.close()
            raise

    def save(self, findings: Findings, run: RunRecord | None = None) -> None:
        """See `Store`."""
        run_id = run.id if run is not None else None
        with self._writing() as connection:
            if run is not None:
                _put(connection, RUNS, [to.run_values(run)])
            for some in _batches(findings.anomalies):
                _put(connection, ANOMALIES, [to.anomaly_values(anomaly, run_id) for anomaly in some])
            for batch in _batches(findings.incidents):
                _put(connection, INCIDENTS, [to.incident_values(incident, run_id) for incident in batch])
                known = INCIDENT_SERVICES.c.incident_id
                for ids in _batches([incident.id for incident in batch], 500):
                    connection.execute(delete(INCIDENT_SERVICES).where(known.in_(ids)))
                _put(
                    connection,
                    INCIDENT_SERVICES,
                    [
                        {"service": service, "incident_id": incident.id}
                        for incident in batch
                        for service in dict.fromkeys(incident.services)
                    ],
                )

    def save_windows(self, rows: Iterable[WindowRecord]) -> int:
        """See `Store`."""
        return self._save_batches(WINDOWS, (to.window_values(row) for row in rows))

    def save_baselines(self, rows: Iterable[BaselineRecord]) -> int:
        """See `Store`."""
        return self._save_batches(BASELINES, (to.baseline_values(row) for row in rows))

    def anomaly(self, anomaly_id: str) -> Anomaly | None:
        """See `Store`."""
        return self._one(ANOMALIES, Anomaly, anomaly_id)

    def incident(self, incident_id: str) -> Incident | None:
        """See `Store`."""
        return self._one(INCIDENTS, Incident, incident_id)

    def anomalies(
        self, chosen: AnomalyFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Anomaly]:
        """See `Store`."""
        chosen = chosen or AnomalyFilter()
        c = ANOMALIES.c
        conditions = [
            *_overlaps(ANOMALIES, chosen.since, chosen.until),
            *_at_least(ANOMALIES, chosen.min_severity.rank),
        ]
        if chosen.types:
            conditions.append(c.type.in_([kind.value for kind in chosen.types]))
        if chosen.entity is not None:
            conditions += [c.entity_kind == chosen.entity.kind.value, c.entity_value == chosen.entity.value]
        for column, value in (
            (c.service, chosen.service),
            (c.route, chosen.route),
            (c.incident_id, chosen.incident_id),
        ):
            if value is not None:
                conditions.append(column == value)
        return self._documents(ANOMALIES, Anomaly, conditions, limit, cursor)

    def incidents(
        self, chosen: IncidentFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Incident]:
        """See `Store`."""
        chosen = chosen or IncidentFilter()
        conditions = [
            *_overlaps(INCIDENTS, chosen.since, chosen.until),
            *_at_least(INCIDENTS, chosen.min_severity.rank),
        ]
        if chosen.state is not None:
            conditions.append(INCIDENTS.c.state == chosen.state.value)
        if chosen.service is not None:
            of_service = select(INCIDENT_SERVICES.c.incident_id).where(
                INCIDENT_SERVICES.c.service == chosen.service
            )
            conditions.append(INCIDENTS.c.id.in_(of_service))
        return self._documents(INCIDENTS, Incident, conditions, limit, cursor)

    def windows(
        self, chosen: WindowFilter, *, limit: int = 100, cursor: str | None = None
    ) -> Page[WindowRecord]:
        """See `Store`."""
        c = WINDOWS.c
        query = select(WINDOWS).where(c.service == chosen.service, c.route == (chosen.route or ""))
        # A window begins before `until` and ends after `since`.
        if chosen.until is not None:
            query = query.where(c.start_us < chosen.until)
        if chosen.since is not None:
            query = query.where(c.start_us + c.span_s * 1_000_000 > chosen.since)
        return self._page(query, [c.start_us, c.span_s], limit, cursor, to.window_of)

    def baselines(
        self, service: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[BaselineRecord]:
        """See `Store`."""
        c = BASELINES.c
        query = select(BASELINES) if service is None else select(BASELINES).where(c.service == service)
        return self._page(query, [c.service, c.route, c.metric, c.season], limit, cursor, to.baseline_of)

    def runs(self, *, limit: int = 100, cursor: str | None = None) -> Page[RunRecord]:
        """See `Store`."""
        query = select(RUNS)
        return self._page(
            query, [RUNS.c.started_us, RUNS.c.id], limit, cursor, self._reader(RunRecord), newest_first=True
        )

    def close(self) -> None:
        """See `Store`."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _save_batches(self, table: Table, values: Iterator[to.Values]) -> int:
        saved = 0
        while batch := list(islice(values, BATCH_ROWS)):
            with self._writing() as connection:
                _put(connection, table, batch)
            saved += len(batch)
        return saved

    def _one(self, table: Table, kind: type[S], key: str) -> S | None:
        with self._reading() as connection:
            row = connection.execute(select(table).where(table.c.id == key)).one_or_none()
        return None if row is None else self._reader(kind)(row)

    def _documents(
        self,
        table: Table,
        kind: type[S],
        conditions: Sequence[ColumnElement[bool]],
        limit: int,
        cursor: str | None,
    ) -> Page[S]:
        query = select(table).where(*conditions)
        return self._page(
            query, [table.c.start_us, table.c.id], limit, cursor, self._reader(kind), newest_first=True
        )

    def _reader(self, kind: type[S]) -> Callable[[Row[Any]], S]:
        def read(row: Row[Any]) -> S:
            try:
                return to.document_of(kind, row.document)
            except msgspec.DecodeError as error:
                reason = f"{kind.__name__} {row.id} cannot be read back ({error}); restore the database"
                raise StoreError(self._name, StoreProblem.DAMAGED, reason) from None

        return read

    def _page(
        self,
        query: Select[Any],
        order: Sequence[ColumnElement[Any]],
        limit: int,
        cursor: str | None,
        read: Callable[[Row[Any]], T],
        *,
        newest_first: bool = False,
    ) -> Page[T]:
        """Items after the cursor in the order of `order`, whose columns together are unique."""
        if not 1 <= limit <= PAGE_LIMIT:
            raise ValueError(f"limit = {limit}: must be from 1 to {PAGE_LIMIT}")
        keys = [column.name for column in order]
        if cursor is not None:
            after = read_cursor(self._name, cursor, [column.type.python_type for column in order])
            here = tuple_(*order)
            query = query.where(here < after if newest_first else here > after)
        query = query.order_by(*(column.desc() if newest_first else column for column in order)).limit(
            limit + 1
        )
        with self._reading() as connection:
            found = connection.execute(query).all()
        more = len(found) > limit
        found = found[:limit]
        return Page([read(row) for row in found], write_cursor(found[-1], keys) if more else None)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._explained(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._explained(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._explain(self._name, error) from error


def _put(connection: Connection, table: Table, values: Sequence[to.Values]) -> None:
    """Insert rows, or replace those with the same primary key."""
    if not values:
        return
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    if others:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, values)


def _batches(items: Sequence[T], size: int = BATCH_ROWS) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _overlaps(table: Table, since: int | None, until: int | None) -> list[ColumnElement[bool]]:
    conditions = []
    if since is not None:
        conditions.append(table.c.end_us > since)
    if until is not None:
        conditions.append(table.c.start_us < until)
    return conditions


def _at_least(table: Table, rank: int) -> list[ColumnElement[bool]]:
    return [table.c.severity >= rank] if rank else []
