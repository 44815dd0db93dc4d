"""What is told about learned models."""

import msgspec


class MemberStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a learned model of a service has come.

    Attributes:
        member: Which model. phase: `warmup`, `training` or `ensemble`.
        requests: Collected so far. wanted: Requests that its warm-up takes.
        since: Event time from which it judges, microseconds UTC; None while it does not, or from the beginning.
        rows: Rows that it was fitted to. reason: Why it does not judge, beyond its phase; else empty.
    """

    member: str
    service: str
    phase: str
    requests: int
    wanted: int
    since: int | None = None
    rows: int = 0
    reason: str = ""
