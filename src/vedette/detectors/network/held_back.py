"""Findings that wait until it can be known whether they are news: the first hours tell little of what is usual.

Nobody can know on the first day of a log who asks for hosts that are off every minute, which connections stay, or who
else calls a service by the clock. What would be stated then waits until enough was seen, or the input ends, and is
stated if it is still worth it.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from vedette.detectors.network.view import NetworkView
from vedette.schema.anomaly import Anomaly
from vedette.schema.state import check, decode, encode

_MOST: Final = 1_000
"""Findings held back at once; further ones are stated at once."""
Key = tuple[int, ...]


class _State(msgspec.Struct, frozen=True, array_like=True):
    since: int | None
    held: list[tuple[Key, Anomaly]]


class HeldBack:
    """Findings that wait, each by what tells whether it is news.

    Args:
        wait: How long a network must have been watched, microseconds.
    """

    def __init__(self, wait: int) -> None:
        self._wait = wait
        self._since: int | None = None
        self._held: dict[Key, Anomaly] = {}

    def waits(self, view: NetworkView) -> bool:
        """Whether too little was seen so far, and more is to come; to be asked of every window."""
        return self.is_young(view) and view.whole

    def is_young(self, view: NetworkView) -> bool:
        """Whether too little was seen so far; to be asked of every window, or `waits`."""
        if self._since is None:
            self._since = view.start
        return view.start - self._since < self._wait

    def hold(self, key: Key, anomaly: Anomaly) -> bool:
        """Hold a finding back, instead of one that was held by the same key; False if there is no room."""
        if key not in self._held and len(self._held) >= _MOST:
            return False
        self._held[key] = anomaly
        return True

    def release(self, view: NetworkView, still: Callable[[Key, Anomaly], Anomaly | None]) -> list[Anomaly]:
        """What waited and is news still, in the order in which it came; all are forgotten.

        Args:
            view: Of the window that it is stated in.
            still: What is to be said now of what a key stands for; None if it is no news any more.
        """
        found = [told for key, anomaly in self._held.items() if (told := still(key, anomaly)) is not None]
        self._held = {}
        return [msgspec.structs.replace(anomaly, end=view.end) for anomaly in found]

    def to_state(self) -> bytes:
        """What waits, as bytes."""
        return encode(_State(self._since, list(self._held.items())))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "findings held back")
        check(len(state.held) <= _MOST, "findings held back")
        self._since, self._held = state.since, dict(state.held)
