"""The share of attacks that look to every member like what is harmless."""

import numpy as np
import pytest

from vedette.fusion.unseen import share_unseen


def _evidence(seed: int, unseen: float, rows: int = 20_000) -> np.ndarray:
    """Evidence of attacks at 3 and harmless things at 0, both of spread 1; attacks that are unseen are like these."""
    draw = np.random.default_rng(seed)
    score = np.where(draw.random(rows) < unseen, 0.0, 3.0) + draw.normal(0.0, 1.0, rows)
    return 3.0 * score - 4.5


@pytest.mark.parametrize("unseen", [0.0, 0.03, 0.2, 0.6])
def test_the_share_that_made_the_attacks_is_found(unseen: float) -> None:
    assert share_unseen(_evidence(1, unseen)) == pytest.approx(unseen, abs=0.01)


def test_attacks_that_all_members_see_leave_none_unseen() -> None:
    assert share_unseen(np.full(100, 4.0)) == pytest.approx(0.0, abs=1e-12)
    assert share_unseen(np.full(100, -4.0)) == pytest.approx(1.0)


def test_certain_evidence_has_a_share_too() -> None:
    assert share_unseen(np.array([18.0] * 97 + [-18.0] * 3)) == pytest.approx(0.03, abs=1e-6)


def test_no_attack_and_no_number_have_none() -> None:
    with pytest.raises(ValueError, match="of 0 attacks"):
        share_unseen(np.array([]))
    with pytest.raises(ValueError, match="of 2 attacks, 1 of it NaN"):
        share_unseen(np.array([1.0, np.nan]))
