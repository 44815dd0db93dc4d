"""HTML in which text cannot become markup: what is not made by `tag` is escaped."""

import html
import re
from collections.abc import Iterable

import msgspec

from vedette.report.shown import shown

_VOID = frozenset({"meta"})
_NAME = re.compile(r"[a-z][a-z0-9-]*\Z", re.IGNORECASE)


class Html(msgspec.Struct, frozen=True):
    """Markup that is finished."""

    text: str


Child = Html | str | Iterable["Child"] | None


def tag(element: str, *children: Child, **attributes: str | float | bool | None) -> Html:
    """An element.

    Args:
        element: Its name.
        children: Finished markup stands as it is; text is made harmless and escaped; None is nothing.
        attributes: A trailing underscore is dropped and inner ones become hyphens (`class_`, `http_equiv`).
            True stands alone; None and False are left out.

    >>> tag("p", "1 < 2", class_="note").text
    '<p class="note">1 &lt; 2</p>'
    """
    opening = f"<{_name(element)}{''.join(_attribute(*item) for item in attributes.items())}>"
    if element in _VOID:
        return Html(opening)
    return Html(f"{opening}{join(children).text}</{element}>")


def join(children: Iterable[Child]) -> Html:
    """Children one after the other."""
    return Html("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    match child:
        case None:
            return ""
        case Html():
            return child.text
        case str():
            return html.escape(shown(child))
        case _:
            return join(child).text


def _attribute(key: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = _name(key.rstrip("_").replace("_", "-"))
    return f" {name}" if value is True else f' {name}="{html.escape(shown(str(value)))}"'


def _name(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is no name of an element or attribute")
    return name
