"""Holding requests against what their parameters have always been, for whoever asks at once: nothing is counted.

Most requests have nothing new; most of those that do have nothing that is rare enough to be told of. Both are known
here, by the counts alone. What is left is looked at one by one.
"""

from vedette.kernels.arrays import Bytes, Floats, Ints, Ints32
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.requests.parameter_text import (
    HASH,
    MOST_PARAMETERS,
    TARGET_BYTES,
    length_step,
    next_part,
    read_value,
)
from vedette.kernels.requests.parameters import (
    NEW_NAME,
    NO_SLOT,
    UNJUDGED,
    UNKNOWN,
    is_new_shape,
    parameter_slot,
)

USUAL, NO_ROUTE, NO_SERVICE, THIN, LOOK = range(5)
"""What is told of a request: nothing is new; it has no route, or no service that is known; what is new is not rare
enough; or something may be, and it takes a look."""
MEMBER, CLASSES, LENGTH, SHAPE = 0, 0, 1, 2
"""Columns of the counts; see `detectors.parameters.profiles.Feature`."""


@subkernel
def told_of(slot: int, feature: int, bound: float, trials: Ints, new: Ints) -> int:
    """What something new of a slot comes to, by the rule of succession; `bound` below 0: it is never told of."""
    if bound < 0:
        return USUAL
    likely = (new[slot, feature, 0] - new[slot, feature, 2] + 1) / (trials[slot, 0] - trials[slot, 2] + 2)
    return LOOK if likely <= bound else THIN


@subkernel
def query_told(
    text: Bytes,
    begin: int,
    end: int,
    route: int,
    leap: int,
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
    trials: Ints,
    new: Ints,
    vouched: Bytes,
    bounds: Floats,
    scratch: Bytes,
) -> int:
    """What the parameters of a query of a known route come to."""
    found = USUAL
    at = begin
    for _ in range(MOST_PARAMETERS):
        if at >= end:
            break
        past, equals = next_part(text, at, end)
        if past > at:
            slot = parameter_slot(text, at, equals, route, full, keys, slots, secret_a, secret_b, scratch)
            if slot == NEW_NAME:
                # Whether its namesakes are common on other routes is known by name only.
                return LOOK
            if slot != NO_SLOT:
                value = equals + 1 if equals >= at else at
                held, length, shape_end = read_value(text, value, past, classes, scratch, 0)
                bound = bounds[vouched[slot]]
                if held & ~bits[slot]:
                    found = max(found, told_of(slot, CLASSES, bound, trials, new))
                if length_step(length) >= high[slot] + leap:
                    found = max(found, told_of(slot, LENGTH, bound, trials, new))
                if length > 0 and is_new_shape(
                    slot, scratch, shape_end, shape_count, shapes, secret_a, secret_b
                ):
                    found = max(found, told_of(slot, SHAPE, bound, trials, new))
                if found == LOOK:
                    return LOOK
        if past < end and text[past] == HASH:
            break
        at = past + 1
    return found


@kernel
def glance_at(
    target: Ints32,
    route: Ints32,
    service: Ints32,
    code: Bytes,
    text: Bytes,
    start: Ints,
    length: Ints32,
    query: Ints,
    leap: int,
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
    trials: Ints,
    new: Ints,
    vouched: Bytes,
    bounds: Floats,
    scratch: Bytes,
    told: Bytes,
) -> None:
    """Say what groups of requests come to.

    Args:
        target: Id of each group's target. route: Slot of its route, `UNKNOWN` or `UNJUDGED`. service: Slot of its
            service, or `UNKNOWN`. code: Kind of its method, 0 where it changes nothing.
        text, start, length, query: The targets, and where their queries begin (`find_queries`).
        leap: Steps of length beyond the longest value from which a length is new.
        full, classes, bits, high, shape_count, shapes, keys, slots, trials, new, vouched: The profiles.
        bounds: float64 (4,): probabilities at most which something new may be told of, without and with a past that was
            called normal; then the same of new routes. Below 0: never.
        scratch: uint8 (`SCRATCH`,).
        told: uint8, by group, written.
    """
    for group in range(target.shape[0]):
        here = route[group]
        of = service[group]
        if of == UNKNOWN:
            told[group] = NO_SERVICE
        elif here == UNJUDGED:
            told[group] = NO_ROUTE
        elif here == UNKNOWN:
            told[group] = told_of(of, MEMBER, bounds[2 + vouched[of]], trials, new)
        else:
            found = USUAL
            if code[group] > 0 and not bits[here] >> code[group] & 1:
                found = told_of(here, MEMBER, bounds[vouched[here]], trials, new)
            at = target[group]
            begin = query[at]
            if found < LOOK and begin >= 0:
                end = start[at] + min(length[at], TARGET_BYTES)
                found = max(
                    found,
                    query_told(
                        text, begin, end, here, leap, full, classes, bits, high, shape_count, shapes, keys, slots,
                        secret_a, secret_b, trials, new, vouched, bounds, scratch,
                    ),
                )  # fmt: skip
            told[group] = found
