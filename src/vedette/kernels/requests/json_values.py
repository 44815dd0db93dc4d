r"""Strings of JSON in a text of a request, read as values of their own.

An application that is sent JSON reads its strings, not their quotes: what stands in one is as much a value as what
stands in a parameter. `{"host":"a;id"}` is the text `a;id` to a shell, and where rules and model look for what a value
begins or ends with, it has to begin and end there.
"""

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import subkernel

_QUOTE = 34
_BACKSLASH = 92
_AMPERSAND = 38


@subkernel
def _is_plain(byte: int) -> bool:
    """Whether a byte is a letter, a digit, a space, `-`, `.` or `_`: a string of these alone is not judged again."""
    return (
        97 <= byte <= 122
        or 48 <= byte <= 57
        or byte == 32
        or byte == 45
        or byte == 46
        or byte == 95
        or byte >= 128
    )


@subkernel
def _closes(text: Bytes, at: int, end: int) -> int:
    """What follows a quote that ends a string: `,`, `:`, `]`, `}`, 0 for the end; -1 where it ends none."""
    if at < end and text[at] == 32:
        at += 1
    if at == end or text[at] == _AMPERSAND:
        return 0
    byte: int = text[at]
    if byte == 44 or byte == 58 or byte == 93 or byte == 125:
        return byte
    return -1


@subkernel
def append_strings(text: Bytes, begin: int, end: int, limit: int) -> int:
    r"""Add the strings of the JSON in a decoded query behind it, each as a value without a name of note (`&.=`).

    Names of members are left out, and so is what holds no mark. What a comma, colon or bracket does not follow is no
    string. `\"`, `\/` and the like become what they stand for.

    Args:
        text: uint8, decoded and folded; written to from `end` on.
        begin, end: The query. limit: Where what is added has to end.

    Returns:
        Where the text ends now.
    """
    at = begin
    while at < end and text[at] != 123 and text[at] != 91:  # '{', '['
        at += 1
    write = end
    before = 0  # the last byte that was no space
    while at < end:
        byte = text[at]
        at += 1
        if byte != _QUOTE or not (before == 123 or before == 91 or before == 58 or before == 44):
            if byte != 32 and byte != 13:
                before = byte
            continue
        past = at
        follows = -1
        plain = True
        while past < end:
            byte = text[past]
            if byte == _BACKSLASH:
                past += 2
                plain = False
                continue
            if byte == _QUOTE:
                follows = _closes(text, past + 1, end)
                break
            plain = plain and _is_plain(byte)
            past += 1
        past = min(past, end)
        if follows >= 0 and follows != 58 and not plain and write + past - at + 3 <= limit:
            text[write] = _AMPERSAND
            text[write + 1] = 46
            text[write + 2] = 61
            write += 3
            while at < past:
                byte = text[at]
                at += 1
                if byte == _BACKSLASH and at < past:
                    byte = text[at]
                    at += 1
                    if byte == 110 or byte == 114:  # 'n', 'r'
                        byte = 13
                    elif byte == 116 or byte == 98 or byte == 102:  # 't', 'b', 'f'
                        byte = 32
                    elif byte != _QUOTE and byte != 47 and byte != _BACKSLASH:
                        # No escape of JSON: both stay, as lenient readers have it.
                        text[write] = _BACKSLASH
                        write += 1
                if (byte == 32 or byte == 13) and (text[write - 1] == 32 or text[write - 1] == 13):
                    if byte == 13:
                        text[write - 1] = 13
                    continue
                text[write] = byte
                write += 1
        at = past + 1
        before = _QUOTE
    return write
