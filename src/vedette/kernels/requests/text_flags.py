"""What is odd about the way a text of a request was written."""

from enum import IntFlag


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


# As kernels take them.
NUL = TextFlag.NUL.value
CONTROL = TextFlag.CONTROL.value
LINE_BREAK = TextFlag.LINE_BREAK.value
OVERLONG = TextFlag.OVERLONG.value
DOUBLE = TextFlag.DOUBLE.value
TRIPLE = TextFlag.TRIPLE.value
BAD_ESCAPE = TextFlag.BAD_ESCAPE.value
WIDE_ESCAPE = TextFlag.WIDE_ESCAPE.value
FULL_WIDTH = TextFlag.FULL_WIDTH.value
RAW_HIGH = TextFlag.RAW_HIGH.value
CUT = TextFlag.CUT.value
ENTITY = TextFlag.ENTITY.value
SPELLED_BRACKET = TextFlag.SPELLED_BRACKET.value
ESCAPED_STEP = TextFlag.ESCAPED_STEP.value
