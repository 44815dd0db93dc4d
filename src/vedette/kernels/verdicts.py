"""From signature matches to verdicts: per text, remembered across batches, and per row.

A verdict is the set of rules that a text hit, as a bitmap: rule `r` is bit `r & 7` of byte `r >> 3`. Texts of
all places of a batch are numbered through; `dirty[text]` says whether its bitmap holds anything.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.hashing import hash_bytes
from vedette.kernels.words import Bytes, equal_across

Ints = NDArray[np.int64]
Bitmaps = NDArray[np.uint8]

KEY = 192
"""Longest text that is remembered, in bytes. Longer ones seldom come twice."""
WAYS = 4
"""Slots that a text may lie in; the one that was filled first makes room. After half as many texts as there are slots
14 % are pushed out, where one slot for each would lose 39 %."""
RULE_BITS = 10
"""Low bits of a hit that hold the rule; the rest is where its row ends."""


@kernel
def recall(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    place: int,
    secret_a: int,
    secret_b: int,
    slot_head: NDArray[np.int64],
    slot_key: Bytes,
    slot_bits: Bitmaps,
    slot_score: NDArray[np.float32],
    first: int,
    bits: Bitmaps,
    dirty: Bytes,
    score: NDArray[np.float32],
    codes: Ints,
    unknown: Ints,
) -> int:
    """Look the texts of one place up in the memory; give those it knows their verdicts.

    Args:
        buffer, start, length: The vocabulary, k texts.
        place: Number of the place, part of the key: the same text may be judged differently elsewhere.
        secret_a, secret_b: Key of the hash.
        slot_head: int64 (s, 2), s a power of two: the hash of a slot's text, and its length plus 1; 0 where there is
            none, and negated where it hit something: most hit nothing, and their verdicts need not be read. `WAYS`
            slots that follow each other are a set; a text lies in the set that its hash names.
        slot_key: uint8 (s * KEY,): the texts.
        slot_bits: uint8 (s, w): the verdicts. slot_score: float32 (s,): what the payload model says.
        first: Number of the first text.
        bits: uint8 (texts, w): receives verdicts, rows of texts that are not known stay as they are.
        dirty: uint8 (texts,). score: float32 (texts,): receives what the payload model says, as `bits` does.
        codes: int64 (texts,): receives the hash of each text, for `remember`.
        unknown: int64 (k,): receives the ids of the texts not known, in order.

    Returns:
        How many are not known.
    """
    mask = slot_head.shape[0] - WAYS
    width = bits.shape[1]
    count = 0
    for i in range(start.shape[0]):
        size = length[i]
        if size > KEY:
            unknown[count] = i
            count += 1
            continue
        code = hash_bytes(buffer, start[i], size, secret_a ^ place, secret_b)
        codes[first + i] = code
        slot = code & mask
        past = slot + WAYS
        while slot < past:
            held = slot_head[slot, 1]
            if (
                (held == size + 1 or held == -size - 1)
                and slot_head[slot, 0] == code
                and equal_across(buffer, start[i], slot_key, slot * KEY, size)
            ):
                break
            slot += 1
        if slot == past:
            unknown[count] = i
            count += 1
        else:
            score[first + i] = slot_score[slot]
            if held < 0:
                for j in range(width):
                    bits[first + i, j] = slot_bits[slot, j]
                dirty[first + i] = 1
    return count


@kernel
def remember(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    known: Ints,
    first: int,
    bits: Bitmaps,
    score: NDArray[np.float32],
    codes: Ints,
    slot_head: NDArray[np.int64],
    slot_key: Bytes,
    slot_bits: Bitmaps,
    slot_score: NDArray[np.float32],
    next_way: Bytes,
) -> None:
    """Put the texts `known` (ids, int64) of one place into the memory; each displaces the oldest of its set.

    Args:
        next_way: uint8 (s / WAYS,): which slot of each set is filled next. The others are those of `recall`.
    """
    mask = slot_head.shape[0] - WAYS
    width = bits.shape[1]
    for n in range(known.shape[0]):
        i = known[n]
        size = length[i]
        if size > KEY:
            continue
        code = codes[first + i]
        group = (code & mask) // WAYS
        slot = group * WAYS + next_way[group]
        next_way[group] = (next_way[group] + 1) & (WAYS - 1)
        at = start[i]
        for j in range(size):
            slot_key[slot * KEY + j] = buffer[at + j]
        hit = 0
        for j in range(width):
            hit |= bits[first + i, j]
        if hit != 0:
            for j in range(width):
                slot_bits[slot, j] = bits[first + i, j]
        slot_score[slot] = score[first + i]
        slot_head[slot, 0] = code
        slot_head[slot, 1] = -size - 1 if hit != 0 else size + 1


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


@subkernel
def _note(rule: int, place: int, rule_rank: Ints, rule_kind: Ints, best: Any) -> None:
    """Take a rule as the best of its kind if it is; `best[0]` holds rules, -1 for none, `best[1]` their places."""
    kind = rule_kind[rule]
    if best[0, kind] < 0 or rule_rank[rule] < rule_rank[best[0, kind]]:
        best[0, kind] = rule
        best[1, kind] = place


@subkernel
def _tells_more(
    row: int,
    rule: int,
    other_row: int,
    other_rule: int,
    rule_rank: Ints,
    confidence: NDArray[np.float32],
    time: Ints,
) -> bool:
    if rule_rank[rule] != rule_rank[other_rule]:
        return bool(rule_rank[rule] < rule_rank[other_rule])
    if confidence[row] != confidence[other_row]:
        return bool(confidence[row] > confidence[other_row])
    if time[row] != time[other_row]:
        return bool(time[row] < time[other_row])
    return bool(row < other_row)


@kernel
def tell_rows(
    rows: Ints,
    slot: Ints,
    client: NDArray[np.int32],
    once: Bytes,
    time: Ints,
    confidence: NDArray[np.float32],
    texts: NDArray[np.int32],
    first: Ints,
    request_flags: NDArray[np.uint16],
    flag_mask: Ints,
    flag_rule: Ints,
    rule_rank: Ints,
    rule_kind: Ints,
    bits: Bitmaps,
    dirty: Bytes,
    best: NDArray[np.int64],
    out_row: NDArray[np.int64],
    out_rule: NDArray[np.int64],
    out_place: NDArray[np.int64],
) -> None:
    """Choose the rows of each slot that tell each kind best: by rank of rule, confidence, time, order.

    Args:
        rows: int64 (k,), rows to choose from. slot: int64 (k,), the slot of each.
        client: int32 (n,), who sent each row of the batch.
        once: uint8 (slots,): whether a slot takes one row of a client at most.
        time: int64 (n,). confidence: float32 (n,).
        texts, first, request_flags, flag_mask, flag_rule, bits, dirty: As of `judge_rows`.
        rule_rank: int64 (rules,), lower is better. rule_kind: int64 (rules,), below `kinds`.
        best: int64 (2, kinds): scratch space.
        out_row: int64 (slots * kinds, most), -1: receives for each slot and kind the rows chosen, the best first.
        out_rule, out_place: The same shape: the best rule of that kind, and the first place that it hit in.
    """
    kinds = best.shape[1]
    most = out_row.shape[1]
    for n in range(rows.shape[0]):
        row = rows[n]
        for kind in range(kinds):
            best[0, kind] = -1
        for place in range(first.shape[0]):
            this = texts[place, row]
            if this < 0 or dirty[first[place] + this] == 0:
                continue
            for j in range(bits.shape[1]):
                byte = bits[first[place] + this, j]
                if byte == 0:
                    continue
                for k in range(8):
                    if (byte >> k) & 1:
                        _note(j * 8 + k, place, rule_rank, rule_kind, best)
        if texts[0, row] >= 0:
            for f in range(flag_mask.shape[0]):
                if request_flags[row] & flag_mask[f]:
                    _note(flag_rule[f], 0, rule_rank, rule_kind, best)
        for kind in range(kinds):
            rule = best[0, kind]
            if rule < 0:
                continue
            cell = slot[n] * kinds + kind
            # Where this row goes; what stands behind it moves back, to where its client stood or off the end.
            last = most - 1
            at = most
            for i in range(most - 1, -1, -1):
                known = out_row[cell, i]
                if known < 0 or _tells_more(row, rule, known, out_rule[cell, i], rule_rank, confidence, time):
                    at = i
            if once[slot[n]] != 0:
                for i in range(most):
                    known = out_row[cell, i]
                    if known >= 0 and client[known] == client[row]:
                        last = i
            if at > last:
                continue
            for i in range(last, at, -1):
                out_row[cell, i] = out_row[cell, i - 1]
                out_rule[cell, i] = out_rule[cell, i - 1]
                out_place[cell, i] = out_place[cell, i - 1]
            out_row[cell, at] = row
            out_rule[cell, at] = rule
            out_place[cell, at] = best[1, kind]
