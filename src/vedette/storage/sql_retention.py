"""Rolling up and removing what is old in an SQL database, a little at a time."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

from vedette.storage.live import Retention
from vedette.storage.sql_rollup import Transaction, roll_up_hour
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


def prune(
    reading: Transaction, writing: Transaction, now: int, retention: Retention, wait: Callable[[float], None]
) -> dict[str, int]:
    """Roll up and remove what is older than is wanted.

    Args:
        reading, writing: Begin a transaction.
        now: Microseconds since the epoch, UTC.
        retention: How long things are kept.
        wait: Lets some seconds pass.

    Returns:
        Rows removed, by kind. `windows` are blocks, and `rolled_up` those that have become part of an hour's;
        `notices_untold` are notices that nobody had been told of.
    """
    removed: dict[str, int] = {}
    if retention.fine_windows is not None:
        removed["rolled_up"] = 0
        while (blocks := roll_up_hour(reading, writing, now - retention.fine_windows)) is not None:
            removed["rolled_up"] += blocks
            wait(PAUSE_S)

    def remove(
        kind: str, table: Table, order: Sequence[ColumnElement[Any]], *old: ColumnElement[bool]
    ) -> None:
        keys = list(table.primary_key)

        removed[kind] = 0
        query = select(*keys).where(*old).order_by(*order).limit(SLICE_ROWS)
        while True:
            # Looked for outside the write transaction: what is old stays so.
            with reading() as connection:
                found = connection.execute(query).all()
            if found:
                with writing() as connection:
                    _remove_with(connection, table, [row[0] for row in found])
                    connection.execute(delete(table).where(tuple_(*keys).in_([tuple(row) for row in found])))
            removed[kind] += len(found)
            if len(found) < SLICE_ROWS:
                return
            wait(PAUSE_S)

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
