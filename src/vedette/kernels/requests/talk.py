"""Which requests hold no more than talk about attacks.

Where a rule hit that people's own words hit too, every value of the request is scored once more, by weights that tell
attacks from what is written about them: those of its grams (`kernels.requests.grams`) and those of its words and
shapes (`kernels.requests.word_shapes`). As there, a value is worth as much as its worst window or tail.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.requests.grams import (
    STRIDE,
    WINDOW,
    Weights,
    gram_count,
    is_loud,
    tail_begins,
    value_begin,
    value_end,
    window_sum,
)
from vedette.kernels.requests.word_shapes import window_shapes

SENTENCE = 3
"""Spaces from which a text is taken for a sentence."""
_NOTHING = -1e9


@subkernel
def _window_score(
    symbols: Bytes,
    grammar: Ints,
    text: Bytes,
    first: int,
    past: int,
    weights: Weights,
    roots: NDArray[np.float64],
    slot: Ints,
) -> float:
    """What the window `first:past` is worth, before scale and bias."""
    score: float = window_sum(symbols, text, first, past, weights, 0) * roots[gram_count(first, past)]
    count = window_shapes(grammar, text, first, past, weights.shape[1], slot)
    total = 0
    for i in range(count):
        total += weights[1, slot[i]]
    score += total * roots[count]
    return score


@subkernel
def _value_score(
    symbols: Bytes,
    grammar: Ints,
    text: Bytes,
    begin: int,
    end: int,
    weights: Weights,
    roots: NDArray[np.float64],
    slot: Ints,
    enough: float,
) -> float:
    """What a value's worst window or tail is worth; or the first that is worth more than `enough`."""
    worst = _NOTHING
    first = begin
    while worst <= enough:
        past = min(first + WINDOW, end)
        worst = max(worst, _window_score(symbols, grammar, text, first, past, weights, roots, slot))
        if past == end:
            break
        first += STRIDE
    before = begin
    for which in range(2):
        first = tail_begins(symbols, text, begin, end, which)
        if worst <= enough and first > begin and first < end and first != before:
            past = min(first + WINDOW, end)
            worst = max(worst, _window_score(symbols, grammar, text, first, past, weights, roots, slot))
        before = first
    return worst


@subkernel
def _row_score(
    symbols: Bytes,
    grammar: Ints,
    text: Bytes,
    begin: int,
    end: int,
    split: int,
    weights: Weights,
    roots: NDArray[np.float64],
    slot: Ints,
    enough: float,
) -> float:
    """What a path with a mark (`split` 0), or the worst value of a query, is worth; see `_value_score`."""
    if split == 0:
        if is_loud(symbols, text, begin, end):
            return _value_score(symbols, grammar, text, begin, end, weights, roots, slot, enough)
        return _NOTHING
    worst = _NOTHING
    at = begin
    while at < end and worst <= enough:
        value = value_begin(text, at, end)
        past = value_end(text, value, end)
        if past > value:
            score = _value_score(symbols, grammar, text, value, past, weights, roots, slot, enough)
            worst = max(worst, score)
        at = past + 1
    return worst


@subkernel
def _holds_hidden(text: Bytes, begin: int, end: int) -> bool:
    """Whether a query holds what a Base64 text stands for: that stands behind `&=` (`kernels.base64_text`)."""
    for i in range(begin, end - 1):
        if text[i] == 38 and text[i + 1] == 61:
            return True
    return False


@subkernel
def _spaces(text: Bytes, begin: int, end: int) -> int:
    """How many spaces a path or a query holds; of JSON only its strings', which `json_values` adds behind `&.=`.

    Those behind `":` and `",` are of JSON whose strings hold no mark.
    """
    first = begin
    for i in range(begin, end - 2):
        if text[i] == 38 and text[i + 1] == 46 and text[i + 2] == 61:
            first = i
            break
    count = 0
    for i in range(first, end):
        if text[i] != 32:
            continue
        if i < begin + 2 or text[i - 2] != 34 or (text[i - 1] != 58 and text[i - 1] != 44):
            count += 1
    return count


@subkernel
def _is_plain(symbols: Bytes, text: Bytes, begin: int, end: int, split: int) -> bool:
    """Whether no rule that needs a mark or a space can have hit a path (`split` 0), or the names of a query."""
    if split == 0:
        for i in range(begin, end):
            if text[i] == 32 or text[i] == 43:  # '+', which may stand for a space
                return False
        return not is_loud(symbols, text, begin, end)
    at = begin
    while at < end:
        value = value_begin(text, at, end)
        for i in range(at, value):
            if text[i] == 91 or text[i] == 93:  # '[', ']'; no other mark is part of a name
                return False
        at = value_end(text, value, end) + 1
    return True


@subkernel
def _is_hit(bits: Bytes, of: int, rules: Bytes, kind: int) -> bool:
    """Whether a text hit one of the rules of a row of `rules`."""
    some = 0
    for j in range(rules.shape[1]):
        some |= bits[of, j] & rules[kind, j]
    return some != 0


@subkernel
def _talk_score(
    symbols: Bytes,
    grammar: Ints,
    text: Bytes,
    row_end: Ints,
    first: int,
    last: int,
    row_place: Ints,
    query_places: int,
    origin_places: int,
    weights: Weights,
    roots: NDArray[np.float64],
    slot: Ints,
    bound: NDArray[np.float64],
) -> tuple[float, int]:
    """What the worst value of the text of rows `first` to `last` is worth; and which of the bounds are theirs.

    A value that is worth more than talk may be ends the search: whatever else the text holds, it is none.
    """
    spaces = 0
    for row in range(first, last + 1):
        begin = row_end[row - 1] if row > 0 else 0
        end = row_end[row] - 2
        if row_place[row] & origin_places:
            continue
        before = spaces
        spaces += _spaces(text, begin, end)
        # People write in queries; a path with marks and without a space is no sentence.
        split = row_place[row] & query_places
        if split == 0 and spaces == before and is_loud(symbols, text, begin, end):
            return -_NOTHING, 0
        # Nor does anybody write in Base64.
        if split != 0 and _holds_hidden(text, begin, end):
            return -_NOTHING, 0
    length = 2 if spaces >= SENTENCE else min(spaces, 1)
    worst = _NOTHING
    for row in range(first, last + 1):
        if row_place[row] & origin_places:
            continue
        begin = row_end[row - 1] if row > 0 else 0
        split = 1 if row_place[row] & query_places else 0
        score = _row_score(
            symbols, grammar, text, begin, row_end[row] - 2, split, weights, roots, slot, bound[0, length]
        )
        worst = max(worst, score)
        if worst > bound[0, length]:
            break
    return worst, length


@kernel
def take_back_talk(
    symbols: Bytes,
    grammar: Ints,
    text: Bytes,
    row_end: Ints,
    rows: int,
    row_text: Ints,
    row_place: Ints,
    query_places: int,
    origin_places: int,
    named_places: int,
    weights: Weights,
    roots: NDArray[np.float64],
    bound: NDArray[np.float64],
    talk_rules: Bytes,
    sure: float,
    slot: Ints,
    bits: Bytes,
    dirty: Bytes,
    score: NDArray[np.float32],
) -> None:
    """Take back rules that talk hits too from the texts that are no more than that.

    Args:
        symbols: `grams.SYMBOLS`. grammar: `word_shapes.GRAMMAR`.
        text: uint8, the scan buffer.
        row_end: int64, where each row ends, past its NUL and line feed; the first begins at 0.
        rows: How many rows to look at, the first ones.
        row_text: int64, the text of each row.
        row_place: int64, its place, one bit.
        query_places: The bits of queries. origin_places: Those of origins, which are not scored.
        named_places: Those of them without which a text is no address, and no talk: nobody types into a referer.
        weights: int8 (2, 2**k), of grams and of words and shapes.
        roots: float64, `1 / sqrt(n)` for each number of either.
        bound: float64 (2, 3): scores up to which a value is talk (0) and talk beyond doubt (1), of texts without a
            space, with few, and with `SENTENCE` or more. The first are not less than the second.
        talk_rules: uint8 (2, w), bitmaps of the rules that either takes back.
        sure: Score of the payload model from which a text is no talk.
        slot: int64, scratch space for `word_shapes.PER_BYTE` * (WINDOW + 2).
        bits: uint8 (texts, w), the rules that each text hit.
        dirty: uint8 (texts,): 1 where there is one.
        score: float32 (texts,), what the payload model says of each.
    """
    first = 0
    for row in range(rows):
        of = row_text[row]
        if of != row_text[first]:
            first = row
        if (row + 1 < rows and row_text[row + 1] == of) or dirty[of] == 0:
            continue
        # Of NaN this is false.
        if score[of] >= sure or not (_is_hit(bits, of, talk_rules, 0) or _is_hit(bits, of, talk_rules, 1)):
            continue
        begin = row_end[first - 1] if first > 0 else 0
        if (
            row_place[first] & origin_places
            and row_place[first] & named_places
            and row_end[first] - 2 == begin
        ):
            continue
        worst, length = _talk_score(
            symbols, grammar, text, row_end, first, row, row_place, query_places, origin_places, weights, roots,
            slot, bound,
        )  # fmt: skip
        if worst <= _NOTHING or worst > bound[0, length]:
            continue
        doubtless = worst <= bound[1, length]
        for this in range(first, row + 1):
            if doubtless and not row_place[this] & origin_places:
                begin = row_end[this - 1] if this > 0 else 0
                split = 1 if row_place[this] & query_places else 0
                doubtless = _is_plain(symbols, text, begin, row_end[this] - 2, split)
        left = 0
        for j in range(talk_rules.shape[1]):
            bits[of, j] &= ~talk_rules[0, j]
            if doubtless:
                bits[of, j] &= ~talk_rules[1, j]
            left |= bits[of, j]
        dirty[of] = 1 if left != 0 else 0
