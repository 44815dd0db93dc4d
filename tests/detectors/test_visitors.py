"""How many clients were expected is known of a window without a request, too."""

import numpy as np
import pytest
from tests.baselines.traffic import MINUTE, START

from vedette.baselines.counts import CountBank
from vedette.detectors.statistical.visitors import Visitors
from vedette.detectors.view import Judged
from vedette.schema.state import StateError

SLOTS = np.array([2], dtype=np.int32)


def test_what_was_expected_last_stays_known_and_nothing_is_before_a_baseline_is_ready():
    bank, visitors = CountBank(), Visitors()
    assert visitors.expected(2) == np.inf
    for number in range(60):
        judged = Judged(
            SLOTS, np.array([4.0]), bank.judge(SLOTS, np.array([4.0]), None, START + number * MINUTE)
        )
        visitors.learn(judged)
        bank.update(SLOTS, np.array([4.0]), None, START + number * MINUTE, judged.judgement.weight)
        assert number >= 30 or visitors.expected(2) == np.inf
    assert visitors.expected(2) == pytest.approx(4.0, rel=0.01)
    assert visitors.expected(1) == visitors.expected(900) == np.inf
    other = Visitors()
    other.from_state(visitors.to_state())
    assert other.expected(2) == visitors.expected(2)


def test_damaged_memory_is_refused() -> None:
    with pytest.raises(StateError):
        Visitors().from_state(b"x")
