"""The file of exceptions: what somebody has looked at and called a false alarm."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, model_validator

from vedette.config.options import Section, option
from vedette.schema.anomaly import AnomalyType, EntityKind

MOST = 1_000
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_WHEN: Final = re.compile(rf"({'|'.join(DAYS)}) ([01]\d|2[0-3]):00-([01]\d|2[0-4]):00")
_PLACE: Final = re.compile(r"path|user_agent|referer|request|parameter .{1,200}")


def _when(text: str) -> str:
    found = _WHEN.fullmatch(text)
    if found is None or int(found[2]) >= int(found[3]):
        raise ValueError("must be a day and whole hours of it, UTC, like Mon 09:00-10:00")
    return text


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError("must be `parameter NAME`, path, user_agent, referer or request")
    return text


When = Annotated[str, AfterValidator(_when)]
PlaceText = Annotated[str, AfterValidator(_place)]


class EntityText(Section):
    """Whom an exception is about."""

    kind: EntityKind = option(..., "`service`, `route`, `client` ...")
    value: str = option(..., "Its name, as the anomaly has it.", min_length=1, max_length=2_000)


class ExceptionRule(Section):
    """One false alarm, and what is not to be told again. Either of requests or of windows."""

    id: str = option(..., "Name, unlike all others of the file.", min_length=1, max_length=60)
    service: str = option(..., "The service that it is about.", min_length=1, max_length=200)
    type: AnomalyType = option(..., "What was stated.")
    rule: str | None = option(None, "Of requests: the signature rule that is not to count.", min_length=1)
    route: str | None = option(None, "Of requests: on which folded route.", min_length=1)
    place: PlaceText | None = option(
        None,
        "Of requests: where in them: `parameter q`, `path`, `user_agent`, `referer`, or `request` for all.",
    )
    detector: str | None = option(None, "Of windows: the detector that is not to state it.", min_length=1)
    entity: EntityText | None = option(None, "Of windows: about whom.")
    when: When | None = option(
        None, "Of windows: at which hours, UTC, like `Mon 09:00-10:00`; left out, at any."
    )
    up_to: float | None = option(
        None, "Of windows: the observed value above which it is stated all the same."
    )
    down_to: float | None = option(
        None, "Of windows: the observed value below which it is stated all the same."
    )
    reason: str = option("", "Why it is a false alarm.", max_length=500)
    anomaly: str = option("", "Id of the anomaly that it was made from.", max_length=60)
    added: date | None = option(None, "When it was made.")
    expires: date = option(..., "From this day on it no longer holds, in the log's time.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        requests = [self.rule, self.route, self.place]
        windows = [self.detector, self.entity]
        if all(requests) and not any(windows) and self.when is None:
            return self
        if all(windows) and not any(requests):
            return self
        raise ValueError("must have `rule`, `route` and `place`, or `detector` and `entity`, and not of both")

    @property
    def ends(self) -> int:
        """When it expires, microseconds since the epoch."""
        return (
            int(datetime(self.expires.year, self.expires.month, self.expires.day, tzinfo=UTC).timestamp())
            * 1_000_000
        )

    def at(self, moment_us: int) -> bool:
        """Whether it holds at a moment of the log, microseconds since the epoch."""
        if moment_us >= self.ends:
            return False
        if self.when is None:
            return True
        day, _, hours = self.when.partition(" ")
        moment = datetime.fromtimestamp(moment_us / 1e6, UTC)
        return DAYS[moment.weekday()] == day and int(hours[:2]) <= moment.hour < int(hours[6:8])

    def __str__(self) -> str:
        if self.rule is not None:
            return f"{self.rule} in {self.place} of {self.service} {self.route}"
        who = "" if self.entity is None else f"{self.entity.kind.value} {self.entity.value}"
        return f"{self.type.value} by {self.detector} about {who}{f', {self.when}' if self.when else ''}"


def _distinct(exceptions: tuple[ExceptionRule, ...]) -> tuple[ExceptionRule, ...]:
    seen: set[str] = set()
    for each in exceptions:
        if each.id in seen:
            raise ValueError(f"two exceptions have the id {each.id!r}: give one another")
        seen.add(each.id)
    return exceptions


class ExceptionFile(Section):
    """A file of exceptions."""

    exceptions: Annotated[tuple[ExceptionRule, ...], AfterValidator(_distinct)] = option(
        (), "What is not told.", max_length=MOST
    )


def read_exceptions(path: Path) -> tuple[ExceptionRule, ...]:
    """The exceptions of a file.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong.
    """
    from vedette.config.load import gather, validate

    return validate(ExceptionFile, gather(ExceptionFile, path, {}, {})).exceptions
