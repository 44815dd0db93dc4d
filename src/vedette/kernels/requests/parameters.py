"""Holding the parameters of request targets against what each one has always been.

What that is is held in arrays by slot; `vedette.detectors.parameters.profiles` says what the columns mean. How a
parameter is read says `vedette.kernels.requests.parameter_text`.
"""

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.requests.parameter_text import (
    HASH,
    MOST_PARAMETERS,
    TARGET_BYTES,
    length_step,
    next_part,
    read_name,
    read_value,
)
from vedette.kernels.text.hashing import hash_bytes

SHAPES = 32
"""Shapes kept of one parameter; one that takes more has no shape."""
SCRATCH = 256
"""Bytes of scratch that a name with its owner, or a shape, may take."""
UNKNOWN = -1
"""A route that was never seen to exist."""
UNJUDGED = -2
"""A route that is not looked at."""
NO_SLOT = -1
"""A parameter that its route does not hold: the route is full, or the parameter is known everywhere."""
NEW_NAME = -2
"""A parameter that nobody knows, of a route that has room for it."""


@subkernel
def find_slot(keys: Ints, slots: Ints32, key: int) -> int:
    """The slot under a key, or -1. `slots` (int32, a power of two long) holds slot + 1, 0 where empty."""
    mask = slots.shape[0] - 1
    place = key & mask
    while slots[place] != 0:
        if keys[place] == key:
            return int(slots[place]) - 1
        place = (place + 1) & mask
    return -1


@subkernel
def owned_key(scratch: Bytes, end: int, owner: int, secret_a: int, secret_b: int) -> int:
    """The key of a name (`scratch[:end]`) that belongs to a slot; 4 bytes of scratch past it are written to."""
    rest = owner
    for i in range(4):
        scratch[end + i] = rest & 255
        rest >>= 8
    return hash_bytes(scratch, 0, end + 4, secret_a, secret_b)


@inlined
def parameter_slot(
    text: Bytes,
    begin: int,
    equals: int,
    route: int,
    full: Bytes,
    keys: Ints,
    slots: Ints32,
    secret_a: int,
    secret_b: int,
    scratch: Bytes,
) -> int:
    """The slot of the parameter at `begin`, whose `=` is at `equals` (`next_part`); `NO_SLOT` or `NEW_NAME`."""
    # Without an `=` it is the value of no name.
    name_end = read_name(text, begin, max(begin, equals), scratch, 0)
    slot = find_slot(keys, slots, owned_key(scratch, name_end, route, secret_a, secret_b))
    if slot >= 0:
        return slot
    everywhere = find_slot(keys, slots, owned_key(scratch, name_end, -1, secret_a, secret_b))
    return NEW_NAME if full[route] == 0 and everywhere < 0 else NO_SLOT


@inlined
def is_new_shape(
    slot: int,
    text: Bytes,
    end: int,
    shape_count: Ints32,
    shapes: Ints,
    secret_a: int,
    secret_b: int,
) -> bool:
    """Whether a value's shape, `text[:end]`, is none of a slot's, which are not too many to be told apart."""
    kept = shape_count[slot]
    if kept >= SHAPES:
        return False
    shape = hash_bytes(text, 0, end, secret_a, secret_b)
    for i in range(kept):
        if shapes[slot * SHAPES + i] == shape:
            return False
    return True


@subkernel
def is_known(
    text: Bytes,
    begin: int,
    end: int,
    route: int,
    full: Bytes,
    classes: Bytes,
    bits: Ints,
    high: Ints32,
    shape_count: Ints32,
    shapes: Ints,
    keys: Ints,
    slots: Ints32,
    secret_a: int,
    secret_b: int,
    scratch: Bytes,
    passed: Ints32,
) -> int:
    """Whether all parameters of a query are as they have always been: how many slots of `passed` tell them, or -1."""
    count = 0
    at = begin
    for _ in range(MOST_PARAMETERS):
        if at >= end:
            break
        past, equals = next_part(text, at, end)
        if past > at:
            slot = parameter_slot(text, at, equals, route, full, keys, slots, secret_a, secret_b, scratch)
            if slot == NEW_NAME:
                return -1
            if slot != NO_SLOT:
                value = equals + 1 if equals >= at else at
                found, length, shape_end = read_value(text, value, past, classes, scratch, 0)
                if found & ~bits[slot] or length_step(length) > high[slot]:
                    return -1
                if length > 0 and is_new_shape(
                    slot, scratch, shape_end, shape_count, shapes, secret_a, secret_b
                ):
                    return -1
                passed[count] = slot
                count += 1
        if past < end and text[past] == HASH:
            break
        at = past + 1
    return count


@kernel
def weigh_groups(
    groups: Ints,
    target: Ints32,
    route: Ints32,
    service: Ints32,
    code: Bytes,
    count: Ints,
    text: Bytes,
    start: Ints,
    length: Ints32,
    query: Ints,
    full: Bytes,
    classes: Bytes,
    bits: Ints,
    high: Ints32,
    shape_count: Ints32,
    shapes: Ints,
    keys: Ints,
    slots: Ints32,
    secret_a: int,
    secret_b: int,
    scratch: Bytes,
    passed: Ints32,
    suspect: Bytes,
    tally: Ints,
    touched: Ints32,
) -> int:
    """Hold groups of one window against the profiles: those with nothing new are counted, the others marked.

    Args:
        groups: int64 (g,), numbers of the groups to look at; the columns that follow are by group.
        target: Id of the target. route: Slot of the route, `UNKNOWN` or `UNJUDGED`. service: Slot of the service.
        code: Kind of method, 0 where it changes nothing. count: Rows.
        text, start, length, query: The targets, and where their queries begin (`find_queries`).
        full, classes, bits, high, shape_count, shapes, keys, slots: The profiles.
        scratch: uint8 (`SCRATCH`,). passed: int32 (`MOST_PARAMETERS`,).
        suspect: uint8, by group, written: 1 where something may be new.
        tally: int64, by slot, zero when called: rows counted.
        touched: int32, by slot, written: the slots that `tally` counts.

    Returns:
        How many slots were touched.
    """
    used = 0
    for i in range(groups.shape[0]):
        group = groups[i]
        here = route[group]
        if here == UNJUDGED:
            continue
        if here == UNKNOWN or (code[group] > 0 and not bits[here] >> code[group] & 1):
            suspect[group] = 1
            continue
        parameters = 0
        begin = query[target[group]]
        if begin >= 0:
            at = target[group]
            end = start[at] + min(length[at], TARGET_BYTES)
            parameters = is_known(
                text, begin, end, here, full, classes, bits, high, shape_count, shapes, keys, slots,
                secret_a, secret_b, scratch, passed,
            )  # fmt: skip
            if parameters < 0:
                suspect[group] = 1
                continue
        rows = count[group]
        # The slot after a route's own counts those of its requests that have a query.
        own = 3 if begin >= 0 else 2
        for j in range(own + parameters):
            slot = service[group] if j == 0 else here + j - 1 if j < own else int(passed[j - own])
            if tally[slot] == 0:
                touched[used] = slot
                used += 1
            tally[slot] += rows
    return used


@kernel
def key_of(name: Bytes, owner: int, secret_a: int, secret_b: int) -> int:
    """The key of a name that belongs to a slot (-1: to all). `name` has 4 more bytes than the name, written to."""
    return owned_key(name, name.shape[0] - 4, owner, secret_a, secret_b)


@kernel
def hash_of(text: Bytes, secret_a: int, secret_b: int) -> int:
    """The hash of a shape, as `weigh_groups` compares it; `text` is padded with 8 bytes that do not count."""
    return hash_bytes(text, 0, text.shape[0] - 8, secret_a, secret_b)


@kernel
def insert_slot(keys: Ints, slots: Ints32, key: int, slot: int) -> None:
    """Put a slot under a key that is not there yet; the table must have room."""
    mask = slots.shape[0] - 1
    place = key & mask
    while slots[place] != 0:
        place = (place + 1) & mask
    keys[place] = key
    slots[place] = slot + 1
