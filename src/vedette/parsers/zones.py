"""Times that are logged without a zone: which formats may have them, and in which zone they are read."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from vedette.parsers.format import Format
from vedette.parsers.json_lines import JsonFormat
from vedette.parsers.logfmt import LogfmtFormat
from vedette.parsers.table import TableFormat
from vedette.parsers.text_format import TextFormat

_ZONED = (TextFormat, JsonFormat, LogfmtFormat, TableFormat)
"""Formats whose times may have no zone."""


def in_zone(known: Format, ahead: timedelta | ZoneInfo) -> Format:
    """The format, reading times without a zone as those of a place, or of an offset from UTC.

    W3C logs are in UTC by definition, and so is what else says so (`Conventions.in_utc`): they stay as they are.
    """
    if not isinstance(known, _ZONED) or known.conventions.in_utc:
        return known
    if isinstance(ahead, ZoneInfo):
        return replace(known, conventions=replace(known.conventions, zone=ahead.key))
    seconds = int(ahead.total_seconds())
    return replace(known, conventions=replace(known.conventions, utc_offset=seconds)) if seconds else known


def is_in_utc(known: Format) -> bool:
    """Whether the format reads times without a zone as UTC and could read them otherwise."""
    return isinstance(known, _ZONED) and not (
        known.conventions.in_utc or known.conventions.zone or known.conventions.utc_offset
    )
