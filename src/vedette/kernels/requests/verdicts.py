"""From signature matches to verdicts, of texts and of rows.

A verdict is the set of rules that a text hit, as a bitmap: rule `r` is bit `r & 7` of byte `r >> 3`. Texts of
all places of a batch are numbered through; `dirty[text]` says whether its bitmap holds anything.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bitmaps, Bytes, Ints
from vedette.kernels.compile import kernel, subkernel

RULE_BITS = 10
"""Low bits of a hit that hold the rule; the rest is where its row ends."""


@kernel
def collect_hits(
    hits: Ints,
    row_end: Ints,
    row_text: Ints,
    row_place: Ints,
    rule_places: Ints,
    bits: Bitmaps,
    dirty: Bytes,
) -> None:
    """Set the bits of the rules that matched, where a rule looks at the place of the row that it matched in.

    Args:
        hits: int64 (m,): `end << RULE_BITS | rule`; `end` is where the matched row ends.
        row_end: int64 (rows,), ascending.
        row_text: int64 (rows,): text of each row.
        row_place: int64 (rows,): place of each row, one bit.
        rule_places: int64 (rules,): places of each rule, bits.
        bits: uint8 (texts, w).
        dirty: uint8 (texts,).
    """
    rows = row_end.shape[0]
    for n in range(hits.shape[0]):
        rule = hits[n] & ((1 << RULE_BITS) - 1)
        end = hits[n] >> RULE_BITS
        low = 0
        high = rows - 1
        while low < high:
            middle = (low + high) >> 1
            if row_end[middle] < end:
                low = middle + 1
            else:
                high = middle
        if rule_places[rule] & row_place[low]:
            text = row_text[low]
            bits[text, rule >> 3] |= 1 << (rule & 7)
            dirty[text] = 1


@kernel
def collect_flags(
    flags: Ints, chosen: Ints, first: int, flag_mask: Ints, flag_rule: Ints, bits: Bitmaps, dirty: Bytes
) -> None:
    """Set the bits of rules that rest on `TextFlag`s: rule `flag_rule[f]` on any bit of `flag_mask[f]`."""
    for n in range(chosen.shape[0]):
        if flags[n] == 0:
            continue
        for f in range(flag_mask.shape[0]):
            if flags[n] & flag_mask[f]:
                rule = flag_rule[f]
                bits[first + chosen[n], rule >> 3] |= 1 << (rule & 7)
                dirty[first + chosen[n]] = 1


@subkernel
def _weigh(
    bits: Bitmaps,
    at: int,
    rule_confidence: NDArray[np.float64],
    rule_factor: NDArray[np.float64],
    rule_type: Ints,
    out: int,
    confidence: NDArray[np.float32],
    top: NDArray[np.int32],
    types: NDArray[np.uint32],
    plain: NDArray[np.float32],
) -> None:
    """Combine the rules of one bitmap: 1 - prod(1 - confidence), in the order of the rules.

    A rule with a factor stands for what the payload model says. Alone it counts with its own confidence; beside others
    it multiplies their odds by its factor, the largest one where there are several. `plain` receives the confidence of
    the others.
    """
    doubt = 1.0
    best = -1
    kinds = 0
    model = -1
    for j in range(bits.shape[1]):
        byte = bits[at, j]
        if byte == 0:
            continue
        for k in range(8):
            if (byte >> k) & 1:
                rule = j * 8 + k
                if rule_factor[rule] > 1.0:
                    if model < 0 or rule_confidence[rule] > rule_confidence[model]:
                        model = rule
                    continue
                doubt *= 1.0 - rule_confidence[rule]
                kinds |= rule_type[rule]
                if best < 0 or rule_confidence[rule] > rule_confidence[best]:
                    best = rule
    sure = 1.0 - doubt
    plain[out] = sure
    if model >= 0:
        if best < 0:
            sure = rule_confidence[model]
        else:
            odds = sure * rule_factor[model]
            sure = odds / (odds + doubt)
        if best < 0 or rule_confidence[best] < rule_confidence[model]:
            kinds |= rule_type[model]
            best = model
    confidence[out] = sure
    top[out] = best
    types[out] = kinds


@kernel
def weigh_texts(
    bits: Bitmaps,
    dirty: Bytes,
    rule_confidence: NDArray[np.float64],
    rule_factor: NDArray[np.float64],
    rule_type: Ints,
    confidence: NDArray[np.float32],
    top: NDArray[np.int32],
    types: NDArray[np.uint32],
    plain: NDArray[np.float32],
) -> None:
    """Combine the rules of each dirty text; see `judge_rows` for what the results mean."""
    for text in range(dirty.shape[0]):
        if dirty[text] != 0:
            _weigh(bits, text, rule_confidence, rule_factor, rule_type, text, confidence, top, types, plain)


@kernel
def judge_rows(
    texts: NDArray[np.int32],
    first: Ints,
    request_flags: NDArray[np.uint16],
    flag_mask: Ints,
    flag_rule: Ints,
    rule_confidence: NDArray[np.float64],
    rule_factor: NDArray[np.float64],
    rule_type: Ints,
    bits: Bitmaps,
    dirty: Bytes,
    text_confidence: NDArray[np.float32],
    text_top: NDArray[np.int32],
    text_types: NDArray[np.uint32],
    text_plain: NDArray[np.float32],
    union: Bitmaps,
    confidence: NDArray[np.float32],
    top: NDArray[np.int32],
    types: NDArray[np.uint32],
    plain: NDArray[np.float32],
) -> None:
    """Combine the verdicts of each row's texts; a rule counts once, in however many places it hit.

    Args:
        texts: int32 (places, n): the id of each row's text in each place, -1 where not recorded.
        first: int64 (places,): number of each place's first text.
        request_flags: uint16 (n,): `RequestFlag` bits.
        flag_mask, flag_rule: int64 (f,): rule `flag_rule[i]` holds for rows with any bit of `flag_mask[i]`
            whose first place (the target) is recorded.
        rule_confidence, rule_factor: float64 (rules,), see `_weigh`.
        rule_type: int64 (rules,), one bit each.
        bits, dirty, text_confidence, text_top, text_types, text_plain: What is known of each text.
        union: uint8 (1, w): scratch space.
        confidence: float32 (n,): receives the combined confidence, 0 where no rule hit.
        top: int32 (n,): receives the most confident rule (the first of equals), -1 where none hit.
        types: uint32 (n,): receives the types of the rules that hit, one bit each.
        plain: float32 (n,): receives the combined confidence of the rules without the payload model.
    """
    any_flag = 0
    for f in range(flag_mask.shape[0]):
        any_flag |= flag_mask[f]
    width = bits.shape[1]
    for row in range(request_flags.shape[0]):
        found = 0
        last = -1
        for place in range(first.shape[0]):
            this = texts[place, row]
            if this >= 0 and dirty[first[place] + this] != 0:
                found += 1
                last = first[place] + this
        odd = request_flags[row] & any_flag
        if texts[0, row] < 0:
            odd = 0
        if found == 0 and odd == 0:
            confidence[row] = 0.0
            top[row] = -1
            types[row] = 0
            plain[row] = 0.0
        elif found == 1 and odd == 0:
            confidence[row] = text_confidence[last]
            top[row] = text_top[last]
            types[row] = text_types[last]
            plain[row] = text_plain[last]
        else:
            for j in range(width):
                union[0, j] = 0
            for place in range(first.shape[0]):
                this = texts[place, row]
                if this >= 0 and dirty[first[place] + this] != 0:
                    for j in range(width):
                        union[0, j] |= bits[first[place] + this, j]
            for f in range(flag_mask.shape[0]):
                if odd & flag_mask[f]:
                    rule = flag_rule[f]
                    union[0, rule >> 3] |= 1 << (rule & 7)
            _weigh(union, 0, rule_confidence, rule_factor, rule_type, row, confidence, top, types, plain)
