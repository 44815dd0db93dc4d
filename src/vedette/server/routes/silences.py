"""What is not told for a while, and what was told to whom."""

from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.params import FromPath, JSONBody

from vedette.channels import silences as kept_silences
from vedette.channels.silences import Silence, SilenceError
from vedette.report.moments import iso
from vedette.schema.anomaly import AnomalyType, Severity
from vedette.server.answer import problems
from vedette.server.asked import Cursor, Limit, moment_asked
from vedette.server.problem import Fault, ProblemError
from vedette.server.rooms import Inside, Rooms, caller_of
from vedette.server.scopes import PREFIX
from vedette.storage.live import AuditLine, Telling

_LONGEST_S = 366 * 86_400

Pattern = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class SilenceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not to be told. Give either `duration_s` or `until`."""

    services: Annotated[list[Pattern], msgspec.Meta(max_length=50)] = []
    """Patterns of services, like `shop*`; all if empty."""
    types: Annotated[list[AnomalyType], msgspec.Meta(max_length=50)] = []
    """Types of anomaly, one of which an incident must have; all if empty."""
    max_severity: Severity = Severity.CRITICAL
    """Incidents worse than this are told all the same."""
    incident_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """Only this incident."""
    duration_s: Annotated[int, msgspec.Meta(ge=1, le=_LONGEST_S)] | None = None
    """For how long, from now on, seconds."""
    until: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    """Until when, ISO 8601; without a zone it is UTC."""
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


class SilenceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A silence that holds."""

    id: str
    start: str
    until: str
    services: tuple[str, ...]
    types: tuple[AnomalyType, ...]
    max_severity: Severity
    incident_id: str | None
    reason: str
    by: str

    @classmethod
    def of(cls, silence: Silence) -> "SilenceAnswer":
        """As it is answered."""
        return cls(
            id=silence.id,
            start=iso(silence.start),
            until=iso(silence.until),
            services=silence.services,
            types=silence.types,
            max_severity=silence.max_severity,
            incident_id=silence.incident_id,
            reason=silence.reason,
            by=silence.by,
        )


class SilencesAnswer(msgspec.Struct, frozen=True):
    """Silences, the one that ends first at the beginning."""

    silences: list[SilenceAnswer]
    count: int


class TellingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the notification log: the last that happened to one notice at one channel."""

    notice_id: str
    channel: str
    outcome: str
    """`sent`, `failed` (tried again), `given_up`, `held` (told later) or `silenced` (not told)."""
    at: str
    tries: int
    next_try: str | None
    reason: str

    @classmethod
    def of(cls, telling: Telling) -> "TellingAnswer":
        """As it is answered."""
        return cls(
            notice_id=telling.notice_id,
            channel=telling.channel,
            outcome=telling.outcome.value,
            at=iso(telling.at),
            tries=telling.tries,
            next_try=None if telling.next_try is None else iso(telling.next_try),
            reason=telling.reason,
        )


class TellingsAnswer(msgspec.Struct, frozen=True):
    """The notification log, the newest first."""

    notifications: list[TellingAnswer]
    count: int
    cursor: str | None


@get(f"{PREFIX}/silences", tags=["alerts"], responses=problems(503), sync_to_thread=True)
def silences(rooms: Inside) -> SilencesAnswer:
    """Silences that were made and are not over; those of the configuration stand there."""
    found = [SilenceAnswer.of(each) for each in kept_silences.kept(rooms.store, rooms.clock())]
    return SilencesAnswer(found, len(found))


@post(
    f"{PREFIX}/silences", status_code=201, tags=["alerts"], responses=problems(409, 503), sync_to_thread=True
)
def silence(rooms: Inside, request: Request[Any, Any, Any], data: JSONBody[SilenceBody]) -> SilenceAnswer:
    """Keep incidents from being told for a while, from now on; what is still open at the end is told then."""
    now = rooms.clock()
    if (data.duration_s is None) == (data.until is None):
        raise _wrong("until", "must be given, or duration_s, and not both")
    until = now + (data.duration_s or 0) * 1_000_000
    if data.until is not None:
        until = moment_asked("until", data.until) or 0
        if not now < until <= now + _LONGEST_S * 1_000_000:
            raise _wrong("until", "must be later than now, and within a year")
    try:
        made = kept_silences.make(
            rooms.store,
            now,
            until,
            services=data.services,
            types=data.types,
            max_severity=data.max_severity,
            incident_id=data.incident_id,
            reason=data.reason,
            by=caller_of(request.scope).name,
        )
    except SilenceError as error:
        raise ProblemError(409, str(error)) from None
    _audit(rooms, request, "silence", made.id, f"until {iso(made.until)} {made.reason}".rstrip())
    return SilenceAnswer.of(made)


@delete(
    f"{PREFIX}/silences/{{silence_id:str}}",
    status_code=204,
    tags=["alerts"],
    responses=problems(404, 503),
    sync_to_thread=True,
)
def unsilence(rooms: Inside, request: Request[Any, Any, Any], silence_id: FromPath[str]) -> None:
    """End a silence: what it held and is still open is told now."""
    if not kept_silences.end(rooms.store, rooms.clock(), silence_id):
        raise ProblemError(
            404, f"there is no silence {silence_id[:80]!r}: it is over, or stands in the configuration"
        )
    _audit(rooms, request, "unsilence", silence_id, "")


@get(f"{PREFIX}/notifications", tags=["alerts"], responses=problems(503), sync_to_thread=True)
def notifications(rooms: Inside, limit: Limit = 100, cursor: Cursor = None) -> TellingsAnswer:
    """What was told to whom, what is held and why, and what failed."""
    page = rooms.store.notification_log(limit=limit, cursor=cursor)
    return TellingsAnswer([TellingAnswer.of(each) for each in page.items], len(page.items), page.cursor)


def _wrong(field: str, rule: str) -> ProblemError:
    return ProblemError(422, f"{field}: {rule}", [Fault(field, rule)])


def _audit(rooms: Rooms, request: Request[Any, Any, Any], action: str, target: str, detail: str) -> None:
    caller = caller_of(request.scope)
    rooms.store.audit(
        AuditLine(
            at=rooms.clock(),
            who=caller.name,
            address=caller.address,
            action=action,
            target=target,
            detail=detail,
        )
    )
