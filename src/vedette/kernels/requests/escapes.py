"""Escapes of addresses, pages and scripts undone, one level of nesting at a time, in place."""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import subkernel
from vedette.kernels.requests.text_classes import ESCAPE_WORK, PERCENT_WORK
from vedette.kernels.requests.text_flags import (
    BAD_ESCAPE,
    DOUBLE,
    ENTITY,
    SPELLED_BRACKET,
    TRIPLE,
    WIDE_ESCAPE,
)
from vedette.kernels.text.characters import hex_digit, hex_run, put_character


@subkernel
def _put(out: Bytes, at: int, code: int) -> int:
    """Write a code point as UTF-8, full-width forms as ASCII; at most 4 bytes."""
    if 0xFF01 <= code <= 0xFF5E:
        code -= 0xFEE0
    return put_character(out, at, code)


@subkernel
def _entity(out: Bytes, at: int, end: int) -> int:
    """Read the character reference at `&`: `code << 8 | bytes used`, or 0 where it is none.

    Numbers may lack their semicolon, as browsers accept; names may not (`&lt=5` is a parameter).
    """
    i = at + 1
    if i >= end:
        return 0
    if out[i] == 35:  # '#'
        i += 1
        base = 10
        if i < end and out[i] | 32 == 120:
            base = 16
            i += 1
        first = i
        code = 0
        # Ten digits allow for leading zeros; what is longer is read by no filter.
        while i < end and i - first < 10:
            digit = hex_digit(int(out[i]))
            if digit < 0 or digit >= base:
                break
            code = code * base + digit
            i += 1
        if i == first or code > 0x10FFFF:
            return 0
        if i < end and out[i] == 59:
            i += 1
        # A reference shorter than its UTF-8 would grow the text: no such reference exists (&#9 is one byte).
        return (code << 8) | (i - at)
    last = i
    while last < end and last - i < 8 and 97 <= out[last] | 32 <= 122:
        last += 1
    if last == i or last >= end or out[last] != 59:
        return 0
    size = last - i
    word = 0
    for j in range(i, last):
        word = (word << 8) | (out[j] | 32)
    code = 0
    if size == 2:
        if word == 0x6C74:  # lt
            code = 60
        elif word == 0x6774:  # gt
            code = 62
    elif size == 3:
        if word == 0x616D70:  # amp
            code = 38
        elif word == 0x746162:  # tab
            code = 9
        elif word == 0x736F6C:  # sol
            code = 47
    elif size == 4:
        if word == 0x71756F74:  # quot
            code = 34
        elif word == 0x61706F73:  # apos
            code = 39
        elif word == 0x6C706172:  # lpar
            code = 40
        elif word == 0x72706172:  # rpar
            code = 41
        elif word == 0x6E627370:  # nbsp
            code = 32
    elif size == 5 and word == 0x636F6C6F6E:  # colon
        code = 58
    elif size == 7 and word == 0x6E65776C696E65:  # newline
        code = 10
    if code == 0:
        return 0
    return (code << 8) | (last + 1 - at)


@subkernel
def unescape_once(
    classes: Bytes, out: Bytes, begin: int, end: int, depth: int, flags: Ints, text: int
) -> int:
    """Undo one level of escapes in place. Returns `new end << 1`, plus 1 if there may be another level."""
    read = begin
    write = begin
    changed = False
    left = 0  # what the new text holds that could begin an escape
    while read < end:
        byte = out[read]
        if byte == 37:  # '%'
            code = hex_run(out, read + 1, 2, end)
            if code >= 0:
                if depth == 1:
                    flags[text] |= DOUBLE
                elif depth == 2:
                    flags[text] |= TRIPLE
                out[write] = code
                left |= classes[code]
                write += 1
                read += 3
                changed = True
                continue
            if read + 1 < end and out[read + 1] | 32 == 117:  # 'u'
                code = hex_run(out, read + 2, 4, end)
                if code >= 0:
                    flags[text] |= WIDE_ESCAPE
                    if code == 60 or code == 62:
                        flags[text] |= SPELLED_BRACKET
                    left |= ESCAPE_WORK  # may be any character, full-width ones included
                    write = _put(out, write, code)
                    read += 6
                    changed = True
                    continue
            if depth == 0:
                flags[text] |= BAD_ESCAPE
        elif byte == 38:  # '&'
            found = _entity(out, read, end)
            if found > 0:
                flags[text] |= ENTITY
                if found >> 8 == 60 or found >> 8 == 62:
                    flags[text] |= SPELLED_BRACKET
                left |= ESCAPE_WORK  # may be any character
                write = _put(out, write, found >> 8)
                read += found & 255
                changed = True
                continue
        elif byte == 92 and read + 3 < end:  # backslash
            code = -1
            used = 0
            if out[read + 1] | 32 == 120:  # 'x'
                code = hex_run(out, read + 2, 2, end)
                used = 4
            elif out[read + 1] | 32 == 117:  # 'u'
                code = hex_run(out, read + 2, 4, end)
                used = 6
            if code >= 0:
                if code == 60 or code == 62:
                    flags[text] |= SPELLED_BRACKET
                left |= ESCAPE_WORK
                write = _put(out, write, code)
                read += used
                changed = True
                continue
        out[write] = byte
        left |= classes[byte]
        write += 1
        read += 1
    if changed and left & (PERCENT_WORK | ESCAPE_WORK):
        return write * 2 + 1
    return write * 2


@subkernel
def has_escaped_step(buffer: Bytes, start: int, end: int) -> bool:
    """Whether a path steps up with an escaped dot or slash; escapes may be nested (`%252e`)."""
    at = start
    dots = 0
    escaped = False
    while at < end:
        byte = buffer[at]
        used = 1
        if byte == 37:  # '%'
            past = at + 1
            while hex_run(buffer, past, 2, end) == 37:
                past += 2
            code = hex_run(buffer, past, 2, end)
            if code == 46 or code == 47 or code == 92:
                byte = code
                used = past + 2 - at
        if byte == 47 or byte == 92:
            if dots == 2 and (escaped or used > 1):
                return True
            dots = 0
            escaped = used > 1
        elif byte == 46 and dots >= 0:
            dots += 1
            escaped |= used > 1
        else:
            dots = -1
        at += used
    return dots == 2 and escaped
