"""The line that names the columns of a table of requests: which of them are read, and as what."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Final

import msgspec

from vedette.parsers.fields import DurationUnit, Field, TimeFormat
from vedette.parsers.json_common import DURATIONS, KEYS

DELIMITERS: Final = "\t|;,"
MOST_COLUMNS: Final = 256
"""A line that names more is no header."""
_FEWEST_COLUMNS: Final = 3
_LONGEST: Final = 1 << 14
"""Bytes of a line that is looked at."""
_BOM: Final = b"\xef\xbb\xbf"
_NAME: Final = re.compile(r"[^\W\d][^\n]{0,60}|@\w{1,60}")
"""Names of columns begin with a letter; what is in the rows below mostly does not."""
_MORE: Final[Mapping[Field, Sequence[str]]] = MappingProxyType(
    {
        Field.TIME: ("eventtime", "requesttimestamp"),
        Field.PEER: ("cip", "clienthost", "sourceaddress"),
        Field.METHOD: ("csmethod", "requestverb", "httprequestmethod"),
        Field.TARGET: ("csuristem", "httppath", "pagepath"),
        Field.QUERY: ("csuriquery",),
        Field.STATUS: ("scstatus", "elbstatuscode", "httpstatuscode", "responsestatuscode"),
        Field.BYTES_IN: ("csbytes", "receivedbytes"),
        Field.BYTES_OUT: ("scbytes", "sentbytes", "bodybytes"),
        Field.USER_AGENT: ("csuseragent",),
        Field.REFERER: ("csreferer",),
        Field.SERVICE: ("cshost", "hostname", "domainname"),
    }
)
"""What tables call columns besides what JSON calls keys."""
_MILLISECONDS: Final = frozenset(
    {"timems", "timestampms", "tsms", "epochms", "timestampmillis", "epochmillis"}
)
"""Of times that are whole numbers: their name says what they count."""
_UNITS: Final = (DurationUnit.MILLISECONDS, DurationUnit.SECONDS)
"""Of durations whose names say the unit. A bare `duration` may be anything."""


class Header(msgspec.Struct, frozen=True):
    """The columns of a table.

    Attributes:
        line: As it stands in the log, blanks at its end aside.
        delimiter: What stands between columns.
        names: All columns, as they are called.
        columns: Place of each field's column.
        unit: Of the durations.
        time: How times are written.
    """

    line: bytes
    delimiter: str
    names: tuple[str, ...]
    columns: Mapping[Field, int]
    unit: DurationUnit
    time: TimeFormat = TimeFormat.ANY

    @property
    def tells(self) -> bool:
        """Whether there are a time and a path."""
        return Field.TIME in self.columns and not {Field.TARGET, Field.REQUEST}.isdisjoint(self.columns)


def header_of(text: bytes) -> Header | None:
    """The header that lines begin with, if theirs is one: three names of columns at least, one of which has a meaning.

    Args:
        text: Lines. Blank ones and comments may stand before it.
    """
    line = next(_lines(text), b"")
    shown = line.removeprefix(_BOM).decode("latin-1")
    if len(line) > _LONGEST or not shown:
        return None
    delimiter = max(DELIMITERS, key=shown.count)
    if shown.count(delimiter) + 1 < _FEWEST_COLUMNS:
        return None
    names = tuple(
        name.strip() for name in next(csv.reader([shown], delimiter=delimiter, skipinitialspace=True))
    )
    if len(names) > MOST_COLUMNS or not all(_NAME.fullmatch(name) or not name for name in names):
        return None
    meanings = _meanings()
    found: dict[Field, tuple[int, int]] = {}
    unit = DurationUnit.SECONDS
    for place, name in enumerate(names):
        for field, rank, of in meanings.get(_plain(name), ()):
            if field not in found or rank < found[field][0]:
                found[field] = rank, place
                unit = of or unit
    columns = {field: place for field, (_, place) in found.items()}
    if columns.get(Field.DATE) == columns.get(Field.TIME):
        columns.pop(Field.DATE, None)
    time = TimeFormat.ANY
    counted = [place for place, name in enumerate(names) if _plain(name) in _MILLISECONDS]
    if counted and Field.TIME not in columns:
        columns[Field.TIME], time = counted[0], TimeFormat.EPOCH_MILLISECONDS
    return Header(line, delimiter, names, columns, unit, time) if columns else None


def _lines(text: bytes) -> Iterator[bytes]:
    """Lines that are not blank and no comments, without blanks at their ends."""
    return (
        line
        for raw in text[: _LONGEST + 1].splitlines()
        if (line := raw.rstrip(b" \r")).strip() and not line.lstrip(b" ").startswith(b"#")
    )


def _plain(name: str) -> str:
    """A name as it is looked up: letters and digits alone, small."""
    return re.sub(r"[\W_]", "", name).lower()


@cache
def _meanings() -> Mapping[str, Sequence[tuple[Field, int, DurationUnit | None]]]:
    """By the names of columns: what they hold, how clear the name is (0 the clearest), and the unit of a duration."""
    names: dict[str, list[tuple[Field, int, DurationUnit | None]]] = {}

    def add(field: Field, known: Sequence[str], unit: DurationUnit | None = None) -> None:
        plain = (_plain(name) for name in known if "." not in name)
        for rank, name in enumerate(dict.fromkeys(plain)):
            names.setdefault(name, []).append((field, rank, unit))

    for field, known in KEYS.items():
        add(field, (*known, *_MORE.get(field, ())))
    for unit in _UNITS:
        add(Field.DURATION, DURATIONS[unit], unit)
    return names
