"""A bounded sample of what clients ask for, one thing after the other; clients are drawn by lot."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.distinct import distinct_values

MOST_TOKENS: Final = 1 << 16
"""Requests in a sample; about those of the longest warm-up that `auto` chooses."""
MOST_TEXTS: Final = 4_096
"""Different tokens in a sample; later ones count as unknown."""
LEAST_TOKENS: Final = 2_000
"""Requests that a model of sequences is fitted to."""
_WHAT: Final = "sample of sequences"


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `SequenceSample` holds."""

    client: PackedArray
    window: PackedArray
    token: PackedArray
    texts: list[str]
    bar: int


class SequenceSample:
    """Requests of the clients with the lowest keys (keys are hashes, so these are drawn by lot).

    What is in it depends on the requests alone, not on how they came together.

    Attributes:
        client: uint64 (n,), sorted. window: int64 (n,), window numbers. token: int64 (n,), numbers into `texts`, -1 for
            those that found no room there. Requests of a client are in their order.
        texts: Of tokens.
    """

    def __init__(self, most: int = MOST_TOKENS) -> None:
        self.client = np.zeros(0, dtype=np.uint64)
        self.window = np.zeros(0, dtype=np.int64)
        self.token = np.zeros(0, dtype=np.int64)
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._most = most
        self._bar = 2**64 - 1
        self._waiting: list[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]] = []
        self._waits = 0

    def wants(self, client: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which clients have a place, bool (k,)."""
        return client <= np.uint64(self._bar)

    def add(
        self, client: NDArray[np.uint64], window: int, which: NDArray[np.int64], texts: list[str]
    ) -> None:
        """Take a window's requests in; windows come in order.

        Args:
            client: uint64 (n,). which: int64 (n,), numbers into `texts`, which are the window's own.
        """
        if not len(client):
            return
        numbers = np.full(len(texts), -1, dtype=np.int64)
        seen = distinct_values(which).tolist()
        # In order of their texts: numbers must not depend on who came first.
        for number in sorted(seen, key=lambda n: texts[n]):
            known = self._numbers.get(texts[number])
            if known is None and len(self.texts) < MOST_TEXTS:
                known = self._numbers[texts[number]] = len(self.texts)
                self.texts.append(texts[number])
            numbers[number] = -1 if known is None else known
        self._waiting.append((client, np.full(len(client), window, dtype=np.int64), numbers[which]))
        self._waits += len(client)
        if self._waits > self._most:
            self.settle()

    def drop(self, clients: NDArray[np.uint64]) -> None:
        """Forget clients, all that they ever did; their keys, uint64 (k,), are in no order."""
        self.settle()
        self.keep(~np.isin(self.client, clients))

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Keep some of the rows that are settled, bool (n,)."""
        self.client, self.window, self.token = self.client[kept], self.window[kept], self.token[kept]

    def __len__(self) -> int:
        return len(self.client) + self._waits

    def settle(self) -> None:
        """Keep only what has a place."""
        if not self._waiting:
            return
        client = np.concatenate([self.client, *(part[0] for part in self._waiting)])
        window = np.concatenate([self.window, *(part[1] for part in self._waiting)])
        token = np.concatenate([self.token, *(part[2] for part in self._waiting)])
        self._waiting, self._waits = [], 0
        order = np.lexsort((window, client))
        client = client[order]
        if len(order) > self._most:
            # Whole clients only: the first that does not fit, and all above it, go.
            over = int(client[self._most])
            order = order[: np.searchsorted(client, np.uint64(over))]
            client = client[: len(order)]
            self._bar = min(self._bar, over - 1)
        self.client, self.window, self.token = client, window[order], token[order]

    def lacks(self) -> str:
        """What a model would need more of; empty if nothing."""
        self.settle()
        if len(self) >= LEAST_TOKENS:
            return ""
        return f"{len(self)} requests of clients, static files apart: {LEAST_TOKENS} are needed"

    def to_state(self) -> bytes:
        """All of it."""
        self.settle()
        return encode(_State(pack(self.client), pack(self.window), pack(self.token), self.texts, self._bar))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, _WHAT)
        self.client = unpack(state.client, np.uint64, (None,), _WHAT)
        n = len(self.client)
        self.window = unpack(state.window, np.int64, (n,), _WHAT)
        self.token = unpack(state.token, np.int64, (n,), _WHAT)
        check(n <= self._most and 0 <= state.bar < 2**64 and len(state.texts) <= MOST_TEXTS, _WHAT)
        check(not n or -1 <= int(self.token.min()) <= int(self.token.max()) < len(state.texts), _WHAT)
        self.texts = list(state.texts)
        self._numbers = {text: number for number, text in enumerate(self.texts)}
        check(len(self._numbers) == len(self.texts), _WHAT)
        self._bar = state.bar
