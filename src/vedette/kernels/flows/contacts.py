"""Fold flows into contacts: who talked to which port of whom in one window, with all counts added up."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.packets.flow_columns import (
    AT_BEGAN,
    AT_CLIENT_HIGH,
    AT_CLIENT_LOW,
    AT_DURATION,
    AT_END,
    AT_LAST_BEGAN,
    AT_LONGEST_GAP,
    AT_OPENED,
    AT_PROTOCOL,
    AT_SERVER_HIGH,
    AT_SERVER_LOW,
    AT_SERVER_PORT,
    AT_START,
    FIRST_COUNT,
    FLOW_COLUMNS,
    LAST_COUNT,
)
from vedette.kernels.prefetch import prefetch_row
from vedette.kernels.text.hashing import hash_words

Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]

FIXED = (
    AT_START, AT_END, AT_CLIENT_HIGH, AT_CLIENT_LOW, AT_SERVER_HIGH, AT_SERVER_LOW, AT_SERVER_PORT, AT_PROTOCOL,
    AT_BEGAN, AT_LAST_BEGAN, AT_DURATION, AT_LONGEST_GAP,
)  # fmt: skip
"""Columns of a contact that each row of a table begins with, in this order: times, ends, port and protocol, when flows
began first and last, the longest duration and gap. Behind them stand the counts that are not all zeros."""
_START, _END, _CLIENT_HIGH, _CLIENT_LOW, _SERVER_HIGH, _SERVER_LOW, _PORT, _PROTOCOL = range(8)
_BEGAN, _LAST_BEGAN, _DURATION, _LONGEST_GAP, _COUNTS = range(8, 13)
"""The same columns by their place in such a row, and where the counts begin."""
_ICMP, _ICMPV6 = 1, 58
_BLOCK = 64
"""Rows that are turned together: with all their columns they stay in the nearest cache."""


@subkernel
def _slot(
    high: int,
    low: int,
    server_high: int,
    server_low: int,
    port: int,
    protocol: int,
    out: Ints,
    index: Ints32,
    secret_a: int,
    secret_b: int,
) -> int:
    """The contact's row, or -(place in the index) - 1 where it has none yet."""
    mask = index.shape[0] - 1
    ends = port * 256 + protocol
    place = hash_words(high, low, server_high, server_low, ends, secret_a, secret_b) & mask
    while index[place] != 0:
        slot = int(index[place]) - 1
        if (
            out[slot, _CLIENT_LOW] == low
            and out[slot, _SERVER_LOW] == server_low
            and out[slot, _PORT] == port
            and out[slot, _PROTOCOL] == protocol
            and out[slot, _CLIENT_HIGH] == high
            and out[slot, _SERVER_HIGH] == server_high
        ):
            return slot
        place = (place + 1) & mask
    return -int(place) - 1


@kernel
def fold_contacts(
    rows: Ints,
    pick: Ints,
    first: int,
    room: int,
    most: int,
    counts: Ints,
    out: Ints,
    index: Ints32,
    secret_a: int,
    secret_b: int,
    state: Ints,
) -> int:
    """Add flows to the contacts that they belong to.

    Args:
        rows: int64 (n, 51 or 52), flows or contacts.
        pick: int64 (p,), which of them; from place `first` on.
        room: Contacts of which clients are told apart; those beyond share a contact for each server's port.
        most: Contacts at all; what comes beyond is only counted.
        counts: int64 (c,), the columns of counts that hold anything but zeros.
        out: int64 (m, len(FIXED) + c), receives contacts: the columns of `FIXED`, and of `counts`.
        index: int32 (power of two, > m), zero at first.
        secret_a, secret_b: Of the hash.
        state: int64 (2,): contacts so far, flows whose client could not be told apart; updated.

    Returns:
        Places of `pick` that were dealt with: fewer than there are where `out` is full and could be larger.
    """
    used = state[0]
    extended = rows.shape[1] > FLOW_COLUMNS
    for place in range(first, pick.shape[0]):
        row = pick[place]
        high = rows[row, AT_CLIENT_HIGH]
        low = rows[row, AT_CLIENT_LOW]
        to_high = rows[row, AT_SERVER_HIGH]
        to_low = rows[row, AT_SERVER_LOW]
        protocol = rows[row, AT_PROTOCOL]
        # A ping's identifier tells nothing about what is talked to.
        port = 0 if protocol == _ICMP or protocol == _ICMPV6 else rows[row, AT_SERVER_PORT]
        slot = _slot(high, low, to_high, to_low, port, protocol, out, index, secret_a, secret_b)
        apart = slot >= 0 or used < room
        if not apart:
            high = 0
            low = 0
            slot = _slot(high, low, to_high, to_low, port, protocol, out, index, secret_a, secret_b)
        if slot < 0 and used >= out.shape[0] and used < most:
            state[0] = used
            return place
        if not apart:
            state[1] += 1
            if slot < 0 and used >= most:
                continue
        begun = -1
        last = -1
        # When flows began that began here.
        if rows[row, AT_OPENED] > 0:
            begun = rows[row, AT_BEGAN]
            last = rows[row, AT_LAST_BEGAN] if extended else begun
        if slot < 0:
            index[-slot - 1] = used + 1
            slot = used
            used += 1
            out[slot, _START] = rows[row, AT_START]
            out[slot, _END] = rows[row, AT_END]
            out[slot, _CLIENT_HIGH] = high
            out[slot, _CLIENT_LOW] = low
            out[slot, _SERVER_HIGH] = to_high
            out[slot, _SERVER_LOW] = to_low
            out[slot, _PORT] = port
            out[slot, _PROTOCOL] = protocol
            out[slot, _BEGAN] = begun if begun >= 0 else -1
            out[slot, _LAST_BEGAN] = max(last, -1)
            out[slot, _DURATION] = rows[row, AT_DURATION]
            out[slot, _LONGEST_GAP] = rows[row, AT_LONGEST_GAP]
            for number in range(counts.shape[0]):
                out[slot, _COUNTS + number] = rows[row, counts[number]]
            continue
        out[slot, _START] = min(out[slot, _START], rows[row, AT_START])
        out[slot, _END] = max(out[slot, _END], rows[row, AT_END])
        if begun >= 0 and (out[slot, _BEGAN] < 0 or begun < out[slot, _BEGAN]):
            out[slot, _BEGAN] = begun
        if last > out[slot, _LAST_BEGAN]:
            out[slot, _LAST_BEGAN] = last
        out[slot, _DURATION] = max(out[slot, _DURATION], rows[row, AT_DURATION])
        out[slot, _LONGEST_GAP] = max(out[slot, _LONGEST_GAP], rows[row, AT_LONGEST_GAP])
        for number in range(counts.shape[0]):
            out[slot, _COUNTS + number] += rows[row, counts[number]]
    state[0] = used
    return int(pick.shape[0])


@kernel
def index_contacts(out: Ints, count: int, index: Ints32, secret_a: int, secret_b: int) -> None:
    """Fill the index of a table that grew.

    Args:
        out: int64 (m, any), contacts as `fold_contacts` makes them, of which there are `count`, all different.
        index: int32 (power of two, > m), zero at first.
        secret_a, secret_b: Of the hash.
    """
    mask = index.shape[0] - 1
    for slot in range(count):
        ends = out[slot, _PORT] * 256 + out[slot, _PROTOCOL]
        place = (
            hash_words(
                out[slot, _CLIENT_HIGH],
                out[slot, _CLIENT_LOW],
                out[slot, _SERVER_HIGH],
                out[slot, _SERVER_LOW],
                ends,
                secret_a,
                secret_b,
            )
            & mask
        )
        while index[place] != 0:
            place = (place + 1) & mask
        index[place] = slot + 1


@kernel
def mark_counts(rows: Ints, used: Ints) -> None:
    """Find the columns of counts that hold anything but zeros.

    Args:
        rows: int64 (n, 51 or 52), flows or contacts. used: int64 (47,), has some bit set for such a column; updated.
    """
    for row in range(rows.shape[0]):
        for column in range(FIRST_COUNT, LAST_COUNT + 1):
            used[column] |= rows[row, column]


@kernel
def turn_columns(rows: Ints, order: Ints, columns: Ints, out: Ints) -> None:
    """Copy rows in an order, each column by itself.

    Args:
        rows: int64 (n, c). order: int64 (k,), of its rows.
        columns: int64 (c,), the number that each column gets.
        out: int64 (any, k), receives them.
    """
    for begin in range(0, order.shape[0], _BLOCK):
        end = min(begin + _BLOCK, order.shape[0])
        for place in range(end, min(end + _BLOCK, order.shape[0])):
            # The next ones; a line of a cache holds eight.
            for number in range(0, columns.shape[0], 8):
                prefetch_row(rows, order[place], number)
        for number in range(columns.shape[0]):
            column = columns[number]
            for place in range(begin, end):
                out[column, place] = rows[order[place], number]


@inlined
def _behind(rows: Ints, one: int, other: int, keys: Ints) -> bool:
    """Whether a row comes after another."""
    for place in range(keys.shape[0]):
        column = keys[place]
        if rows[one, column] != rows[other, column]:
            return bool(rows[one, column] > rows[other, column])
    return False


@kernel
def sort_few(rows: Ints, keys: Ints, order: Ints) -> None:
    """Put rows in order, by heap sort; of those that are equal in all keys either comes first.

    Args:
        rows: int64 (n, c). keys: int64 (k,), columns, the first before the others. order: int64 (n,), receives it.
    """
    count = order.shape[0]
    for place in range(count):
        order[place] = place
    start = count // 2
    end = count
    while end > 1:
        if start > 0:
            start -= 1
        else:
            end -= 1
            last = order[end]
            order[end] = order[0]
            order[0] = last
        root = start
        sinking = order[root]
        while True:
            child = 2 * root + 1
            if child >= end:
                break
            if child + 1 < end and _behind(rows, order[child + 1], order[child], keys):
                child += 1
            if not _behind(rows, order[child], sinking, keys):
                break
            order[root] = order[child]
            root = child
        order[root] = sinking
