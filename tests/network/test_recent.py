"""What is remembered of addresses is what a plain ordered dictionary would remember."""

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.network.recent import RecentKeys
from vedette.schema.state import StateError

KEYS = st.lists(st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 5)), max_size=12), max_size=8)


def claim(table: RecentKeys, model: OrderedDict[tuple[int, int], int], keys: list[tuple[int, int]]) -> None:
    """Count each key in both."""
    for claimed in table.claim(np.array(keys, dtype=np.int64).reshape(-1, 2)):
        expected_gone = []
        for key, fresh in zip(keys[claimed.rows], claimed.fresh.tolist(), strict=True):
            assert fresh is (key not in model)
            model.setdefault(key, 0)
            model.move_to_end(key)
            if len(model) > table.most:
                expected_gone.append(model.popitem(last=False)[0])
            model[key] += 1
        assert list(map(tuple, claimed.gone.tolist())) == expected_gone
        np.add.at(table.numbers[:, 0], claimed.place, 1)
    counted = dict(
        zip(map(tuple, table.keys().tolist()), table.numbers[: len(table), 0].tolist(), strict=True)
    )
    assert counted == model


@given(KEYS, st.integers(1, 9))
def test_a_table_remembers_what_was_seen_last(blocks: list[list[tuple[int, int]]], most: int) -> None:
    table, model = RecentKeys(2, most, numbers=1), OrderedDict[tuple[int, int], int]()
    for keys in blocks:
        claim(table, model, keys)
        again = RecentKeys(2, most, numbers=1)
        again.from_state(table.to_state())
        assert again.to_state() == table.to_state()
        table = again
    assert len(table) <= most


def test_a_damaged_table_is_refused() -> None:
    table = RecentKeys(2, 8)
    with pytest.raises(StateError):
        table.from_state(b"\0\x93")
