"""What is said of one log line by what needs no window."""

from typing import Any, NamedTuple

import msgspec


class RuleMatch(msgspec.Struct, frozen=True):
    """A rule that hit, and what it matched."""

    rule: str
    """Its id."""
    matched: str
    """Decoded text, control characters escaped, cut at 200 bytes. Of hostile origin."""
    place: str
    """Where it stood: `path`, `query`, `user_agent` ..."""


class Opinion(NamedTuple):
    """What a member of the ensemble says, as the natural logarithm of a Bayes factor."""

    member: str
    evidence: float


class Habit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the site's own habits say of a request: whether anything in it is unlike all that the site served before.

    Attributes:
        status: `ready`; `not_ready`, `abstains` or `off` where nothing is said: then `why` says why not.
        is_anomaly: Whether something new in it is unlikely. score: How sure that is, 0..1.
        novelties: What is new in it, the least likely first, as an anomaly's details tell it.
    """

    status: str
    is_anomaly: bool | None
    score: float | None
    why: str
    novelties: tuple[dict[str, Any], ...] = ()


NO_HABITS = Habit("off", None, None, "detectors.parameters.enabled is false")


class LogData(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of an access log says; None where it does not. Texts are of hostile origin."""

    ip: str | None
    """The client's address, after the walk past trusted proxies."""
    method: str | None
    path: str | None
    """Without the query."""
    query: str | None
    protocol: str | None
    status: int | None
    bytes_in: int | None
    bytes_out: int | None
    """Bytes."""
    duration: float | None
    """Seconds."""
    referer: str | None
    user_agent: str | None
    host: str | None
    """The virtual host or service that was logged."""
    time: str
    """ISO 8601, UTC."""
    format: str
    """Name of the format that the line was read as."""


class JudgedLine(msgspec.Struct, frozen=True):
    """What the signatures say of one line.

    Attributes:
        log: None if the line is no access log; then `reason` says why, and the rest says nothing.
        confidence: Combined confidence of the rules that hit, 0..1.
        is_attack: Whether that is enough by itself.
        types: Names of the attack types, of all rules that hit.
        matches: The rules, the most confident first.
        score: Probability that it is an attack, or unlike the site, of all members together.
        evidence: Of those that do not abstain.
        habit: What the site's own habits say of it.
        everyday: Whether it would be an attack, but is what the site is asked every day.
    """

    log: LogData | None
    reason: str | None
    confidence: float
    is_attack: bool
    types: tuple[str, ...]
    matches: tuple[RuleMatch, ...]
    score: float
    evidence: tuple[Opinion, ...]
    habit: Habit
    everyday: bool = False
