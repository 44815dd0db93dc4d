"""Folding request targets into routes: variable path segments become `{}`.

What counts as variable is decided from one segment's bytes alone, so the same target has the same route
everywhere. Words that only their number gives away (article slugs) are learned later, by
`vedette.enrich.slugs`. A route is printable ASCII, at most `MAX_ROUTE` + `MAX_SEGMENT` + 5 bytes long.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.lines.address import NINE, ZERO
from vedette.kernels.prefetch import prefetch
from vedette.kernels.text.characters import hex_digit

MAX_DEPTH = 8
"""Segments kept; what is deeper becomes one `/...`."""
MAX_SEGMENT = 64
"""Longer segments are variable."""
MAX_ROUTE = 200
"""A route this long takes no further segment but `/...`."""
MAX_EXTENSION = 5
PLAIN = 39
"""Bytes of a segment that may be told by a glance; a longer word looks made by a machine."""
_AHEAD = 8
"""Targets before its own from which one is asked for."""
ROOM = MAX_ROUTE + MAX_SEGMENT + 16
"""Bytes that one route may take while it is made."""

# In this order: letters and digits up to UPPER, all that may stay up to DELIMITER, ends from PARAMETER on.
DIGIT, HEX_LOWER, LOWER, HEX_UPPER, UPPER = range(5)
MARK, POINT, DELIMITER, OTHER, ESCAPE = range(5, 10)
PARAMETER, SLASH, STOP = range(10, 13)

TRAIT_DIGIT, TRAIT_LOWER, TRAIT_UPPER, TRAIT_MARK, TRAIT_ODD, TRAIT_END = 1, 2, 4, 8, 16, 32

SLASH_BYTE, POINT_BYTE, COLON_BYTE, STAR_BYTE, AT_BYTE = 47, 46, 58, 42, 64
LEFT_BRACE, RIGHT_BRACE = 123, 125


def byte_classes() -> NDArray[np.uint8]:
    """What each byte means in a path: uint8 (256,)."""
    classes = np.full(256, OTHER, dtype=np.uint8)
    for texts, meaning in (
        (b"0123456789", DIGIT),
        (b"abcdef", HEX_LOWER),
        (b"ghijklmnopqrstuvwxyz", LOWER),
        (b"ABCDEF", HEX_UPPER),
        (b"GHIJKLMNOPQRSTUVWXYZ", UPPER),
        (b"-_~", MARK),
        (b".", POINT),
        (b":!$*+", DELIMITER),
        (b"%", ESCAPE),
        (b";", PARAMETER),
        (b"/", SLASH),
        (b"?#", STOP),
    ):
        classes[list(texts)] = meaning
    return classes


def byte_traits() -> NDArray[np.uint8]:
    """One bit for each byte's trait, for `fold_plain`: uint8 (256,)."""
    classes = byte_classes()
    traits = np.full(256, TRAIT_ODD, dtype=np.uint8)
    traits[classes == DIGIT] = TRAIT_DIGIT
    traits[(classes == LOWER) | (classes == HEX_LOWER)] = TRAIT_LOWER
    traits[(classes == UPPER) | (classes == HEX_UPPER)] = TRAIT_UPPER
    traits[(classes == MARK) | (classes == POINT) | (classes == DELIMITER)] = TRAIT_MARK
    traits[(classes == SLASH) | (classes == STOP)] = TRAIT_END
    return traits


@subkernel
def is_variable(
    length: int, digits: int, longest_run: int, is_hex: bool, alternations: int, case_changes: int
) -> bool:
    """Whether a run of letters and digits looks made by a machine: number, hash, token.

    Words keep their few digits (`v2`, `oauth2`, `sha256`, `utf8`); camel case changes its case less often
    than base64 does.
    """
    if longest_run >= 4 or length >= 40:
        return True
    if length >= 4 and digits * 2 > length:
        return True
    if length >= 8 and ((is_hex and digits > 0) or alternations >= 3):
        return True
    return length >= 16 and (digits >= 2 or case_changes * 5 > length * 2)


@subkernel
def extension_length(text: Bytes, begin: int, end: int, classes: Bytes) -> int:
    """Length of a span that may be a file extension (a letter first, at most two digits), else 0."""
    length = end - begin
    if length < 1 or length > MAX_EXTENSION:
        return 0
    digits = 0
    for i in range(begin, end):
        meaning = classes[text[i]]
        if meaning > UPPER:
            return 0
        if meaning == DIGIT:
            digits += 1
            if i == begin:
                return 0
    return length if digits <= 2 else 0


@subkernel
def fold_segment(text: Bytes, begin: int, end: int, classes: Bytes, out: Bytes, put: int) -> tuple[int, int]:
    """Fold one segment to `out[put:]`. Returns where the next one may begin, and the new end of `out`."""
    size = 0
    variable = False
    numeric = True
    any_digit = False
    point = -1
    variable_stem = False
    mail = False
    token = 0
    digits = 0
    run = 0
    longest_run = 0
    is_hex = True
    alternations = 0
    case_changes = 0
    last = OTHER
    i = begin
    while i < end:
        byte = text[i]
        meaning = classes[byte]
        if meaning >= PARAMETER:
            break
        step = 1
        if meaning == ESCAPE:
            meaning = OTHER
            if i + 2 < end:
                high = hex_digit(text[i + 1])
                low = hex_digit(text[i + 2])
                if high >= 0 and low >= 0:
                    step = 3
                    # Only unreserved characters mean the same escaped and not (RFC 3986, 6.2.2.2).
                    byte = high * 16 + low
                    if classes[byte] <= POINT:
                        meaning = classes[byte]
        if meaning <= UPPER:
            token += 1
            if meaning == DIGIT:
                digits += 1
                run += 1
                any_digit = True
                if run > longest_run:
                    longest_run = run
                if DIGIT < last <= UPPER:
                    alternations += 1
            else:
                numeric = False
                run = 0
                if meaning == LOWER or meaning == UPPER:
                    is_hex = False
                if last == DIGIT:
                    alternations += 1
                elif last <= UPPER and (last >= HEX_UPPER) != (meaning >= HEX_UPPER):
                    case_changes += 1
        else:
            if token > 0:
                if is_variable(token, digits, longest_run, is_hex, alternations, case_changes):
                    variable = True
                token = 0
                digits = 0
                run = 0
                longest_run = 0
                is_hex = True
                alternations = 0
                case_changes = 0
            if meaning == OTHER:
                variable = True
            if meaning == POINT:
                if numeric and any_digit:
                    variable = True
                point = i + step
                variable_stem = variable
            elif byte == AT_BYTE and not (i + step < end and classes[text[i + step]] == DIGIT):
                # `logo@2x.png` is a file; what follows the point in `bob@example.com` is no extension.
                mail = True
        last = meaning
        if size < MAX_SEGMENT:
            out[put + size] = byte
        size += 1
        i += step
    stop = i
    while i < end and classes[text[i]] < SLASH:
        i += 1
    if token > 0 and is_variable(token, digits, longest_run, is_hex, alternations, case_changes):
        variable = True
    if not (variable or (numeric and any_digit) or size > MAX_SEGMENT):
        return i, put + size
    out[put] = LEFT_BRACE
    out[put + 1] = RIGHT_BRACE
    put += 2
    is_last = i == end or classes[text[i]] == STOP
    if is_last and not mail and point > begin + 1 and (variable_stem or size > MAX_SEGMENT):
        length = extension_length(text, point, stop, classes)
        if length > 0:
            out[put] = POINT_BYTE
            for k in range(length):
                out[put + 1 + k] = text[point + k]
            put += 1 + length
    return i, put


@subkernel
def fold_plain(text: Bytes, begin: int, end: int, traits: Bytes, out: Bytes, put: int) -> int:
    """Do what `fold_segment` does for segments that are plainly words, or plainly a number: most are.

    Returns how many bytes of `text` the segment is long, or -1 for segments that need a closer look. Words
    are copied to `out[put:]`.
    """
    seen = 0
    i = begin
    limit = min(end, begin + PLAIN)
    while i < limit:
        byte = text[i]
        trait = traits[byte]
        seen |= trait
        if trait >= TRAIT_ODD:
            break
        out[put + i - begin] = byte
        i += 1
    if (seen & TRAIT_ODD) != 0 or (i == limit and i < end):
        return -1
    size = i - begin
    if (seen & TRAIT_DIGIT) != 0:
        return size if (seen & (TRAIT_LOWER | TRAIT_UPPER | TRAIT_MARK)) == 0 else -1
    if size >= 16 and (seen & TRAIT_LOWER) != 0 and (seen & TRAIT_UPPER) != 0:
        return -1
    return size


@subkernel
def path_start(text: Bytes, begin: int, end: int, classes: Bytes) -> int:
    """Where the path of a target begins, in origin or absolute form (RFC 9112, 3.2); -1 if it has none."""
    if begin < end and text[begin] == SLASH_BYTE:
        return begin
    i = begin
    while i < end and i - begin < 16 and classes[text[i]] <= UPPER:
        i += 1
    if i == begin or i + 2 >= end:
        return -1
    if text[i] != COLON_BYTE or text[i + 1] != SLASH_BYTE or text[i + 2] != SLASH_BYTE:
        return -1
    i += 3
    while i < end and classes[text[i]] < SLASH:
        i += 1
    return i


@subkernel
def fold_path(
    text: Bytes, begin: int, end: int, classes: Bytes, traits: Bytes, out: Bytes, first: int
) -> int:
    """Fold the path that begins at `begin` to `out[first:]`; returns the end of the route."""
    put = first
    depth = 0
    i = begin
    while True:
        while i < end and text[i] == SLASH_BYTE:
            i += 1
        if i >= end or classes[text[i]] == STOP:
            break
        out[put] = SLASH_BYTE
        if depth == MAX_DEPTH or put - first >= MAX_ROUTE:
            for k in range(3):
                out[put + 1 + k] = POINT_BYTE
            put += 4
            break
        plain = fold_plain(text, i, end, traits, out, put + 1)
        if plain > 0:
            if ZERO <= text[i] <= NINE:
                # Plain, and begins with a digit: all digits.
                out[put + 1] = LEFT_BRACE
                out[put + 2] = RIGHT_BRACE
                put += 3
            else:
                put += 1 + plain
            i += plain
            depth += 1
            continue
        i, after = fold_segment(text, i, end, classes, out, put + 1)
        # A segment may be nothing but parameters.
        if after > put + 1:
            put = after
            depth += 1
    if put == first:
        out[put] = SLASH_BYTE
        put += 1
    return put


@kernel
def fold_targets(
    text: Bytes,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    classes: Bytes,
    traits: Bytes,
    no_path: Bytes,
    out: Bytes,
    out_start: NDArray[np.int64],
    out_length: NDArray[np.int32],
) -> int:
    """Fold k targets into routes, one after the other in `out`; returns the bytes used.

    A target without a path becomes `*` if it is that, else the text `no_path`. `out` must hold, for each
    target, one and a half times its length and 16 bytes, though never more than `ROOM`. `out_start` (int64)
    and `out_length` (int32), shape (k,), get the routes' spans. `classes` is `byte_classes()`,
    `traits` `byte_traits()`.
    """
    put = 0
    for i in range(start.shape[0]):
        if i + _AHEAD < start.shape[0]:
            prefetch(text, start[i + _AHEAD])
        begin = start[i]
        end = begin + length[i]
        out_start[i] = put
        first = path_start(text, begin, end, classes)
        after = put
        if first >= 0:
            after = fold_path(text, first, end, classes, traits, out, put)
        elif end - begin == 1 and text[begin] == STAR_BYTE:
            out[put] = STAR_BYTE
            after = put + 1
        else:
            for k in range(no_path.shape[0]):
                out[put + k] = no_path[k]
            after = put + no_path.shape[0]
        out_length[i] = after - put
        put = after
    return put
