"""Hostile text as databases take it."""

from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

POSTGRESQL_NAME_BYTES = 1000
"""Longest name in a PostgreSQL column: an index refuses rows of more than a third of a page (2,704 bytes)."""


def printable(text: str) -> str:
    r"""The same text if it is valid Unicode; else with each lone surrogate spelled out, like `\ud800`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def document(noun: msgspec.Struct) -> str:
    """A noun as JSON. Text that is no valid Unicode is made so: one bad anomaly must not stop all others."""
    try:
        return msgspec.json.encode(noun).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_all_printable(msgspec.to_builtins(noun))).decode()


def _all_printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_all_printable(key): _all_printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_all_printable(inner) for inner in value]
    return value


class Name(TypeDecorator[str]):
    r"""Text that is searched by and sorted by code point, whatever characters it has.

    PostgreSQL knows no NUL: there `\0` is kept as `\1\1`, and `\1` as `\1\2`, which keeps the order. There, too, a
    name beyond `POSTGRESQL_NAME_BYTES` is cut, with a digest of the whole.
    """

    impl = String().with_variant(String(collation="C"), "postgresql")
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        """Of values in Python."""
        return str

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """To the database."""
        if value is None:
            return None
        value = printable(value)
        if dialect.name != "postgresql":
            return value
        value = value.replace("\1", "\1\2").replace("\0", "\1\1")
        if len(raw := value.encode()) > POSTGRESQL_NAME_BYTES:
            value = raw[:900].decode(errors="ignore") + "…" + blake2b(raw, digest_size=16).hexdigest()
        return value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """From the database."""
        if value is None or dialect.name != "postgresql":
            return value
        return value.replace("\1\1", "\0").replace("\1\2", "\1")
