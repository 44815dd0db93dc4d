"""Silences: what is not told for a while. Those of the configuration, and those made over the API or the command."""

import secrets
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from vedette.channels.routing import covered
from vedette.config.alerts import Alerts
from vedette.schema.anomaly import AnomalyType, Severity
from vedette.schema.errors import VedetteError
from vedette.schema.incident import Incident

DOCUMENT: Final = "silences"
MOST: Final = 500
"""Silences kept at one time."""
_TRIES: Final = 5
_ONE_WRITER: Final = threading.Lock()


class SilenceError(VedetteError):
    """A silence that cannot be made or ended."""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """What is not told for a while. Times: microseconds since the epoch, UTC."""

    id: str
    start: int
    until: int
    services: tuple[str, ...] = ()
    """Patterns of services; all if empty. An incident that is on others, too, is told."""
    types: tuple[AnomalyType, ...] = ()
    max_severity: Severity = Severity.CRITICAL
    """Incidents worse than this are told all the same."""
    incident_id: str | None = None
    """Only this incident."""
    reason: str = ""
    by: str = ""
    """Who made it: a key's name, `command line`, `configuration`."""

    def covers(self, incident: Incident, now: int) -> bool:
        """Whether it holds now, and for this incident on all its services."""
        return (
            self.start <= now < self.until
            and incident.severity.rank <= self.max_severity.rank
            and (self.incident_id is None or incident.id == self.incident_id)
            and covered(incident, self.services, self.types)
        )


class Documents(Protocol):
    """What silences need of a store."""

    def document(self, name: str) -> bytes | None:
        """A document kept under a name."""
        ...

    def put_document(self, name: str, content: bytes) -> None:
        """Keep it."""
        ...


def configured(alerts: Alerts) -> tuple[Silence, ...]:
    """The configuration's silences."""
    return tuple(
        Silence(
            id=f"configured-{number}",
            start=0 if rule.start is None else _microseconds(rule.start),
            until=_microseconds(rule.until),
            services=rule.services,
            types=rule.types,
            max_severity=rule.max_severity,
            reason=rule.reason,
            by="configuration",
        )
        for number, rule in enumerate(alerts.silences, 1)
    )


def kept(store: Documents, now: int) -> tuple[Silence, ...]:
    """Silences that were made and are not over, those that end first at the beginning.

    Raises:
        SilenceError: What is kept is damaged. StoreError: The store cannot be read.
    """
    content = store.document(DOCUMENT)
    if content is None:
        return ()
    try:
        silences = msgspec.json.decode(content, type=tuple[Silence, ...])
    except msgspec.DecodeError as error:
        raise SilenceError(f"the store's document {DOCUMENT!r} is damaged: {error}") from None
    return tuple(sorted((s for s in silences if s.until > now), key=lambda s: (s.until, s.id)))


def make(
    store: Documents,
    now: int,
    until: int,
    *,
    services: Sequence[str] = (),
    types: Sequence[AnomalyType] = (),
    max_severity: Severity = Severity.CRITICAL,
    incident_id: str | None = None,
    reason: str = "",
    by: str = "",
) -> Silence:
    """Make a silence that holds from now on, and keep it.

    Raises:
        SilenceError: It would be over already, is too long, or there are too many. StoreError: It cannot be kept.
    """
    if until <= now:
        raise SilenceError(f"a silence until {_shown(until)} would be over already: give a later time")
    if any(not 0 < len(text) <= 200 for text in services) or len(services) > 50:
        raise SilenceError("a silence has at most 50 patterns of services, each of 1 to 200 characters")
    if len(reason) > 500:
        raise SilenceError("the reason of a silence has at most 500 characters")
    silence = Silence(
        id=f"s{secrets.token_hex(4)}",
        start=now,
        until=until,
        services=tuple(services),
        types=tuple(types),
        max_severity=max_severity,
        incident_id=incident_id,
        reason=reason,
        by=by,
    )
    with _ONE_WRITER:
        # Another process may write the same document between our reading and writing: look whether ours is there.
        for _ in range(_TRIES):
            known = kept(store, now)
            if any(each.id == silence.id for each in known):
                return silence
            if len(known) >= MOST:
                raise SilenceError(f"there are {len(known)} silences, at most {MOST}: end some first")
            store.put_document(DOCUMENT, msgspec.json.encode((*known, silence)))
        if any(each.id == silence.id for each in kept(store, now)):
            return silence
    raise SilenceError("other programs keep changing the silences: try again")


def end(store: Documents, now: int, silence_id: str) -> bool:
    """End a silence; False if there is none of that id.

    Raises:
        SilenceError: It keeps coming back. StoreError: The store cannot be changed.
    """
    with _ONE_WRITER:
        found = False
        for _ in range(_TRIES):
            known = kept(store, now)
            left = tuple(each for each in known if each.id != silence_id)
            if len(left) == len(known):
                return found
            found = True
            store.put_document(DOCUMENT, msgspec.json.encode(left))
    raise SilenceError("other programs keep changing the silences: try again")


def _microseconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000


def _shown(time: int) -> str:
    return f"{datetime.fromtimestamp(time / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
