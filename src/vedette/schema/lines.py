"""Lines as one text, which is how nearly everything reads them."""

from collections.abc import Iterator, Sequence
from typing import overload


class JoinedLines(Sequence[bytes]):
    """Lines that are cut apart only if somebody asks for one of them.

    Args:
        text: Lines, each ended by a newline. count: How many.

    Attributes:
        text: The same.
    """

    __slots__ = ("_count", "_lines", "text")

    def __init__(self, text: bytes, count: int) -> None:
        self.text = text
        self._count = count
        self._lines: list[bytes] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        return self._apart()[index]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._apart())

    def _apart(self) -> list[bytes]:
        if self._lines is None:
            self._lines = self.text.split(b"\n")[:-1]
        return self._lines


def joined(lines: Sequence[bytes]) -> bytes:
    """Lines without newlines as one text, each ended by one."""
    if isinstance(lines, JoinedLines):
        return lines.text
    return b"\n".join([*lines, b""]) if lines else b""
