"""What stands before the place from which a file is read, and says how the lines behind it are to be read."""

from itertools import takewhile

from vedette.sources.content import UTF8_BOM
from vedette.sources.tail.content import Content

_NEWLINE = b"\n"
_HEADER_BYTES = 16 << 10
"""Of a file that is read from its end, so many first bytes are looked at for a header."""
_RENEWED_BYTES = 1 << 20
"""And so many before its end: IIS writes a header whenever it starts."""
_MOST_HEADER_LINES = 64


def header_before(content: Content, end: int) -> bytes:
    """What the lines before `end` say of how those behind it are to be read: comments, as W3C and Zeek logs have."""
    first = content.read(0, min(_HEADER_BYTES, end))
    mark = len(UTF8_BOM) if first.startswith(UTF8_BOM) else 0
    head = list(takewhile(_is_comment, first[mark:].split(_NEWLINE)[:-1]))
    if not head:
        return b""
    behind = mark + sum(len(line) + 1 for line in head)
    within = end - behind > _RENEWED_BYTES
    begin = end - _RENEWED_BYTES if within else behind
    renewed = content.read(begin, end - begin).split(_NEWLINE)[within:-1]
    lines = head[:_MOST_HEADER_LINES] + list(filter(_is_comment, renewed))[-_MOST_HEADER_LINES:]
    return b"".join(line + _NEWLINE for line in lines)


def _is_comment(line: bytes) -> bool:
    return line.startswith(b"#") and len(line) < _HEADER_BYTES
