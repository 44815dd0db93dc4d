"""Undoing what a server did to make a text fit its log line. Nothing decoded is longer than its source."""

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import subkernel
from vedette.kernels.text.characters import hex_run, put_character

RAW = 0
"""The text is logged as it is."""
BACKSLASH = 1
r"""`\"`, `\\`, `\n` and the like, `\xHH` (Apache; nginx), `\u00HH` (nginx with `escape=json`)."""
PERCENT = 2
"""`%20`, and `%2520` where it was encoded twice (CloudFront's user agents)."""
PLUS = 3
"""`+` for a space (IIS)."""


@subkernel
def _short_escape(byte: int) -> int:
    r"""What `\` and this byte stand for, or -1."""
    if byte == 34 or byte == 92 or byte == 47:
        return byte
    if byte == 110:
        return 10
    if byte == 116:
        return 9
    if byte == 114:
        return 13
    if byte == 98:
        return 8
    if byte == 102:
        return 12
    if byte == 118:
        return 11
    return -1


@subkernel
def unescape_backslashes(buffer: Bytes, at: int, end: int, out: int) -> int:
    """Write the span without its backslash escapes at `out`; where it ends. Unknown escapes stay."""
    while at < end:
        byte = int(buffer[at])
        if byte == 92 and at + 1 < end:
            mark = int(buffer[at + 1])
            plain = _short_escape(mark)
            if plain >= 0:
                buffer[out] = plain
                out += 1
                at += 2
                continue
            if mark == 120:
                plain = hex_run(buffer, at + 2, 2, end)
                if plain >= 0:
                    buffer[out] = plain
                    out += 1
                    at += 4
                    continue
            elif mark == 117:
                plain = hex_run(buffer, at + 2, 4, end)
                width = 6
                if (
                    0xD800 <= plain < 0xDC00
                    and at + 8 < end
                    and buffer[at + 6] == 92
                    and buffer[at + 7] == 117
                ):
                    low = hex_run(buffer, at + 8, 4, end)
                    if 0xDC00 <= low < 0xE000:
                        plain = 0x10000 + ((plain - 0xD800) << 10) + (low - 0xDC00)
                        width = 12
                if plain >= 0:
                    out = put_character(buffer, out, plain)
                    at += width
                    continue
        buffer[out] = byte
        out += 1
        at += 1
    return out


@subkernel
def unescape_percents(buffer: Bytes, at: int, end: int, out: int) -> int:
    """Write the span percent-decoded at `out`; where it ends. `%25HH` is taken for a byte encoded twice."""
    while at < end:
        byte = int(buffer[at])
        width = 1
        if byte == 37:
            decoded = hex_run(buffer, at + 1, 2, end)
            if decoded >= 0:
                byte = decoded
                width = 3
                if decoded == 37:
                    twice = hex_run(buffer, at + 3, 2, end)
                    if twice >= 0:
                        byte = twice
                        width = 5
        buffer[out] = byte
        out += 1
        at += width
    return out


@subkernel
def unescape_pluses(buffer: Bytes, at: int, end: int, out: int) -> int:
    """Write the span with spaces for `+` at `out`; where it ends."""
    while at < end:
        byte = buffer[at]
        buffer[out] = 32 if byte == 43 else byte
        out += 1
        at += 1
    return out
