"""What each client asked for in each open window, in order of time."""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.keys import address_keys, service_keys
from vedette.detectors.learned.tokens import codes
from vedette.schema.requests import Requests
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.distinct import distinct_codes, distinct_values
from vedette.windows.judged import Placed

PER_CLIENT: Final = 64
"""Requests of a client in a window that are looked at, the first of them."""
PER_WINDOW: Final = 1 << 18
"""Requests of a window that are looked at: of more, those of the clients with the lowest keys, which are hashes."""
_NOBODY: Final = 2**64 - 1
_TYPES: Final = (np.uint64, np.int64, np.uint64, np.int64, np.int64)

# Clients' keys, times, names of sources as numbers, lines, and codes of tokens; (r,) each.
_Rows = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]


class Trail(msgspec.Struct, frozen=True):
    """A closed window's requests, by client and in order of time.

    Attributes:
        client: uint64 (c,), keys as of `client_keys`, distinct, ascending.
        first: intp (c + 1,), the first of each client's rows, and how many rows there are.
        code: intp (k,), distinct, ascending, see `tokens.codes`. which: intp (r,), the code of each row.
    """

    client: NDArray[np.uint64]
    first: NDArray[np.intp]
    code: NDArray[np.intp]
    which: NDArray[np.intp]

    @classmethod
    def over(cls, client: NDArray[np.uint64], code: NDArray[np.int64]) -> "Trail":
        """Of rows, (r,) each, by client and in order of time."""
        starts = np.flatnonzero(np.append(True, client[1:] != client[:-1])[: len(client)])
        distinct = distinct_codes(code, int(code.max()) + 1 if len(code) else 1)
        return cls(client[starts], np.append(starts, len(client)), *distinct)

    def of(self, wanted: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First row and number of rows of clients, intp (k,) each; 0 rows where there are none."""
        if not len(self.client):
            return np.zeros(len(wanted), dtype=np.intp), np.zeros(len(wanted), dtype=np.intp)
        place = np.minimum(np.searchsorted(self.client, wanted), len(self.client) - 1)
        first = self.first[place]
        return first, np.where(self.client[place] == wanted, self.first[place + 1] - first, 0)


class _PackedWindow(msgspec.Struct, frozen=True, array_like=True):
    """An open window."""

    number: int
    columns: list[PackedArray]
    taken: int
    bar: int


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What `Trails` hold."""

    windows: list[_PackedWindow]
    left_out: int


class _Open(msgspec.Struct):
    """Rows of an open window. `bar`: clients with a higher key have no place."""

    parts: list[_Rows] = msgspec.field(default_factory=list)
    held: int = 0
    taken: int = 0
    bar: int = _NOBODY

    def add(self, rows: _Rows) -> None:
        self.parts.append(rows)
        self.held += len(rows[0])
        self.taken += len(rows[0])
        if self.held > 2 * PER_WINDOW:
            self.settle()

    def settle(self) -> None:
        """Sort, and keep what has a place. However the rows came together, the same are kept in the end."""
        columns: _Rows = tuple(np.concatenate(part) for part in zip(*self.parts, strict=True))  # type: ignore[assignment]
        client, time, source, line, _ = columns
        order = np.lexsort((line, source, time, client))
        client = client[order]
        place = np.arange(len(client))
        starts = np.append(True, client[1:] != client[:-1]) if len(client) else np.zeros(0, dtype=np.bool_)
        since = place - np.maximum.accumulate(np.where(starts, place, 0))
        kept = (since < PER_CLIENT) & (client <= np.uint64(self.bar))
        order, client = order[kept], client[kept]
        if len(order) > PER_WINDOW:
            # Whole clients only: the first that does not fit, and all above it, go.
            over = int(client[PER_WINDOW])
            order = order[: np.searchsorted(client, np.uint64(over))]
            self.bar = over - 1
        self.parts = [tuple(column[order] for column in columns)]  # type: ignore[list-item]
        self.held = len(order)


class Trails:
    """Batches in, each closed window's trail out.

    Static files are left out: a browser fetches them, in an order of its own, for the page that its user chose.

    Attributes:
        trail: Of the window that closed last. window: Its number. left_out: Requests for which there was no room.
    """

    def __init__(self) -> None:
        self.trail = _EMPTY
        self.window: int | None = None
        self.left_out = 0
        self._open: dict[int, _Open] = {}

    def take(
        self,
        requests: Requests,
        service: NDArray[np.int32],
        placed: Placed,
        asset: NDArray[np.uint8],
    ) -> None:
        """Take a batch in.

        Args:
            requests, placed: n rows, enriched, and where they went.
            service: int32 (n,). asset: uint8, by number of a route: 1 for static files.

        Raises:
            ValueError: They are not enriched.
        """
        clients = requests.client
        if clients is None:
            raise ValueError("a batch must be enriched before it is looked at")
        wanted = (placed.late == 0) & (placed.route >= 0) & (clients.ids >= 0)
        rows = np.flatnonzero(wanted & (asset[placed.route] == 0))
        if not len(rows):
            return
        key = address_keys(clients.high, clients.low)[clients.ids[rows]] ^ service_keys(service[rows])
        source = np.full(len(rows), _number(requests.source), dtype=np.uint64)
        code = codes(requests, placed.route[rows], rows)
        columns: _Rows = key, requests.time[rows], source, requests.line[rows], code
        window = placed.window[rows]
        for number in distinct_values(window).tolist():
            mine = window == number
            opened = self._open.setdefault(number, _Open())
            opened.add(columns if mine.all() else tuple(column[mine] for column in columns))

    def close(self, window: int) -> None:
        """Hand out a window's rows in `trail`; windows close in order."""
        opened = self._open.pop(window, None)
        self.window, self.trail = window, _EMPTY
        if opened is not None:
            opened.settle()
            self.left_out += opened.taken - opened.held
            client, _, _, _, code = opened.parts[0]
            self.trail = Trail.over(client, code)

    def drop_from(self, window: int) -> None:
        """Forget windows from this number on, which will not be judged."""
        self._forget(number for number in self._open if number >= window)

    def clear(self) -> None:
        """Forget the windows that are open."""
        self._open.clear()

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in list(numbers):
            del self._open[number]

    def to_state(self) -> bytes:
        """What is held of open windows, as bytes."""
        windows = []
        for number, opened in sorted(self._open.items()):
            opened.settle()
            windows.append(
                _PackedWindow(number, [pack(c) for c in opened.parts[0]], opened.taken, opened.bar)
            )
        return encode(_State(windows, self.left_out))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        what = "trails of clients"
        state = decode(content, _State, what)
        for packed in state.windows:
            check(len(packed.columns) == len(_TYPES) and 0 <= packed.bar < 2**64, what)
            n = packed.columns[0].shape[0] if packed.columns[0].shape else 0
            columns: _Rows = tuple(
                unpack(column, dtype, (n,), what)
                for column, dtype in zip(packed.columns, _TYPES, strict=True)
            )  # type: ignore[assignment]
            check(n <= PER_WINDOW and bool((columns[4] >= 0).all()), what)
            self._open[packed.number] = _Open([columns], n, packed.taken, packed.bar)
        self.left_out = state.left_out


_EMPTY: Final = Trail.over(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))


def _number(source: str) -> int:
    """A source's name as 64 bits, the same in every process."""
    digest = hashlib.blake2b(source.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
