"""A sample is bounded, fair, and told by its rows alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.learned.made import people, rows_of, sample

from vedette.detectors.learned.keys import session_keys
from vedette.detectors.learned.sample import Sample, client_keys
from vedette.schema.state import StateError


def test_it_is_bounded_and_keeps_whole_sessions() -> None:
    draw = np.random.default_rng(1)
    made, every = Sample(200), Sample(100_000)
    for window in range(60):
        clients = rows_of(people(draw, 40), 0)
        client = client_keys(clients)
        keys = session_keys(client, window // 12)
        for kept in (made, every):
            kept.add(keys, client, window, clients.sums)
    made.settle()
    every.settle()
    assert len(made) <= 200
    assert len(every) == 2400
    for key in np.unique(made.session).tolist():
        assert (made.session == key).sum() == (every.session == key).sum() == 12


@settings(max_examples=20)
@given(st.integers(1, 400), st.integers(0, 1000))
def test_what_is_in_it_does_not_depend_on_how_rows_came(step: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    clients = rows_of(people(draw, 400), 0)
    client = client_keys(clients)
    keys = session_keys(client, 0)
    whole, parts = Sample(100), Sample(100)
    whole.add(keys, client, 5, clients.sums)
    for first in range(0, 400, step):
        part = slice(first, first + step)
        wanted = parts.wants(keys[part])
        parts.add(keys[part][wanted], client[part][wanted], 5, clients.sums[part][wanted])
    whole.settle()
    parts.settle()
    assert whole.session.tolist() == parts.session.tolist()
    assert whole.sums.tolist() == parts.sums.tolist()


def test_a_client_that_never_rests_has_no_more_of_it_than_its_sessions() -> None:
    made = sample(windows=48, each=100, poison=1)
    busy = made.sums[:, 0] >= 50
    assert busy.sum() <= 48
    assert busy.mean() < 0.05


def test_what_clients_found_bad_did_of_late_is_forgotten() -> None:
    made = sample(windows=24, each=5)
    gone, before = made.client[:3], made.window[np.isin(made.client, made.client[:3])]
    made.forget(gone, 12)
    left = made.window[np.isin(made.client, gone)]
    assert left.tolist() == [window for window in before.tolist() if window < 12]
    assert len(made)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(0, 3), st.integers(0, 40), st.integers(0, 4))
def test_clients_are_forgotten_wherever_they_wait(
    seed: int, settled: int, forgotten: int, since: int
) -> None:
    draw = np.random.default_rng(seed)
    made, every = Sample(300), []
    for window in range(4):
        clients = rows_of(people(draw, 40), 0)
        client = client_keys(clients)
        keys = session_keys(client, window // 2)
        made.add(keys, client, window, clients.sums)
        every += zip(client.tolist(), [window] * len(keys), clients.sums[:, 0].tolist(), strict=True)
        if window == settled:
            made.settle()
    gone = draw.permutation([key for key, _, _ in every] + [7])[:forgotten].astype(np.uint64)
    made.forget(gone, since)
    left = sorted(row for row in every if row[0] not in set(gone.tolist()) or row[1] < since)
    assert len(made) == len(left)
    made.settle()
    assert (
        sorted(zip(made.client.tolist(), made.window.tolist(), made.sums[:, 0].tolist(), strict=True)) == left
    )


def test_it_survives_as_bytes() -> None:
    made = sample(windows=36)
    again = Sample()
    again.from_state(made.to_state())
    assert again.sums.tolist() == made.sums.tolist()
    assert again.to_state() == made.to_state()
    with pytest.raises(StateError):
        Sample().from_state(made.to_state()[:-9])
