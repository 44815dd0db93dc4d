"""Fold flows into contacts: who talked to which port of whom in one window, with all counts added up."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.hashing import hash_bytes

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]

KEY_BYTES = 48


@inlined
def _write64(key: Bytes, at: int, value: int) -> None:
    for i in range(8):
        key[at + i] = (value >> (8 * i)) & 255


@subkernel
def _slot(
    window: int,
    port: int,
    row: int,
    high: int,
    low: int,
    rows: Ints,
    windows: Ints,
    out: Ints,
    index: Ints32,
    key: Bytes,
    secret_a: int,
    secret_b: int,
) -> int:
    """The contact's row, or -(place in the index) - 1 where it has none yet."""
    _write64(key, 0, window)
    _write64(key, 8, high)
    _write64(key, 16, low)
    _write64(key, 24, rows[row, 4])
    _write64(key, 32, rows[row, 5])
    key[40] = port & 255
    key[41] = port >> 8
    key[42] = rows[row, 8]
    mask = index.shape[0] - 1
    place = hash_bytes(key, 0, 43, secret_a, secret_b) & mask
    while index[place] != 0:
        slot = int(index[place]) - 1
        if (
            windows[slot] == window
            and out[slot, 3] == low
            and out[slot, 5] == rows[row, 5]
            and out[slot, 7] == port
            and out[slot, 8] == rows[row, 8]
            and out[slot, 2] == high
            and out[slot, 4] == rows[row, 4]
        ):
            return slot
        place = (place + 1) & mask
    return -int(place) - 1


@kernel
def fold_contacts(
    rows: Ints,
    number: Ints,
    room: int,
    windows: Ints,
    out: Ints,
    index: Ints32,
    key: Bytes,
    secret_a: int,
    secret_b: int,
    state: Ints,
) -> None:
    """Add flows to the contacts that they belong to.

    Args:
        rows: int64 (n, 51 or 52), flows or contacts.
        number: int64 (n,), the window of each.
        room: Contacts of which clients are told apart; those beyond share a contact for each server's port.
        windows: int64 (m,), receives each contact's window.
        out: int64 (m, 52), receives contacts, as `vedette.schema.flows` says.
        index: int32 (power of two, > m), zero at first.
        key: uint8 (KEY_BYTES,), scratch. secret_a, secret_b: Of the hash.
        state: int64 (2,): contacts so far, flows whose client could not be told apart; updated.
    """
    used = state[0]
    for row in range(rows.shape[0]):
        port = rows[row, 7]
        # A ping's identifier tells nothing about what is talked to.
        if rows[row, 8] == 1 or rows[row, 8] == 58:
            port = 0
        high = rows[row, 2]
        low = rows[row, 3]
        slot = _slot(number[row], port, row, high, low, rows, windows, out, index, key, secret_a, secret_b)
        if slot < 0 and used >= room:
            state[1] += 1
            high = 0
            low = 0
            slot = _slot(
                number[row], port, row, high, low, rows, windows, out, index, key, secret_a, secret_b
            )
            if slot < 0 and used >= out.shape[0]:
                continue
        if slot < 0:
            index[-slot - 1] = used + 1
            slot = used
            used += 1
            windows[slot] = number[row]
            for column in range(out.shape[1]):
                out[slot, column] = 0
            out[slot, 2] = high
            out[slot, 3] = low
            out[slot, 4] = rows[row, 4]
            out[slot, 5] = rows[row, 5]
            out[slot, 7] = port
            out[slot, 8] = rows[row, 8]
            out[slot, 0] = rows[row, 0]
            out[slot, 1] = rows[row, 1]
            out[slot, 50] = -1
            out[slot, 51] = -1
        out[slot, 0] = min(out[slot, 0], rows[row, 0])
        out[slot, 1] = max(out[slot, 1], rows[row, 1])
        for column in range(9, 47):
            out[slot, column] += rows[row, column]
        out[slot, 47] = max(out[slot, 47], rows[row, 47])
        out[slot, 48] = max(out[slot, 48], rows[row, 48])
        # When flows began that began here.
        if rows[row, 40] > 0:
            begun = rows[row, 50]
            last = rows[row, 51] if rows.shape[1] > 51 else begun
            if begun >= 0 and (out[slot, 50] < 0 or begun < out[slot, 50]):
                out[slot, 50] = begun
            if last > out[slot, 51]:
                out[slot, 51] = last
    state[0] = used
