"""How windows are spread over blocks, whatever keeps them."""

from enum import IntEnum

from vedette.schema.records import WindowRecord
from vedette.schema.spans import DAY_US
from vedette.storage.text import printable

LONGEST_SPAN_US = DAY_US
"""No window is longer (microseconds): the configuration's limit, and more than an hour of a roll-up."""
BLOCKS_AT_ONCE = 256
"""Blocks of one service in memory while a route is looked for in them."""

Key = tuple[str, int, int, int]
"""Service, part, start, span."""


class Part(IntEnum):
    """A service's own windows lie apart from its routes', so that a chart of it reads little."""

    SERVICE = 0
    ROUTES = 1


def key_of(window: WindowRecord) -> Key:
    """Of the block that a window belongs in."""
    part = Part.ROUTES if window.route else Part.SERVICE
    return printable(window.service), part, window.start, window.span_s
