"""What is told about learned models."""

import msgspec


class ModelUse(msgspec.Struct, frozen=True):
    """A model that was put to work.

    Attributes:
        since: Event time from which it judges, microseconds UTC; None from the beginning.
        model: The first 16 digits of the SHA-256 of its bytes. why: Why it was fitted.
    """

    since: int | None
    model: str
    why: str


class MemberStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a learned model of a service has come.

    Attributes:
        member: Which model. phase: `warmup`, `training`, `ensemble` or `not installed`.
        requests: Collected so far. wanted: Requests that its warm-up takes.
        since: Event time from which it judges, microseconds UTC; None while it does not, or from the beginning.
        rows, sessions: That it was fitted to. reason: Why it does not judge, beyond its phase, or why no newer one
            does; else empty. history: Models that were at work, the latest last.
        training: Whether a model is being fitted: the first, or one that may replace that at work.
        vocabulary: Different requests that it knows. unknown: Share (0..1) of late requests that it does not. Only of
            models of sequences.
    """

    member: str
    service: str
    phase: str
    requests: int
    wanted: int
    since: int | None = None
    rows: int = 0
    sessions: int = 0
    vocabulary: int = 0
    unknown: float = 0.0
    training: bool = False
    reason: str = ""
    history: tuple[ModelUse, ...] = ()
