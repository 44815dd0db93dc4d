"""Parameters of queries as text.

Each value is read once, decoded (`%41`, `+`), and reduced to three numbers: the classes of its bytes (one bit each),
its length, and its shape, in which each run of letters, digits or equal marks becomes one character: `joe.x@a.com`
is `a.a@a.a`.
"""

import numpy as np

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.lines.address import NINE, ZERO
from vedette.kernels.text.characters import hex_digit
from vedette.kernels.text.search import find

MOST_PARAMETERS = 64
"""Parameters of one request that are looked at."""
TARGET_BYTES = 8_192
"""Bytes of a target that are looked at."""
NAME_BYTES = 64
SHAPE_BYTES = 24
LOWER, UPPER, DIGIT, SPACE, CONTROL, OTHER, FIRST_MARK = range(7)
"""Classes of bytes; each ASCII mark is a class of its own, from `FIRST_MARK` on."""
AMPERSAND, EQUALS, PERCENT, PLUS, HASH, QUESTION = 38, 61, 37, 43, 35, 63
LETTER_SHAPE, DIGIT_SHAPE, CONTROL_SHAPE = 97, 57, 0


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
