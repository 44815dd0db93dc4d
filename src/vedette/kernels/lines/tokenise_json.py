"""Finding fields in JSON lines: one object a line, fields named by paths of keys.

A stack instead of recursion, one pass over the bytes, a limit on depth. The structure is held to RFC 8259
(commas, colons, brackets, nothing after the object); the text of numbers is left to assembly.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, kernel
from vedette.kernels.lines.keyed_lines import (
    AT,
    BAD_JSON,
    BLANK,
    FREE,
    LINE,
    MINUS,
    NOT_AN_OBJECT,
    ROWS,
    fill_fields,
    note_skip,
)
from vedette.kernels.lines.keys import EDGE_CHILD, EDGE_HIGH, EDGE_LOW, EDGE_SLOT, NOWHERE, find_edge
from vedette.kernels.text.json_text import QUOTE, string_end, unescape
from vedette.kernels.text.search import find

DEEPEST = 64
"""Objects and arrays inside one another, beyond which a line is refused."""

NEWLINE = ord("\n")
CARRIAGE_RETURN = ord("\r")
TAB = ord("\t")
SPACE = ord(" ")
COMMA = ord(",")
COLON = ord(":")
OPEN_OBJECT = ord("{")
CLOSE_OBJECT = ord("}")
OPEN_ARRAY = ord("[")
CLOSE_ARRAY = ord("]")
LOWER_N = ord("n")
NULL = tuple(b"null")
TRUE = tuple(b"true")
FALSE = tuple(b"false")


@inlined
def _scalar_end(buffer: Bytes, at: int) -> int:
    """Where a number or a literal that begins at `at` ends; `at` if none does."""
    first = buffer[at]
    begin = at
    if first == MINUS or 48 <= first <= 57:
        at += 1
        while True:
            c = buffer[at]
            # Digits, and . + - e E
            if not (48 <= c <= 57 or c == 46 or c == 43 or c == MINUS or (c | 32) == 101):
                return at
            at += 1
    while 97 <= buffer[at] <= 122:
        at += 1
    length = at - begin
    if length == 4:
        null = True
        true = True
        for i in range(4):
            null = null and buffer[begin + i] == NULL[i]
            true = true and buffer[begin + i] == TRUE[i]
        return at if null or true else begin
    if length == 5:
        for i in range(5):
            if buffer[begin + i] != FALSE[i]:
                return begin
        return at
    return begin


@inlined
def _skip_space(buffer: Bytes, at: int) -> int:
    while buffer[at] == SPACE or buffer[at] == TAB or buffer[at] == CARRIAGE_RETURN:
        at += 1
    return at


@inlined
def _read_object(
    buffer: Bytes,
    at: int,
    limit: int,
    free: int,
    buckets: NDArray[np.int16],
    edges: NDArray[np.int32],
    keys: Bytes,
    first_items: NDArray[np.int32],
    slot_start: NDArray[np.int64],
    slot_length: NDArray[np.int32],
    stack: NDArray[np.int32],
) -> tuple[int, int, bool]:
    """Read the object at `at` (its brace), in a line that ends at `limit`, and note the wanted values.

    Returns:
        Where reading stopped (the line's newline if all is well), the tail's next free byte, and whether the
        line holds one object and nothing else.
    """
    node = 0
    in_object = True
    depth = 0
    stack[0] = node * 2 + 1
    at = _skip_space(buffer, at + 1)
    fresh = True
    while True:
        # Here an entry of an object or array begins, or, if nothing came before, its closing bracket.
        edge = NOWHERE
        c = buffer[at]
        closing = fresh and c == (CLOSE_OBJECT if in_object else CLOSE_ARRAY)
        if not closing:
            if in_object:
                if c != QUOTE:
                    return at, free, False
                key = at + 1
                at, escaped = string_end(buffer, key, limit)
                if buffer[at] != QUOTE:
                    return at, free, False
                if not escaped:
                    edge = find_edge(buffer, key, at - key, node, buckets, edges, keys)
                else:
                    written = unescape(buffer, key, at, free)
                    edge = find_edge(buffer, free, written - free, node, buckets, edges, keys)
                at = _skip_space(buffer, at + 1)
                if buffer[at] != COLON:
                    return at, free, False
                at = _skip_space(buffer, at + 1)
            elif fresh and node >= 0:
                edge = first_items[node]
            slot = NOWHERE
            child = NOWHERE
            if edge >= 0:
                slot = edges[EDGE_SLOT, edge]
                child = edges[EDGE_CHILD, edge]
                for i in range(edges[EDGE_LOW, edge], edges[EDGE_HIGH, edge]):
                    slot_start[i] = NOWHERE
            c = buffer[at]
            if c == OPEN_OBJECT or c == OPEN_ARRAY:
                depth += 1
                if depth == DEEPEST:
                    return at, free, False
                node = child
                in_object = c == OPEN_OBJECT
                stack[depth] = node * 2 + (1 if in_object else 0)
                fresh = True
                at = _skip_space(buffer, at + 1)
                continue
            if c == QUOTE:
                begin = at + 1
                at, escaped = string_end(buffer, begin, limit)
                if buffer[at] != QUOTE:
                    return at, free, False
                if slot >= 0:
                    slot_start[slot] = begin
                    slot_length[slot] = at - begin
                    if escaped:
                        slot_start[slot] = free
                        written = unescape(buffer, begin, at, free)
                        slot_length[slot] = written - free
                        free = written
                at += 1
            else:
                begin = at
                at = _scalar_end(buffer, begin)
                if at == begin:
                    return at, free, False
                if slot >= 0 and c != LOWER_N:
                    slot_start[slot] = begin
                    slot_length[slot] = at - begin
            at = _skip_space(buffer, at)
            fresh = False
        # Here an entry has ended (or there was none): commas go on, brackets close.
        while True:
            c = buffer[at]
            if c == COMMA and not fresh:
                at = _skip_space(buffer, at + 1)
                break
            if c != (CLOSE_OBJECT if in_object else CLOSE_ARRAY):
                return at, free, False
            at = _skip_space(buffer, at + 1)
            fresh = False
            if depth == 0:
                return at, free, at == limit
            depth -= 1
            in_object = (stack[depth] & 1) == 1
            node = stack[depth] >> 1


@kernel
def tokenise(
    buffer: Bytes,
    length: int,
    state: NDArray[np.int64],
    buckets: NDArray[np.int16],
    edges: NDArray[np.int32],
    keys: Bytes,
    first_items: NDArray[np.int32],
    resolve: NDArray[np.int32],
    is_request: NDArray[np.uint8],
    slot_start: NDArray[np.int64],
    slot_length: NDArray[np.int32],
    stack: NDArray[np.int32],
    start: NDArray[np.int64],
    lengths: NDArray[np.int32],
    line: NDArray[np.int64],
    raw_start: NDArray[np.int64],
    raw_length: NDArray[np.int32],
    skips: NDArray[np.int64],
) -> None:
    """Find fields in the lines of `buffer[:length]`, from where `state` stands until all rows are used.

    Args:
        buffer: Lines, then padding of newlines, then the tail that unescaped text goes to.
        length: Bytes of lines.
        state: Offset of the next line, its number, rows filled, the tail's next free byte. Updated.
        buckets, edges, keys, first_items: The keys to find. `first_items` is the edge of each node that an
            array's first element takes.
        resolve: (2, any): slots and the fields they give, the most trusted slot of a field last.
        is_request: For each field, whether a line that has it is a request; `0` says nothing (Envoy's
            response code of a TCP connection).
        slot_start, slot_length, stack: Scratch, as long as the slots; `DEEPEST`.
        start, lengths: Spans, (fields, rows).
        line, raw_start, raw_length: The lines.
        skips: (SKIP_REASONS, 1 + 3 * SAMPLES): counts, then (line, start, length) of the first few. Added to.
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
        end = find(buffer, at, length, NEWLINE)
        at = _skip_space(buffer, at)
        reason = BLANK
        if buffer[at] == OPEN_OBJECT:
            for slot in range(slots):
                slot_start[slot] = NOWHERE
            _, after, good = _read_object(
                buffer, at, end, free, buckets, edges, keys, first_items, slot_start, slot_length, stack
            )
            reason = BAD_JSON
            if good:
                reason = fill_fields(
                    buffer, row, resolve, is_request, slot_start, slot_length, start, lengths
                )
        elif at < end:
            reason = NOT_AN_OBJECT
        at = end + 1
        if end > begin and buffer[end - 1] == CARRIAGE_RETURN:
            end -= 1
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
