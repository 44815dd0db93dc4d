"""An event is one peak, in however many routes and windows it shows."""

import numpy as np

from vedette.baselines.budget import Budget
from vedette.baselines.seen_tails import PEAK_LEVEL
from vedette.detectors.statistical.peaks import Peaks
from vedette.detectors.statistical.runs import CALM

SERVICE, ROUTES = 1, np.array([1, 2, 3], dtype=np.int32)
OWNERS = np.full(3, SERVICE, dtype=np.int32)
MINUTE = 60_000_000


def observed(peaks: Peaks, surprise: list[float], minute: int) -> list[float]:
    values = np.array(surprise)
    return peaks.tests(OWNERS, ROUTES, values, minute * MINUTE).tolist() if peaks.matter(values) else surprise


def test_an_outage_is_the_highest_that_any_route_reached_told_when_it_is_over() -> None:
    peaks = Peaks()
    assert observed(peaks, [0.5, 1.0, 0.1], 0) == [0.5, 1.0, 0.1]
    assert observed(peaks, [4.0, 7.0, 3.0], 1) == [0.0, 0.0, 0.0]
    assert observed(peaks, [9.0, 2.5, 3.0], 2) == [0.0, 0.0, 0.0]
    for minute in range(3, 2 + CALM):
        assert sorted(observed(peaks, [0.2, 0.3, 0.1], minute)) == [0.0, 0.0, 0.3]
    assert sorted(observed(peaks, [0.2, 0.3, 0.1], 2 + CALM)) == [0.0, 0.0, 9.0]
    assert not peaks.matter(np.array([0.5, 0.5, 0.5]))


def test_what_comes_every_hour_is_no_peak() -> None:
    peaks, seen = Peaks(), []
    for minute in range(0, 12 * 60, 60):
        observed(peaks, [8.0, 0.1, 0.1], minute)
        seen.append(max(max(observed(peaks, [0.1, 0.1, 0.1], minute + n)) for n in range(1, 1 + CALM)))
    assert seen[:3] == [8.0] * 3
    assert max(seen[4:]) <= PEAK_LEVEL


def test_an_outage_of_two_hours_leaves_the_threshold_where_it_was() -> None:
    """Window by window, it would have been doubled for weeks."""
    by_event, by_window = (Budget(1.0, window_us=MINUTE) for _ in range(2))
    peaks = Peaks()
    for minute in range(3 * 1440):
        surprise = [6.0, 6.0, 6.0] if 600 <= minute < 720 else [0.4, 0.3, 0.2]
        by_event.observe("errors", np.array(observed(peaks, surprise, minute)))
        by_window.observe("errors", np.array(surprise))
    usual = Budget(1.0, window_us=MINUTE)
    for _ in range(3 * 1440):
        usual.observe("errors", np.array([0.4, 0.3, 0.2]))
    assert by_event.threshold("errors") == usual.threshold("errors")
    assert by_window.threshold("errors") > 2 * usual.threshold("errors")


def test_a_restart_in_an_outage_changes_nothing() -> None:
    first, second = Peaks(), Peaks()
    observed(first, [4.0, 7.0, 3.0], 1)
    for memory, other in zip(first.memories, second.memories, strict=True):
        other.from_state(memory.to_state())
    assert observed(second, [0.2, 0.3, 0.1], 2) == observed(first, [0.2, 0.3, 0.1], 2)
