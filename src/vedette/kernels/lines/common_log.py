"""The beginning of most logs of web servers, taken at once.

That is `{peer} {} [{time}] "{request}" {status} {bytes_out} "`, and in Combined the referer and the user agent, too.
Running these steps one by one (`vedette.kernels.lines.tokenise_text`) takes twice as long, most of it to find out what
each asks for. A line that is out of the ordinary (escapes, a time or number of another look) is left to the steps.
"""

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined
from vedette.kernels.lines.salvage import BYTES_OUT, PEER, REFERER, REQUEST, STATUS, TIME, USER_AGENT
from vedette.kernels.text.search import find, find2
from vedette.kernels.text.spans import DAY_MONTH_YEAR, looks_like_time
from vedette.kernels.text.words import few_digits

SHORT, WHOLE = 6, 8
"""Steps to the size, and to the user agent."""
UNUSUAL = -1


@inlined
def _quoted(buffer: Bytes, at: int, end: int) -> int:
    """Where the quotation mark stands that ends a text without escapes; `end` if it has one, or does not end."""
    stop = find2(buffer, at, end, 34, 92)
    return stop if stop < end and buffer[stop] == 34 else end


@inlined
def _put(
    buffer: Bytes,
    at: int,
    end: int,
    field: int,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
) -> None:
    """Set a text field, but for `-` and nothing at all."""
    if end - at > 1 or (end - at == 1 and buffer[at] != 45):
        start[field, row] = at
        length[field, row] = end - at


@inlined
def read_common(
    buffer: Bytes,
    at: int,
    end: int,
    steps: int,
    row: int,
    start: NDArray[np.int64],
    length: NDArray[np.int32],
) -> int:
    """Take the first steps of a line, `SHORT` or `WHOLE`; where what follows begins, or `UNUSUAL`.

    A line that is unusual may have set some fields.
    """
    peer_end = find(buffer, at, end, 32)
    bracket = find(buffer, peer_end + 2, end, 91)
    time = bracket + 1
    time_end = find(buffer, time + 20, end, 93)
    request = time_end + 3
    if peer_end - at < 2 or request >= end or buffer[bracket - 1] != 32:
        return UNUSUAL
    if buffer[time_end + 1] != 32 or buffer[time_end + 2] != 34:
        return UNUSUAL
    if not looks_like_time(buffer, time, time_end, DAY_MONTH_YEAR):
        return UNUSUAL
    request_end = _quoted(buffer, request, end)
    status = request_end + 2
    size = status + 4
    if size + 2 >= end or buffer[request_end + 1] != 32 or buffer[status + 3] != 32:
        return UNUSUAL
    if few_digits(buffer, status, 3) < 0:
        return UNUSUAL
    size_end = find(buffer, size, end, 32)
    digits = size_end - size
    if size_end + 2 > end or buffer[size_end + 1] != 34 or digits < 1 or digits > 8:
        return UNUSUAL
    if few_digits(buffer, size, digits) >= 0:
        start[BYTES_OUT, row] = size
        length[BYTES_OUT, row] = digits
    elif digits > 1 or buffer[size] != 45:
        return UNUSUAL
    start[PEER, row] = at
    length[PEER, row] = peer_end - at
    start[TIME, row] = time
    length[TIME, row] = time_end - time
    start[REQUEST, row] = request
    length[REQUEST, row] = request_end - request
    start[STATUS, row] = status
    length[STATUS, row] = 3
    at = size_end + 2
    if steps == SHORT:
        return at
    stop = _quoted(buffer, at, end)
    if stop + 3 > end or buffer[stop + 1] != 32 or buffer[stop + 2] != 34:
        return UNUSUAL
    _put(buffer, at, stop, REFERER, row, start, length)
    at = stop + 3
    stop = _quoted(buffer, at, end)
    if stop >= end or (stop + 1 < end and buffer[stop + 1] != 32 and buffer[stop + 1] != 9):
        return UNUSUAL
    _put(buffer, at, stop, USER_AGENT, row, start, length)
    return stop + 1
