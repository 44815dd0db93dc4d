r"""Request text as an application would read it: escapes undone, case and white space folded.

Signatures are matched against this text, not against what was logged. Each distinct text becomes one row of a scan
buffer, or two or three (origin, path and query apart), each ended by NUL and `\n`. Neither stands inside a row: a
decoded newline becomes `\r`, a NUL nothing. Decoding makes a text at most twice as long.

What is undone, up to `ROUNDS` times or until nothing changes: `%41`, `%u0041` (IIS), `&#65;`, `&#x41;` and
the HTML names of markup characters, `\x41` and `\u0041` (JavaScript, JSON). `+` is a space in a query, once.
What is folded afterwards, once: overlong UTF-8 and full-width forms to the ASCII they stand for, upper to
lower case, runs of white space to one space (to one `\r` where a line break is among them), short SQL
comments to a space, `/./` to `/`, NUL to nothing.

A run of Base64 symbols that stands for printable text is read as well (`kernels.base64_text`): what it stands for is
added behind the row's own text, as if it were one more value (`&=`), before escapes are undone. Strings of JSON in a
query are added behind it as values (`&.=`) when all is undone (`kernels.json_values`).

The same pass notes what was odd about the escapes themselves, as `TextFlag` bits.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.prefetch import prefetch
from vedette.kernels.requests.base64_text import append_base64, may_write_nul
from vedette.kernels.requests.escapes import has_escaped_step, unescape_once
from vedette.kernels.requests.folding import copy_folded, fold
from vedette.kernels.requests.json_values import append_strings
from vedette.kernels.requests.text_classes import ESCAPE_WORK, HIGH, PERCENT_WORK, QUOTE, UPPER
from vedette.kernels.requests.text_flags import CUT, ESCAPED_STEP, NUL, RAW_HIGH

ROUNDS = 3
"""Nested encodings undone. Legitimate nesting (a link inside a link) is two deep."""
HEAD = 12 * 1024
TAIL = 4 * 1024
"""A part longer than HEAD + TAIL bytes is judged by its first HEAD and last TAIL bytes."""
_AHEAD = 8
"""Texts before its own from which one is asked for."""
ADDRESS = 2
"""Split a text into origin, path and query."""
MENTIONED = 3
"""Do so if it is an address at all."""

HTTP = np.frombuffer(b"http", dtype=np.uint8)
OF_HOST = np.array(
    [byte >= 128 or chr(byte).isalnum() or chr(byte) in ".-_~:@[]" for byte in range(256)], dtype=np.uint8
)
"""For each byte, whether a host may hold it, with user and port; an attack behind a host begins with another."""


@subkernel
def _decode_part(
    buffer: Bytes, start: int, end: int, plus: int, classes: Bytes, lower: Bytes, out: Bytes, begin: int,
    flags: Ints, text: int,
) -> int:  # fmt: skip
    """Decode one part to `out[begin:]` and end its row. Returns where the next row begins."""
    nul = flags[text] & NUL
    # Whether Base64 stood for something.
    unveiled = False
    if end - start > HEAD + TAIL:
        flags[text] |= CUT
        copied = copy_folded(buffer, start, start + HEAD, plus, classes, lower, out, begin, begin)
        work = copied & 255
        write = copied >> 8
        # No byte that rules take for one of an attack: a line break that nobody sent was one.
        out[write] = 38 if plus else 47
        copied = copy_folded(buffer, end - TAIL, end, plus, classes, lower, out, begin, write + 1)
        work |= copied & 255
    else:
        copied = copy_folded(buffer, start, end, plus, classes, lower, out, begin, begin)
        work = copied & 255
        if work & UPPER:  # nearly every Base64 text has a capital letter, and few addresses have one
            added = append_base64(buffer, start, end, 1 - plus, classes, lower, out, copied >> 8)
            unveiled = added >> 8 > copied >> 8
            copied = added
            work |= added & 255
    write = copied >> 8
    if work & ~(UPPER | QUOTE):
        if work & HIGH:
            flags[text] |= RAW_HIGH
        if work & (PERCENT_WORK | ESCAPE_WORK):
            for depth in range(ROUNDS):
                decoded = unescape_once(classes, out, begin, write, depth, flags, text)
                write = decoded >> 1
                if not decoded & 1:
                    break
        # White space was folded while copying; a raw line break has become CR and is still seen here.
        write = fold(lower, out, begin, write, flags, text)
        if unveiled and flags[text] & NUL and not nul and not may_write_nul(buffer, start, end):
            # In what Base64 stands for, as in a cluster's page marks, a NUL cuts nothing short.
            flags[text] &= ~NUL
    if plus and work & (QUOTE | PERCENT_WORK | ESCAPE_WORK):
        room = 2 * min(end - start, HEAD + TAIL + 1)
        write = append_strings(out, begin, write, begin + room)
    out[write] = 0
    out[write + 1] = 10
    return write + 2


@subkernel
def _origin_end(buffer: Bytes, first: int, last: int) -> int:
    """Where the scheme and the host of an address of the web end; `first` if it does not begin with them."""
    at = first
    for i in range(4):
        if at == last or buffer[at] | 32 != HTTP[i]:
            return first
        at += 1
    if at < last and buffer[at] | 32 == 115:  # 's'
        at += 1
    if at + 3 > last or buffer[at] != 58 or buffer[at + 1] != 47 or buffer[at + 2] != 47:  # '://'
        return first
    at += 3
    while at < last and OF_HOST[buffer[at]] != 0:
        at += 1
    return at


@kernel
def decode_texts(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    chosen: Ints,
    split: int,
    classes: Bytes,
    lower: Bytes,
    out: Bytes,
    at: int,
    row_end: Ints,
    row: int,
    flags: Ints,
    text: int,
) -> int:
    r"""Decode chosen texts of a vocabulary into rows of a scan buffer.

    Args:
        buffer: uint8, the vocabulary's bytes.
        start: int64 (k,), see `Vocabulary`.
        length: int32 (k,), see `Vocabulary`.
        chosen: int64 (m,), which texts, in the order of their rows.
        split: How many rows are made of each text besides one: 1 for two, up to its first `?` and after it (where `+`
            is a space); 2 (`ADDRESS`) for three, the scheme and host that it begins with by themselves; 3 (`MENTIONED`)
            for the same of what may be no address: what begins neither with them nor with `/` is all query.
        classes: `CLASSES`.
        lower: `LOWER`.
        out: uint8, the scan buffer, with room for `scan_bytes` from `at` on.
        at: Where the first row begins in `out`.
        row_end: int64, receives for each row where it ends, past its NUL and `\n`, from index `row` on.
        row: Index of the first row.
        flags: int64, receives `TextFlag` bits from index `text` on.
        text: Index of the first text in `flags`.

    Returns:
        Where the last row ends.
    """
    for i in range(chosen.shape[0]):
        if i + _AHEAD < chosen.shape[0]:
            prefetch(buffer, start[chosen[i + _AHEAD]])
        this = chosen[i]
        first = start[this]
        last = first + length[this]
        flags[text] = 0
        if split != 0:
            if split > 1:
                path = _origin_end(buffer, first, last)
                at = _decode_part(buffer, first, path, 0, classes, lower, out, at, flags, text)
                row_end[row] = at
                row += 1
                if split == MENTIONED and path == first and first < last and buffer[first] != 47:
                    at = _decode_part(buffer, first, first, 0, classes, lower, out, at, flags, text)
                    row_end[row] = at
                    row += 1
                    at = _decode_part(buffer, first, last, 1, classes, lower, out, at, flags, text)
                    row_end[row] = at
                    row += 1
                    text += 1
                    continue
                first = path
            mark = first
            percent = False
            while mark < last and buffer[mark] != 63:
                percent |= buffer[mark] == 37
                mark += 1
            if percent and has_escaped_step(buffer, first, mark):
                flags[text] |= ESCAPED_STEP
            at = _decode_part(buffer, first, mark, 0, classes, lower, out, at, flags, text)
            row_end[row] = at
            row += 1
            at = _decode_part(buffer, min(mark + 1, last), last, 1, classes, lower, out, at, flags, text)
        else:
            at = _decode_part(buffer, first, last, 0, classes, lower, out, at, flags, text)
        row_end[row] = at
        row += 1
        text += 1
    return at


_LONGEST_PART = HEAD + TAIL + 1


def parts_of(split: int) -> int:
    """How many rows `decode_texts` makes of a text."""
    return 1 + min(split, 2)


def scan_bytes(length: NDArray[np.int32], split: int) -> int:
    """Bytes of scan buffer that texts of these lengths (int32, shape (m,)) need at most.

    What a Base64 text stands for may be added to a text: at most three bytes for four, and two before them. A part is
    cut at `HEAD + TAIL` bytes and a mark; a split text has two parts or three. Each row ends in two bytes.
    """
    parts = parts_of(split)
    kept = np.minimum(length, parts * _LONGEST_PART)
    return 2 * int(kept.sum(dtype=np.int64)) + 2 * parts * len(length)


def scan_bytes_of_one(length: int, split: int) -> int:
    """The same of a single text, without an array."""
    parts = parts_of(split)
    return 2 * min(length, parts * _LONGEST_PART) + 2 * parts
