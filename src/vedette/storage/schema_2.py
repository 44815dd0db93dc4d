"""From schema version 1 to 2: windows packed in blocks, and what a live service keeps."""

from itertools import groupby

from sqlalchemy import Connection, select

from vedette.schema.records import WindowRecord
from vedette.storage import schema_1, tables
from vedette.storage.blocks import pack

FETCHED = 10_000
"""Rows of old windows in memory at one time."""


def live_tables(connection: Connection) -> None:
    """The step."""
    for table in (
        tables.WINDOWS,
        tables.LIVE_STATE,
        tables.NOTICES,
        tables.TELLINGS,
        tables.RESOLUTIONS,
        tables.AUDITS,
        tables.KEYS,
        tables.DOCUMENTS,
    ):
        table.create(connection)
    (by_kind,) = (index for index in tables.ANOMALIES.indexes if index.name == "anomalies_by_kind")
    by_kind.create(connection)
    _pack_windows(connection)
    schema_1.WINDOWS.drop(connection)


def _pack_windows(connection: Connection) -> None:
    old = schema_1.WINDOWS
    # The service itself (route '') is a part of its own.
    part = (old.c.route != "").cast(tables.WINDOWS.c.part.type).label("part")
    order = [old.c.service, part, old.c.start_us, old.c.span_s]
    query = select(old, part).order_by(*order).execution_options(yield_per=FETCHED)
    rows = connection.execute(query)
    for (service, number, start, span), group in groupby(
        rows.mappings(), key=lambda row: (row["service"], row["part"], row["start_us"], row["span_s"])
    ):
        windows = [
            WindowRecord(
                start=start,
                route=row["route"] or None,
                **{key: value for key, value in row.items() if key not in ("start_us", "route", "part")},
            )
            for row in group
        ]
        connection.execute(
            tables.WINDOWS.insert().values(
                service=service, part=number, start_us=start, span_s=span, block=pack(windows)
            )
        )
