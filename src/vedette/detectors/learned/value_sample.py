"""How often each value came on each route of a service, window by window; bounded."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.distinct import distinct_values

MOST_ROUTES: Final = 64
"""Routes of a service that are learned, the first that came; others are judged by nobody."""
MOST_CELLS: Final = 65_536
"""Counts that are kept: sixteen bytes each. Beyond, every other window is forgotten, and from then on passed over."""
LEAST_WINDOWS: Final = 30
"""Windows that a model rests on: ten of them to hold it against."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `ValueSample` holds."""

    routes: list[str]
    stride: int
    window: PackedArray
    route: PackedArray
    value: PackedArray
    count: PackedArray


class ValueSample:
    """Counts of values by window and route.

    Attributes:
        routes: Names by number. window, route, value, count: int64 (n,), one cell each, in order of windows.
    """

    def __init__(self) -> None:
        self.routes: list[str] = []
        self.window = np.zeros(0, dtype=np.int64)
        self.route = np.zeros(0, dtype=np.int64)
        self.value = np.zeros(0, dtype=np.int64)
        self.count = np.zeros(0, dtype=np.int64)
        self._stride = 1
        self._numbers: dict[str, int] = {}
        self._waiting: list[tuple[NDArray[np.int64], ...]] = []
        self._cells = 0

    def add(self, window: int, routes: list[str], counts: NDArray[np.int64]) -> None:
        """Take a window in.

        Args:
            window: Its number. routes: Names, distinct. counts: int64 (routes, values).
        """
        if window % self._stride:
            return
        numbers = [self._number(name) for name in routes]
        row, value = np.nonzero(counts)
        number = np.array(numbers, dtype=np.int64)[row] if len(row) else np.zeros(0, dtype=np.int64)
        kept = number >= 0
        windows = np.full(int(kept.sum()), window, dtype=np.int64)
        self._waiting.append((windows, number[kept], value[kept], counts[row, value][kept]))
        self._cells += len(windows)
        if self._cells > MOST_CELLS:
            self.settle()

    def __len__(self) -> int:
        return self._cells

    def settle(self) -> None:
        """Put together what was added; appending to long arrays window by window would take as long as judging."""
        if self._waiting:
            self.window, self.route, self.value, self.count = (
                np.concatenate(parts)
                for parts in zip(
                    (self.window, self.route, self.value, self.count), *self._waiting, strict=True
                )
            )
            self._waiting = []
        while len(self.window) > MOST_CELLS:
            self._stride *= 2
            self._keep(self.window % self._stride == 0)
        self._cells = len(self.window)

    def lacks(self) -> str:
        """See `Collected`."""
        self.settle()
        windows = len(distinct_values(self.window))
        if windows >= LEAST_WINDOWS:
            return ""
        return f"{windows} windows in which values were recorded: {LEAST_WINDOWS} are needed"

    def _number(self, name: str) -> int:
        known = self._numbers.get(name)
        if known is None:
            if len(self.routes) >= MOST_ROUTES:
                return -1
            known = self._numbers[name] = len(self.routes)
            self.routes.append(name)
        return known

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        self.window, self.route = self.window[kept], self.route[kept]
        self.value, self.count = self.value[kept], self.count[kept]

    def to_state(self) -> bytes:
        """See `Collected`."""
        self.settle()
        arrays = (pack(a) for a in (self.window, self.route, self.value, self.count))
        return encode(_State(self.routes, self._stride, *arrays))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "sample of values"
        state = decode(content, _State, what)
        check(len(set(state.routes)) == len(state.routes) <= MOST_ROUTES and state.stride > 0, what)
        self.window = unpack(state.window, np.int64, (None,), what)
        n = len(self.window)
        self.route, self.value, self.count = (
            unpack(part, np.int64, (n,), what) for part in (state.route, state.value, state.count)
        )
        for numbers, most in ((self.route, len(state.routes)), (self.value, 1 << 16), (self.count, 1 << 62)):
            check(n == 0 or bool(numbers.min() >= 0 and numbers.max() < most), what)
        self.routes, self._stride = state.routes, state.stride
        self._numbers = {name: number for number, name in enumerate(state.routes)}
        self._waiting, self._cells = [], n
