"""Host names of clients that their log names so, for those who print them."""

from collections.abc import Mapping

from vedette.schema.state import check, decode, encode

MOST = 100_000
"""Names remembered; of more, the half that has not been seen for longest is forgotten, and shown by its key."""


class ClientNames(dict[int, str]):
    """Names by the low half of their client's key, the last seen at the end."""

    forgotten = 0

    def see(self, names: Mapping[int, str]) -> None:
        """Remember the names of a batch."""
        for low, name in names.items():
            self.pop(low, None)
            self[low] = name
        if len(self) > MOST:
            for low in list(self)[: len(self) - MOST // 2]:
                del self[low]
                self.forgotten += 1

    def to_state(self) -> bytes:
        """All names, as bytes."""
        return encode((self.forgotten, list(self.items())))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        self.forgotten, names = decode(content, tuple[int, list[tuple[int, str]]], "names of clients")
        check(len(names) <= MOST, "names of clients")
        self.clear()
        self.update(names)
