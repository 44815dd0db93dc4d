r"""JSON strings (RFC 8259, section 7): where they end, and what they say.

Escapes are read forgivingly, because log writers get them wrong and attackers choose what is escaped:
nginx's `\x22` is the byte it names, half a surrogate pair is U+FFFD, and what is no escape at all stands for
itself.
"""

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import inlined, subkernel
from vedette.kernels.text.characters import hex_run, put_character
from vedette.kernels.text.search import find2

QUOTE = ord('"')
BACKSLASH = ord("\\")
SLASH = ord("/")
LOWER_U = ord("u")
LOWER_X = ord("x")


@inlined
def string_end(buffer: Bytes, at: int, limit: int) -> tuple[int, bool]:
    """Where the string whose text begins at `at` ends, and whether it holds escapes.

    The end is its closing quote, or `limit`, the line's newline, if it is never closed.
    """
    end = find2(buffer, at, limit, QUOTE, BACKSLASH)
    if buffer[end] != BACKSLASH:
        return end, False
    while end < limit and buffer[end] == BACKSLASH:
        end = find2(buffer, end + 2, limit, QUOTE, BACKSLASH)
    return end, True


@subkernel
def _plain_escape(c: int) -> int:
    """The byte that a backslash and `c` stand for, or -1."""
    if c == QUOTE or c == BACKSLASH or c == SLASH:
        return c
    if c == 110:
        return 10
    if c == 116:
        return 9
    if c == 114:
        return 13
    if c == 98:
        return 8
    if c == 102:
        return 12
    return -1


@subkernel
def unescape(buffer: Bytes, start: int, end: int, free: int) -> int:
    """Write the text of the string `start .. end` at `free`, never longer than it was; where it ends."""
    at = start
    while at < end:
        c = buffer[at]
        if c != BACKSLASH or at + 1 >= end:
            buffer[free] = c
            free += 1
            at += 1
            continue
        kind = buffer[at + 1]
        plain = _plain_escape(kind)
        if plain >= 0:
            buffer[free] = plain
            free += 1
            at += 2
            continue
        if kind == LOWER_X:
            code = hex_run(buffer, at + 2, 2, end)
            if code >= 0:
                buffer[free] = code
                free += 1
                at += 4
                continue
        elif kind == LOWER_U:
            code = hex_run(buffer, at + 2, 4, end)
            if code >= 0:
                at += 6
                if 0xD800 <= code < 0xE000:
                    low = -1
                    if (
                        code < 0xDC00
                        and at + 1 < end
                        and buffer[at] == BACKSLASH
                        and buffer[at + 1] == LOWER_U
                    ):
                        low = hex_run(buffer, at + 2, 4, end)
                    if 0xDC00 <= low < 0xE000:
                        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                        at += 6
                    else:
                        code = 0xFFFD
                free = put_character(buffer, free, code)
                continue
        buffer[free] = BACKSLASH
        free += 1
        at += 1
    return free
