"""Finding fields in logfmt lines: `key=value key="a value"`, in any order, words without a value among them.

One pass over the bytes. A key is what stands before `=`; a value runs to the next blank, or stands in quotes with a
backslash before what is escaped. A quote anywhere else refuses the line: in a line of another format, which may hold
whatever a client sent, pairs inside quotes must not be taken for ours.

The keys to find come as the arrays of `vedette.parsers.json_keys`, of which only the first level is used.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.lines.keyed_lines import (
    AT,
    BLANK,
    FREE,
    LINE,
    MINUS,
    NOT_AN_OBJECT,
    ROWS,
    fill_fields,
    note_skip,
)
from vedette.kernels.lines.keys import EDGE_SLOT, NOWHERE, find_edge
from vedette.kernels.lines.tokenise_json import CARRIAGE_RETURN, NEWLINE, SPACE, TAB
from vedette.kernels.text.json_text import QUOTE, string_end, unescape
from vedette.kernels.text.search import find

EQUALS = ord("=")
BRACKET = ord("[")
SHORTEST_TIME = 19
"""Bytes of `2024-05-01T10:00:00`."""


@inlined
def _is_time(buffer: Bytes, at: int, length: int) -> bool:
    """Whether a word looks like a time of ISO 8601: four digits, a hyphen, and long enough."""
    if length < SHORTEST_TIME or buffer[at + 4] != MINUS or buffer[at + 7] != MINUS:
        return False
    for i in range(4):
        if buffer[at + i] < 48 or buffer[at + i] > 57:
            return False
    return True


@subkernel
def _read_pairs(
    buffer: Bytes,
    at: int,
    end: int,
    free: int,
    head: int,
    cut: bool,
    buckets: NDArray[np.int16],
    edges: NDArray[np.int32],
    keys: Bytes,
    slot_start: NDArray[np.int64],
    slot_length: NDArray[np.int32],
) -> tuple[int, bool]:
    """Note the wanted values of the line `at .. end`, the first of each key; `head` is the slot of a time before them.

    With `cut`, the line counts as far as the first value that has a quotation mark inside.

    Returns:
        The tail's next free byte, and whether the line holds pairs and is well formed.
    """
    pairs = 0
    while True:
        while at < end and (buffer[at] == SPACE or buffer[at] == TAB):
            at += 1
        if at >= end:
            return free, pairs > 0
        begin = at
        while at < end and not (
            buffer[at] == EQUALS or buffer[at] == SPACE or buffer[at] == TAB or buffer[at] == QUOTE
        ):
            at += 1
        if at >= end or buffer[at] == SPACE or buffer[at] == TAB:
            if head >= 0 and pairs == 0 and slot_start[head] < 0:
                # Ruby's logger: `I, [2026-03-02T08:00:00.123456 #4321]  INFO -- : `.
                bracket = 1 if buffer[begin] == BRACKET else 0
                if _is_time(buffer, begin + bracket, at - begin - bracket):
                    slot_start[head] = begin + bracket
                    slot_length[head] = at - begin - bracket
            continue
        if buffer[at] == QUOTE or at == begin:
            return free, False
        edge = find_edge(buffer, begin, at - begin, 0, buckets, edges, keys)
        slot = NOWHERE
        if edge >= 0 and slot_start[edges[EDGE_SLOT, edge]] < 0:
            slot = edges[EDGE_SLOT, edge]
        at += 1
        begin = at
        if at < end and buffer[at] == QUOTE:
            begin = at + 1
            at, escaped = string_end(buffer, begin, end)
            if at >= end:
                return free, False
            if slot >= 0:
                slot_start[slot] = begin
                slot_length[slot] = at - begin
                if escaped:
                    written = unescape(buffer, begin, at, free)
                    slot_start[slot] = free
                    slot_length[slot] = written - free
                    free = written
            at += 1
            if at < end and buffer[at] != SPACE and buffer[at] != TAB:
                return free, False
        else:
            while at < end and not (buffer[at] == SPACE or buffer[at] == TAB or buffer[at] == QUOTE):
                at += 1
            if at < end and buffer[at] == QUOTE:
                return free, cut and pairs > 0
            if slot >= 0:
                slot_start[slot] = begin
                slot_length[slot] = at - begin
        pairs += 1


@kernel
def tokenise_logfmt(
    buffer: Bytes,
    length: int,
    state: NDArray[np.int64],
    head: int,
    cut: bool,
    buckets: NDArray[np.int16],
    edges: NDArray[np.int32],
    keys: Bytes,
    resolve: NDArray[np.int32],
    is_request: NDArray[np.uint8],
    slot_start: NDArray[np.int64],
    slot_length: NDArray[np.int32],
    start: NDArray[np.int64],
    lengths: NDArray[np.int32],
    line: NDArray[np.int64],
    raw_start: NDArray[np.int64],
    raw_length: NDArray[np.int32],
    skips: NDArray[np.int64],
) -> None:
    """Find fields in the lines of `buffer[:length]`, from where `state` stands until all rows are used.

    Args:
        head: Slot of a time that stands before the pairs, as a syslog daemon, Heroku and Ruby's logger write it; below
            0 for none.
        cut: Whether lines count as far as the first value that has a quotation mark inside (`params={"q"=>"x"}`), and
            not at all otherwise.

    The others are those of `vedette.kernels.lines.tokenise_json.tokenise`.
    """
    at = state[AT]
    number = state[LINE]
    row = state[ROWS]
    free = state[FREE]
    slots = slot_start.shape[0]
    while at < length and row < line.shape[0]:
        if number == 1 and buffer[at] == 0xEF and buffer[at + 1] == 0xBB and buffer[at + 2] == 0xBF:
            at += 3
        begin = at
        newline = find(buffer, at, length, NEWLINE)
        end = newline
        if end > begin and buffer[end - 1] == CARRIAGE_RETURN:
            end -= 1
        for slot in range(slots):
            slot_start[slot] = NOWHERE
        after, good = _read_pairs(
            buffer, begin, end, free, head, cut, buckets, edges, keys, slot_start, slot_length
        )
        reason = NOT_AN_OBJECT
        if good:
            reason = fill_fields(buffer, row, resolve, is_request, slot_start, slot_length, start, lengths)
        else:
            blank = begin
            while blank < end and (buffer[blank] == SPACE or buffer[blank] == TAB):
                blank += 1
            if blank >= end:
                reason = BLANK
        at = newline + 1
        if reason == NOWHERE:
            free = after
            line[row] = number
            raw_start[row] = begin
            raw_length[row] = end - begin
            row += 1
        else:
            note_skip(skips, reason, number, begin, end)
        number += 1
    state[AT] = at
    state[LINE] = number
    state[ROWS] = row
    state[FREE] = free
