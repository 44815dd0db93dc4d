"""Digits and code points: what every kernel that reads escapes, numbers or addresses needs."""

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, subkernel


@inlined
def is_digit(byte: int) -> bool:
    """Whether a byte is a decimal digit."""
    return 48 <= byte <= 57


@subkernel
def hex_digit(byte: int) -> int:
    """Value of a hexadecimal digit, or -1."""
    if 48 <= byte <= 57:
        return byte - 48
    letter = byte | 32
    if 97 <= letter <= 102:
        return letter - 87
    return -1


@subkernel
def hex_run(buffer: Bytes, at: int, count: int, end: int) -> int:
    """Value of exactly `count` hexadecimal digits at `at`, or -1; none is read from `end` on."""
    if at + count > end:
        return -1
    value = 0
    for i in range(at, at + count):
        digit = hex_digit(int(buffer[i]))
        if digit < 0:
            return -1
        value = value * 16 + digit
    return value


@subkernel
def put_character(buffer: Bytes, at: int, code: int) -> int:
    """Write a code point below 0x110000 as UTF-8 (RFC 3629) at `at`; where it ends, four bytes further at most."""
    if code < 0x80:
        buffer[at] = code
        return at + 1
    if code < 0x800:
        buffer[at] = 0xC0 | (code >> 6)
        buffer[at + 1] = 0x80 | (code & 0x3F)
        return at + 2
    if code < 0x10000:
        buffer[at] = 0xE0 | (code >> 12)
        buffer[at + 1] = 0x80 | ((code >> 6) & 0x3F)
        buffer[at + 2] = 0x80 | (code & 0x3F)
        return at + 3
    buffer[at] = 0xF0 | (code >> 18)
    buffer[at + 1] = 0x80 | ((code >> 12) & 0x3F)
    buffer[at + 2] = 0x80 | ((code >> 6) & 0x3F)
    buffer[at + 3] = 0x80 | (code & 0x3F)
    return at + 4
