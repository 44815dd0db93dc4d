"""Removing what is old from an SQL database, a little at a time."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

from vedette.storage.live import Retention
from vedette.storage.tables import (
    ANOMALIES,
    AUDITS,
    INCIDENT_SERVICES,
    INCIDENTS,
    NOTICES,
    RESOLUTIONS,
    TELLINGS,
    WINDOWS,
)

SLICE_ROWS = 500
"""Rows removed in one transaction: some milliseconds."""
PAUSE_S = 0.05
"""Between two of them: a writer that waits for SQLite looks again after 25 ms at first, 100 ms at most."""

Keys = Sequence[Any]
Transact = Callable[[Callable[[Connection], int]], int]


def remove_old(transact: Transact, now: int, retention: Retention) -> dict[str, int]:
    """Remove what is older than is wanted.

    Args:
        transact: Runs what it is given in one write transaction.
        now: Microseconds since the epoch, UTC.
        retention: How long things are kept.

    Returns:
        Rows removed, by kind. `notices_untold` are those of `notices` that nobody had been told of.
    """
    removed: dict[str, int] = {}

    def remove(
        kind: str, table: Table, order: Sequence[ColumnElement[Any]], *old: ColumnElement[bool]
    ) -> None:
        keys = list(table.primary_key)

        def some(connection: Connection) -> int:
            found = connection.execute(select(*keys).where(*old).order_by(*order).limit(SLICE_ROWS)).all()
            if found:
                _remove_with(connection, table, [row[0] for row in found])
                connection.execute(delete(table).where(tuple_(*keys).in_([tuple(row) for row in found])))
            return len(found)

        removed[kind] = 0
        while (count := transact(some)) == SLICE_ROWS:
            removed[kind] += count
            time.sleep(PAUSE_S)
        removed[kind] += count

    if retention.windows is not None:
        c = WINDOWS.c
        # In order of the key, service by service: each has few too old, and they stand first.
        remove(
            "windows",
            WINDOWS,
            list(WINDOWS.primary_key),
            c.start_us + c.span_s * 1_000_000 <= now - retention.windows,
        )
    if retention.anomalies is not None:
        for kind, table in (("anomalies", ANOMALIES), ("incidents", INCIDENTS)):
            cut = now - retention.anomalies
            order = [table.c.start_us, table.c.id]
            # The first condition follows from the second; there is an index for it.
            remove(kind, table, order, table.c.start_us < cut, table.c.end_us <= cut)
    if retention.alerts is not None:
        cut = now - retention.alerts
        order = [NOTICES.c.time_us, NOTICES.c.id]
        remove("notices_untold", NOTICES, order, NOTICES.c.settled == 0, NOTICES.c.time_us <= cut)
        remove("notices", NOTICES, order, NOTICES.c.settled == 1, NOTICES.c.time_us <= cut)
    if retention.audits is not None:
        order = [AUDITS.c.at_us, AUDITS.c.id]
        remove("audits", AUDITS, order, AUDITS.c.at_us <= now - retention.audits)
    return removed


def _remove_with(connection: Connection, table: Table, ids: Keys) -> None:
    """What goes with rows of a table."""
    for owner, column in (
        (ANOMALIES, RESOLUTIONS.c.anomaly_id),
        (INCIDENTS, INCIDENT_SERVICES.c.incident_id),
        (NOTICES, TELLINGS.c.notice_id),
    ):
        if table is owner:
            connection.execute(delete(column.table).where(column.in_(ids)))
