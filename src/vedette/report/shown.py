"""Make text of hostile origin harmless to look at."""

ELLIPSIS = "…"


def shown(text: str, limit: int | None = None) -> str:
    r"""A text in which nothing steers a terminal or a reader's eye.

    What Python calls unprintable (control characters, escape sequences, bidirectional overrides, zero-width
    characters, line separators, surrogates) stands as a backslash escape. Other characters stay.

    Args:
        text: Any text.
        limit: Most characters of the result; what is cut is marked with an ellipsis.

    >>> shown("a\x1b[31mb\u202ec")
    'a\\x1b[31mb\\u202ec'
    """
    if limit is not None:
        text, whole = text[:limit], len(text) <= limit
    else:
        whole = True
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    if limit is not None and (not whole or len(text) > limit):
        return text[: max(0, limit - 1)] + ELLIPSIS
    return text
