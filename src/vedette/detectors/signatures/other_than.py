"""A pattern for every text but a few: what is odd is often what is not on a short list.

Rules know no lookaround, so that the texts are written as a tree of their letters, and the pattern leaves it where a
text does.
"""

from collections.abc import Iterable

import msgspec


class _Node(msgspec.Struct):
    ends: bool = False
    after: dict[str, "_Node"] = msgspec.field(default_factory=dict)


def other_than(words: Iterable[str]) -> str:
    """A pattern that matches every whole text but the empty one and these, in the language of `compile.prepare`.

    Args:
        words: In lower case, of letters, digits, `_` and `-`.

    Raises:
        ValueError: For a word with anything else in it.
    """
    root = _Node(ends=True)
    for word in words:
        if not word or not all(char in "-_" or char.isdigit() or "a" <= char <= "z" for char in word):
            raise ValueError(f"{word!r}: must be lower-case letters, digits, _ and -")
        node = root
        for char in word:
            node = node.after.setdefault(char, _Node())
        node.ends = True
    return "^" + _leaving(root)


def _leaving(node: _Node) -> str:
    """What may follow a beginning of words so that the whole is none of them."""
    chars = sorted(node.after)
    ways = ["[^" + "".join(_written(char) for char in chars) + "]" if chars else "."]
    if not node.ends:
        ways.append("$")
    ways += [_written(char) + _leaving(node.after[char]) for char in chars]
    return "(?:" + "|".join(ways) + ")"


def _written(char: str) -> str:
    return "\\-" if char == "-" else char
