"""What several clients of a service have done before, about as much of it: what one more does, then, is its custom."""

from typing import Final, NamedTuple

from vedette.detectors.statistical.recurrence import ALIKE, APART
from vedette.schema.spans import WEEK_US
from vedette.schema.state import check, decode, encode

OTHERS: Final = 3
"""Clients that make a custom: one may be a thief, and a second his other address."""
MOST: Final = 64
"""Clients that are remembered of each service; for a further one, who did so longest ago is forgotten."""


class _Deed(NamedTuple):
    """What a client did.

    Attributes:
        since: Start of the first window, microseconds. last: Of the latest. height: The most.
    """

    since: int
    last: int
    height: float


class Customary:
    """Remembers who did what is stated of single clients, and how much of it, whether or not it was stated.

    A level cannot tell what single clients come to do now and then: nobody builds, syncs or runs into a limit in most
    windows, and whoever does is far beyond all of them. So what `OTHERS` others did in the last week, at least half as
    much, is a custom. What began within half an hour of each other counts as done together, and not before: a thief may
    have many addresses.
    """

    def __init__(self, *, own: bool = False) -> None:
        """Begin.

        Args:
            own: Whether what a client did itself counts as another's does. What somebody must not do at all, like
                carrying data off, nobody makes a custom for himself.
        """
        self._own = own
        self._deeds: dict[int, dict[str, _Deed]] = {}

    def allows(self, slot: int, who: str, time: int, height: float) -> bool:
        """Say whether others did as much before, and remember it.

        Args:
            slot: The service. who: The client.
            time: Start of the window, microseconds; windows come in order.
            height: How much of it.
        """
        deeds = self._deeds.setdefault(slot, {})
        for gone in [name for name, deed in deeds.items() if deed.last < time - WEEK_US]:
            del deeds[gone]
        own = deeds.pop(who, None)
        earlier = list(deeds.values())
        if own is not None and self._own:
            earlier.append(own)
        others = sum(deed.since <= time - APART and deed.height >= ALIKE * height for deed in earlier)
        # What was allowed counts for no more than what allowed it: what grows is told again once it has doubled.
        if others >= OTHERS:
            most = max(deed.height for deed in earlier)
            height = min(height, most)
        # At the end: the first is the one that did so longest ago.
        deeds[who] = _Deed(time if own is None else own.since, time, max(height, own.height if own else 0.0))
        if len(deeds) > MOST:
            del deeds[next(iter(deeds))]
        return others >= OTHERS

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode([(slot, list(deeds.items())) for slot, deeds in self._deeds.items()])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        shape = list[tuple[int, list[tuple[str, tuple[int, int, float]]]]]
        kept = decode(content, shape, "customs")
        check(all(len(deeds) <= MOST for _, deeds in kept), "customs")
        self._deeds = {slot: {who: _Deed(*deed) for who, deed in deeds} for slot, deeds in kept}
