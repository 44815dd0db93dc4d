"""Blocks of windows in an SQL database."""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, Select, select, tuple_

from vedette.schema.records import WindowRecord
from vedette.storage.blocks import pack, rows_of, unpack
from vedette.storage.parts import BLOCKS_AT_ONCE, LONGEST_SPAN_US, Key, Part, key_of
from vedette.storage.sql_access import batches, put
from vedette.storage.store import WindowFilter
from vedette.storage.tables import WINDOWS

KEYS_AT_ONCE = 200
"""Keys in one query."""


def put_windows(connection: Connection, windows: Sequence[WindowRecord]) -> None:
    """Keep windows; one of the same service, route, start and span is replaced."""
    by_key = {key: list(group) for key, group in groupby(sorted(windows, key=key_of), key=key_of)}
    known = _blocks(connection, [key for key in by_key if key[1] == Part.ROUTES])
    values = []
    for key, some in by_key.items():
        covered = b""
        if key in known:
            block = unpack(known[key])
            some = [*rows_of(block, key[0], key[2], key[3]), *some]
            covered = block.covered
        service, part, start, span = key
        values.append(
            {
                "service": service,
                "part": part,
                "start_us": start,
                "span_s": span,
                "block": pack(some, covered),
            }
        )
    put(connection, WINDOWS, values)


def _blocks(connection: Connection, keys: Sequence[Key]) -> dict[Key, bytes]:
    c = WINDOWS.c
    found = {}
    for some in batches(keys, KEYS_AT_ONCE):
        query = select(WINDOWS).where(tuple_(c.service, c.part, c.start_us, c.span_s).in_(some))
        for row in connection.execute(query):
            found[row.service, row.part, row.start_us, row.span_s] = row.block
    return found


def windows_after(
    connection: Connection, chosen: WindowFilter, after: tuple[Any, ...] | None, most: int
) -> list[WindowRecord]:
    """At most `most` windows in order of start and span, behind the start and span of `after`."""
    return list(islice(_windows(connection, chosen, after), most))


def _windows(
    connection: Connection, chosen: WindowFilter, after: tuple[Any, ...] | None
) -> Iterator[WindowRecord]:
    while True:
        blocks = connection.execute(_blocks_after(chosen, after)).all()
        for row in blocks:
            yield from rows_of(unpack(row.block), row.service, row.start_us, row.span_s, chosen.route or "")
        if len(blocks) < BLOCKS_AT_ONCE:
            return
        after = (blocks[-1].start_us, blocks[-1].span_s)


def _blocks_after(chosen: WindowFilter, after: tuple[Any, ...] | None) -> Select[Any]:
    c = WINDOWS.c
    part = Part.ROUTES if chosen.route else Part.SERVICE
    query = select(WINDOWS).where(c.service == chosen.service, c.part == part)
    # A window begins before `until` and ends after `since`.
    if chosen.until is not None:
        query = query.where(c.start_us < chosen.until)
    if chosen.since is not None:
        query = query.where(
            c.start_us > chosen.since - LONGEST_SPAN_US,
            c.start_us + c.span_s * 1_000_000 > chosen.since,
        )
    if after is not None:
        query = query.where(tuple_(c.start_us, c.span_s) > after)
    return query.order_by(c.start_us, c.span_s).limit(BLOCKS_AT_ONCE)
