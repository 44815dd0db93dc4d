"""Addresses in the text of flow logs as two int64 each."""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import inlined, subkernel
from vedette.kernels.text.words import few_digits

_MAPPED = 0xFFFF << 32


@subkernel
def digits(buffer: Bytes, at: int, end: int, found: Ints) -> int:
    """Read digits into `found[0]`; returns where they end."""
    value = 0
    while at < end and buffer[at] >= 48 and buffer[at] <= 57:
        value = min(999999999, value * 10 + int(buffer[at]) - 48)
        at += 1
    found[0] = value
    return at


@inlined
def _word(found: Ints, at: int) -> int:
    """Four groups of 16 bits as an int64 of the same bits."""
    top = found[at] - 65536 if found[at] >= 32768 else found[at]
    return int(top * 281474976710656 + found[at + 1] * 4294967296 + found[at + 2] * 65536 + found[at + 3])


@subkernel
def _hex_groups(buffer: Bytes, start: int, end: int, found: Ints) -> bool:
    """An IPv6 address into `found[0]`, `found[1]` (two int64); `found` has room for eight groups."""
    filled = 0
    gap = -1
    at = start
    if end - start >= 2 and buffer[start] == 58 and buffer[start + 1] == 58:
        gap = 0
        at += 2
    while at < end:
        value = 0
        digits = 0
        while at < end and digits < 5:
            c = int(buffer[at])
            if c >= 48 and c <= 57:
                c -= 48
            elif c >= 97 and c <= 102:
                c -= 87
            elif c >= 65 and c <= 70:
                c -= 55
            else:
                break
            value = value * 16 + c
            digits += 1
            at += 1
        if digits == 0 or digits > 4 or filled == 8:
            return False
        found[filled] = value
        filled += 1
        if at < end:
            if buffer[at] != 58:
                return False
            at += 1
            if at == end:
                return False
            if buffer[at] == 58:
                if gap >= 0:
                    return False
                gap = filled
                at += 1
    if gap < 0:
        if filled != 8:
            return False
    else:
        if filled == 8:
            return False
        moved = filled - gap
        for i in range(moved):
            found[7 - i] = found[filled - 1 - i]
        for i in range(gap, 8 - moved):
            found[i] = 0
    high = _word(found, 0)
    low = _word(found, 4)
    found[0] = high
    found[1] = low
    return True


@subkernel
def _any_address(buffer: Bytes, start: int, end: int, found: Ints) -> bool:
    """See `address`."""
    at = start
    value = 0
    for part in range(4):
        before = at
        at = digits(buffer, at, end, found)
        if at == before or at - before > 3 or found[0] > 255:
            break
        value = value * 256 + found[0]
        if part == 3:
            if at != end:
                break
            found[0] = 0
            found[1] = _MAPPED + value
            return True
        if at >= end or buffer[at] != 46:
            break
        at += 1
    return _hex_groups(buffer, start, end, found)


@inlined
def address(buffer: Bytes, start: int, end: int, found: Ints) -> bool:
    """An IPv4 or IPv6 address into `found[0]`, `found[1]`; the buffer goes on for 8 bytes from each of its bytes."""
    # Four numbers without a branch for each digit, as nearly all are.
    value = 0
    at = start
    for part in range(4):
        length = 3
        if part == 3:
            length = end - at
        elif buffer[at + 1] == 46:
            length = 1
        elif buffer[at + 2] == 46:
            length = 2
        elif buffer[at + 3] != 46:
            return _any_address(buffer, start, end, found)
        if length < 1 or length > 3:
            return _any_address(buffer, start, end, found)
        number = few_digits(buffer, at, length)
        if number < 0 or number > 255:
            return _any_address(buffer, start, end, found)
        value = value * 256 + number
        at += length + 1
    found[0] = 0
    found[1] = _MAPPED + value
    return True
