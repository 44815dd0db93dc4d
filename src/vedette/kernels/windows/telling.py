"""Choosing the rows that show best what was found."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bitmaps, Bytes, Ints
from vedette.kernels.compile import kernel, subkernel


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
