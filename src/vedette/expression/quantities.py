"""What a number in an expression measures. Amounts are in seconds, bytes, plain counts and shares (0..1)."""

from enum import Enum
from typing import Final

import msgspec


class Kind(Enum):
    """What a number without dimension is."""

    PLAIN = "a plain number"
    COUNT = "a count"
    SHARE = "a share, 0 to 1"


class Quantity(msgspec.Struct, frozen=True):
    """Powers of seconds and bytes; `kind` tells apart what has neither."""

    seconds: int = 0
    bytes: int = 0
    kind: Kind = Kind.PLAIN

    @property
    def dimension(self) -> tuple[int, int]:
        """Powers of seconds and bytes."""
        return self.seconds, self.bytes

    def __mul__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.seconds + other.seconds, self.bytes + other.bytes, _product(self, other))

    def __truediv__(self, other: "Quantity") -> "Quantity":
        return Quantity(self.seconds - other.seconds, self.bytes - other.bytes, _quotient(self, other))

    def fits(self, other: "Quantity") -> bool:
        """Whether the two can be compared and added: a plain number goes with counts and shares."""
        if self.dimension != other.dimension:
            return False
        return self.kind is other.kind or Kind.PLAIN in (self.kind, other.kind)

    def __str__(self) -> str:
        known = _NAMED.get(self.dimension)
        if self.dimension == (0, 0):
            return self.kind.value
        if known is not None:
            return known
        powers = [f"{name}^{power}" for name, power in (("s", self.seconds), ("B", self.bytes)) if power]
        return f"in {' '.join(powers)}"

    @property
    def unit(self) -> str:
        """The schema's name of the unit; `number` for what has none."""
        if self.dimension == (0, 0):
            return "ratio" if self.kind is Kind.SHARE else "number"
        return _UNITS.get(self.dimension, "number")


def _product(first: Quantity, second: Quantity) -> Kind:
    kinds = {first.kind, second.kind}
    if Kind.COUNT in kinds and first.kind is not second.kind and _plain(first, second):
        return Kind.COUNT
    return Kind.PLAIN


def _quotient(first: Quantity, second: Quantity) -> Kind:
    if first.kind is Kind.COUNT and second.kind is Kind.PLAIN and _plain(first, second):
        return Kind.COUNT
    return Kind.PLAIN


def _plain(first: Quantity, second: Quantity) -> bool:
    return first.dimension == second.dimension == (0, 0)


def units(measured: Quantity) -> tuple[str, ...]:
    """Units, by the schema's names, that a number may be given; one count by another may well be a ratio."""
    plain = measured.dimension == (0, 0) and measured.kind is Kind.PLAIN
    return ("number", "ratio") if plain else (measured.unit,)


PLAIN: Final = Quantity()
COUNT: Final = Quantity(kind=Kind.COUNT)
SHARE: Final = Quantity(kind=Kind.SHARE)
SECONDS: Final = Quantity(seconds=1)
BYTES: Final = Quantity(bytes=1)
PER_SECOND: Final = Quantity(seconds=-1)
BYTES_PER_SECOND: Final = Quantity(seconds=-1, bytes=1)

_NAMED: Final = {
    (1, 0): "a duration",
    (0, 1): "a size in bytes",
    (-1, 0): "a rate per second",
    (-1, 1): "a rate in bytes per second",
}
_UNITS: Final = {
    (1, 0): "seconds",
    (0, 1): "bytes",
    (-1, 0): "per_second",
    (-1, 1): "bytes_per_second",
}

TIMES: Final = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
"""Units of time, in seconds."""
SIZES: Final = {
    "B": 1.0,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
    "KiB": 2.0**10,
    "MiB": 2.0**20,
    "GiB": 2.0**30,
    "TiB": 2.0**40,
}
"""Units of size, in bytes."""
UNITS: Final[dict[str, tuple[float, Quantity]]] = {
    **{name: (factor, SECONDS) for name, factor in TIMES.items()},
    **{name: (factor, BYTES) for name, factor in SIZES.items()},
    "%": (0.01, SHARE),
}
"""What may stand after a number: its factor, and what the number then is."""
