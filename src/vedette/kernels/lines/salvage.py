"""The forgiving path: what can be read of a line that does not fit its format.

One pass forward for each thing looked for, and none goes back, so the cost is linear in the line's length.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import subkernel
from vedette.kernels.text.characters import is_digit
from vedette.kernels.text.search import find
from vedette.kernels.text.spans import DAY_MONTH_YEAR, YEAR_MONTH_DAY, looks_like_time, put_text
from vedette.kernels.text.unescape import BACKSLASH, RAW

TIME, PEER, REQUEST, STATUS, BYTES_OUT, REFERER, USER_AGENT = 0, 1, 3, 8, 10, 12, 13
"""Rows of the span arrays; `vedette.parsers.fields.Field` names them (a test holds the two together)."""

SALVAGED = -1
BLANK, COMMENT, NOT_THIS_FORMAT, NO_TIME, BINARY = 0, 1, 2, 3, 4
REASONS = 5

LONGEST_CLIENT = 255
LONGEST_METHOD = 20
BYTES_JUDGED = 256
"""A line is called binary by its first bytes."""


@subkernel
def _is_word(byte: int) -> bool:
    """Whether a byte may stand in an address or a host name."""
    if 48 <= byte <= 57 or 97 <= (byte | 32) <= 122:
        return True
    return byte == 46 or byte == 58 or byte == 45 or byte == 95 or byte == 37 or byte == 91 or byte == 93


@subkernel
def _time_at(buffer: Bytes, begin: int, end: int, layout: int) -> int:
    """Where the first time stands, or -1."""
    if layout == DAY_MONTH_YEAR or layout == YEAR_MONTH_DAY:
        mark = 47 if layout == DAY_MONTH_YEAR else 45
        lead = 2 if layout == DAY_MONTH_YEAR else 4
        at = find(buffer, begin + lead, end, mark)
        while at < end:
            if looks_like_time(buffer, at - lead, end, layout):
                return at - lead
            at = find(buffer, at + 1, end, mark)
        return -1
    run = 0
    for i in range(begin, end):
        if not is_digit(int(buffer[i])):
            run = 0
            continue
        run += 1
        if run == 10:
            return i - 9
    return -1


@subkernel
def _time_end(buffer: Bytes, at: int, end: int, layout: int) -> int:
    """Where the time at `at` ends: after its fraction and zone."""
    if layout == DAY_MONTH_YEAR:
        at += 20
    elif layout == YEAR_MONTH_DAY:
        at += 19
    while at < end and (is_digit(int(buffer[at])) or buffer[at] == 46):
        at += 1
    if at < end and (buffer[at] == 90 or buffer[at] == 122):
        return at + 1
    zone = at
    if zone < end and buffer[zone] == 32:
        zone += 1
    if zone + 5 <= end and (buffer[zone] == 43 or buffer[zone] == 45):
        stop = zone + 1
        while stop < end and stop < zone + 6 and (is_digit(int(buffer[stop])) or buffer[stop] == 58):
            stop += 1
        if stop >= zone + 5:
            return stop
    return at


@subkernel
def _client_end(buffer: Bytes, begin: int, end: int) -> int:
    """Where the address or host name at `begin` ends, or `begin` if there is none."""
    at = begin
    separated = False
    while at < end and _is_word(int(buffer[at])):
        if buffer[at] == 46 or buffer[at] == 58:
            separated = True
        at += 1
        if at - begin > LONGEST_CLIENT:
            return begin
    if not separated or (at < end and buffer[at] != 32 and buffer[at] != 9):
        return begin
    return at


@subkernel
def _quote(buffer: Bytes, at: int, end: int) -> int:
    """The next `"` that no backslash escapes, or `end`."""
    quote = find(buffer, at, end, 34)
    while quote < end and quote > at and buffer[quote - 1] == 92:
        quote = find(buffer, quote + 1, end, 34)
    return quote


@subkernel
def _status_follows(buffer: Bytes, quote: int, end: int) -> bool:
    """Whether ` 200 ` stands after a closing quote."""
    return (
        quote + 5 <= end
        and buffer[quote + 1] == 32
        and 49 <= buffer[quote + 2] <= 57
        and is_digit(int(buffer[quote + 3]))
        and is_digit(int(buffer[quote + 4]))
        and (quote + 5 == end or buffer[quote + 5] == 32)
    )


@subkernel
def _starts_request(buffer: Bytes, at: int, end: int) -> bool:
    """Whether a method and a space stand at `at`, or `-` alone."""
    if end - at == 1:
        return bool(buffer[at] == 45)
    i = at
    while i < end and i - at < LONGEST_METHOD and 65 <= buffer[i] <= 90:
        i += 1
    return i - at >= 3 and i < end and bool(buffer[i] == 32)


@subkernel
def _unreadable(buffer: Bytes, begin: int, end: int) -> int:
    """Why a line without a time is no request."""
    quote = find(buffer, begin, end, 34)
    if quote + 1 < end and _starts_request(buffer, quote + 1, end):
        return NO_TIME
    control = 0
    for i in range(begin, min(end, begin + BYTES_JUDGED)):
        byte = int(buffer[i])
        if byte == 0:
            return BINARY
        if byte < 9 or 13 < byte < 32 or byte == 127:
            control += 1
    return BINARY if control * 10 > min(end - begin, BYTES_JUDGED) else NOT_THIS_FORMAT


@subkernel
def salvage(
    buffer: Bytes,
    begin: int,
    end: int,
    layout: int,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    state: NDArray[np.int64],
) -> int:
    """Read what can be read of `begin .. end` into a row whose spans are all absent.

    A line with a time in the format's layout, and a client address or something like a request line, is a
    request; `SALVAGED` is returned. Otherwise the row stays as it is and the reason is returned.
    """
    time = _time_at(buffer, begin, end, layout)
    if time < 0:
        return _unreadable(buffer, begin, end)
    time_end = _time_end(buffer, time, end, layout)
    client = begin + 1 if buffer[begin] == 34 else begin
    client_end = _client_end(buffer, client, end) if client < time else client
    request = find(buffer, time_end, end, 34) + 1
    first_quote = end
    close = end
    if request < end:
        first_quote = _quote(buffer, request, end)
        close = first_quote
        while close < end and not _status_follows(buffer, close, end):
            close = _quote(buffer, close + 1, end)
    with_status = close < end
    request_end = close if with_status else first_quote
    if client_end == client and not (request <= end and _starts_request(buffer, request, request_end)):
        return NOT_THIS_FORMAT
    put_text(buffer, time, time_end, RAW, TIME, row, start, length, state)
    if client_end > client:
        put_text(buffer, client, client_end, RAW, PEER, row, start, length, state)
    if request > end:
        return SALVAGED
    put_text(buffer, request, request_end, BACKSLASH, REQUEST, row, start, length, state)
    if not with_status:
        return SALVAGED
    put_text(buffer, close + 2, close + 5, RAW, STATUS, row, start, length, state)
    if layout == DAY_MONTH_YEAR:
        _salvage_rest(buffer, close + 6, end, row, start, length, state)
    return SALVAGED


@subkernel
def _salvage_rest(
    buffer: Bytes,
    at: int,
    end: int,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
    state: NDArray[np.int64],
) -> None:
    """What follows the status in the family of Combined: size, quoted referer, quoted user agent."""
    size_end = at
    while size_end < end and is_digit(int(buffer[size_end])):
        size_end += 1
    if size_end > at:
        put_text(buffer, at, size_end, RAW, BYTES_OUT, row, start, length, state)
    at = size_end
    for turn in range(2):
        text = _quote(buffer, at, end) + 1
        if text > end:
            return
        stop = _quote(buffer, text, end)
        if stop - text > 1 or (stop - text == 1 and buffer[text] != 45):
            put_text(
                buffer, text, stop, BACKSLASH, REFERER if turn == 0 else USER_AGENT, row, start, length, state
            )
        at = stop + 1
