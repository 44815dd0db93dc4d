"""Internal hosts against their own past: how much they send out, and whom they talk to."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.grouping import Rows, picked, starts_of
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, outward, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, EntityKind, Formula, Severity
from vedette.schema.flows import Flow

_MOST: Final = 16_384
"""Internal hosts followed; the one that was silent for the longest is dropped."""
_MOST_DESTINATIONS: Final = 4_096
"""Destinations remembered of a host; it is told nothing of further ones."""
_ALL_DESTINATIONS: Final = 262_144
"""Destinations remembered of all hosts; a host whose own had to make room is told nothing of new ones any more."""

_WINDOWS, _KNOWN, _NEW, _TRIALS, _MOST_SENT, _FORGOT, _OLDER, _FRESH, _SINCE = range(9)
"""Numbers remembered of a host: windows in which it talked to somebody outside; networks (an IPv4 /24, an IPv6 /48)
and ports it talked to; how many of `_TRIALS` windows after the first `LEARN` had a new one; most bytes it sent to one
host in a window; destinations of its that had to make room; the same most of the minute before this, and of this
minute, which began at the last number (microseconds): what is hardly a minute old is not yet what a host usually
does."""
_MINUTE_US: Final = 60_000_000


class HostHabits(Remembering):
    """An internal host sends far more out than it ever did, or talks to whom it never did.

    Signal: bytes of an internal host to one external host in a window, against what it got; networks (an IPv4
        /24, an IPv6 /48) and ports outside that it opens flows to.
    Baseline: the host's own: the most it ever sent to one host in a window, up to a minute ago or two, so that the
        beginning of a burst does not hide the rest; and every destination it had.
    Decision: exfiltration from `size` bytes, `factor` times its most, and `ratio` times what came back; a new
        destination where, by how often it had a new one so far (Laplace's rule of succession), one is no likelier than
        1 in `once_in`. Neither before `LEARN` windows in which it talked to somebody outside.
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
        self._unremembered = 0

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return self._hosts, self._places

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State what internal hosts did in the window that they never did."""
        contacts = view.window.contacts
        which = outward(contacts)
        rows = picked(contacts, which, _LOOKED_AT)
        starts = starts_of(rows, CLIENT)
        found = []
        opened = contacts[which, Flow.OPENED] > 0
        # Hosts are told apart by the place of each in the table; a block of them fits in it.
        for claimed in self._hosts.claim(rows[starts][:, list(CLIENT)]):
            first, past = claimed.rows.start, claimed.rows.stop
            begin = int(starts[first])
            end = int(starts[past]) if past < len(starts) else len(rows)
            own = rows[begin:end]
            counts = np.diff(np.append(starts[first:past], end))
            found += self._block(
                view, own, opened[begin:end], np.repeat(claimed.place, counts), claimed.place
            )
        self.left_out = self._hosts.forgotten + self._unremembered
        return found

    def _block(
        self,
        view: NetworkView,
        rows: Rows,
        opened: NDArray[np.bool_],
        place: NDArray[np.int64],
        present: NDArray[np.int64],
    ) -> list[Anomaly]:
        """Look at some hosts' contacts; `place` is each row's host, `present` all of them."""
        hosts = self._hosts.numbers
        found = self._sent(view, rows, place)
        which = np.flatnonzero(opened)
        targets, place = picked(rows, which, _LOOKED_AT), place[which]
        new = self._new(targets, place)
        with_new, first, count = np.unique(place[new], return_index=True, return_counts=True)
        # Only the first new destination of a window is told.
        told = np.flatnonzero(self._rare(with_new))
        for n in told[np.argsort(first[told], kind="stable")].tolist():
            found.append(self._tell(view, int(with_new[n]), targets[new[first[n]]]))
        fresh = np.zeros(len(hosts), dtype=bool)
        fresh[with_new] = True
        hosts[with_new, _KNOWN] += count
        judged = present[hosts[present, _WINDOWS] >= self.LEARN]
        hosts[judged, _TRIALS] += 1
        hosts[judged, _NEW] += fresh[judged]
        hosts[present, _WINDOWS] += 1
        return found

    def _new(self, rows: Rows, place: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows with a destination that their host never had, int64 (n,); they are known from now on."""
        room = self._hosts.numbers[place, _KNOWN] < _MOST_DESTINATIONS
        networks = _networks(rows[:, Flow.SERVER_HIGH], rows[:, Flow.SERVER_LOW])
        high, low, port = (rows[:, c] for c in (*CLIENT, Flow.SERVER_PORT))
        keys = np.column_stack([high, low, *networks, port])
        found = [_NONE]
        for claimed in self._places.claim(keys):
            rows_of = np.flatnonzero(claimed.fresh) + claimed.rows.start
            self._unremembered += int(np.count_nonzero(~room[rows_of]))
            found.append(rows_of[room[rows_of]])
            self._forget(claimed.gone)
        return np.concatenate(found)

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
        np.add.at(self._hosts.numbers[:, _FORGOT], order[place], 1)

    def _rare(self, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of which hosts something new is so unlikely that it is told, bool (n,)."""
        hosts = self._hosts.numbers[at]
        chance = (hosts[:, _NEW] + 1) / (hosts[:, _TRIALS] + 2)
        rare: NDArray[np.bool_] = (hosts[:, _WINDOWS] >= self.LEARN) & (hosts[:, _FORGOT] == 0)
        return rare & (chance <= 1 / self.once_in)

    def _sent(self, view: NetworkView, rows: Rows, place: NDArray[np.int64]) -> list[Anomaly]:
        """Hosts that sent far more to one host than ever; what each sent is remembered."""
        if not len(rows):
            return []
        hosts = self._hosts.numbers
        settled = place[view.start - hosts[place, _SINCE] >= _MINUTE_US]
        hosts[settled, _MOST_SENT] = np.maximum(hosts[settled, _MOST_SENT], hosts[settled, _OLDER])
        hosts[settled, _OLDER] = hosts[settled, _FRESH]
        hosts[settled, _FRESH], hosts[settled, _SINCE] = 0, view.start
        starts = starts_of(rows, _PAIR)
        sent = np.add.reduceat(rows[:, Flow.BYTES_OUT], starts)
        got = np.add.reduceat(rows[:, Flow.BYTES_IN], starts)
        of = place[starts]
        before = hosts[of, _MOST_SENT]
        limit = np.maximum(float(self.size), self.factor * before)
        told = (hosts[of, _WINDOWS] >= self.LEARN) & (sent >= limit) & (sent >= self.ratio * got)
        found = [
            self._exfiltrated(view, rows[starts[n]], float(sent[n]), float(got[n]), int(of[n]))
            for n in np.flatnonzero(told).tolist()
        ]
        np.maximum.at(hosts[:, _FRESH], of, sent)
        return found

    def _exfiltrated(self, view: NetworkView, row: Rows, most: float, got: float, at: int) -> Anomaly:
        before = float(self._hosts.numbers[at, _MOST_SENT])
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
            sample_count=int(self._hosts.numbers[at, _WINDOWS]),
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
        windows, known, new, trials, _, _ = self._hosts.numbers[at][: _FORGOT + 1].tolist()
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
            counterfactual=f"Not stated where something new is likelier than 1 in {self.once_in:,}.",
        )


_PAIR: Final = (*CLIENT, *SERVER)
_NONE: Final = np.zeros(0, dtype=np.int64)
_LOOKED_AT: Final = Flow.BYTES_IN + 1
"""Columns of a contact, from the first, with who sent how much to whom."""


def _networks(high: NDArray[np.int64], low: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An IPv4 address's /24, an IPv6 address's /48."""
    ipv4 = high == 0
    return np.where(ipv4, high, high >> 16), np.where(ipv4, low >> 8, 0)
