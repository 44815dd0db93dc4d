"""Reading a JSON array of plain strings as lines, without an object for each."""

from vedette.kernels.arrays import Bytes, Ints
from vedette.kernels.compile import kernel, subkernel
from vedette.kernels.text.json_plain import BACKSLASH, QUOTE, put_plain

COMMA = ord(",")
CLOSING = ord("]")
NEWLINE = 10
SPACE = 32
TAB = 9


@subkernel
def _past_space(text: Bytes, at: int, past: int) -> int:
    """Where the white space at `at` ends (RFC 8259)."""
    while at < past and (text[at] == SPACE or text[at] == NEWLINE or text[at] == TAB or text[at] == 13):
        at += 1
    return at


@subkernel
def _unescaped(byte: int) -> int:
    r"""What `\` and this byte stand for in a line, -1 for anything but quotes, strokes and tabs."""
    if byte == QUOTE or byte == BACKSLASH or byte == ord("/"):
        return byte
    return TAB if byte == ord("t") else -1


@kernel
def join_strings(text: Bytes, at: int, longest: int, out: Bytes, told: Ints) -> int:
    r"""Write the strings of a JSON array one after the other, each ended by a newline.

    Args:
        text: uint8, JSON. at: Where the array's first element, or its end, is looked for.
        longest: Bytes of the longest string that is taken.
        out: uint8, room for as many bytes as `text` has.
        told: int64 (2,), receives how many strings there are, and where the array ends, behind its bracket.

    Returns:
        How many bytes were written; -1 where anything is not plain: no array of strings, a string that is empty or
        too long, is not ASCII or holds other escapes than `\"`, `\\`, `\/` and `\t`.
    """
    past = text.shape[0]
    count = 0
    to = 0
    at = _past_space(text, at, past)
    while at < past and text[at] == QUOTE:
        at += 1
        first = to
        while True:
            plain = put_plain(text, at, past, out, to)
            at += plain
            to += plain
            if at >= past or text[at] != BACKSLASH or at + 1 >= past:
                break
            byte = _unescaped(int(text[at + 1]))
            if byte < 0:
                return -1
            out[to] = byte
            to += 1
            at += 2
        if at >= past or text[at] != QUOTE or to == first or to - first > longest:
            return -1
        out[to] = NEWLINE
        to += 1
        count += 1
        at = _past_space(text, at + 1, past)
        if at < past and text[at] == COMMA:
            at = _past_space(text, at + 1, past)
            if at >= past or text[at] != QUOTE:
                return -1
        else:
            break
    if count == 0 or at >= past or text[at] != CLOSING:
        return -1
    told[0] = count
    told[1] = at + 1
    return to
