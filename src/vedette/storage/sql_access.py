"""Transactions, pages and upserts in an SQL database: what every part of the store there stands on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from vedette.storage.cursor import read_cursor, write_cursor
from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.migrations import STEPS, migrate, version_of
from vedette.storage.rows import Values, document_of
from vedette.storage.store import PAGE_LIMIT, Page

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class SqlAccess:
    """What differs between dialects is in the engine, in `explain` and in `put`.

    Args:
        name: What errors call it: the URL without its password.
        engine: Where to. Its `begin` must honour the execution option `writes`: one writer at a time.
        explain: Turns the driver's errors into ours.
        create: Whether an empty database is given our tables.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        explain: Callable[[str, SQLAlchemyError], StoreError],
        *,
        create: bool = True,
    ) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._explain = explain
        self._name = name
        try:
            self._prepare(create=create)
        except StoreError:
            self.close()
            raise

    def _prepare(self, *, create: bool) -> None:
        with self._reading() as connection:
            found = version_of(connection)
        if found is None and not create:
            reason = "holds nothing of ours; `vedette serve` or `vedette scan --store` makes it"
            raise StoreError(self._name, StoreProblem.UNREACHABLE, reason)
        if found != len(STEPS):
            with self._writing() as connection:
                migrate(connection, self._name)

    def close(self) -> None:
        """See `Store`."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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

    def _one(self, table: Table, kind: type[S], key: str) -> S | None:
        with self._reading() as connection:
            row = connection.execute(select(table).where(table.c.id == key)).one_or_none()
        return None if row is None else self._reader(kind)(row)

    def _reader(self, kind: type[S]) -> Callable[[Row[Any]], S]:
        def read(row: Row[Any]) -> S:
            try:
                return document_of(kind, row.document)
            except msgspec.DecodeError as error:
                reason = f"{kind.__name__} {row[0]} cannot be read back ({error}); restore the database"
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
        after = self._after(order, limit, cursor)
        if after is not None:
            here = tuple_(*order)
            query = query.where(here < after if newest_first else here > after)
        query = query.order_by(*(column.desc() if newest_first else column for column in order)).limit(
            limit + 1
        )
        with self._reading() as connection:
            found = connection.execute(query).all()
        more = len(found) > limit
        found = found[:limit]
        keys = [column.name for column in order]
        last = write_cursor([getattr(found[-1], key) for key in keys]) if more else None
        return Page([read(row) for row in found], last)

    def _after(
        self, order: Sequence[ColumnElement[Any]], limit: int, cursor: str | None
    ) -> tuple[Any, ...] | None:
        """Values of the columns of `order` that a page begins behind."""
        if not 1 <= limit <= PAGE_LIMIT:
            raise ValueError(f"limit = {limit}: must be from 1 to {PAGE_LIMIT}")
        if cursor is None:
            return None
        return read_cursor(self._name, cursor, [column.type.python_type for column in order])


def put(connection: Connection, table: Table, values: Sequence[Values], keep: Sequence[str] = ()) -> None:
    """Insert rows, or replace those with the same primary key, but for their columns in `keep`."""
    if not values:
        return
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    others = {
        column.name: statement.excluded[column.name]
        for column in table.c
        if column.name not in keys and column.name not in keep
    }
    if others:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, values)


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Items in pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
