"""Where the flow of a packet is looked for, and whether it is that."""

from vedette.kernels.arrays import Ints
from vedette.kernels.compile import inlined
from vedette.kernels.packets.flow_layout import (
    CLIENT_HIGH,
    CLIENT_LOW,
    CLIENT_PORT,
    PROTOCOL,
    SERVER_HIGH,
    SERVER_LOW,
    SERVER_PORT,
)
from vedette.kernels.text.hashing import hash_words


@inlined
def flow_hash(
    high: int,
    low: int,
    port: int,
    far_high: int,
    far_low: int,
    far_port: int,
    protocol: int,
    secret_a: int,
    secret_b: int,
) -> int:
    """The same for both directions of a flow."""
    swap = high > far_high
    if high == far_high:
        swap = low > far_low
        if low == far_low:
            swap = port > far_port
    if swap:
        ends = (far_port * 65536 + port) * 256 + protocol
        return int(hash_words(far_high, far_low, high, low, ends, secret_a, secret_b))
    ends = (port * 65536 + far_port) * 256 + protocol
    return int(hash_words(high, low, far_high, far_low, ends, secret_a, secret_b))


@inlined
def is_flow(
    state: Ints,
    slot: int,
    high: int,
    low: int,
    port: int,
    far_high: int,
    far_low: int,
    far_port: int,
    protocol: int,
) -> bool:
    """Whether a slot holds the flow of a client and a server."""
    return bool(
        state[slot, CLIENT_LOW] == low
        and state[slot, SERVER_LOW] == far_low
        and state[slot, CLIENT_PORT] == port
        and state[slot, SERVER_PORT] == far_port
        and state[slot, PROTOCOL] == protocol
        and state[slot, CLIENT_HIGH] == high
        and state[slot, SERVER_HIGH] == far_high
    )


@inlined
def bucket_of(rows: Ints, row: int, mask: int, secret_a: int, secret_b: int) -> int:
    """Where a packet's flow is looked for."""
    mixed = flow_hash(
        rows[row, 1], rows[row, 2], rows[row, 5], rows[row, 3], rows[row, 4], rows[row, 6], rows[row, 7],
        secret_a, secret_b,
    )  # fmt: skip
    return int(mixed & mask)
