"""Runs of letters of request text, and what a linear model makes of them.

A value or a path becomes *grams*: its runs of 2 to 4 symbols, where a symbol is a letter, any digit, a mark of
punctuation, white space, or any byte above 0x7F, with an edge before its first and after its last byte. Each gram
is hashed to one of a table's weights. A value's score is the sum of its weights over the square root of their
number: a longer value has more of everything, and the sum of n independent weights spreads by that root.

What is put behind a field's own text would drown in it: a value's *tails*, from where its first loud mark stands and
from the word before that, are scored as if they stood alone, too.

Values that hold nothing but letters, digits and common marks are not scored: no attack can be told in them from its
letters, and they are nearly all values of nearly all logs.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel

Weights = NDArray[np.int8]

WINDOW = 128
"""Bytes of a value that are scored together, as if they stood alone; a longer one is worth as much as its worst
window."""
STRIDE = 64
SHORTEST = 2
LONGEST = 4
NAME = 40
"""Longest name of a parameter, in bytes."""
_HASH = 2654435761
_EDGE = 0
_PUNCTUATION = b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_QUIET = b"_-., @/:+%"
"""Marks that a value may hold without being scored."""


def _symbol_table() -> Bytes:
    """For each byte its symbol, 1 to 63; plus 64 for a mark that calls for a score."""
    table = np.full(256, 63, dtype=np.uint8)
    table[:32] = 62
    table[127] = 62
    table[13] = 61
    table[32] = 28
    for letter in range(26):
        table[97 + letter] = table[65 + letter] = 1 + letter
    table[48:58] = 27
    for number, mark in enumerate(_PUNCTUATION):
        table[mark] = 29 + number
    loud = [mark for mark in _PUNCTUATION if mark not in _QUIET]
    table[loud] += 64
    table[:32] += 64
    table[127] += 64
    return table


SYMBOLS = _symbol_table()


@subkernel
def _slot(code: int, size: int, slots: int) -> int:
    """The weight of the last `size` symbols of `code` (6 bits each), among 2**k slots."""
    run = code & ((1 << (6 * size)) - 1)
    return (((run + (size << 24)) * _HASH) >> 16) & (slots - 1)


@subkernel
def value_begin(text: Bytes, begin: int, end: int) -> int:
    """Where the value of `name=value` begins; `begin` where there is no name."""
    i = begin
    while i < end and i - begin <= NAME:
        byte = text[i]
        if byte == 61:
            return i + 1 if i > begin else begin
        if not (
            97 <= byte <= 122 or 48 <= byte <= 57 or byte == 95 or byte == 45 or byte == 46 or byte == 91
            or byte == 93 or byte >= 128
        ):  # fmt: skip
            return begin
        i += 1
    return begin


@subkernel
def value_end(text: Bytes, value: int, end: int) -> int:
    """Where a value of a query ends: at a `&` that a name and a `=` follow, so that a value may hold `&&`."""
    past = value
    while past < end and not (text[past] == 38 and value_begin(text, past + 1, end) > past + 1):
        past += 1
    return past


@subkernel
def first_loud(symbols: Bytes, text: Bytes, begin: int, end: int) -> int:
    """Where a value first holds what calls for a score, a loud mark, two dots or two dashes; `end` if nowhere."""
    last = 0
    for i in range(begin, end):
        byte = text[i]
        if symbols[byte] >= 64:
            return i
        if byte == last and (byte == 46 or byte == 45):
            return i
        last = byte
    return end


@subkernel
def is_loud(symbols: Bytes, text: Bytes, begin: int, end: int) -> bool:
    """Whether a value holds what calls for a score."""
    return first_loud(symbols, text, begin, end) < end


@subkernel
def _is_word(symbols: Bytes, byte: int) -> bool:
    """Whether a byte is a letter, a digit or of another alphabet."""
    symbol: int = symbols[byte] & 63
    return symbol <= 27 or symbol == 63


@subkernel
def tail_begins(symbols: Bytes, text: Bytes, begin: int, end: int, which: int) -> int:
    """Where a value's tail begins; `end` if it has none.

    That is at its first loud mark and the marks right before it (`which` 0), or at the word before the one that this
    mark stands in (1).
    """
    at = first_loud(symbols, text, begin, end)
    if at == end:
        return end
    if which == 0:
        while at > begin and text[at - 1] != 32 and not _is_word(symbols, text[at - 1]):
            at -= 1
        return at
    while at > begin and text[at - 1] != 32:
        at -= 1
    if at > begin:
        at -= 1
        while at > begin and text[at - 1] != 32:
            at -= 1
    return at


@subkernel
def window_sum(symbols: Bytes, text: Bytes, first: int, past: int, weights: Weights, row: int) -> int:
    """Sum of one row of weights over the grams of the window `first:past`, its edges included."""
    slots = weights.shape[1]
    code = 0
    seen = 1  # symbols so far, the opening edge included
    total = 0
    for at in range(first, past + 1):
        symbol = _EDGE
        if at < past:
            symbol = symbols[text[at]] & 63
        code = ((code << 6) | symbol) & 0xFFFFFF
        seen += 1
        for size in range(SHORTEST, LONGEST + 1):
            if seen >= size:
                total += weights[row, _slot(code, size, slots)]
    return total


@subkernel
def gram_count(first: int, past: int) -> int:
    """How many grams `window_sum` adds up."""
    symbols = past - first + 2
    count = 0
    for size in range(SHORTEST, LONGEST + 1):
        if symbols >= size:
            count += symbols - size + 1
    return count


@kernel
def list_grams(
    symbols: Bytes, text: Bytes, begin: int, end: int, slots: int, slot: Ints, size: Ints, last: Ints
) -> int:
    """List the grams of the window `text[begin:end]`; for training and for explanations.

    Args:
        symbols: `SYMBOLS`.
        text: uint8.
        begin, end: The window, at most WINDOW bytes.
        slots: Size of the table of weights, a power of two.
        slot: int64, receives each gram's slot, from index 0 on; 3 * (WINDOW + 2) are enough.
        size: int64, receives its number of symbols.
        last: int64, receives the index of its last byte; `end` for the closing edge.

    Returns:
        How many there are.
    """
    code = 0
    seen = 1
    count = 0
    for at in range(begin, end + 1):
        if at < end:
            code = ((code << 6) | (symbols[text[at]] & 63)) & 0xFFFFFF
        else:
            code = (code << 6) & 0xFFFFFF
        seen += 1
        for long in range(SHORTEST, LONGEST + 1):
            if seen >= long:
                slot[count] = _slot(code, long, slots)
                size[count] = long
                last[count] = at
                count += 1
    return count


@subkernel
def _score_value(
    symbols: Bytes,
    text: Bytes,
    begin: int,
    end: int,
    weights: Weights,
    roots: NDArray[np.float64],
    best: NDArray[np.float64],
    window: Ints,
) -> None:
    """Score a value by its worst window or tail.

    It is kept in `best[0]`, `window[0:2]` if it is worse than what they hold.
    """
    first = begin
    while True:
        past = min(first + WINDOW, end)
        score = window_sum(symbols, text, first, past, weights, 0) * roots[gram_count(first, past)]
        if score > best[0]:
            best[0] = score
            window[0] = first
            window[1] = past
        if past == end:
            break
        first += STRIDE
    before = begin
    for which in range(2):
        first = tail_begins(symbols, text, begin, end, which)
        if first > begin and first < end and first != before:
            past = min(first + WINDOW, end)
            score = window_sum(symbols, text, first, past, weights, 0) * roots[gram_count(first, past)]
            if score > best[0]:
                best[0] = score
                window[0] = first
                window[1] = past
        before = first


@kernel
def list_tails(symbols: Bytes, text: Bytes, begin: int, end: int, first: Ints) -> int:
    """List where the tails of the value `text[begin:end]` begin; for training.

    Args:
        symbols: `SYMBOLS`.
        text: uint8. begin, end: The value.
        first: int64 (2,), receives where each begins.

    Returns:
        How many there are.
    """
    count = 0
    for which in range(2):
        at = tail_begins(symbols, text, begin, end, which)
        if at > begin and at < end and (count == 0 or at != first[0]):
            first[count] = at
            count += 1
    return count


@subkernel
def score_text(
    symbols: Bytes,
    text: Bytes,
    begin: int,
    end: int,
    split: int,
    weights: Weights,
    roots: NDArray[np.float64],
    best: NDArray[np.float64],
    window: Ints,
) -> None:
    """Score a decoded path (`split` 0) or each value of a decoded query (1).

    A query's values end as `value_end` says.
    """
    best[0] = -1e9
    if split == 0:
        if is_loud(symbols, text, begin, end):
            _score_value(symbols, text, begin, end, weights, roots, best, window)
        return
    at = begin
    while at < end:
        value = value_begin(text, at, end)
        past = value_end(text, value, end)
        if is_loud(symbols, text, value, past):
            _score_value(symbols, text, value, past, weights, roots, best, window)
        at = past + 1


@kernel
def score_each(
    symbols: Bytes,
    text: Bytes,
    row_end: Ints,
    split: Ints,
    weights: Weights,
    roots: NDArray[np.float64],
    best: NDArray[np.float64],
    window: Ints,
    score: NDArray[np.float64],
    span: Ints,
) -> None:
    """`score_text` for each row of a text.

    Args:
        symbols: `SYMBOLS`.
        text: uint8, decoded rows, each followed by two bytes.
        row_end: int64 (n,), where each row ends, past those; the first begins at 0.
        split: int64 (n,): 1 if it is a query, 0 if it is one value.
        weights: int8 (rows, 2**k); row 0 tells attacks from the rest.
        roots: float64, `1 / sqrt(n)` for each number of grams.
        best: float64 (1,), scratch space. window: int64 (2,), scratch space.
        score: float64 (n,), receives each row's score before scale and bias; -1e9 where nothing is scored.
        span: int64 (n, 2), receives where its worst window begins and ends, in the row.
    """
    begin = 0
    for row in range(row_end.shape[0]):
        window[0] = begin
        window[1] = begin
        score_text(symbols, text, begin, row_end[row] - 2, split[row], weights, roots, best, window)
        score[row] = best[0]
        span[row, 0] = window[0] - begin
        span[row, 1] = window[1] - begin
        begin = row_end[row]


@kernel
def score_rows(
    symbols: Bytes,
    text: Bytes,
    row_end: Ints,
    rows: int,
    row_text: Ints,
    row_place: Ints,
    query_places: int,
    origin_places: int,
    weights: Weights,
    roots: NDArray[np.float64],
    bounds: NDArray[np.float64],
    band_rule: Ints,
    best: NDArray[np.float64],
    window: Ints,
    bits: Bytes,
    dirty: Bytes,
    score: NDArray[np.float32],
) -> None:
    """Score decoded rows, and set the bit of the rule that stands for a score's kind and band.

    Args:
        symbols: `SYMBOLS`.
        text: uint8, the scan buffer.
        row_end: int64, where each row ends, past its NUL and line feed; the first begins at 0.
        rows: How many rows to score, the first ones.
        row_text: int64, the text of each row.
        row_place: int64, its place, one bit.
        query_places: The bits of queries. origin_places: Those of origins, which are not scored.
        weights: int8 (1 + kinds, 2**k); row 0 tells attacks from the rest, the others one kind from the others.
        roots: float64, `1 / sqrt(n)` for each number of grams.
        bounds: float64 (bands,), ascending: least score of each band, before scale and bias.
        band_rule: int64 (kinds * bands,): the rule of each kind and band, -1 for none.
        best: float64 (1,), scratch space.
        window: int64 (2,), scratch space.
        bits: uint8 (texts, w), receives the bits.
        dirty: uint8 (texts,): 1 where a rule hit; receives 1 where a bit is set.
        score: float32 (texts,), receives the worst score of each text's rows, before scale and bias; -1e9 where
            nothing is scored. It must be NaN before.
    """
    bands = bounds.shape[0]
    begin = 0
    for row in range(rows):
        end = row_end[row] - 2
        if row_place[row] & origin_places:
            begin = row_end[row]
            continue
        split = 1 if row_place[row] & query_places else 0
        score_text(symbols, text, begin, end, split, weights, roots, best, window)
        begin = row_end[row]
        # Of NaN this is true.
        if not score[row_text[row]] >= best[0]:
            score[row_text[row]] = best[0]
        band = -1
        while band + 1 < bands and best[0] >= bounds[band + 1]:
            band += 1
        if band >= 0:
            kind = 0
            most = -(1 << 60)
            for row_of in range(1, weights.shape[0]):
                total = window_sum(symbols, text, window[0], window[1], weights, row_of)
                if total > most:
                    most = total
                    kind = row_of - 1
            rule = band_rule[kind * bands + band]
            if rule >= 0:
                bits[row_text[row], rule >> 3] |= 1 << (rule & 7)
                dirty[row_text[row]] = 1
