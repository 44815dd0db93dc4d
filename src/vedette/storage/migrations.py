"""Brings a database to the schema that this version of the program reads and writes."""

from collections.abc import Callable, Sequence

from sqlalchemy import Column, Connection, Integer, MetaData, Table, func, inspect, select

from vedette.storage import schema_1
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.schema_2 import live_tables

Step = Callable[[Connection], None]

SCHEMA_TABLE = "vedette_schema"
_VERSIONS = Table(SCHEMA_TABLE, MetaData(), Column("version", Integer, primary_key=True, autoincrement=False))

STEPS: tuple[Step, ...] = (schema_1.METADATA.create_all, live_tables)
"""Step `n` leads from schema version `n` to `n + 1`. Append only; a step that was released never changes."""


def migrate(connection: Connection, store: str, steps: Sequence[Step] = STEPS) -> int:
    """Run the steps that are missing, in the write transaction of `connection`; returns how many.

    Raises:
        StoreError: The database was written by a newer program, or belongs to another one.
    """
    found = version_of(connection)
    if found is None:
        if others := inspect(connection).get_table_names():
            raise StoreError(
                store,
                StoreProblem.NOT_OURS,
                f"holds another program's tables ({', '.join(sorted(others)[:3])}); give another file",
            )
        _VERSIONS.create(connection)
        found = 0
    if found > len(steps):
        raise StoreError(
            store,
            StoreProblem.NEWER_SCHEMA,
            f"schema version {found}: this program knows versions up to {len(steps)}; use a newer vedette",
        )
    for number, step in enumerate(steps[found:], start=found + 1):
        step(connection)
        connection.execute(_VERSIONS.insert().values(version=number))
    return len(steps) - found


def version_of(connection: Connection) -> int | None:
    """The schema version of a database, None where it has none of ours."""
    if not inspect(connection).has_table(_VERSIONS.name):
        return None
    return connection.execute(select(func.max(_VERSIONS.c.version))).scalar() or 0
