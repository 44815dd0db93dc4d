"""Where the next page begins: the last row's keys, as opaque text."""

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from vedette.storage.errors import StoreError, StoreProblem


def write_cursor(values: Sequence[int | str]) -> str:
    """Text that stands for the row with these keys; fit for a URL."""
    # MongoDB gives integers of a type of its own.
    plain = [int(value) if isinstance(value, int) else value for value in values]
    return base64.urlsafe_b64encode(msgspec.json.encode(plain)).decode().rstrip("=")


def read_cursor(store: str, cursor: str, types: Sequence[type]) -> tuple[Any, ...]:
    """Undo `write_cursor`.

    Raises:
        StoreError: The text is not a cursor of this order.
    """
    try:
        values = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[Any]
        )
    except ValueError:
        values = []
    if [type(value) for value in values] != list(types):
        reason = f"cursor = '{cursor[:40]}': is not one that this list gave; begin without a cursor"
        raise StoreError(store, StoreProblem.BAD_CURSOR, reason)
    return tuple(values)
