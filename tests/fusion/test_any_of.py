"""Different things put together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.fusion.fusing import any_of

_SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=5)


@given(_SHARES, st.randoms())
def test_any_of_several_is_at_least_the_likeliest_and_at_most_their_sum(shares, random) -> None:
    found = any_of([np.array([share]) for share in shares])[0]
    assert max(shares) - 1e-12 <= found <= min(1.0, sum(shares)) + 1e-12
    random.shuffle(shares)
    assert any_of([np.array([share]) for share in shares])[0] == pytest.approx(found)


def test_two_coins() -> None:
    assert any_of([np.array([0.5]), np.array([0.5])]).tolist() == [0.75]
