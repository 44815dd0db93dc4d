"""Splitting request lines (RFC 9112, section 3), and what strangers write instead of them."""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, kernel, subkernel
from vedette.kernels.text.search import find

ABSENT = -1
SPACE = ord(" ")
SLASH = ord("/")
STAR = ord("*")
COLON = ord(":")
MINUS = ord("-")
QUESTION_MARK = ord("?")
HTTP = tuple(b"HTTP")
CONNECT = tuple(b"CONNECT")
LONGEST_SCHEME = 16
"""Bytes in which the colon of a URL's scheme is looked for."""
LONGEST_PROTOCOL = 12
"""Bytes of the longest protocol name looked for, `HTTP/` and some digits."""


@subkernel
def _method_end(buffer: Bytes, at: int, end: int) -> int:
    """Where the token (RFC 9110, section 5.6.2) at `at` ends, if a space follows it; else `at`."""
    i = at
    while i < end:
        c = buffer[i]
        if c < 65 or c > 90:
            if c == SPACE:
                return i
            if not (97 <= c <= 122 or 48 <= c <= 57 or c == 45 or c == 95 or c == 46 or c == 33):
                # The token characters that no method in use has: # $ % & ' * + ^ ` | ~
                if not (35 <= c <= 39 or c == 42 or c == 43 or c == 94 or c == 96 or c == 124 or c == 126):
                    return at
        i += 1
    return at


@subkernel
def _is_upper_case(buffer: Bytes, at: int, end: int) -> bool:
    for i in range(at, end):
        if 97 <= buffer[i] <= 122:
            return False
    return True


@subkernel
def _protocol_start(buffer: Bytes, at: int, end: int) -> int:
    """Where the `HTTP/1.1` that ends the line begins, if a space comes before it; else `end`."""
    i = end - 1
    lowest = end - LONGEST_PROTOCOL
    if lowest < at:
        lowest = at
    digits = 0
    while i > lowest:
        c = buffer[i]
        if c == SLASH:
            break
        if not (48 <= c <= 57 or c == 46):
            return end
        digits += 1
        i -= 1
    first = i - 4
    if digits == 0 or first <= at or buffer[i] != SLASH or buffer[first - 1] != SPACE:
        return end
    for j in range(4):
        if buffer[first + j] != HTTP[j]:
            return end
    return first


@subkernel
def _is_target(buffer: Bytes, at: int, end: int, method_at: int, method_end: int) -> bool:
    """Whether a text without a protocol after it looks like a target: a path, `*`, a URL, an authority."""
    first = buffer[at]
    if first == SLASH or (first == STAR and end == at + 1):
        return True
    connect = method_end - method_at == 7
    if connect:
        for i in range(7):
            connect = connect and buffer[method_at + i] == CONNECT[i]
    if connect:
        return True
    for i in range(at, min(end - 2, at + LONGEST_SCHEME)):
        if buffer[i] == COLON:
            return bool(buffer[i + 1] == SLASH) and bool(buffer[i + 2] == SLASH)
    return False


@kernel
def split_request_lines(
    buffer: Bytes,
    request_start: NDArray[np.int64],
    request_length: NDArray[np.int32],
    method_start: NDArray[np.int64],
    method_length: NDArray[np.int32],
    target_start: NDArray[np.int64],
    target_length: NDArray[np.int32],
    protocol_start: NDArray[np.int64],
    protocol_length: NDArray[np.int32],
    not_http: int,
    no_protocol: int,
    space_in_target: int,
    method_case: int,
    flags: NDArray[np.uint16],
) -> None:
    """Split each request line into the spans of its method, target and protocol, and flag what is odd.

    The target is everything between the method and the protocol, as logged (absolute and authority forms
    included), without spaces at its ends; `space_in_target` says that it holds some inside, `method_case` that the
    method has lower case. Without a protocol, the rest is taken as the target if it looks like one and the method has
    no lower case (`no_protocol`). Anything else is `not_http`: its whole text is the target, and method and protocol
    are absent. Rows without a request line (or with `-`) keep the spans they have.
    """
    for row in range(request_start.shape[0]):
        at = request_start[row]
        size = request_length[row]
        if at < 0 or (size == 1 and buffer[at] == MINUS):
            continue
        end = at + size
        method_end = _method_end(buffer, at, end)
        protocol = _protocol_start(buffer, method_end, end)
        target = method_end
        target_end = protocol
        while target < target_end and buffer[target] == SPACE:
            target += 1
        while target_end > target and buffer[target_end - 1] == SPACE:
            target_end -= 1
        plausible = method_end > at and target < target_end
        if plausible and protocol == end:
            plausible = _is_upper_case(buffer, at, method_end) and _is_target(
                buffer, target, target_end, at, method_end
            )
        if not plausible:
            method_start[row] = ABSENT
            target_start[row] = at
            target_length[row] = size
            protocol_start[row] = ABSENT
            flags[row] |= not_http
            continue
        method_start[row] = at
        method_length[row] = method_end - at
        target_start[row] = target
        target_length[row] = target_end - target
        if protocol == end:
            protocol_start[row] = ABSENT
            flags[row] |= no_protocol
        else:
            protocol_start[row] = protocol
            protocol_length[row] = end - protocol
        if find(buffer, target, target_end, SPACE) < target_end:
            flags[row] |= space_in_target
        if not _is_upper_case(buffer, at, method_end):
            flags[row] |= method_case


@inlined
def _lacks_query(buffer: Bytes, at: int, length: int) -> bool:
    """Whether a target has no query of its own."""
    return find(buffer, at, at + length, QUESTION_MARK) == at + length


@inlined
def _lacks_slash(buffer: Bytes, at: int, length: int) -> bool:
    """Whether a target is a path without the slash that it begins with; `*` and whole addresses are none."""
    if length == 0:
        return True
    first = buffer[at]
    if first == SLASH or (first == STAR and length == 1):
        return False
    end = at + length
    colon = find(buffer, at, min(end, at + LONGEST_SCHEME), COLON)
    return not (colon + 2 < end and buffer[colon] == COLON and buffer[colon + 1] == SLASH)


@kernel
def target_room(
    relative: bool,
    query_start: NDArray[np.int64],
    query_length: NDArray[np.int32],
    target_start: NDArray[np.int64],
    target_length: NDArray[np.int32],
) -> int:
    """Bytes that `complete_targets` writes at most."""
    room = 0
    for row in range(query_start.shape[0]):
        query = query_length[row] if query_start[row] >= 0 else 0
        if relative or query > 0:
            room += query + 2
            if target_start[row] >= 0:
                room += target_length[row]
    return room


@kernel
def complete_targets(
    buffer: Bytes,
    free: int,
    relative: bool,
    query_start: NDArray[np.int64],
    query_length: NDArray[np.int32],
    target_start: NDArray[np.int64],
    target_length: NDArray[np.int32],
) -> None:
    """Write `path?query` at offset `free` of `buffer` for each row that has both; point the target there.

    A target that has a query already stays as it is.

    Args:
        relative: Paths may lack the slash that they begin with, which is put there; without a target, it is all of it.
    """
    for row in range(query_start.shape[0]):
        at = target_start[row]
        size = target_length[row]
        if at < 0:
            if not relative:
                continue
            size = 0
        query = query_start[row]
        query_end = query + query_length[row]
        joins = query >= 0 and query_end > query and _lacks_query(buffer, at, size)
        roots = relative and _lacks_slash(buffer, at, size)
        if not (joins or roots):
            continue
        begin = free
        if roots:
            buffer[free] = SLASH
            free += 1
        for i in range(at, at + size):
            buffer[free] = buffer[i]
            free += 1
        if joins:
            if buffer[query] != QUESTION_MARK:
                buffer[free] = QUESTION_MARK
                free += 1
            for i in range(query, query_end):
                buffer[free] = buffer[i]
                free += 1
        target_start[row] = begin
        target_length[row] = free - begin
