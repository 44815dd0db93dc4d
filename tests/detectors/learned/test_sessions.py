"""Sessions are counted when they begin, and what was counted outlives a restart."""

import numpy as np
import pytest

from vedette.detectors.learned.open_sessions import IDLE_WINDOWS
from vedette.detectors.learned.sessions import Sessions
from vedette.detectors.learned.tail import fit_tail

TAIL = fit_tail(np.linspace(0.0, 1.0, 100), least_scale=0.1)


def window(sessions: Sessions, number: int, *keys: int) -> None:
    sessions.end(number)
    sessions.add(np.array(sorted(keys), dtype=np.uint64), number, np.zeros(len(keys)), TAIL.surprise)


def test_the_pace_is_that_of_sessions_that_begin_not_of_those_that_go_on():
    sessions = Sessions()
    assert sessions.begun.pace == 0.0
    window(sessions, 1, 1, 2, 3, 4)
    assert sessions.begun.pace == 4.0
    window(sessions, 2, 1, 2, 3, 4)
    assert sessions.begun.pace == 2.0
    window(sessions, 2 + IDLE_WINDOWS, 1, 2)
    assert sessions.begun.pace == 2.0


def test_services_of_one_window_share_it():
    sessions = Sessions()
    window(sessions, 1, 1, 2)
    window(sessions, 1, 3)
    assert sessions.begun.pace == 3.0


def test_a_restart_keeps_the_pace():
    before, after = Sessions(), Sessions()
    window(before, 1, 1, 2, 3)
    after.from_state(before.to_state())
    assert after.begun.pace == before.begun.pace
    for sessions in (before, after):
        window(sessions, 1, 4)
        window(sessions, 2, 5)
    assert after.begun.pace == before.begun.pace == pytest.approx(2.5)
