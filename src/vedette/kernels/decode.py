r"""Request text as an application would read it: escapes undone, case and white space folded.

Signatures are matched against this text, not against what was logged. Each distinct text becomes one or two
rows of a scan buffer (path and query apart), each ended by NUL and `\n`. Neither stands inside a row: a
decoded newline becomes `\r`, a NUL nothing. Decoding makes a text at most twice as long.

What is undone, up to `ROUNDS` times or until nothing changes: `%41`, `%u0041` (IIS), `&#65;`, `&#x41;` and
the HTML names of markup characters, `\x41` and `\u0041` (JavaScript, JSON). `+` is a space in a query, once.
What is folded afterwards, once: overlong UTF-8 and full-width forms to the ASCII they stand for, upper to
lower case, runs of white space to one space (to one `\r` where a line break is among them), short SQL
comments to a space, `/./` to `/`, NUL to nothing.

A run of `BASE64` or more Base64 symbols that stands for printable text, or of `BASE64_COMMAND` or more whose text
begins with a line break or a mark of `OPENING`, is read as well: what it stands for is added behind the row's own
text, as if it were one more value (`&=`), before escapes are undone.

The same pass notes what was odd about the escapes themselves, as `TextFlag` bits.
"""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.words import Bytes

Ints = NDArray[np.int64]

ROUNDS = 3
"""Nested encodings undone. Legitimate nesting (a link inside a link) is two deep."""
HEAD = 12 * 1024
TAIL = 4 * 1024
"""A part longer than HEAD + TAIL bytes is judged by its first HEAD and last TAIL bytes."""
BASE64 = 16
"""Fewest Base64 symbols that are decoded. Twelve random bytes are all printable once in some 100,000 times."""
BASE64_COMMAND = 8
"""Fewest of those whose text begins with a line break, as commands for mail servers and shells do, or with `OPENING`.
One in 2,000 such texts of random symbols is printable and does; of what then stands there few rules say anything."""
OPENING = b"\n\r\"#$%&'()*-./;<@[\\]`{|"
"""Marks by which what is injected ends what stood before it, or begins a template, a tag, a path or a list."""
COMMENT = 64
"""Longest plain SQL comment that is folded into a space, in bytes."""


class TextFlag(IntFlag):
    """What was odd about the way a text was written."""

    NUL = 1
    """A NUL byte, escaped or not."""
    CONTROL = 2
    """A control byte other than white space, escaped or not."""
    LINE_BREAK = 4
    """A CR or LF, escaped or not."""
    OVERLONG = 8
    """An ASCII character written as UTF-8 of more bytes than it needs, which RFC 3629 section 3 forbids."""
    DOUBLE = 16
    """Percent escapes inside percent escapes."""
    TRIPLE = 32
    """Percent escapes nested three deep."""
    BAD_ESCAPE = 64
    """A `%` that no two hexadecimal digits follow."""
    WIDE_ESCAPE = 128
    """A `%u0041` escape, which no standard knows and only IIS decodes."""
    FULL_WIDTH = 256
    """A full-width form of an ASCII character (U+FF01 to U+FF5E), which some stacks fold to ASCII."""
    RAW_HIGH = 512
    """A byte above 0x7F that is not percent-encoded."""
    CUT = 1024
    """Longer than is judged: the middle was left out."""
    ENTITY = 2048
    """An HTML character reference."""
    SPELLED_BRACKET = 4096
    """A `<` or `>` spelled as an HTML character reference, or as an escape of JavaScript or IIS."""
    ESCAPED_STEP = 8192
    """A step up in a path, `..` between slashes of either kind, of which a dot or a slash is escaped."""


_NUL = TextFlag.NUL.value
_CONTROL = TextFlag.CONTROL.value
_LINE_BREAK = TextFlag.LINE_BREAK.value
_OVERLONG = TextFlag.OVERLONG.value
_DOUBLE = TextFlag.DOUBLE.value
_TRIPLE = TextFlag.TRIPLE.value
_BAD_ESCAPE = TextFlag.BAD_ESCAPE.value
_WIDE_ESCAPE = TextFlag.WIDE_ESCAPE.value
_FULL_WIDTH = TextFlag.FULL_WIDTH.value
_RAW_HIGH = TextFlag.RAW_HIGH.value
_CUT = TextFlag.CUT.value
_ENTITY = TextFlag.ENTITY.value
_SPELLED_BRACKET = TextFlag.SPELLED_BRACKET.value
_ESCAPED_STEP = TextFlag.ESCAPED_STEP.value

_PERCENT_WORK = 1
_FOLD_WORK = 2
_ESCAPE_WORK = 4
_HIGH = 8
_UPPER = 16


def _class_table() -> Bytes:
    """For each byte, which work it may call for: 0 for the many that are only copied."""
    table = np.zeros(256, dtype=np.uint8)
    table[ord("%")] = _PERCENT_WORK
    for mark in b"#;\\":
        table[mark] = _ESCAPE_WORK
    table[:32] = _FOLD_WORK
    table[127] = _FOLD_WORK
    table[ord("*")] = _FOLD_WORK
    table[128:] = _FOLD_WORK | _HIGH
    table[65:91] = _UPPER
    return table


def _lower_table() -> Bytes:
    """For each byte, what it is copied as: lower case, white space as a space, line breaks as CR."""
    table = np.arange(256, dtype=np.uint8)
    table[65:91] += 32
    for blank in b"\t\v\f":
        table[blank] = 32
    table[10] = 13
    return table


CLASSES = _class_table()
LOWER = _lower_table()


@subkernel
def _hex(byte: int) -> int:
    if 48 <= byte <= 57:
        return byte - 48
    if 97 <= byte <= 102:
        return byte - 87
    if 65 <= byte <= 70:
        return byte - 55
    return -1


@subkernel
def _hex_run(out: Bytes, at: int, count: int, end: int) -> int:
    """Value of exactly `count` hexadecimal digits at `at`, or -1."""
    if at + count > end:
        return -1
    value = 0
    for i in range(at, at + count):
        digit = _hex(out[i])
        if digit < 0:
            return -1
        value = value * 16 + digit
    return value


@subkernel
def _put(out: Bytes, at: int, code: int) -> int:
    """Write a code point as UTF-8, full-width forms as ASCII; at most 4 bytes."""
    if 0xFF01 <= code <= 0xFF5E:
        code -= 0xFEE0
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | (code >> 6)
        out[at + 1] = 0x80 | (code & 63)
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | (code >> 12)
        out[at + 1] = 0x80 | ((code >> 6) & 63)
        out[at + 2] = 0x80 | (code & 63)
        return at + 3
    out[at] = 0xF0 | (code >> 18)
    out[at + 1] = 0x80 | ((code >> 12) & 63)
    out[at + 2] = 0x80 | ((code >> 6) & 63)
    out[at + 3] = 0x80 | (code & 63)
    return at + 4


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
            digit = _hex(out[i])
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
def _unescape(classes: Bytes, out: Bytes, begin: int, end: int, depth: int, flags: Ints, text: int) -> int:
    """Undo one level of escapes in place. Returns `new end << 1`, plus 1 if there may be another level."""
    read = begin
    write = begin
    changed = False
    left = 0  # what the new text holds that could begin an escape
    while read < end:
        byte = out[read]
        if byte == 37:  # '%'
            code = _hex_run(out, read + 1, 2, end)
            if code >= 0:
                if depth == 1:
                    flags[text] |= _DOUBLE
                elif depth == 2:
                    flags[text] |= _TRIPLE
                out[write] = code
                left |= classes[code]
                write += 1
                read += 3
                changed = True
                continue
            if read + 1 < end and out[read + 1] | 32 == 117:  # 'u'
                code = _hex_run(out, read + 2, 4, end)
                if code >= 0:
                    flags[text] |= _WIDE_ESCAPE
                    if code == 60 or code == 62:
                        flags[text] |= _SPELLED_BRACKET
                    left |= _ESCAPE_WORK  # may be any character, full-width ones included
                    write = _put(out, write, code)
                    read += 6
                    changed = True
                    continue
            if depth == 0:
                flags[text] |= _BAD_ESCAPE
        elif byte == 38:  # '&'
            found = _entity(out, read, end)
            if found > 0:
                flags[text] |= _ENTITY
                if found >> 8 == 60 or found >> 8 == 62:
                    flags[text] |= _SPELLED_BRACKET
                left |= _ESCAPE_WORK  # may be any character
                write = _put(out, write, found >> 8)
                read += found & 255
                changed = True
                continue
        elif byte == 92 and read + 3 < end:  # backslash
            code = -1
            used = 0
            if out[read + 1] | 32 == 120:  # 'x'
                code = _hex_run(out, read + 2, 2, end)
                used = 4
            elif out[read + 1] | 32 == 117:  # 'u'
                code = _hex_run(out, read + 2, 4, end)
                used = 6
            if code >= 0:
                if code == 60 or code == 62:
                    flags[text] |= _SPELLED_BRACKET
                left |= _ESCAPE_WORK
                write = _put(out, write, code)
                read += used
                changed = True
                continue
        out[write] = byte
        left |= classes[byte]
        write += 1
        read += 1
    if changed and left & (_PERCENT_WORK | _ESCAPE_WORK):
        return write * 2 + 1
    return write * 2


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
def _fold(lower: Bytes, out: Bytes, begin: int, end: int, flags: Ints, text: int) -> int:
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
                flags[text] |= _OVERLONG
            elif byte == 0xC2 and follow == 0xA0:
                byte = 32
                used = 2
            elif byte == 0xE0 and 0x80 <= follow <= 0x81 and 0x80 <= third <= 0xBF:
                byte = ((follow & 0x3F) << 6) | (third & 0x3F)
                used = 3
                flags[text] |= _OVERLONG
            elif byte == 0xEF and (follow == 0xBC or follow == 0xBD) and 0x80 <= third <= 0xBF:
                code = ((follow & 0x3F) << 6 | (third & 0x3F)) + 0xF000
                if 0xFF01 <= code <= 0xFF5E:
                    byte = code - 0xFEE0
                    used = 3
                    flags[text] |= _FULL_WIDTH
            elif (
                byte == 0xF0
                and follow == 0x80
                and 0x80 <= third <= 0x81
                and read + 3 < end
                and 0x80 <= out[read + 3] <= 0xBF
            ):
                byte = ((third & 0x3F) << 6) | (out[read + 3] & 0x3F)
                used = 4
                flags[text] |= _OVERLONG
            elif byte == 0xA0 and (write == begin or out[write - 1] < 0x80):
                byte = 32  # a lone Latin-1 no-break space, which MySQL takes for white space
        if byte == 0:
            flags[text] |= _NUL
            read += used
            continue
        if byte < 32 or byte == 127:
            if byte == 10 or byte == 13:
                flags[text] |= _LINE_BREAK
            elif byte != 9 and byte != 11 and byte != 12:
                flags[text] |= _CONTROL
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
def _copy(
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
        code = _hex_run(buffer, at + 1, 2, end)
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
def _append_base64(
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
def _may_write_nul(buffer: Bytes, start: int, end: int) -> bool:
    """Whether a span can stand for a NUL by itself: that takes a zero byte, `00`, `#0`, or `30` for such a `0`."""
    for at in range(start, end):
        if buffer[at] == 0:
            return True
        if buffer[at] == 48 and at > start:
            before = buffer[at - 1]
            if before == 48 or before == 35 or before == 51:
                return True
    return False


@subkernel
def _decode_part(
    buffer: Bytes, start: int, end: int, plus: int, classes: Bytes, lower: Bytes, out: Bytes, begin: int,
    flags: Ints, text: int,
) -> int:  # fmt: skip
    """Decode one part to `out[begin:]` and end its row. Returns where the next row begins."""
    nul = flags[text] & _NUL
    # Whether Base64 stood for something.
    unveiled = False
    if end - start > HEAD + TAIL:
        flags[text] |= _CUT
        copied = _copy(buffer, start, start + HEAD, plus, classes, lower, out, begin, begin)
        work = copied & 255
        write = copied >> 8
        # No byte that rules take for one of an attack: a line break that nobody sent was one.
        out[write] = 38 if plus else 47
        copied = _copy(buffer, end - TAIL, end, plus, classes, lower, out, begin, write + 1)
        work |= copied & 255
    else:
        copied = _copy(buffer, start, end, plus, classes, lower, out, begin, begin)
        work = copied & 255
        if work & _UPPER:  # nearly every Base64 text has a capital letter, and few addresses have one
            added = _append_base64(buffer, start, end, 1 - plus, classes, lower, out, copied >> 8)
            unveiled = added >> 8 > copied >> 8
            copied = added
            work |= added & 255
    write = copied >> 8
    if work & ~_UPPER:
        if work & _HIGH:
            flags[text] |= _RAW_HIGH
        if work & (_PERCENT_WORK | _ESCAPE_WORK):
            for depth in range(ROUNDS):
                decoded = _unescape(classes, out, begin, write, depth, flags, text)
                write = decoded >> 1
                if not decoded & 1:
                    break
        # White space was folded while copying; a raw line break has become CR and is still seen here.
        write = _fold(lower, out, begin, write, flags, text)
        if unveiled and flags[text] & _NUL and not nul and not _may_write_nul(buffer, start, end):
            # In what Base64 stands for, as in a cluster's page marks, a NUL cuts nothing short.
            flags[text] &= ~_NUL
    out[write] = 0
    out[write + 1] = 10
    return write + 2


@subkernel
def _has_escaped_step(buffer: Bytes, start: int, end: int) -> bool:
    """Whether a path steps up with an escaped dot or slash; escapes may be nested (`%252e`)."""
    at = start
    dots = 0
    escaped = False
    while at < end:
        byte = buffer[at]
        used = 1
        if byte == 37:  # '%'
            past = at + 1
            while _hex_run(buffer, past, 2, end) == 37:
                past += 2
            code = _hex_run(buffer, past, 2, end)
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


@kernel
def decode_texts(
    buffer: Bytes,
    start: Ints,
    length: NDArray[np.int32],
    chosen: Ints,
    split: int,
    classes: Bytes,
    lower: Bytes,
    out: Bytes,
    at: int,
    row_end: Ints,
    row: int,
    flags: Ints,
    text: int,
) -> int:
    r"""Decode chosen texts of a vocabulary into rows of a scan buffer.

    Args:
        buffer: uint8, the vocabulary's bytes.
        start: int64 (k,), see `Vocabulary`.
        length: int32 (k,), see `Vocabulary`.
        chosen: int64 (m,), which texts, in the order of their rows.
        split: 1 to make two rows of each text, up to its first `?` and after it (where `+` is a space); 0 for
            one.
        classes: `CLASSES`.
        lower: `LOWER`.
        out: uint8, the scan buffer, with room for `scan_bytes` from `at` on.
        at: Where the first row begins in `out`.
        row_end: int64, receives for each row where it ends, past its NUL and `\n`, from index `row` on.
        row: Index of the first row.
        flags: int64, receives `TextFlag` bits from index `text` on.
        text: Index of the first text in `flags`.

    Returns:
        Where the last row ends.
    """
    for i in range(chosen.shape[0]):
        this = chosen[i]
        first = start[this]
        last = first + length[this]
        flags[text] = 0
        if split != 0:
            mark = first
            percent = False
            while mark < last and buffer[mark] != 63:
                percent |= buffer[mark] == 37
                mark += 1
            if percent and _has_escaped_step(buffer, first, mark):
                flags[text] |= _ESCAPED_STEP
            at = _decode_part(buffer, first, mark, 0, classes, lower, out, at, flags, text)
            row_end[row] = at
            row += 1
            at = _decode_part(buffer, min(mark + 1, last), last, 1, classes, lower, out, at, flags, text)
        else:
            at = _decode_part(buffer, first, last, 0, classes, lower, out, at, flags, text)
        row_end[row] = at
        row += 1
        text += 1
    return at


_LONGEST_PART = HEAD + TAIL + 1


def scan_bytes(length: NDArray[np.int32], split: bool) -> int:
    """Bytes of scan buffer that texts of these lengths (int32, shape (m,)) need at most.

    What a Base64 text stands for may be added to a text: at most three bytes for four, and two before them. A part is
    cut at `HEAD + TAIL` bytes and a mark; a split text has two parts. Each row ends in two bytes.
    """
    parts = 2 if split else 1
    kept = np.minimum(length, parts * _LONGEST_PART)
    return 2 * int(kept.sum(dtype=np.int64)) + 2 * parts * len(length)


def scan_bytes_of_one(length: int, split: bool) -> int:
    """The same of a single text, without an array."""
    parts = 2 if split else 1
    return 2 * min(length, parts * _LONGEST_PART) + 2 * parts
