"""What a store offers a live service, besides `Store`."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from vedette.schema.live import Commit, Notice, Resume
from vedette.storage.keeper import Keeper
from vedette.storage.store import COUNT_LIMIT, PAGE_LIMIT, AnomalyFilter, Page, Store

DOCUMENT_BYTES = 1 << 20
"""Longest document."""


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said of an anomaly. `at`: microseconds since the epoch, UTC."""

    anomaly_id: str
    false_positive: bool
    by: str
    at: int
    note: str = ""


class Outcome(StrEnum):
    """How telling went."""

    SENT = "sent"
    FAILED = "failed"
    """It is tried again, or may have been sent when the service stopped."""
    GIVEN_UP = "given_up"
    HELD = "held"
    """Told later: a silence, quiet hours, a throttle, or it waits for others; the reason says which."""
    SILENCED = "silenced"
    """Not told: over before a silence or quiet hours ended; the reason says which."""


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """One try at telling one notice to one channel: a line of the notification log."""

    notice_id: str
    channel: str
    outcome: Outcome
    at: int
    """Microseconds since the epoch, UTC."""
    tries: int
    next_try: int | None = None
    """When it is tried again, or told at last, microseconds since the epoch; None when it is done."""
    reason: str = ""
    reference: str = ""
    """What the channel called it (a PagerDuty `dedup_key`, a message id); the message's own id until it is sent."""


class AuditLine(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed what. `at`: microseconds since the epoch, UTC."""

    at: int
    who: str
    """A key's name, or `local`."""
    address: str
    action: str
    target: str
    detail: str = ""


class StoredKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, or a basic-auth user; the secret itself is never kept."""

    name: str
    digest: str
    """Of the secret, with its salt and parameters, as one printable text."""
    scopes: tuple[str, ...]
    """Of `ingest`, `read`, `admin`."""
    created: int
    expires: int | None = None
    revoked: bool = False


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of what is kept."""

    total: int
    by_severity: dict[str, int]
    by_type: dict[str, int]
    unresolved: int
    last_analysis: int | None
    """Event time of the last commit, microseconds since the epoch."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """How long things are kept, microseconds; None for ever.

    Windows older than `fine_windows` are rolled up into hours before they go after `windows` (see `rollup` for what
    an hour says).
    """

    windows: int | None
    fine_windows: int | None
    anomalies: int | None
    """Incidents too."""
    alerts: int | None
    """Notices, and how telling them went."""
    audits: int | None


class LiveStore(Store, Protocol):
    """A store that a service can resume from, and that keeps what people said and were told.

    Every method raises `StoreError`, is safe to call from several threads, and a retried call changes nothing more.
    """

    @property
    def problem(self) -> str | None:
        """Why commits wait on disk, in one sentence with its remedy; None if all is well."""
        ...

    def begin(self, keeper: Keeper) -> None:
        """From now on this service keeps the store: one that began before is refused its commits and what is untold.

        Raises:
            StoreError: One that began before is known to be running, too (`IN_USE`).
        """
        ...

    def commit(self, commit: Commit) -> None:
        """Keep all of it in one durable transaction, or nothing.

        A notice or finding that is known is replaced; what a person said of an anomaly stays with it, and a notice
        that was settled stays so. With `state` None, state and positions stay as they are.
        """
        ...

    def flush(self) -> None:
        """Give the store what waits on disk, if any does and a try is due. To be called where nothing is committed."""
        ...

    def resume(self) -> Resume | None:
        """The last commit's state and positions; None before the first."""
        ...

    def untold(self, now: int, limit: int = 100) -> Sequence[Notice]:
        """Notices, the oldest first, that are neither settled (see `settle`) nor waiting for a later try.

        A notice waits while the first `next_try` of its last tellings is after `now`; so those that wait for a dead
        channel do not stand before new ones.
        """
        ...

    def notice(self, notice_id: str) -> Notice | None:
        """One notice."""
        ...

    def tellings(self, notice_id: str) -> Sequence[Telling]:
        """The last telling for each channel of one notice."""
        ...

    def tell(self, telling: Telling) -> None:
        """Note a try; the last one for a notice and channel counts."""
        ...

    def settle(self, notice_id: str) -> None:
        """Nothing remains to be told of a notice."""
        ...

    def notification_log(self, *, limit: int = 100, cursor: str | None = None) -> Page[Telling]:
        """Tellings, the newest first."""
        ...

    def resolve(self, resolution: Resolution) -> bool:
        """Keep what a person said of an anomaly; False if there is no such anomaly."""
        ...

    def resolutions(self, anomaly_ids: Sequence[str]) -> Mapping[str, Resolution]:
        """What was said of anomalies, by id; at most 1,000 ids."""
        ...

    def count_anomalies(self, chosen: AnomalyFilter | None = None, most: int = COUNT_LIMIT) -> int:
        """How many anomalies a filter chooses, counted up to `most`: that answer means `most` or more."""
        ...

    def stats(self) -> Stats:
        """Counts over everything that is kept. `by_severity` has every severity, `by_type` those that there are."""
        ...

    def audit(self, line: AuditLine) -> None:
        """Append to the audit log. The same line again is the same line: it stands there once."""
        ...

    def audits(self, *, limit: int = 100, cursor: str | None = None) -> Page[AuditLine]:
        """The audit log, the newest first."""
        ...

    def keys(self) -> Sequence[StoredKey]:
        """All keys."""
        ...

    def put_key(self, key: StoredKey) -> None:
        """Add or replace a key."""
        ...

    def document(self, name: str) -> bytes | None:
        """A small document kept under a name: silences, the configuration as changed over the API."""
        ...

    def put_document(self, name: str, content: bytes) -> None:
        """Keep it, at most 1 MiB."""
        ...

    def prune(self, now: int, retention: Retention) -> dict[str, int]:
        """Roll up and remove what is old, in small steps with pauses for writers; returns rows by kind.

        To be called every few minutes: in the hours between, as much is done as has become old in them.
        """
        ...


def checked_ids(ids: Sequence[str]) -> list[str]:
    """Ids for one query.

    Raises:
        ValueError: Too many.
    """
    if len(ids) > PAGE_LIMIT:
        raise ValueError(f"{len(ids)} ids: must be at most {PAGE_LIMIT}")
    return list(ids)


def checked_document(name: str, content: bytes) -> bytes:
    """A document's content.

    Raises:
        ValueError: It is too long.
    """
    if len(content) > DOCUMENT_BYTES:
        raise ValueError(f"document {name}: {len(content):,} bytes: must be at most {DOCUMENT_BYTES:,}")
    return content
