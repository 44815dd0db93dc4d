"""How PostgreSQL is reached, and what its errors mean."""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.password import read_password

CONNECT_S = 5
"""How long a server may take to answer at first."""
LOCK_MS = 5000
"""How long a writer waits for another one. Readers wait for nobody."""
STATEMENT_MS = 60_000
"""How long one statement may take."""
WRITERS_LOCK = 0x76656465747465
"""Advisory lock of whoever writes, and migrates: `vedette` in ASCII."""

_PROBLEMS: tuple[tuple[str, StoreProblem, str], ...] = (
    ("08", StoreProblem.UNREACHABLE, "the connection broke; check that the server runs"),
    ("57P", StoreProblem.UNREACHABLE, "the server is starting or stopping; it is tried again"),
    ("28", StoreProblem.UNREACHABLE, "the server refuses this user or password; check both"),
    ("3D000", StoreProblem.UNREACHABLE, "there is no such database; make it with `createdb`"),
    ("53", StoreProblem.FULL, "the server's disk is full, or it lacks memory or connections; free some"),
    ("55P03", StoreProblem.LOCKED, f"another program has been writing to it for over {LOCK_MS / 1000:g} s"),
    (
        "57014",
        StoreProblem.LOCKED,
        f"a statement took more than {STATEMENT_MS / 1000:g} s; see what the server does",
    ),
    ("40", StoreProblem.LOCKED, "another program was in the way; try again"),
    ("25006", StoreProblem.READ_ONLY, "the server takes no writes; give the primary's address"),
    ("42501", StoreProblem.READ_ONLY, "this user may not write there; grant it the schema"),
    ("XX00", StoreProblem.DAMAGED, "the database is damaged; restore it, or give another one"),
)
"""SQLSTATE prefixes (PostgreSQL documentation, appendix A)."""


def postgresql_engine(url: URL, name: str) -> Engine:
    """An engine for `postgresql://user@host/database`.

    Args:
        url: What libpq understands may stand behind `?`: `sslmode`, `options`, `host` of a socket … and
            `password_file`, a file whose first line is the password.
        name: The URL without its password.

    Raises:
        StoreError: No usable URL, no driver, or no password in the file.
    """
    if not url.database:
        reason = "names no database; write postgresql://user@host/vedette"
        raise StoreError(name, StoreProblem.BAD_URL, reason)
    url = with_password(url, name).set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(
            url,
            # A connection that died while the server was away is replaced without an error.
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_S, "application_name": "vedette"},
        )
    except ModuleNotFoundError:
        reason = "needs psycopg; pip install 'vedette[postgres]'"
        raise StoreError(name, StoreProblem.UNREACHABLE, reason) from None
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def with_password(url: URL, name: str) -> URL:
    """The URL with the password of the file that `password_file` names, if it names one.

    Raises:
        StoreError: The file cannot be read, or is empty.
    """
    file = url.query.get("password_file")
    if file is None:
        return url
    return url.set(password=read_password(str(file), name)).difference_update_query(["password_file"])


def postgresql_error(store: str, error: SQLAlchemyError) -> StoreError:
    """Say what an error means to the person who runs the program."""
    original: Any = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    said = " ".join(str(original).split())
    if state is None and isinstance(error, DBAPIError):
        # libpq's own words: no connection. They name host, port and user, never the password.
        return StoreError(
            store, StoreProblem.UNREACHABLE, f"cannot be reached ({said}); check that the server runs"
        )
    for prefix, problem, reason in _PROBLEMS:
        if state is not None and state.startswith(prefix):
            return StoreError(store, problem, reason)
    return StoreError(store, StoreProblem.FAILED, f"PostgreSQL says: {said}")


def vacuum(engine: Engine, table: str) -> None:
    """Let the room of a table's replaced rows be used again."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"VACUUM {table}")


def _set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # A commit is on the disk when it returns, whatever the server's default is.
    cursor.execute(
        f"SET lock_timeout = {LOCK_MS}; SET statement_timeout = {STATEMENT_MS}; SET synchronous_commit = on; "
        "SET client_encoding = 'UTF8'"
    )
    cursor.close()
    connection.commit()


def _begin(connection: Connection) -> None:
    # One writer at a time, as with SQLite: what is read in a write transaction holds until its end.
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")
