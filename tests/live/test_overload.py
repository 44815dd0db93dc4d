"""A service that falls behind looks at less, says so, and looks at everything again once it has caught up."""

from pathlib import Path

import pytest

from tests.live.lines import Clock, Lines
from tests.live.test_live import live, log
from vedette.live.overload import LEAST, Overload
from vedette.storage import open_live_store

SECOND = 1_000_000
BEHIND = 60 * SECOND


def told(overload: Overload, behind: list[int], *, waiting: int = 1) -> list[float]:
    """The share after each look, ten seconds apart."""
    return [overload.look(10 * SECOND * at, lag, waiting) for at, lag in enumerate(behind)]


def test_who_catches_up_looks_at_everything() -> None:
    week = 7 * 86_400 * SECOND
    assert set(told(Overload(BEHIND), [week - 500 * SECOND * at for at in range(100)])) == {1.0}


def test_who_falls_behind_looks_at_less_and_less() -> None:
    shares = told(Overload(BEHIND), [BEHIND + 5 * SECOND * at for at in range(12)])
    assert shares[:3] == [1.0, 1 / 2, 1 / 4]
    assert shares[-1] == LEAST


def test_who_has_caught_up_looks_at_everything_again() -> None:
    overload = Overload(BEHIND)
    told(overload, [BEHIND + 5 * SECOND * at for at in range(4)])
    assert overload.share == 1 / 8
    shares = [overload.look(10 * SECOND * (10 + at), SECOND, 0) for at in range(8)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize("share", [1 / 4, 1 / 16])
def test_the_engine_looks_at_the_share_that_was_decided_and_says_from_when_to_when(
    tmp_path: Path, share: float
) -> None:
    store = open_live_store(f"sqlite:///{tmp_path / 'store.db'}")
    source = Lines(log(), [400] * 60)
    service = live(store, source, Clock(1))
    while service.intake.parsed < len(log()) // 3:
        service.turn()
    service.overload.share = share
    while service.intake.parsed < 2 * len(log()) // 3:
        service.turn()
    assert 1 / service.engine.sampling.weight == share
    service.overload.share = 1.0
    while service.turn():
        pass
    service.commit()
    (span,) = service.engine.sampling.account()
    assert (span.share, service.engine.sampling.weight) == (share, 1)
    assert 0 < span.left_out < (1 - share) * len(log()) / 2
    assert sum(service.engine.processed) == service.intake.parsed
    store.close()
