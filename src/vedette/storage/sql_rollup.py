"""Rolling up old windows in an SQL database, an hour of one service at a time."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Select, delete, select

from vedette.storage.rollup import HOUR_S, HOUR_US, rolled_block
from vedette.storage.sql_access import put
from vedette.storage.tables import WINDOWS

Transaction = Callable[[], AbstractContextManager[Connection]]


def roll_up_hour(reading: Transaction, writing: Transaction, before: int) -> int | None:
    """Roll up the windows of one hour and service that end before a time.

    What takes time is done outside the write transaction, which then makes sure that nothing has changed.

    Args:
        reading, writing: Begin a transaction.
        before: Microseconds since the epoch, UTC.

    Returns:
        Blocks that have become part of another; None if there is nothing to roll up.
    """
    c = WINDOWS.c
    last = before - before % HOUR_US
    with reading() as connection:
        oldest = connection.execute(
            select(c.service, c.part, c.start_us)
            .where(c.span_s < HOUR_S, c.start_us < last)
            .order_by(c.service, c.part, c.start_us)
            .limit(1)
        ).one_or_none()
        if oldest is None:
            return None
        start = oldest.start_us - oldest.start_us % HOUR_US
        query = _of_hour(oldest.service, oldest.part, start)
        found = connection.execute(query).all()
    block = rolled_block(oldest.service, start, ((row.start_us, row.span_s, row.block) for row in found))
    key = {"service": oldest.service, "part": oldest.part, "start_us": start, "span_s": HOUR_S}
    with writing() as connection:
        if connection.execute(query).all() != found:
            return 0
        short = (c.service == oldest.service, c.part == oldest.part, c.span_s < HOUR_S)
        connection.execute(delete(WINDOWS).where(*short, c.start_us.between(start, start + HOUR_US - 1)))
        put(connection, WINDOWS, [key | {"block": block}])
    return len(found)


def _of_hour(service: str, part: int, start: int) -> Select[Any]:
    c = WINDOWS.c
    return (
        select(c.start_us, c.span_s, c.block)
        .where(
            c.service == service,
            c.part == part,
            c.start_us.between(start, start + HOUR_US - 1),
            c.span_s <= HOUR_S,
        )
        .order_by(c.start_us, c.span_s)
    )
