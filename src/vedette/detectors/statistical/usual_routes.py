"""How many requests each route has had of late, windows without any included."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.statistical.room import with_room
from vedette.detectors.view import WindowView
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

_REMEMBERED: Final = 60.0
"""Windows that the mean goes back, exponentially weighted."""
_LEAST_SHARE: Final = 0.05
_MOST_NAMED: Final = 5


class UsualRoutes:
    """Remembers what routes usually carry, so that of a drop those can be named that nobody asks for any more.

    A baseline of a route is about windows that it has requests in, and a window that it has none in holds no row of it.
    """

    def __init__(self) -> None:
        self._usual: NDArray[np.float64] = np.zeros(0)

    def learn(self, slots: NDArray[np.int32], requests: NDArray[np.float64]) -> None:
        """Take a usual window's counts in.

        Args:
            slots: int32 (k,), distinct; all others had none. requests: float64 (k,).
        """
        self._usual = with_room(self._usual, int(slots.max(initial=-1)) + 1)
        self._usual *= 1.0 - 1.0 / _REMEMBERED
        self._usual[slots] += requests / _REMEMBERED

    def missing(
        self, view: WindowView, service: int, slots: NDArray[np.int32], requests: NDArray[np.float64]
    ) -> list[tuple[str, float]]:
        """The routes of a service that carry most of what is missing, with their shares of it, the largest first.

        Args:
            service: Its slot. slots, requests: The window's, as for `learn`.
        """
        here = np.zeros(len(self._usual))
        known = slots < len(here)
        here[slots[known]] = requests[known]
        mine = np.flatnonzero(view.book.parents[: len(here)] == service)
        less = np.maximum(self._usual[mine] - here[mine], 0.0)
        total = float(less.sum())
        if total <= 0.0:
            return []
        named = [
            (view.book[slot].route or "", lack / total)
            for slot, lack in zip(mine.tolist(), less.tolist(), strict=True)
        ]
        return sorted((one for one in named if one[1] >= _LEAST_SHARE), key=lambda one: (-one[1], one[0]))[
            :_MOST_NAMED
        ]

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(pack(self._usual))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        usual = unpack(decode(content, PackedArray, "usual routes"), np.float64, (None,), "usual routes")
        check(bool(np.isfinite(usual).all() and (usual >= 0.0).all()), "usual routes")
        self._usual = usual
