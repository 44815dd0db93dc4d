"""Which key of a JSON line holds a time that is a number since the epoch, by the number's digits: a hint for people.

Nothing is read by it: a format says what its times are, or the user does (`--field time_ms=KEY`).
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

import msgspec

_LONGEST: Final = 1 << 16
_UNITS: Final = MappingProxyType({13: "time_ms", 16: "time_us", 19: "time_ns"})
"""By digits, from 2001 to 2033: what `--field` calls such a time."""
_NAMED: Final = ("time", "date", "stamp", "ts", "msec", "when")


def time_key(line: bytes) -> str | None:
    """`time_ms=KEY` for the likeliest time of an object's keys, or of those one level below; None where none is.

    Args:
        line: A line of a log. What is no object, or longer than 64 KiB, has none.
    """
    if len(line) > _LONGEST:
        return None
    try:
        read = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    found = list(_epochs(read)) if isinstance(read, dict) else []
    named = [(path, unit) for path, unit in found if any(word in path.lower() for word in _NAMED)]
    for path, unit in named or found:
        return f"{unit}={path}"
    return None


def _epochs(read: dict[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    for key, value in read.items():
        # Others would have to be written with escapes, by hand and with care.
        if not (key.isascii() and key.replace("_", "a").replace("-", "a").replace("@", "a").isalnum()):
            continue
        if isinstance(value, dict) and not above:
            yield from _epochs(value, f"{key}.")
        digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if len(digits) in _UNITS and digits.isascii() and digits.isdigit() and digits[0] == "1":
            yield above + key, _UNITS[len(digits)]
