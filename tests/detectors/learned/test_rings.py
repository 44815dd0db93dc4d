"""Whoever comes and goes, each session's latest requests are its own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.learned.open_sessions import IDLE_WINDOWS
from vedette.detectors.learned.rings import KEPT
from vedette.detectors.learned.trails import PER_CLIENT
from vedette.detectors.learned.walkers import Walkers
from vedette.schema.state import decode, encode

# Of each window: which clients ask for how much, how many windows were quiet before, and whether there was a restart.
WINDOWS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(1, 9), st.integers(1, PER_CLIENT), min_size=1),
        st.sampled_from((1, 2, IDLE_WINDOWS)),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@given(WINDOWS)
def test_requests_stay_with_their_session(windows: list[tuple[dict[int, int], int, bool]]) -> None:
    walkers, asked, last, window, token = Walkers(), dict[int, list[int]](), dict[int, int](), 0, 0
    for clients, later, restarts in windows:
        window += later
        walkers.end(window)
        asked = {client: kept for client, kept in asked.items() if last[client] > window - IDLE_WINDOWS}
        place = walkers.find(np.array(list(clients), np.uint64), window)
        each = [np.arange(token + 64 * n, token + 64 * n + k) for n, k in enumerate(clients.values())]
        token = (token + 1_000) % 20_000
        held = np.concatenate(each)
        walkers.add(place, window, held, np.array(list(clients.values())), held / 4)
        for client, requests in zip(clients, each, strict=True):
            asked.setdefault(client, []).extend(requests.tolist())
            last[client] = window
        if restarts:
            content = encode(walkers.to_state())
            walkers = Walkers()
            walkers.from_state(decode(content, type(walkers.to_state()), "sessions"))
            assert encode(walkers.to_state()) == content
        assert walkers.key.tolist() == sorted(asked)
        assert len(set(walkers.slot.tolist())) == len(asked)
        for row, client in enumerate(sorted(asked)):
            known = asked[client]
            latest = np.arange(max(0, len(known) - KEPT), len(known))
            slot = walkers.slot[row]
            assert walkers.rings.tokens(slot, latest).tolist() == known[-KEPT:]
            assert (4 * walkers.rings.excesses(slot, latest)).tolist() == known[-KEPT:]


def test_rings_that_are_given_back_are_taken_again() -> None:
    walkers = Walkers()
    for window in range(0, 40 * IDLE_WINDOWS, IDLE_WINDOWS):
        walkers.end(window)
        walkers.find(np.arange(window, window + 50, dtype=np.uint64), window)
    assert int(walkers.slot.max()) < 50
