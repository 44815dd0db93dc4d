"""A store in an SQL database, through SQLAlchemy Core."""

from collections.abc import Iterable
from itertools import islice

from sqlalchemy import ColumnElement, Table, select

from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Findings
from vedette.schema.incident import Incident
from vedette.schema.records import BaselineRecord, RunRecord, WindowRecord
from vedette.storage import rows as to
from vedette.storage.cursor import write_cursor
from vedette.storage.sql_access import S, SqlAccess, put
from vedette.storage.sql_findings import anomalies_where, incidents_where, put_findings
from vedette.storage.sql_windows import put_windows, windows_after
from vedette.storage.store import AnomalyFilter, IncidentFilter, Page, WindowFilter
from vedette.storage.tables import ANOMALIES, BASELINES, INCIDENTS, RUNS, WINDOWS

BATCH_ROWS = 5000
"""Rows in one transaction of `save_windows` and `save_baselines`."""


class SqlStore(SqlAccess):
    """Implements `Store`."""

    def save(self, findings: Findings, run: RunRecord | None = None) -> None:
        """See `Store`."""
        with self._writing() as connection:
            if run is not None:
                put(connection, RUNS, [to.run_values(run)])
            put_findings(
                connection, findings.anomalies, findings.incidents, run.id if run is not None else None
            )

    def save_windows(self, rows: Iterable[WindowRecord]) -> int:
        """See `Store`."""
        saved, waiting = 0, iter(rows)
        while batch := list(islice(waiting, BATCH_ROWS)):
            with self._writing() as connection:
                put_windows(connection, batch)
            saved += len(batch)
        return saved

    def save_baselines(self, rows: Iterable[BaselineRecord]) -> int:
        """See `Store`."""
        saved, waiting = 0, iter(rows)
        while batch := list(islice(waiting, BATCH_ROWS)):
            with self._writing() as connection:
                put(connection, BASELINES, [to.baseline_values(row) for row in batch])
            saved += len(batch)
        return saved

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
        where = anomalies_where(chosen or AnomalyFilter())
        return self._documents(ANOMALIES, Anomaly, where, limit, cursor)

    def incidents(
        self, chosen: IncidentFilter | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[Incident]:
        """See `Store`."""
        where = incidents_where(chosen or IncidentFilter())
        return self._documents(INCIDENTS, Incident, where, limit, cursor)

    def windows(
        self, chosen: WindowFilter, *, limit: int = 100, cursor: str | None = None
    ) -> Page[WindowRecord]:
        """See `Store`."""
        after = self._after([WINDOWS.c.start_us, WINDOWS.c.span_s], limit, cursor)
        with self._reading() as connection:
            found = windows_after(connection, chosen, after, limit + 1)
        last = write_cursor([found[limit - 1].start, found[limit - 1].span_s]) if len(found) > limit else None
        return Page(found[:limit], last)

    def baselines(
        self, service: str | None = None, *, limit: int = 100, cursor: str | None = None
    ) -> Page[BaselineRecord]:
        """See `Store`."""
        c = BASELINES.c
        query = select(BASELINES) if service is None else select(BASELINES).where(c.service == service)
        return self._page(query, [c.service, c.route, c.metric, c.season], limit, cursor, to.baseline_of)

    def runs(self, *, limit: int = 100, cursor: str | None = None) -> Page[RunRecord]:
        """See `Store`."""
        order = [RUNS.c.started_us, RUNS.c.id]
        return self._page(select(RUNS), order, limit, cursor, self._reader(RunRecord), newest_first=True)

    def _documents(
        self, table: Table, kind: type[S], where: list[ColumnElement[bool]], limit: int, cursor: str | None
    ) -> Page[S]:
        order = [table.c.start_us, table.c.id]
        query = select(table).where(*where)
        return self._page(query, order, limit, cursor, self._reader(kind), newest_first=True)
