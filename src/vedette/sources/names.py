"""File names are anybody's to choose: bytes that are no UTF-8, and characters that steer a terminal."""

import os


def printable(name: str) -> str:
    r"""A file name as reports print it: what is no printable text stands as a backslash escape.

    >>> printable("access\x1b.log"), printable(os.fsdecode(b"\xff.log"))
    ('access\\x1b.log', '\\xff.log')
    """
    text = os.fsencode(name).decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
