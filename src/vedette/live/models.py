"""What is told of the learned models, from how far each has come for each service."""

from collections.abc import Sequence
from typing import Any, Final

from vedette.config import Config
from vedette.config.learned import MemberName
from vedette.schema.learned import MemberStatus

ENSEMBLE: Final = "ensemble"
TRAINING: Final = "training"
WARMUP: Final = "warmup"
NOT_INSTALLED: Final = "not installed"
_JUDGES: Final = {
    MemberName.FOREST: "it judges what a client does in a whole window, when that has closed",
    MemberName.TRANSFORMER: "it judges sessions, as their windows close",
}


def of_member(statuses: Sequence[MemberStatus], member: MemberName) -> list[MemberStatus]:
    """One member's, of all services."""
    return [status for status in statuses if status.member == member]


def is_ready(statuses: Sequence[MemberStatus], member: MemberName) -> bool:
    """Whether a member judges any service."""
    return any(status.phase == ENSEMBLE for status in of_member(statuses, member))


def furthest_phase(statuses: Sequence[MemberStatus]) -> str:
    """That of the member which has come furthest, of those that learn a site.

    One that comes trained judges from the first line, and tells nothing of how much is known of this site.
    """
    phases = {status.phase for status in [each for each in statuses if each.wanted] or statuses}
    return next((phase for phase in (ENSEMBLE, TRAINING) if phase in phases), WARMUP)


def warm_up(config: Config, statuses: Sequence[MemberStatus]) -> int:
    """Requests to a service from which a model of it is trained: of the service that has come furthest; 0 for none."""
    of_site = [status for status in statuses if status.wanted]
    if of_site:
        return max(of_site, key=lambda each: each.requests / each.wanted).wanted
    configured = config.learned.warmup
    return configured if config.learned.enabled and isinstance(configured, int) else 0


def of_one_line(config: Config, statuses: Sequence[MemberStatus], member: MemberName) -> dict[str, Any]:
    """What a member says of a single line: nothing, and why."""
    mine = of_member(statuses, member)
    if not config.learned.enabled or member not in config.learned.members:
        status, why = "off", "it is not among learned.members"
    elif any(each.phase == NOT_INSTALLED for each in mine):
        status, why = "not_installed", mine[0].reason
    elif is_ready(statuses, member):
        status, why = "abstains", _JUDGES[member]
    else:
        furthest = max(mine, key=lambda each: each.requests, default=None)
        status, why = "not_ready", "no request has come yet"
        if furthest is not None:
            why = furthest.reason or (
                "it is being fitted"
                if furthest.training
                else f"{furthest.requests:,} of {furthest.wanted:,} requests of its warm-up"
            )
    return {"status": status, "is_anomaly": None, "score": None, "why": why}
