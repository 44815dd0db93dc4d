"""Which of some windows is the last."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

_Window = TypeVar("_Window")


def mark_last(windows: Iterable[_Window]) -> Iterator[tuple[_Window, bool]]:
    """Windows, and whether each is the last: of that one, who watched has not seen the end."""
    held: list[_Window] = []
    for window in windows:
        if held:
            yield held.pop(), False
        held.append(window)
    if held:
        yield held.pop(), True
