"""Reading the parameters of request targets, and holding them against what each one has always been.

A value is read once, decoded (`%41`, `+`), and reduced to three numbers: the classes of its bytes (one bit each),
its length, and its shape, in which each run of letters, digits or equal marks becomes one character: `joe.x@a.com`
is `a.a@a.a`. What a parameter has always been is held in arrays by slot; `vedette.detectors.parameters.profiles`
says what the columns mean.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.address import NINE, ZERO, hex_digit
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.hashing import hash_bytes
from vedette.kernels.search import find

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]

MOST_PARAMETERS = 64
"""Parameters of one request that are looked at."""
TARGET_BYTES = 8_192
"""Bytes of a target that are looked at."""
NAME_BYTES = 64
SHAPE_BYTES = 24
SHAPES = 32
"""Shapes kept of one parameter; one that takes more has no shape."""
SCRATCH = 256
"""Bytes of scratch that a name with its owner, or a shape, may take."""

LOWER, UPPER, DIGIT, SPACE, CONTROL, OTHER, FIRST_MARK = range(7)
"""Classes of bytes; each ASCII mark is a class of its own, from `FIRST_MARK` on."""
AMPERSAND, EQUALS, PERCENT, PLUS, HASH, QUESTION = 38, 61, 37, 43, 35, 63
LETTER_SHAPE, DIGIT_SHAPE, CONTROL_SHAPE = 97, 57, 0

UNKNOWN = -1
"""A route that was never seen to exist."""
UNJUDGED = -2
"""A route that is not looked at."""


def byte_classes() -> Bytes:
    """The class of each byte: uint8 (256,)."""
    classes = np.full(256, OTHER, dtype=np.uint8)
    classes[:32] = CONTROL
    classes[127] = CONTROL
    classes[32] = SPACE
    marks = [b for b in range(33, 127) if not chr(b).isalnum()]
    classes[marks] = np.arange(FIRST_MARK, FIRST_MARK + len(marks))
    for first, last, meaning in ((b"a", b"z", LOWER), (b"A", b"Z", UPPER), (b"0", b"9", DIGIT)):
        classes[first[0] : last[0] + 1] = meaning
    return classes


@subkernel
def length_step(length: int) -> int:
    """Which step of a ladder of lengths, two to the doubling, a length is on: 0, 1, 2, 3, then 4 for 4 and 5."""
    if length < 4:
        return length
    step = 4
    while length >= 8:
        length >>= 1
        step += 2
    return step + 1 if length >= 6 else step


@subkernel
def read_name(text: Bytes, begin: int, end: int, out: Bytes, put: int) -> int:
    """Write a parameter's name to `out[put:]`: brackets decoded, runs of digits as one `0`, cut; returns its end.

    `item[17]` and `item%5B3%5D` are one parameter, `item[0]`.
    """
    i = begin
    limit = put + NAME_BYTES
    digits = False
    while i < end and put < limit:
        byte = text[i]
        step = 1
        if byte == PERCENT and i + 2 < end and text[i + 1] == 53:
            last = text[i + 2] | 32
            if last == 98 or last == 100:
                byte = 91 if last == 98 else 93
                step = 3
        i += step
        if ZERO <= byte <= NINE:
            if digits:
                continue
            digits = True
            byte = ZERO
        else:
            digits = False
        out[put] = byte
        put += 1
    return put


@subkernel
def read_value(
    text: Bytes, begin: int, end: int, classes: Bytes, out: Bytes, put: int
) -> tuple[int, int, int]:
    """Read a value: its classes, its decoded length, and the end of its shape, written to `out[put:]`."""
    bits = 0
    length = 0
    limit = put + SHAPE_BYTES
    last = -1
    i = begin
    while i < end:
        byte = text[i]
        i += 1
        if byte == PLUS:
            byte = 32
        elif byte == PERCENT and i + 1 < end:
            high = hex_digit(text[i])
            low = hex_digit(text[i + 1])
            if high >= 0 and low >= 0:
                byte = high * 16 + low
                i += 2
        meaning = classes[byte]
        bits |= 1 << meaning
        length += 1
        if meaning <= UPPER or meaning == OTHER:
            mark = LETTER_SHAPE
        elif meaning == DIGIT:
            mark = DIGIT_SHAPE
        elif meaning == CONTROL:
            mark = CONTROL_SHAPE
        else:
            mark = byte
        if mark != last:
            last = mark
            if put < limit:
                out[put] = mark
                put += 1
    return bits, length, put


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


@subkernel
def next_part(text: Bytes, begin: int, end: int) -> tuple[int, int]:
    """Where the parameter at `begin` ends, and where its `=` is (`begin - 1` where it has none)."""
    equals = begin - 1
    i = begin
    while i < end:
        byte = text[i]
        if byte == AMPERSAND or byte == HASH:
            break
        if byte == EQUALS and equals < begin:
            equals = i
        i += 1
    return i, equals


@kernel
def find_queries(text: Bytes, start: Ints, length: Ints32, query: Ints) -> None:
    """Where in `text` the query of each target begins, past its first `?`; -1 where there is none.

    `text` has 32 bytes of padding past the last target.
    """
    for i in range(start.shape[0]):
        at = start[i]
        end = at + min(length[i], TARGET_BYTES)
        at = find(text, at, end, QUESTION)
        query[i] = at + 1 if at + 1 < end else -1


@kernel
def group_rows(
    keep: Bytes,
    window: Ints,
    service: Ints32,
    target: Ints32,
    code: Bytes,
    table: Ints32,
    group: Ints32,
    first: Ints,
    count: Ints,
) -> int:
    """Number the distinct (window, service, target, code) of the rows to keep, in order of appearance.

    Args:
        keep: uint8 (n,), rows to look at. window, service, target, code: Parallel columns; the target is an id.
        table: int32 scratch, zeroed, a power of two of at least twice the rows.
        group: int32 (n,), written: each row's number, -1 for the others.
        first, count: int64 (n,), written: each group's first row, and how many rows it has.

    Returns:
        How many groups there are.
    """
    mask = table.shape[0] - 1
    groups = 0
    for row in range(keep.shape[0]):
        if keep[row] == 0 or target[row] < 0:
            group[row] = -1
            continue
        place = (target[row] * 40503 + window[row] * 9973 + service[row] * 97 + code[row]) & mask
        while True:
            entry = table[place]
            if entry == 0:
                first[groups] = row
                count[groups] = 1
                group[row] = groups
                groups += 1
                table[place] = groups
                break
            known = int(entry) - 1
            other = first[known]
            if (
                target[other] == target[row]
                and window[other] == window[row]
                and service[other] == service[row]
                and code[other] == code[row]
            ):
                count[known] += 1
                group[row] = known
                break
            place = (place + 1) & mask
    return groups


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
            # Without an `=` it is the value of no name.
            name_end = read_name(text, at, max(at, equals), scratch, 0)
            slot = find_slot(keys, slots, owned_key(scratch, name_end, route, secret_a, secret_b))
            if slot < 0:
                everywhere = find_slot(keys, slots, owned_key(scratch, name_end, -1, secret_a, secret_b))
                if full[route] == 0 and everywhere < 0:
                    return -1
            else:
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
def list_parameters(text: Bytes, begin: int, end: int, classes: Bytes, names: Bytes, found: Ints) -> int:
    """Read every parameter of one query, as `weigh_groups` reads them.

    Args:
        text: uint8; the query is `text[begin:end]`.
        names: uint8, written: names and shapes, one after the other; `MOST_PARAMETERS` times both fit in.
        found: int64 (`MOST_PARAMETERS` * 8,), written: for each parameter where in `names` its name begins and ends
            and its shape ends (it begins where the name ends), its classes, its length, its step of length, and
            where in `text` its value begins and ends.

    Returns:
        How many parameters there are.
    """
    count = 0
    put = 0
    at = begin
    for _ in range(MOST_PARAMETERS):
        if at >= end:
            break
        past, equals = next_part(text, at, end)
        if past > at:
            name_end = read_name(text, at, max(at, equals), names, put)
            value = equals + 1 if equals >= at else at
            bits, length, shape_end = read_value(text, value, past, classes, names, name_end)
            row = count * 8
            found[row] = put
            found[row + 1] = name_end
            found[row + 2] = shape_end
            found[row + 3] = bits
            found[row + 4] = length
            found[row + 5] = length_step(length)
            found[row + 6] = value
            found[row + 7] = past
            put = shape_end
            count += 1
        if past < end and text[past] == HASH:
            break
        at = past + 1
    return count


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
