"""From a URL to a store. The one list of what can keep a store."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.live import LiveStore
from vedette.storage.store import Store

if TYPE_CHECKING:
    from sqlalchemy import URL

_MONGODB = ("mongodb://", "mongodb+srv://")
_EXAMPLES = "sqlite:///vedette.db, postgresql://user@host/vedette or mongodb://host/vedette"

SPOOL_BYTES = 256 << 20
"""Most that waits on disk while a store is out, unless told otherwise."""


def open_store(url: str, *, create: bool = True) -> Store:
    """Open a store, and bring its schema up to date.

    Args:
        url: `sqlite:///relative.db` or `sqlite:////absolute.db`; `postgresql://user@host/database`;
            `mongodb://host/database`. Behind `?`, the last two take their drivers' options and `password_file`.
        create: Whether a database that does not exist is made. (A server's database must exist; then its tables.)

    Raises:
        StoreError: The URL is wrong, or the database cannot be reached, belongs to another program, or was
            written by a newer one.
    """
    return open_live_store(url, create=create)


def open_live_store(
    url: str, *, create: bool = True, spool: Path | None = None, spool_bytes: int = SPOOL_BYTES
) -> LiveStore:
    """Open a store for a live service; it is the same as `open_store` opens.

    Args:
        url: As `open_store`'s.
        create: As `open_store`'s.
        spool: A directory where commits wait while the store is out (see `Spooled`); then a store that cannot be
            reached now is no error. None for none.
        spool_bytes: Most that the spool may hold.

    Raises:
        StoreError: As `open_store`; or the spool cannot be used.
    """
    if spool is None:
        return _opened(url, create=create)
    from vedette.storage.spool import Spool
    from vedette.storage.spooled import Spooled

    return Spooled(partial(_opened, url, create=create), Spool(spool, spool_bytes))


def shown_url(url: str) -> str:
    """A store's URL without the secrets in it, for people.

    Raises:
        StoreError: It is no URL.
    """
    if url.startswith(_MONGODB):
        from vedette.storage.mongo_url import shown

        return shown(url)
    return _shown(_parsed(url))


def _opened(url: str, *, create: bool) -> LiveStore:
    if url.startswith(_MONGODB):
        return _opened_mongodb(url, create=create)
    parsed = _parsed(url)
    name = _shown(parsed)
    kind = parsed.drivername
    if kind in ("sqlite", "sqlite+pysqlite"):
        from vedette.storage.sql_live import SqlLiveStore
        from vedette.storage.sqlite import sqlite_engine, sqlite_error

        return SqlLiveStore(name, sqlite_engine(parsed, create=create), sqlite_error, create=create)
    if kind in ("postgresql", "postgres", "postgresql+psycopg"):
        from vedette.storage.postgresql import postgresql_engine, postgresql_error
        from vedette.storage.sql_live import SqlLiveStore

        return SqlLiveStore(name, postgresql_engine(parsed, name), postgresql_error, create=create)
    raise StoreError(name, StoreProblem.BAD_URL, f"'{kind}' is no store we know; write {_EXAMPLES}")


def _opened_mongodb(url: str, *, create: bool) -> LiveStore:
    try:
        from vedette.storage.mongo_live import MongoLiveStore
    except ModuleNotFoundError as error:
        if error.name not in ("pymongo", "bson"):
            raise
        reason = "needs pymongo; pip install 'vedette[mongodb]'"
        raise StoreError("mongodb", StoreProblem.UNREACHABLE, reason) from None
    return MongoLiveStore(url, create=create)


def _shown(url: "URL") -> str:
    """The URL without secrets, wherever they stand."""
    secret = [key for key in url.query if "password" in key.lower() and key != "password_file"]
    return url.update_query_dict(dict.fromkeys(secret, "hidden")).render_as_string(hide_password=True)


def _parsed(url: str) -> "URL":
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # Not shown: what cannot be parsed may hold a password.
        raise StoreError("store", StoreProblem.BAD_URL, f"not a URL; write {_EXAMPLES}") from None
