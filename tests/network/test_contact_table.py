"""Contacts add up what their flows hold, in whatever pieces these come, and are sorted."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.schema.flows import (
    CONTACT_COLUMNS,
    FIRST_COUNT,
    FLOW_COLUMNS,
    LAST_BEGAN,
    LAST_COUNT,
    Flow,
    Protocol,
)
from vedette.windows.contact_table import SPARE, ContactTable, counts_in, sorting

ADDRESS = st.sampled_from((0, 1, 7, -1, -(2**63), 2**63 - 1, 0xFFFF << 32 | 0x0A000001))
FLOWS = st.lists(
    st.tuples(
        *[ADDRESS] * 4,
        st.sampled_from((53, 443)),
        st.sampled_from((1, 6, 17)),
        st.integers(0, 99),
        st.booleans(),
    ),
    min_size=1,
    max_size=60,
)


def rows_of(flows: list[tuple[int, ...]]) -> NDArray[np.int64]:
    rows = np.zeros((len(flows), FLOW_COLUMNS), dtype=np.int64)
    for number, (*ends, port, protocol, size, opened) in enumerate(flows):
        rows[number, Flow.CLIENT_HIGH : Flow.CLIENT_PORT] = ends
        rows[number, [Flow.SERVER_PORT, Flow.PROTOCOL, Flow.CLIENT_PORT]] = port, protocol, 1000 + number
        rows[number, [Flow.START, Flow.END, Flow.BEGAN]] = size, size + number, size
        rows[number, [Flow.BYTES_OUT, Flow.DURATION, Flow.OPENED]] = size, 10 * size, opened
    return rows


def by_hand(flows: list[tuple[int, ...]]) -> dict[tuple[int, ...], tuple[int, int, int, int, int]]:
    """Bytes, flows opened, longest duration, first and last beginning of each contact."""
    found: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
    for *ends, port, protocol, size, opened in flows:
        found[(*ends, 0 if protocol == Protocol.ICMP else port, protocol)].append((size, int(opened)))
    return {
        key: (
            sum(size for size, _ in own),
            sum(opened for _, opened in own),
            10 * max(size for size, _ in own),
            min((size for size, opened in own if opened), default=-1),
            max((size for size, opened in own if opened), default=-1),
        )
        for key, own in found.items()
    }


@given(FLOWS, st.lists(st.integers(0, 60), max_size=4), st.integers(0, 80))
def test_contacts_add_up_in_any_pieces(flows: list[tuple[int, ...]], cuts: list[int], expected: int) -> None:
    rows, table = rows_of(flows), ContactTable(expected)
    for again in range(2):
        for piece in np.split(np.arange(len(rows)), sorted(cuts)):
            table.add(rows, piece, 1_000, counts_in(rows[piece]))
        contacts = table.contacts()
        keys = contacts[:, [*range(Flow.CLIENT_HIGH, Flow.CLIENT_PORT), Flow.SERVER_PORT, Flow.PROTOCOL]]
        looked_at = [Flow.BYTES_OUT, Flow.OPENED, Flow.DURATION, Flow.BEGAN, LAST_BEGAN]
        found = [tuple(map(int, key)) for key in keys.tolist()]
        assert found == sorted(found), again
        assert dict(zip(found, map(tuple, contacts[:, looked_at].tolist()), strict=True)) == by_hand(flows)
        unused = [c for c in range(FIRST_COUNT, LAST_COUNT + 1) if c not in (Flow.BYTES_OUT, Flow.OPENED)]
        assert not contacts[:, unused].any()
        assert not contacts[:, [Flow.CLIENT_PORT, Flow.NUMBER]].any()
        table.clear()
        assert len(table) == len(table.contacts()) == 0


def test_contacts_fold_as_their_flows_do() -> None:
    draw = np.random.default_rng(1)
    rows = np.zeros((5_000, FLOW_COLUMNS), dtype=np.int64)
    rows[:, Flow.START : Flow.NUMBER] = draw.integers(0, 4, (len(rows), Flow.NUMBER))
    rows[:, Flow.BEGAN] = draw.integers(-1, 4, len(rows))
    whole, halves, joined = ContactTable(), (ContactTable(), ContactTable()), ContactTable()
    whole.add(rows, np.arange(len(rows)), 10_000, counts_in(rows))
    for place, half in enumerate(halves):
        half.add(rows, np.arange(place, len(rows), 2), 10_000, counts_in(rows))
        contacts = np.ascontiguousarray(half.contacts())
        assert contacts.shape[1] == CONTACT_COLUMNS
        joined.add(contacts, np.arange(len(contacts)), 10_000, counts_in(contacts))
    assert np.array_equal(joined.contacts(), whole.contacts())


@pytest.mark.parametrize("room", [0, 1, 100])
def test_beyond_the_cap_clients_are_one_and_nothing_is_lost(room: int) -> None:
    rows = rows_of([(0, client, 0, 7, 443, 6, 10, True) for client in range(1, 501)])
    table = ContactTable()
    table.add(rows, np.arange(500), room, counts_in(rows))
    contacts = table.contacts()
    assert len(contacts) == room + 1
    assert table.left_out == 500 - room
    assert int(contacts[:, Flow.BYTES_OUT].sum()) == 5_000
    assert int(contacts[contacts[:, Flow.CLIENT_LOW] == 0, Flow.OPENED].sum()) == 500 - room


def test_what_has_no_room_at_all_is_counted() -> None:
    rows = rows_of([(0, 1, 0, server, 443, 6, 10, True) for server in range(2 * SPARE)])
    table = ContactTable()
    table.add(rows, np.arange(len(rows)), 0, counts_in(rows))
    assert (len(table), table.left_out) == (SPARE, 2 * SPARE)


WIDE = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(st.sampled_from((0, -(2**63), 2**63 - 1)), st.integers(-3, 3), WIDE), max_size=40))
def test_rows_are_sorted_by_all_keys(rows: list[tuple[int, int, int]]) -> None:
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    for keys in ((0, 1, 2), (1, 0), (2, 1), (1,)):
        order = sorting(table, keys)
        assert sorted(order.tolist()) == list(range(len(rows)))
        values = [tuple(rows[n][key] for key in keys) for n in order.tolist()]
        assert values == sorted(values)
