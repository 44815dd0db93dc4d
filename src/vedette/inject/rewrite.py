"""Rewrite fields of log lines in whatever format they are, and let the parser judge the result."""

from collections.abc import Mapping, Sequence

import msgspec

from vedette.inject.facts import Facts, Parse, read_lines
from vedette.inject.places import Spot, guesses

_PROBES: Mapping[str, object] = {
    "peer": b"203.0.113.254",
    "forwarded": b"203.0.113.254",
    "method": b"POST",
    "target": b"/vedette-probe",
    "status": 418,
    "bytes_out": 987_654,
    "referer": b"-",
    "user_agent": b"vedette-probe",
}
_ELSEWHERE = {"method": b"GET", "status": 404}
"""Where the probe is what stands there already."""
_TIME_SHIFT = 3_661_000_000
"""Microseconds: an hour, a minute and a second, so that each part of a clock must be read."""


class Template(msgspec.Struct, frozen=True):
    """A line, and where its fields stand that can be rewritten.

    Attributes:
        line: Without its end. facts: What it says. spots: By field.
    """

    line: bytes
    facts: Facts
    spots: Mapping[str, Spot]

    def filled(self, values: Mapping[str, object]) -> bytes:
        """The line with other values; fields without a spot stay as they are."""
        text, at = [], 0
        chosen = sorted((self.spots[name], value) for name, value in values.items() if name in self.spots)
        for spot, value in chosen:
            if spot.start < at:
                continue
            text += [self.line[at : spot.start], spot.write(value)]
            at = spot.end
        return b"".join([*text, self.line[at:]])


def locate(parse: Parse, lines: Sequence[bytes], fields: Sequence[str]) -> list[Template | None]:
    """Find where fields stand, by changing what looks like one and reading the line again.

    A spot counts if the parser then reads the new value there, and every other field as before.

    Args:
        parse: The source's parser. lines: Without line ends. fields: Fields of `Facts`.

    Returns:
        A template for each line; None of what is no request.
    """
    facts = read_lines(parse, lines)
    spots: list[dict[str, Spot]] = [{} for _ in lines]
    known: tuple[str, int] | None = None
    for field in fields:
        tried: list[tuple[int, Spot, Facts]] = []
        changed: list[bytes] = []
        for number, (line, fact) in enumerate(zip(lines, facts, strict=True)):
            if fact is None:
                continue
            found = list(guesses(field, line, fact, known))
            if field == "time" and known is None and found:
                known = next(((s.style, s.offset) for s in found if isinstance(s.style, str)), None)
            for spot in found:
                wanted = _with(fact, field, _probe(field, fact))
                tried.append((number, spot, wanted))
                written = spot.write(getattr(wanted, field))
                changed.append(line[: spot.start] + written + line[spot.end :])
        for (number, spot, wanted), read in zip(tried, read_lines(parse, changed), strict=True):
            if field not in spots[number] and read is not None and _same(wanted, read, field, spot):
                spots[number][field] = spot
    return [
        None if fact is None else Template(line, fact, spot)
        for line, fact, spot in zip(lines, facts, spots, strict=True)
    ]


def _with(facts: Facts, field: str, value: object) -> Facts:
    return Facts._make(value if name == field else old for name, old in facts._asdict().items())


def _probe(field: str, facts: Facts) -> object:
    if field == "time":
        return facts.time + _TIME_SHIFT
    if field == "duration":
        return 3.0 * (facts.duration or 0.0) + 1.0
    if _PROBES[field] == getattr(facts, field):
        return _ELSEWHERE.get(field, _PROBES[field])
    return _PROBES[field]


def _same(wanted: Facts, read: Facts, field: str, spot: Spot) -> bool:
    """Whether a line reads as it should: the field to its precision, everything else exactly."""
    if field == "duration":
        unit = spot.style if isinstance(spot.style, float) else 1.0
        step = unit * 10.0**-spot.digits
        if read.duration is None or abs(read.duration - (wanted.duration or 0.0)) > step:
            return False
        return read._replace(duration=None) == wanted._replace(duration=None)
    if field == "time":
        return abs(read.time - wanted.time) <= 1_000_000 and read._replace(time=0) == wanted._replace(time=0)
    if field == "referer":
        # A dash is how most formats write that there is none.
        return read.referer in (b"-", None, b"") and read._replace(referer=None) == wanted._replace(
            referer=None
        )
    return read == wanted
