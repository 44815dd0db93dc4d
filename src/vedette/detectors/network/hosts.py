"""Internal hosts against their own past: how much they send out, and whom they talk to."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.grouping import Rows
from vedette.detectors.network.recent import Claimed, RecentKeys
from vedette.detectors.network.view import NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.kernels.host_habits import (
    FORGOT,
    KNOWN,
    MOST_SENT,
    WINDOWS,
    count_hosts,
    find_hosts,
    find_news,
    find_places,
    follow_sent,
    learn_news,
)
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, EntityKind, Formula, Severity
from vedette.schema.flows import Flow
from vedette.schema.spans import MINUTE_US

_MOST: Final = 16_384
"""Internal hosts followed; the one that was silent for the longest is dropped."""
_MOST_DESTINATIONS: Final = 4_096
"""Destinations remembered of a host; it is told nothing of further ones."""
_ALL_DESTINATIONS: Final = 262_144
"""Destinations remembered of all hosts; a host whose own had to make room is told nothing of new ones any more."""

_SHARED_PLACES: Final = 65_536
"""Destinations of which it is remembered how many hosts have them; the one that got none for the longest is dropped."""
_SHARED: Final = 3
"""Hosts that make a destination the network's own: two may have caught the same thing."""


class HostHabits(Remembering):
    """An internal host sends far more out than it ever did, or talks to whom it never did.

    Signal: bytes of an internal host to one external host in a window, against what it got; networks (an IPv4
        /24, an IPv6 /48) and ports outside that it opens flows to.
    Baseline: the host's own: the most it ever sent to one host in a window, up to a minute ago or two, so that the
        beginning of a burst does not hide the rest; and every destination it had.
    Decision: exfiltration from `size` bytes, `factor` times its most, and `ratio` times what came back; a new
        destination that fewer than three other internal hosts have, where, by how often it had a new one so far
        (Laplace's rule of succession), one is no likelier than 1 in `once_in`. Neither before `LEARN` windows in which
        it talked to somebody outside.
    Explanation: the numbers, the destination, its past.
    Known false alarms: the first backup to a new place; a new release of a program that talks elsewhere.
    References: formulas `count`, `succession`.
    """

    name: ClassVar[str] = "network.hosts"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.DATA_EXFILTRATION, AnomalyType.NEW_DESTINATION)

    LEARN = 30

    def __init__(
        self, *, size: int = 50_000_000, factor: float = 5.0, ratio: float = 5.0, once_in: int = 1000
    ) -> None:
        self.size = size
        self.factor = factor
        self.ratio = ratio
        self.once_in = once_in
        self.left_out = 0
        self._hosts = RecentKeys(2, _MOST, numbers=9)
        self._places = RecentKeys(5, _ALL_DESTINATIONS)
        self._shared = RecentKeys(3, _SHARED_PLACES, numbers=1)
        self._unremembered = 0

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return self._hosts, self._places, self._shared

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State what internal hosts did in the window that they never did."""
        rows = view.digest.outward
        if not len(rows):
            return []
        keys, starts = np.empty((len(rows), 2), dtype=np.int64), np.empty(len(rows) + 1, dtype=np.int64)
        hosts = find_hosts(view.digest.columns, rows, keys, starts)
        found = []
        # Hosts are told apart by the place of each in the table; a block of them fits in it.
        for claimed in self._hosts.claim(keys[:hosts]):
            found += self._sent(view, starts, claimed)
            found += self._new(view, starts, claimed)
        self.left_out = self._hosts.forgotten + self._unremembered
        return found

    def _sent(self, view: NetworkView, starts: NDArray[np.int64], hosts: Claimed) -> list[Anomaly]:
        """Some hosts that sent far more to one host than ever; what each sent is remembered."""
        rows = view.digest.outward
        told = np.empty((len(rows), 4), dtype=np.int64)
        count = follow_sent(
            view.digest.columns, rows, starts, hosts.rows.start, hosts.place, self._hosts.numbers, view.start,
            MINUTE_US, self.LEARN, float(self.size), self.factor, self.ratio, told,
        )  # fmt: skip
        contacts = view.window.contacts
        return [
            self._exfiltrated(view, contacts[row], float(sent), float(got), at)
            for row, sent, got, at in told[:count].tolist()
        ]

    def _new(self, view: NetworkView, starts: NDArray[np.int64], hosts: Claimed) -> list[Anomaly]:
        """The first destination of a window that some hosts never had; all are known from now on."""
        rows, numbers = view.digest.outward, self._hosts.numbers
        first, count = hosts.rows.start, len(hosts.place)
        keys, opened = np.empty((len(rows), 5), dtype=np.int64), np.empty((len(rows), 2), dtype=np.int64)
        places = find_places(view.digest.columns, rows, starts, first, count, keys, opened)
        new = np.zeros(places, dtype=np.uint8)
        for claimed in self._places.claim(keys[:places]):
            if not claimed.fresh.any():
                continue
            of = hosts.place[opened[claimed.rows, 1]]
            room = numbers[of, KNOWN] < _MOST_DESTINATIONS
            self._unremembered += int(np.count_nonzero(claimed.fresh & ~room))
            new[claimed.rows] = claimed.fresh & room
            self._forget(claimed.gone)
        others = np.zeros(places, dtype=np.int64)
        if new.any():
            self._count(keys, np.flatnonzero(new), others)
        told = np.empty((places, 2), dtype=np.int64)
        found = find_news(
            opened, new, others, _SHARED, hosts.place, numbers, self.LEARN, self.once_in, told
        )  # fmt: skip
        contacts = view.window.contacts
        stated = [self._tell(view, at, contacts[row]) for row, at in told[:found].tolist()]
        learn_news(opened, new, hosts.place, numbers, self.LEARN)
        return stated

    def _count(self, keys: NDArray[np.int64], new: NDArray[np.intp], others: NDArray[np.int64]) -> None:
        """Note that some destinations are new to a host, and how many others have each."""
        for claimed in self._shared.claim(keys[new, 2:]):
            before = np.empty(len(claimed.place), dtype=np.int64)
            count_hosts(claimed.place, self._shared.numbers, before)
            others[new[claimed.rows]] = before

    def _forget(self, gone: NDArray[np.int64]) -> None:
        """Note whose destinations had to make room; a host that is not followed any more is no matter."""
        if not len(gone):
            return
        # Those that are followed and those of what is gone, sorted together: each stands behind its own.
        known = self._hosts.keys()
        both = np.concatenate([known, gone[:, :2]])
        of_gone = np.arange(len(both)) >= len(known)
        order = np.lexsort((of_gone, both[:, 1], both[:, 0]))
        both, of_gone = both[order], of_gone[order]
        own = np.maximum.accumulate(np.where(of_gone, -1, np.arange(len(both))))
        place = own[of_gone]
        place = place[(place >= 0) & (both[np.maximum(place, 0)] == both[of_gone]).all(axis=1)]
        np.add.at(self._hosts.numbers[:, FORGOT], order[place], 1)

    def _exfiltrated(self, view: NetworkView, row: Rows, most: float, got: float, at: int) -> Anomaly:
        before = float(self._hosts.numbers[at, MOST_SENT])
        limit = max(float(self.size), self.factor * before)
        return state(
            view,
            type=AnomalyType.DATA_EXFILTRATION,
            detector=self.name,
            about=client_of(row),
            who=EntityKind.CLIENT,
            severity=Severity.HIGH if most >= 5 * limit else Severity.MEDIUM,
            score=excess_score(most, limit),
            observed=most,
            expected=Band(0.0, None, before),
            threshold=limit,
            sample_count=int(self._hosts.numbers[at, WINDOWS]),
            unit="bytes",
            formula=Formula("count", {"count": most}, most),
            details={
                "what": server_of(row),
                "server": server_of(row),
                "seconds": view.seconds,
                "ratio": most / max(got, 1.0),
            },
            counterfactual=(
                f"Not stated below {self.size:,} bytes, {self.factor:g} times its most, or {self.ratio:g} times "
                "what came back."
            ),
        )

    def _tell(self, view: NetworkView, at: int, row: Rows) -> Anomaly:
        windows, known, new, trials, _, _ = self._hosts.numbers[at][: FORGOT + 1].tolist()
        surprise = -math.log10((new + 1) / (trials + 2))
        limit = math.log10(self.once_in)
        return state(
            view,
            type=AnomalyType.NEW_DESTINATION,
            detector=self.name,
            about=client_of(row),
            who=EntityKind.CLIENT,
            severity=Severity.LOW,
            score=surprise / (surprise + limit),
            observed=surprise,
            threshold=float(self.once_in),
            sample_count=windows,
            unit="surprise",
            formula=Formula("succession", {"new": float(new), "trials": float(trials)}, surprise),
            details={
                "what": f"{server_of(row)} {int(row[Flow.SERVER_PORT])}",
                "server": server_of(row),
                "port": int(row[Flow.SERVER_PORT]),
                "known": known,
                "new": new,
            },
            counterfactual=(
                f"Not stated where something new is likelier than 1 in {self.once_in:,}, or {_SHARED} other hosts "
                "were there before."
            ),
        )
