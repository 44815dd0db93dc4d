"""What is remembered of many addresses or talks, in a table that forgets what was not seen for the longest time."""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.kernels.text.hashing import new_secret
from vedette.kernels.windows.recent_keys import AFTER, LINKS, META, OLDEST, TAKEN, claim_keys, has_keys
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack

_LEAST_ROWS: Final = 1_024
_MOST_SPARE: Final = 1 << 18
"""Buckets up to which there are four for each key: those are a megabyte, and stay in a cache."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    keys: PackedArray
    numbers: PackedArray
    reals: PackedArray


class Claimed(msgspec.Struct):
    """Places of a block of keys.

    Attributes:
        rows: Which rows of the keys that were given.
        place: int64 (n,), each row's place.
        fresh: bool (n,), whether the place is new to the key; what is remembered there is zeros.
        gone: int64 (f, k), keys that were forgotten for it.
    """

    rows: slice
    place: NDArray[np.int64]
    fresh: NDArray[np.bool_]
    gone: NDArray[np.int64]


class RecentKeys:
    """Keys of `width` int64 each, with numbers and reals that are remembered of each.

    Args:
        width: int64 of a key. most: Keys remembered.
        numbers, reals: How many int64 and float64 are remembered of each key.

    Attributes:
        numbers: int64 (room, numbers). reals: float64 (room, reals). By place; both grow, so they are to be looked up
            anew after each block.
        forgotten: Keys that had to make room.
    """

    def __init__(self, width: int, most: int, *, numbers: int = 0, reals: int = 0) -> None:
        self.most = most
        self.forgotten = 0
        self._width = width
        self._secret = new_secret()
        self._shape = numbers, reals
        self._clear(min(most, _LEAST_ROWS))

    def __len__(self) -> int:
        return int(self._meta[TAKEN])

    def keys(self) -> NDArray[np.int64]:
        """int64 (n, width), by place."""
        return self._keys[: len(self)]

    def claim(self, keys: NDArray[np.int64]) -> Iterator[Claimed]:
        """Find the places of keys, block by block; each block is to be dealt with before the next is asked for.

        Args:
            keys: int64 (n, width).
        """
        keys = np.ascontiguousarray(keys, dtype=np.int64)
        step = max(1, self.most // 2)
        for begin in range(0, len(keys), step):
            block = keys[begin : begin + step]
            self._make_room(len(block))
            place, fresh = np.empty(len(block), dtype=np.int64), np.empty(len(block), dtype=np.uint8)
            gone = np.empty((len(block), self._width), dtype=np.int64)
            left = claim_keys(
                block, np.empty(len(block), dtype=np.int32), self._keys, self._links, self._buckets, self._meta,
                self.numbers, self.reals, *self._secret, place, fresh, gone,
            )  # fmt: skip
            self.forgotten += left
            yield Claimed(slice(begin, begin + len(block)), place, fresh.view(np.bool_), gone[:left])

    def has(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which keys are remembered, bool (n,); none is any younger for it.

        Args:
            keys: int64 (n, width).
        """
        found = np.empty(len(keys), dtype=np.uint8)
        keys = np.ascontiguousarray(keys, dtype=np.int64)
        has_keys(keys, self._keys, self._links, self._buckets, *self._secret, found)
        return found.view(np.bool_)

    def to_state(self) -> bytes:
        """All of it, the oldest first."""
        order = np.empty(len(self), dtype=np.int64)
        place = int(self._meta[OLDEST])
        for at in range(len(order)):
            order[at] = place
            place = int(self._links[place, AFTER])
        return encode(_State(pack(self._keys[order]), pack(self.numbers[order]), pack(self.reals[order])))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "memory of addresses"
        state = decode(content, _State, what)
        keys = unpack(state.keys, np.int64, (None, self._width), what)
        numbers = unpack(state.numbers, np.int64, (len(keys), self._shape[0]), what)
        reals = unpack(state.reals, np.float64, (len(keys), self._shape[1]), what)
        keys, numbers, reals = keys[-self.most :], numbers[-self.most :], reals[-self.most :]
        self._clear(min(self.most, _LEAST_ROWS))
        for claimed in self.claim(keys):
            check(bool(claimed.fresh.all()), what)
            self.numbers[claimed.place] = numbers[claimed.rows]
            self.reals[claimed.place] = reals[claimed.rows]

    def _clear(self, room: int) -> None:
        self._keys = np.zeros((room, self._width), dtype=np.int64)
        self._links = np.full((room, LINKS), -1, dtype=np.int32)
        self.numbers = np.zeros((room, self._shape[0]), dtype=np.int64)
        self.reals = np.zeros((room, self._shape[1]))
        self._buckets = np.zeros(_buckets(self.most), dtype=np.int32)
        self._meta = np.full(META, -1, dtype=np.int64)
        self._meta[TAKEN] = 0

    def _make_room(self, more: int) -> None:
        wanted = min(self.most, len(self) + more)
        have = len(self._keys)
        if wanted <= have:
            return
        add = min(self.most, max(wanted, 2 * have)) - have
        self._keys = np.concatenate([self._keys, np.zeros((add, self._width), dtype=np.int64)])
        self._links = np.concatenate([self._links, np.full((add, LINKS), -1, dtype=np.int32)])
        self.numbers = np.concatenate([self.numbers, np.zeros((add, self._shape[0]), dtype=np.int64)])
        self.reals = np.concatenate([self.reals, np.zeros((add, self._shape[1]))])


def _buckets(most: int) -> int:
    """Buckets of a table: enough for most to hold one key, so that who makes room is found at once."""
    least = 1 << (most - 1).bit_length()
    return max(least, min(4 * least, _MOST_SPARE))
