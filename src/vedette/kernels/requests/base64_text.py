"""Base64 in a text of a request: what it stands for, read as well where that is text."""

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import subkernel
from vedette.kernels.text.characters import hex_run

BASE64 = 16
"""Fewest Base64 symbols that are decoded. Twelve random bytes are all printable once in some 100,000 times."""
BASE64_COMMAND = 8
"""Fewest of those whose text begins with a line break, as commands for mail servers and shells do, or with `OPENING`.
One in 2,000 such texts of random symbols is printable and does; of what then stands there few rules say anything."""
OPENING = b"\n\r\"#$%&'()*-./;<@[\\]`{|"
"""Marks by which what is injected ends what stood before it, or begins a template, a tag, a path or a list."""


@subkernel
def _base64_value(byte: int) -> int:
    """The six bits of a Base64 symbol (RFC 4648 sections 4 and 5), or -1."""
    if 97 <= byte <= 122:
        return byte - 71
    if 65 <= byte <= 90:
        return byte - 65
    if 48 <= byte <= 57:
        return byte + 4
    if byte == 43 or byte == 45:  # '+', '-'
        return 62
    if byte == 47 or byte == 95:  # '/', '_'
        return 63
    return -1


@subkernel
def _base64_symbol(buffer: Bytes, at: int, end: int, path: int) -> int:
    """Read the symbol at `at`, plain or percent-encoded: `bits << 2 | bytes used`, or -1. A path's `/` is none."""
    byte = buffer[at]
    if byte == 37:  # '%'
        code = hex_run(buffer, at + 1, 2, end)
        if code == 43 or code == 47:
            return (_base64_value(code) << 2) | 3
        return -1
    if byte == 47 and path != 0:
        return -1
    value = _base64_value(byte)
    return -1 if value < 0 else (value << 2) | 1


_FIRST_HALF, _SECOND_HALF = (
    sum(1 << (mark - base) for mark in OPENING if 0 <= mark - base < 64) for base in (0, 64)
)


@subkernel
def _opens(byte: int) -> bool:
    """Whether a byte is of `OPENING`."""
    if byte < 64:
        return bool((_FIRST_HALF >> byte) & 1)
    return byte < 127 and bool((_SECOND_HALF >> (byte - 64)) & 1)


@subkernel
def append_base64(
    buffer: Bytes, start: int, end: int, path: int, classes: Bytes, lower: Bytes, out: Bytes, write: int
) -> int:
    """Add what the Base64 texts of a span stand for, where that is printable. Returns `new end << 8 | work seen`."""
    at = start
    work = 0
    while at < end:
        count = 0
        past = at
        while past < end:
            symbol = _base64_symbol(buffer, past, end, path)
            if symbol < 0:
                break
            past += symbol & 3
            count += 1
        if count < BASE64_COMMAND or count % 4 == 1:
            at = past + 1
            continue
        out[write] = 38
        out[write + 1] = 61
        new = write + 2
        bits = 0
        have = 0
        seen = 0
        while at < past:
            symbol = _base64_symbol(buffer, at, end, path)
            at += symbol & 3
            bits = ((bits << 6) | (symbol >> 2)) & 0xFFFFFF
            have += 6
            if have < 8:
                continue
            have -= 8
            byte = (bits >> have) & 255
            command = count >= BASE64 or new > write + 2 or _opens(byte)
            if not command or not (32 <= byte < 127 or byte == 9 or byte == 10 or byte == 13 or byte == 0):
                new = write
                at = past
                break
            seen |= classes[byte]
            byte = lower[byte]
            if (byte == 32 or byte == 13) and (out[new - 1] == 32 or out[new - 1] == 13):
                if byte == 13:
                    out[new - 1] = 13
                continue
            out[new] = byte
            new += 1
        if new > write:
            work |= seen
        write = new
        at = past + 1
    return (write << 8) | work


@subkernel
def may_write_nul(buffer: Bytes, start: int, end: int) -> bool:
    """Whether a span can stand for a NUL by itself: that takes a zero byte, `00`, `#0`, or `30` for such a `0`."""
    for at in range(start, end):
        if buffer[at] == 0:
            return True
        if buffer[at] == 48 and at > start:
            before = buffer[at - 1]
            if before == 48 or before == 35 or before == 51:
                return True
    return False
