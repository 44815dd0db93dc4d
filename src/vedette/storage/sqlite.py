"""How SQLite is opened, and what its errors mean."""

import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.migrations import SCHEMA_TABLE

BUSY_MS = 5000
"""How long a writer waits for another one. Readers wait for nobody."""
_RETRY_S = 0.01
"""Between two tries of what SQLite does not wait for."""
_ASK_S = 0.001
"""Between two tries of a writer. SQLite's own waiting asks ten times a second, and seldom meets the moments between the
transactions of a writer that never rests."""
LOG_BYTES = 16 << 20
"""Of the write-ahead log file, when nobody needs it: some commits of an engine's state."""

KEPT_PAGES = 2048
"""Unused pages that stay in the file for what comes next: 8 MiB."""
GIVEN_PAGES = 256
"""Pages given back in one transaction."""

_INCREMENTAL = 2
"""What the pragma auto_vacuum says."""

_PROBLEMS: tuple[tuple[str, StoreProblem, str], ...] = (
    (
        "SQLITE_BUSY",
        StoreProblem.LOCKED,
        f"another program has been writing to it for over {BUSY_MS / 1000:g} s; try again when it is done, or end it",
    ),
    ("SQLITE_LOCKED", StoreProblem.LOCKED, "another program is changing it; try again"),
    (
        "SQLITE_FULL",
        StoreProblem.FULL,
        "its disk is full, so nothing more was written; free space and try again",
    ),
    ("SQLITE_IOERR", StoreProblem.FAILED, "its disk failed while reading or writing; check the disk"),
    ("SQLITE_READONLY", StoreProblem.READ_ONLY, "it may not be written to; give a file that you may write"),
    ("SQLITE_NOTADB", StoreProblem.NOT_OURS, "the file is not an SQLite database; give another path"),
    ("SQLITE_CORRUPT", StoreProblem.DAMAGED, "the database is damaged; restore it, or give another path"),
    (
        "SQLITE_CANTOPEN",
        StoreProblem.UNREACHABLE,
        "it cannot be opened; check that you may write to its directory",
    ),
)


def sqlite_engine(url: URL, *, create: bool) -> Engine:
    """An engine for `sqlite:///path`: WAL, so that readers and the writer do not wait for each other.

    Args:
        url: With a path.
        create: Whether a file that does not exist is made.

    Raises:
        StoreError: No usable path.
    """
    store = str(url)
    if not url.database or url.database == ":memory:":
        raise StoreError(
            store, StoreProblem.BAD_URL, "names no file, and memory keeps nothing; write sqlite:///vedette.db"
        )
    if url.query or url.host or url.username:
        raise StoreError(
            store, StoreProblem.BAD_URL, "must be only sqlite:/// and a path, like sqlite:////var/lib/v.db"
        )
    path = Path(url.database)
    if path.is_dir():
        raise StoreError(store, StoreProblem.BAD_URL, f"{path} is a directory; name a file in it")
    if not path.parent.is_dir():
        raise StoreError(
            store, StoreProblem.UNREACHABLE, f"there is no directory {path.parent}; create it first"
        )
    if not create and not path.exists():
        raise StoreError(
            store,
            StoreProblem.UNREACHABLE,
            f"there is no file {path}; `vedette serve` or `vedette scan --store` makes it",
        )
    engine = create_engine(url, connect_args={"timeout": BUSY_MS / 1000})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def sqlite_error(store: str, error: SQLAlchemyError) -> StoreError:
    """Say what an error means to the person who runs the program."""
    original = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(original, "sqlite_errorname", "")
    for prefix, problem, reason in _PROBLEMS:
        if name.startswith(prefix):
            return StoreError(store, problem, reason)
    return StoreError(store, StoreProblem.FAILED, f"SQLite says: {' '.join(str(original).split())}")


def _set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101 # the only driver that the URL allows
    # Transactions begin where `_begin` says, not where the driver guesses.
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous=FULL")
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    # These modes stay with the file: another program's is left as it is (and refused later).
    if not tables:
        # Only a new file takes this one: with it, what was removed can be given back to the disk.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    if not tables or SCHEMA_TABLE in tables:
        _log_ahead(connection)
    # A reader that lingers lets the log grow; afterwards it shrinks to this.
    connection.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Turn WAL on, waiting for others as anything else here does.

    SQLite turns a reader of the old mode into a writer for it, and for that waits for nobody (it could be
    a deadlock): of several that open a new file at once, some would be refused at the first try.
    """
    patience = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > patience:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def _begin(connection: Connection) -> None:
    # A writer takes the lock at once: a reader that turned writer could not wait for it without a deadlock.
    if not connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN")
        return
    patience = time.monotonic() + BUSY_MS / 1000
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        while not _took_the_lock(connection, last=time.monotonic() > patience):
            time.sleep(_ASK_S)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")


def _took_the_lock(connection: Connection, *, last: bool) -> bool:
    """Begin to write; False if another does, and this was not the last try."""
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except DBAPIError as error:
        if last or not getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise
        return False
    return True


def give_back(connection: Connection) -> bool:
    """Cut some unused pages off the file, in the write transaction of `connection`; whether there are more.

    A file made before version 2 of the schema cannot shrink: its pages are used again. `VACUUM` would mend that.
    """
    if connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() != _INCREMENTAL:
        return False
    unused = (connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0) - KEPT_PAGES
    if unused <= 0:
        return False
    for _ in range(min(unused, GIVEN_PAGES)):
        # Python's driver takes one step of a statement without columns: one page, whatever number is asked for.
        connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
    return unused > GIVEN_PAGES
