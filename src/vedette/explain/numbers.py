"""Numbers and times as people read them."""

from datetime import UTC, datetime
from typing import Final


def count(value: float) -> str:
    """A count with thousands separators: `12,345`."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def percent(ratio: float) -> str:
    """A ratio in percent, with more digits where it is small: `0.042 %`, `8.3 %`, `61 %`."""
    value = 100 * ratio
    if value < 0.001:
        return "0 %" if value == 0 else "less than 0.001 %"
    digits = 0 if value >= 10 else 1 if value >= 1 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f} %"


_UNITS: Final = (
    (60, 1, ("min", "s"), 3600),
    (3600, 60, ("h", "min"), 86400),
    (86400, 3600, ("d", "h"), float("inf")),
)
"""Seconds of a unit and of the one below it, their names, and from how many seconds the next is better."""


def length(value: float) -> str:
    """How long so many seconds are: `40 s`, `5 min`, `2 h 15 min`, `3 d 4 h`; rounded to the lower of two units."""
    if value < 59.5:
        return f"{value:.3g} s"
    large, small, names = next(u[:3] for u in _UNITS if round(value / u[1]) * u[1] < u[3])
    number, rest = divmod(round(value / small), large // small)
    return f"{number:,} {names[0]} {rest} {names[1]}".removesuffix(f" 0 {names[1]}")


def seconds(value: float) -> str:
    """A duration: `850 µs`, `12 ms`, `1.4 s`; from 1,000 seconds on as `length` says it."""
    if value >= 999.5:
        return length(value)
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.3g} s"


def size(value: float) -> str:
    """Bytes in decimal units: `1.2 GB`."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return plural(round(value), "byte")


def number(value: float) -> str:
    """A number without a unit, to three digits: `0.25`, `12.3`."""
    return f"{value:.3g}"


def in_unit(value: float, unit: str) -> str:
    """A value in its schema unit."""
    match unit:
        case "ratio":
            return percent(value)
        case "seconds":
            return seconds(value)
        case "bytes":
            return size(value)
        case "number" | "evidence" | "oddness":
            return f"{value:.3g}"
        case "per_second":
            return f"{value:.3g} a second"
        case "bytes_per_second":
            return f"{size(value)} a second"
        case _:
            words = unit.replace("_", " ")
            return f"{count(value)} {words.removesuffix('s') if count(value) == '1' else words}"


_WORDED = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def odds(surprise: float) -> str:
    """What a surprise (-log10 p) means: `once in 40,000 windows`, `once in 3 billion windows`."""
    if surprise >= 15:
        return "less than once in a thousand trillion windows"
    number = 10**surprise
    for size_of, word in _WORDED:
        if number >= size_of:
            return f"once in {number / size_of:,.0f} {word} windows"
    digits = max(0, int(surprise) - 1)
    return f"once in {round(number / 10**digits) * 10**digits:,.0f} windows"


def between(low: float, high: float, unit: str) -> str:
    """A range, its unit said once where both ends have the same: `12 to 49 requests`, `85 ms to 1.2 s`."""
    first, last = in_unit(low, unit), in_unit(high, unit)
    number, _, word = first.partition(" ")
    return f"{number} to {last}" if word and last.endswith(" " + word) else f"{first} to {last}"


def plural(number: float, thing: str) -> str:
    """A count of things: `1 request`, `2,000 requests`."""
    many = count(number)
    return f"{many} {thing}" if many == "1" else f"{many} {thing}s"


def clock(time: int) -> str:
    """A time of day, UTC, from microseconds since the epoch."""
    return datetime.fromtimestamp(time / 1e6, UTC).strftime("%H:%M:%S").removesuffix(":00")
