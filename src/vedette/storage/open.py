"""From a URL to a store. The one list of what can keep a store."""

from typing import TYPE_CHECKING

from vedette.storage.errors import StoreError, StoreProblem
from vedette.storage.live import LiveStore
from vedette.storage.store import Store

if TYPE_CHECKING:
    from sqlalchemy import URL


def open_store(url: str, *, create: bool = True) -> Store:
    """Open a store, and bring its schema up to date.

    Args:
        url: `sqlite:///relative.db` or `sqlite:////absolute.db`.
        create: Whether a database that does not exist is made.

    Raises:
        StoreError: The URL is wrong, or the database cannot be reached, belongs to another program, or was
            written by a newer one.
    """
    return open_live_store(url, create=create)


def open_live_store(url: str, *, create: bool = True) -> LiveStore:
    """Open a store for a live service: as `open_store`, which opens the same stores."""
    from vedette.storage.sql_live import SqlLiveStore
    from vedette.storage.sqlite import sqlite_engine, sqlite_error

    parsed = _parsed(url)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(
            parsed.render_as_string(hide_password=True),
            StoreProblem.BAD_URL,
            f"'{parsed.drivername}' is no store we know; write sqlite:///vedette.db",
        )
    return SqlLiveStore(sqlite_engine(parsed, create=create), sqlite_error)


def _parsed(url: str) -> "URL":
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        # Not shown: what cannot be parsed may hold a password.
        raise StoreError("store", StoreProblem.BAD_URL, "not a URL; write sqlite:///vedette.db") from None
