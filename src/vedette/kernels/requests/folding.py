"""Case, white space, comments and forms of a character folded to what they stand for, in place."""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import subkernel
from vedette.kernels.requests.text_flags import CONTROL, FULL_WIDTH, LINE_BREAK, NUL, OVERLONG

COMMENT = 64
"""Longest plain SQL comment that is folded into a space, in bytes."""


@subkernel
def _comment_end(out: Bytes, at: int, end: int) -> int:
    """Where a short, plain comment that begins with `/*` at `at` ends (past its `*/`), or -1."""
    i = at + 2
    limit = min(end, at + COMMENT)
    while i < limit:
        byte = out[i]
        if byte == 42:  # '*'
            if i + 1 < end and out[i + 1] == 47:
                return i + 2
        elif not (
            97 <= byte <= 122
            or 65 <= byte <= 90
            or 48 <= byte <= 57
            or byte == 95
            or byte == 32
            or byte == 45
            or byte == 13
            or byte == 10
            or byte == 9
        ):
            return -1
        i += 1
    return -1


@subkernel
def fold(lower: Bytes, out: Bytes, begin: int, end: int, flags: Ints, text: int) -> int:
    """Fold a decoded part in place. Returns its new end."""
    read = begin
    write = begin
    hint = False  # inside a MySQL version comment, /*!50000 ... */
    while read < end:
        byte = out[read]
        used = 1
        if byte >= 128:
            follow = out[read + 1] if read + 1 < end else 0
            third = out[read + 2] if read + 2 < end else 0
            if 0xC0 <= byte <= 0xC1 and 0x80 <= follow <= 0xBF:
                byte = ((byte & 0x1F) << 6) | (follow & 0x3F)
                used = 2
                flags[text] |= OVERLONG
            elif byte == 0xC2 and follow == 0xA0:
                byte = 32
                used = 2
            elif byte == 0xE0 and 0x80 <= follow <= 0x81 and 0x80 <= third <= 0xBF:
                byte = ((follow & 0x3F) << 6) | (third & 0x3F)
                used = 3
                flags[text] |= OVERLONG
            elif byte == 0xEF and (follow == 0xBC or follow == 0xBD) and 0x80 <= third <= 0xBF:
                code = ((follow & 0x3F) << 6 | (third & 0x3F)) + 0xF000
                if 0xFF01 <= code <= 0xFF5E:
                    byte = code - 0xFEE0
                    used = 3
                    flags[text] |= FULL_WIDTH
            elif (
                byte == 0xF0
                and follow == 0x80
                and 0x80 <= third <= 0x81
                and read + 3 < end
                and 0x80 <= out[read + 3] <= 0xBF
            ):
                byte = ((third & 0x3F) << 6) | (out[read + 3] & 0x3F)
                used = 4
                flags[text] |= OVERLONG
            elif byte == 0xA0 and (write == begin or out[write - 1] < 0x80):
                byte = 32  # a lone Latin-1 no-break space, which MySQL takes for white space
        if byte == 0:
            flags[text] |= NUL
            read += used
            continue
        if byte < 32 or byte == 127:
            if byte == 10 or byte == 13:
                flags[text] |= LINE_BREAK
            elif byte != 9 and byte != 11 and byte != 12:
                flags[text] |= CONTROL
        elif byte == 47 and used == 1:  # '/'
            if read + 1 < end and out[read + 1] == 42:
                if read + 2 < end and out[read + 2] == 33:  # /*!
                    read += 3
                    digits = 0
                    while read < end and digits < 6 and 48 <= out[read] <= 57:
                        read += 1
                        digits += 1
                    hint = True
                    byte = 32
                    used = 0
                else:
                    close = _comment_end(out, read, end)
                    if close > 0:
                        byte = 32
                        used = close - read
            elif write - begin >= 2 and out[write - 1] == 46 and out[write - 2] == 47:
                write -= 2
        elif byte == 42 and hint and read + 1 < end and out[read + 1] == 47:
            byte = 32
            used = 2
            hint = False
        read += used
        byte = lower[byte]
        if (byte == 32 or byte == 13) and write > begin and (out[write - 1] == 32 or out[write - 1] == 13):
            if byte == 13:
                out[write - 1] = 13
            continue
        out[write] = byte
        write += 1
    return write


@subkernel
def copy_folded(
    buffer: Bytes,
    start: int,
    end: int,
    plus: int,
    classes: Bytes,
    lower: Bytes,
    out: Bytes,
    begin: int,
    at: int,
) -> int:
    """Copy one span, folding what needs no decoding. Returns `new end << 8 | work seen`."""
    write = at
    work = 0
    for i in range(start, end):
        byte = buffer[i]
        work |= classes[byte]
        if byte == 43 and plus != 0:
            byte = 32
        else:
            byte = lower[byte]
        if byte == 32 or byte == 13:
            if write > begin and (out[write - 1] == 32 or out[write - 1] == 13):
                if byte == 13:
                    out[write - 1] = 13
                continue
        elif byte == 47 and write - begin >= 2 and out[write - 1] == 46 and out[write - 2] == 47:
            write -= 2
        out[write] = byte
        write += 1
    return (write << 8) | work
