"""Text of hostile origin, made harmless for each place where it is shown."""

import html
import re
import unicodedata
from collections.abc import Callable

_MARKDOWN = re.compile(r"([\\`*_~|>#\[\]()<{}!+-])")
_LINK = re.compile(r"(?i)\b(https?|ftp|file|javascript|data)(:)")


def printable(text: str, most: int) -> str:
    """One line that looks like what it is: no line breaks, control or direction marks; cut at `most` characters."""
    text = text[: most + 1]
    clean = "".join(c if c.isprintable() else _named(c) for c in text)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def _named(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) == "Zs":
        return " "
    # A lone surrogate stands for a byte that was no UTF-8.
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def slack(text: str) -> str:
    """For Slack's text: without its own signs, so that nobody is called and nothing is a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown(text: str) -> str:
    """For Markdown as Discord reads it: signs shown as themselves, addresses no links, nobody called."""
    text = _MARKDOWN.sub(r"\\\1", text)
    # A blank of no width: it looks the same and neither links nor calls.
    return _LINK.sub("\\1\u200b\\2", text).replace("@", "@\u200b")


def page(text: str) -> str:
    """For HTML, inside an element or a quoted attribute."""
    return html.escape(text, quote=True)


def fitted(text: str, most: int, escape: Callable[[str], str]) -> str:
    """Text escaped, and cut before it was, so that no escape is halved: at most `most` characters."""
    shown = escape(text)
    if len(shown) <= most:
        return shown
    least, longest = 0, most
    while least < longest:
        middle = (least + longest + 1) // 2
        if len(escape(text[:middle])) < most:
            least = middle
        else:
            longest = middle - 1
    return escape(text[:least]) + "…"
