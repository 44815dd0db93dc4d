"""What is told of learned models is how far they have come, and why they say nothing of a single line."""

import pytest

from vedette.config import Config
from vedette.config.learned import MemberName
from vedette.live.models import furthest_phase, is_ready, of_one_line, warm_up
from vedette.schema.learned import MemberStatus

BOTH = Config.model_validate({"learned": {"members": ["forest", "transformer"]}}, strict=False)


def status(
    member: str,
    phase: str,
    *,
    requests: int = 300,
    wanted: int = 1_000,
    training: bool = False,
    reason: str = "",
) -> MemberStatus:
    return MemberStatus(
        member=member,
        service="shop",
        phase=phase,
        requests=requests,
        wanted=wanted,
        training=training,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("statuses", "told", "why"),
    [
        ([], "not_ready", "no request has come yet"),
        ([status("transformer", "warmup")], "not_ready", "300 of 1,000 requests of its warm-up"),
        ([status("transformer", "training", training=True)], "not_ready", "it is being fitted"),
        ([status("transformer", "warmup", reason="too few")], "not_ready", "too few"),
        ([status("transformer", "not installed", reason="pip install it")], "not_installed", "pip install it"),
        ([status("transformer", "ensemble")], "abstains", "it judges sessions, as their windows close"),
        ([status("forest", "ensemble")], "not_ready", "no request has come yet"),
    ],
)  # fmt: skip
def test_a_single_line_is_not_judged_and_the_reason_is_told(
    statuses: list[MemberStatus], told: str, why: str
) -> None:
    said = of_one_line(BOTH, statuses, MemberName.TRANSFORMER)
    assert (said["status"], said["why"], said["score"]) == (told, why, None)


def test_one_that_nobody_asked_for_is_off() -> None:
    off = of_one_line(Config(), [], MemberName.TRANSFORMER)
    assert (off["status"], off["why"]) == ("off", "it is not among learned.members")


def test_each_member_is_ready_by_itself() -> None:
    statuses = [status("ddos", "ensemble"), status("forest", "warmup"), status("transformer", "ensemble")]
    assert not is_ready(statuses, MemberName.FOREST)
    assert is_ready(statuses, MemberName.TRANSFORMER)


def test_the_phase_is_that_of_what_learns_the_site_and_not_of_what_came_trained() -> None:
    shipped = status("ddos", "ensemble", requests=0, wanted=0)
    assert furthest_phase([]) == "warmup"
    assert furthest_phase([shipped, status("forest", "warmup")]) == "warmup"
    assert (
        furthest_phase([shipped, status("forest", "warmup"), status("status_code", "training")]) == "training"
    )
    assert (
        furthest_phase([shipped, status("forest", "ensemble"), status("status_code", "warmup")]) == "ensemble"
    )
    assert furthest_phase([shipped]) == "ensemble"


def test_a_warm_up_is_that_of_the_service_that_has_come_furthest() -> None:
    shipped = status("ddos", "ensemble", requests=0, wanted=0)
    behind = status("forest", "warmup", requests=9_000, wanted=50_000)
    ahead = status("forest", "warmup", requests=900, wanted=1_000)
    assert warm_up(BOTH, [shipped, behind, ahead]) == 1_000
    assert warm_up(BOTH, [shipped]) == 0


def test_before_the_first_request_a_warm_up_is_what_was_asked_for() -> None:
    asked = {"learned": {"warmup": 3_000}}
    assert warm_up(Config.model_validate(asked), []) == 3_000
    off = {"learned": {"warmup": 3_000, "enabled": False}}
    assert warm_up(Config.model_validate(off), []) == 0
