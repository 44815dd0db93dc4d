"""What `--inject` says: which incident, when, for how long, how strong, where."""

import re
from datetime import datetime, timedelta
from typing import Final, NoReturn

import msgspec

from vedette.schema.errors import VedetteError

_NAME: Final = re.compile(r"[a-z0-9_]+")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?")
_SPAN: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_EXAMPLE: Final = "error_spike@09:10+5m*2/api/v1/products:api.shop.example"
_LONGEST: Final = timedelta(days=100)


class SimulationError(VedetteError):
    """Arguments that no traffic can be made from."""


class Injection(msgspec.Struct, frozen=True):
    """One incident that is asked for.

    Attributes:
        name: As in the catalogue.
        at: Time of day (seconds, UTC) it starts at, or None when `after` says when.
        after: Seconds after the start of the log, or None.
        duration: Seconds, or None for the incident's own.
        intensity: 1 is the incident's own strength.
        route: A path, folded or concrete, or None.
        service: A service's name, or None.
        actor: Incidents with the same actor come from the same client; None for one of its own.
    """

    name: str
    at: int | None
    after: int | None
    duration: int | None = None
    intensity: float = 1.0
    route: str | None = None
    service: str | None = None
    actor: str | None = None

    def starts(self, start: datetime) -> datetime:
        """When the incident starts in a log that starts at `start`; a time of day is the next one."""
        if self.after is not None:
            return start + timedelta(seconds=self.after)
        day = start.replace(hour=0, minute=0, second=0, microsecond=0)
        moment = day + timedelta(seconds=self.at or 0)
        return moment if moment >= start else moment + timedelta(days=1)


def parse_injections(text: str) -> list[Injection]:
    """Read a comma-separated list of incidents.

    Raises:
        SimulationError: One of them cannot be read; the message names the part, the rule and an example.
    """
    return [parse_injection(part.strip()) for part in text.split(",") if part.strip()]


def parse_injection(text: str) -> Injection:
    """Read `name@HH:MM[:SS][+duration][*intensity][/route][:service][#actor]`; a start may be `+offset`.

    Raises:
        SimulationError: It cannot be read; the message names the part, the rule and an example.
    """
    name, at_sign, rest = text.partition("@")
    if not at_sign:
        _refuse(text, "start", "", "the name is followed by @ and a start, HH:MM or +offset")
    if not _NAME.fullmatch(name):
        _refuse(text, "name", name, "a name is lower-case letters, digits and underscores")
    when, rest = _when(text, rest)
    duration = None
    if rest.startswith("+"):
        duration, rest = _span(text, "duration", rest[1:])
        if duration == 0:
            _refuse(text, "duration", "0", "a duration is longer than nothing")
    intensity = 1.0
    if rest.startswith("*"):
        number = _NUMBER.match(rest, 1)
        if not number or not 0.01 <= float(number[0]) <= 1000:
            _refuse(text, "intensity", rest[1:], "an intensity is a number from 0.01 to 1000")
        intensity, rest = float(number[0]), rest[number.end() :]
    rest, hash_sign, actor = rest.partition("#")
    if hash_sign and not actor:
        _refuse(text, "actor", "", "a hash sign is followed by a name that incidents of one client share")
    rest, colon, service = rest.partition(":")
    if colon and not service:
        _refuse(text, "service", "", "a colon is followed by the name of a service")
    if rest and not rest.startswith("/"):
        order = "+duration, *intensity, /route, :service and #actor, in this order"
        _refuse(text, "end", rest, f"after the start come {order}")
    return Injection(name, *when, duration, intensity, rest or None, service or None, actor or None)


def _when(text: str, rest: str) -> tuple[tuple[int | None, int | None], str]:
    if rest.startswith("+"):
        offset, rest = _span(text, "start", rest[1:])
        return (None, offset), rest
    clock = _CLOCK.match(rest)
    if not clock or int(clock[1]) > 23 or int(clock[2]) > 59 or int(clock[3] or 0) > 59:
        _refuse(text, "start", rest, "a start is HH:MM, HH:MM:SS or +offset such as +30m")
    return (int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0), None), rest[clock.end() :]


def _span(text: str, part: str, rest: str) -> tuple[int, str]:
    span = _SPAN.match(rest)
    if not span or not span[0]:
        _refuse(text, part, rest, "a length of time is 90s, 5m, 2h, 1d or several together, 1h30m")
    days, hours, minutes, seconds = (int(g or 0) for g in span.groups())
    length = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if length > _LONGEST.total_seconds():
        _refuse(text, part, span[0], "a length of time is at most 100 days")
    return length, rest[span.end() :]


def _refuse(text: str, part: str, value: str, rule: str) -> NoReturn:
    shown = f"{part} {value!r}" if value else f"no {part}"
    raise SimulationError(f"--inject {text!r}: {shown}: {rule}. Example: {_EXAMPLE}")
