"""A bounded sample of clients' sessions: every session has the same chance to be in it, however much it asks."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.keys import address_keys, service_keys
from vedette.enrich.user_agent import AgentKind
from vedette.schema.state import PackedArray, check, decode, encode, pack, unpack
from vedette.windows.layout import CLIENT_COLUMNS, Client
from vedette.windows.summary import ClientRows

LEAST_REQUESTS = 3
"""Requests in a window from which a client has a manner. Of people against programs, 3 told as much as 5."""
MOST_ROWS = 4_096
LEAST_ROWS = 256
"""Rows that a forest is fitted to: what one tree looks at."""
SESSION_WINDOWS = 12
"""A session is what one client does in so many windows, counted from the epoch: a client that goes on is several."""
_BOT = 1 << int(AgentKind.DECLARED_BOT)
_KEPT = tuple(range(int(Client.FIRST_TYPE))) + tuple(range(int(Client.AGENT_KINDS), int(Client.LET_IN)))


class _State(msgspec.Struct, frozen=True, array_like=True):
    """What a `Sample` holds."""

    session: PackedArray
    client: PackedArray
    window: PackedArray
    sums: PackedArray
    bar: int


def has_manner(clients: ClientRows) -> NDArray[np.bool_]:
    """Which clients of a window a model looks at, bool (k,): those that asked for enough, and do not say they are bots.

    What says that it is a bot is unlike people, as it says; other detectors look at what it does.
    """
    return np.asarray((clients.sums[:, Client.REQUESTS] >= LEAST_REQUESTS) & ~says_bot(clients))


def says_bot(clients: ClientRows) -> NDArray[np.bool_]:
    """Which clients of a window say in each request that they are bots, bool (k,)."""
    return np.asarray(clients.sums[:, Client.AGENT_KINDS] == _BOT)


def client_keys(clients: ClientRows) -> NDArray[np.uint64]:
    """A number for each client of a service, uint64 (k,)."""
    return address_keys(clients.high, clients.low) ^ service_keys(clients.service)


_Rows = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]


def _theirs(
    clients: NDArray[np.uint64], client: NDArray[np.uint64], recent: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which rows are recent and of one of some clients, whose keys are in order; bool (n,)."""
    place = np.minimum(np.searchsorted(clients, client), len(clients) - 1)
    return np.asarray((clients[place] == client) & recent)


class Sample:
    """Rows of the sessions with the lowest keys (keys are hashes, so these are drawn by lot).

    What is in it depends on the rows alone, not on how they came together.

    Attributes:
        session, client: uint64 (n,). window: int64 (n,), window numbers. sums: int64 (n, Client).
    """

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.session = np.zeros(0, dtype=np.uint64)
        self.client = np.zeros(0, dtype=np.uint64)
        self.window = np.zeros(0, dtype=np.int64)
        self.sums = np.zeros((0, CLIENT_COLUMNS), dtype=np.int64)
        self._most = most
        self._bar = 2**64 - 1
        self._waiting: list[_Rows] = []
        self._waits = 0
        # Of those that are in it, and perhaps some that no longer are.
        self._clients: set[int] = set()

    def wants(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which sessions have a place, bool (k,)."""
        return keys <= np.uint64(self._bar)

    def add(
        self,
        keys: NDArray[np.uint64],
        client: NDArray[np.uint64],
        window: int,
        sums: NDArray[np.int64],
    ) -> None:
        """Take rows of a window in; windows come in order.

        Args:
            keys, client: uint64 (n,), of each row's session and client. window: Its number.
            sums: int64 (n, columns), what is summed of each.
        """
        if not len(keys):
            return
        self._waiting.append((keys, client, np.full(len(keys), window, dtype=np.int64), sums))
        self._waits += len(keys)
        self._clients.update(client.tolist())
        if self._waits > self._most:
            self.settle()

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Keep some of the rows that are settled, bool (n,)."""
        self.session, self.client = self.session[kept], self.client[kept]
        self.window, self.sums = self.window[kept], self.sums[kept]

    def forget(self, clients: NDArray[np.uint64], since: int) -> None:
        """Let go of what clients did from window number `since` on; their keys, uint64 (k,), are in no order."""
        # Most that are found to be bad were never drawn.
        if self._clients.isdisjoint(clients.tolist()):
            return
        clients = np.sort(clients)
        if len(self.client) and (gone := _theirs(clients, self.client, self.window >= since)).any():
            self.keep(~gone)
        if not self._waiting:
            return
        client = np.concatenate([part[1] for part in self._waiting])
        kept = ~_theirs(clients, client, np.concatenate([part[2] for part in self._waiting]) >= since)
        if kept.all():
            return
        some = np.split(kept, np.cumsum([len(part[0]) for part in self._waiting])[:-1])
        self._waiting = [
            (session[rows], client[rows], window[rows], sums[rows])
            for (session, client, window, sums), rows in zip(self._waiting, some, strict=True)
        ]
        self._waits = int(kept.sum())

    def __len__(self) -> int:
        return len(self.session) + self._waits

    def settle(self) -> None:
        """Keep only what has a place."""
        if not self._waiting:
            return
        session = np.concatenate([self.session, *(part[0] for part in self._waiting)])
        client = np.concatenate([self.client, *(part[1] for part in self._waiting)])
        window = np.concatenate([self.window, *(part[2] for part in self._waiting)])
        sums = np.concatenate([self.sums, *(part[3] for part in self._waiting)])
        self._waiting, self._waits = [], 0
        order = np.lexsort((window, session))
        session = session[order]
        if len(order) > self._most:
            # Whole sessions only: the first that does not fit, and all above it, go.
            over = session[self._most]
            order = order[session < over]
            session = session[session < over]
            self._bar = min(self._bar, int(over) - 1)
        self.session, self.client = session, client[order]
        self.window, self.sums = window[order], sums[order]
        self._clients = set(self.client.tolist())

    def lacks(self) -> str:
        """What a model would need more of; empty if nothing."""
        if len(self) >= LEAST_ROWS:
            return ""
        return (
            f"{len(self)} windows in which a client made {LEAST_REQUESTS} requests or more: "
            f"{LEAST_ROWS} are needed"
        )

    def to_state(self) -> bytes:
        """All of it."""
        self.settle()
        return encode(
            _State(
                pack(self.session), pack(self.client), pack(self.window), pack(self.sums[:, _KEPT]), self._bar
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "sample of sessions")
        session = unpack(state.session, np.uint64, (None,), "sample of sessions")
        n = len(session)
        check(n <= self._most and 0 <= state.bar < 2**64, "sample of sessions")
        self.session = session
        self.client = unpack(state.client, np.uint64, (n,), "sample of sessions")
        self.window = unpack(state.window, np.int64, (n,), "sample of sessions")
        self.sums = np.zeros((n, CLIENT_COLUMNS), dtype=np.int64)
        self.sums[:, _KEPT] = unpack(state.sums, np.int64, (n, len(_KEPT)), "sample of sessions")
        self._bar = state.bar
        self._clients = set(self.client.tolist())
