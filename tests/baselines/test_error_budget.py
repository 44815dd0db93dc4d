"""An error budget is spent, and it is said when it is gone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.baselines.error_budget import Burn, Cells, Outlook, burn

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
PERIOD = 30 * DAY


def told(failed: np.ndarray, *, requests: float = 100.0, ratio: float = 0.001, first: int = 0) -> Burn:
    """Of windows of a minute."""
    start = first + MINUTE * np.arange(len(failed), dtype=np.int64)
    span = np.full(len(failed), MINUTE, dtype=np.int64)
    n = np.full(len(failed), requests)
    return burn(start, span, n, failed.astype(float), ratio=ratio, period=PERIOD, lately=HOUR)


def test_it_is_gone_when_what_is_left_is_spent_at_the_present_rate() -> None:
    failed = np.zeros(10 * 24 * 60)
    failed[-60:] = 2.0
    found = told(failed)
    # 100 a minute, 30 days: 4,320,000 requests, 4,320 may fail; 120 have.
    assert found.allowed == pytest.approx(4320)
    assert found.left == pytest.approx(1 - 120 / 4320)
    assert found.burn_rate == pytest.approx(20.0)
    assert found.outlook is Outlook.ENDS
    assert found.gone_at == pytest.approx(10 * DAY + (4320 - 120) / 2 * MINUTE, rel=1e-9)


def test_it_lasts_at_a_rate_that_the_period_allows() -> None:
    failed = np.zeros(10 * 24 * 60)
    failed[::11] = 1.0
    assert told(failed).outlook is Outlook.LASTS
    assert told(np.zeros(24 * 60)).outlook is Outlook.LASTS


def test_it_is_gone_where_more_failed_than_may() -> None:
    failed = np.zeros(24 * 60)
    failed[:60] = 100.0
    found = told(failed)
    assert found.outlook is Outlook.GONE
    assert found.left < 0.0
    assert found.gone_at is None


def test_failures_older_than_the_period_are_forgotten() -> None:
    failed = np.zeros(31 * 24 * 60)
    failed[:60] = 100.0
    assert told(failed).failed == 0.0


@pytest.mark.parametrize("failed", [np.zeros(0), np.zeros(30), np.array([*[0.0] * 100, 1.0])])
def test_of_too_little_no_rate_is_told(failed: np.ndarray) -> None:
    found = told(failed)
    assert found.outlook is Outlook.INSUFFICIENT_DATA
    assert found.gone_at is None


@given(st.lists(st.integers(0, 3), min_size=90, max_size=300), st.integers(1, 80))
def test_cells_say_what_windows_say(counts: list[int], cut: int) -> None:
    failed = np.array(counts, dtype=float)
    start = MINUTE * np.arange(len(failed), dtype=np.int64)
    cells = Cells(period=PERIOD, lately=HOUR)
    for part in (slice(0, cut), slice(cut, None)):
        cells.add(start[part], np.full(len(failed[part]), 100.0), failed[part])
    found = cells.burn(0.001)
    assert found.requests == 100.0 * len(failed)
    assert found.failed == failed.sum()


def test_cells_are_no_more_than_a_period_holds() -> None:
    cells = Cells(period=DAY, lately=HOUR)
    for day in range(40):
        at = day * DAY + MINUTE * np.arange(0, 24 * 60, 7, dtype=np.int64)
        cells.add(at, np.ones(len(at)), np.zeros(len(at)))
    assert len(cells._number) <= 24 * 12 + 1
