"""Internal hosts against their own past: how much they send out, and whom they talk to."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.grouping import Rows
from vedette.detectors.network.recent import Claimed, RecentKeys
from vedette.detectors.network.settled import most_until, note_most
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.kernels.flows.host_habits import (
    FORGOT,
    FRESH,
    KNOWN,
    MOST_SENT,
    OLDER,
    SINCE,
    WINDOWS,
    count_hosts,
    find_hosts,
    find_news,
    find_places,
    learn_news,
)
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, EntityKind, Formula, Severity
from vedette.schema.flows import Flow
from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US

_MOST: Final = 16_384
"""Internal hosts followed; the one that was silent for the longest is dropped."""
_MOST_DESTINATIONS: Final = 4_096
"""Destinations remembered of a host; it is told nothing of further ones."""
_ALL_DESTINATIONS: Final = 262_144
"""Destinations remembered of all hosts; a host whose own had to make room is told nothing of new ones any more."""

_SHARED_PLACES: Final = 65_536
"""Destinations of which it is remembered how many hosts have them; the one that got none for the longest is dropped."""
_MOST_UPLOADS: Final = 16_384
"""Pairs of hosts of which one sends much to the other; the one that was silent for the longest is dropped."""
_SINCE, _LATEST, _SENT, _GOT, _BEFORE, _STATED, _HELD = range(7)
"""Numbers remembered of an upload: when it began and went on last (microseconds), bytes each way, bytes of the largest
upload before, of its host or of all, bytes when it was stated last, and what it is held against: see the next."""
_NEW, _BY_ALL = 1, 2
"""Nothing, as its host was new when it began; the largest of all hosts, as little was known of it. Else its own."""
_SHARED: Final = 3
"""Hosts that make a destination the network's own: two may have caught the same thing."""

_OWN_MOST: Final = (MOST_SENT, OLDER, FRESH, SINCE)
_ALL_MOST: Final = (0, 1, 2, 3)
"""Where the largest upload of a host, and of the network, is kept; see `note_most`."""
_PAIR: Final = [*CLIENT, *SERVER]
_MOST_SEEN: Final = 65_536
"""Hosts of one's own of which it is known since when they are there; likewise."""
_SAMPLE_US: Final = 10 * MINUTE_US
"""So often it is looked who is there: the window with which each of these begins."""
_NTP: Final = 123
"""Clocks are asked in pools, whose addresses change."""
_AGAIN: Final = 5
"""Times as many bytes from which an upload is stated again."""


class HostHabits(Remembering):
    """An internal host sends far more out than it ever did, or talks to whom it never did.

    Signal: what an internal host uploads to one external host without an hour's pause, of windows in which at that
        rate `size` would be reached within an hour, against what it got; networks (an IPv4
        /24, an IPv6 /48) and ports outside that it opens flows to.
    Baseline: the host's own: its largest upload, as far as it had come an hour or two before this one began; and every
        destination it had. Until an upload of its own is no likelier than 1 in `once_in` of its windows (2 h 46 min of
        talking to somebody outside), a host is held against the largest upload of any host here as well, as far as
        none was stated of that: a network has its backups.
    Decision: exfiltration from `size` bytes, `factor` times its largest upload, and
        `ratio` times what came back; stated again when it is five times as much. A new
        destination that fewer than three other internal hosts have, where, by how often it had a new one so far
        (Laplace's rule of succession), one is no likelier than 1 in `once_in`. Neither before `LEARN` windows in which
        it talked to somebody outside, nor an upload that began before.
        A host that was there for a day and talked to nobody outside has that as its habit: its first upload is held
        against the largest of any, and of new destinations, but for clocks, all windows since it was first seen are
        counted. Who is there is looked at every ten minutes.
    Explanation: the numbers, the destination, its past.
    Known false alarms: the first backup to a new place; a new release of a program that talks elsewhere.
    References: formulas `count`, `succession`.
    """

    name: ClassVar[str] = "network.hosts"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.DATA_EXFILTRATION, AnomalyType.NEW_DESTINATION)
    added: ClassVar[int] = 3

    LEARN = 30

    def __init__(
        self, *, size: int = 1_000_000_000, factor: float = 5.0, ratio: float = 5.0, once_in: int = 1000
    ) -> None:
        self.size = size
        self.factor = factor
        self.ratio = ratio
        self.once_in = once_in
        self.left_out = 0
        self._hosts = RecentKeys(2, _MOST, numbers=9)
        self._places = RecentKeys(5, _ALL_DESTINATIONS)
        self._shared = RecentKeys(3, _SHARED_PLACES, numbers=1)
        self._uploads = RecentKeys(4, _MOST_UPLOADS, numbers=7)
        self._all = RecentKeys(1, 1, numbers=4)
        self._seen = RecentKeys(2, _MOST_SEEN, numbers=1)
        self._unremembered = 0

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return self._hosts, self._places, self._shared, self._uploads, self._all, self._seen

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State what internal hosts did in the window that they never did."""
        if view.start % _SAMPLE_US < round(view.seconds * 1e6):
            self._see(view)
        rows = view.digest.outward
        if not len(rows):
            return []
        keys, starts = np.empty((len(rows), 2), dtype=np.int64), np.empty(len(rows) + 1, dtype=np.int64)
        hosts = find_hosts(view.digest.columns, rows, keys, starts)
        found = self._uploaded(view, rows)
        # Hosts are told apart by the place of each in the table; a block of them fits in it.
        for claimed in self._hosts.claim(keys[:hosts]):
            found += self._new(view, starts, claimed)
        self.left_out = self._hosts.forgotten + self._unremembered
        return found

    def _see(self, view: NetworkView) -> None:
        """Note which hosts of one's own are there, as far as they said something in the window."""
        columns = view.digest.columns
        for ends, said in ((CLIENT, Flow.PACKETS_OUT), (SERVER, Flow.PACKETS_IN)):
            at = np.flatnonzero(columns[said] > 0)
            high, low = columns[ends[0]][at], columns[ends[1]][at]
            own = view.own.internal(high, low)
            hosts = np.unique(np.stack([high[own], low[own]], axis=1), axis=0)
            for claimed in self._seen.claim(hosts):
                self._seen.numbers[claimed.place[claimed.fresh], 0] = view.start

    def _quiet_for(self, view: NetworkView, hosts: NDArray[np.int64]) -> NDArray[np.int64]:
        """For how long some hosts have been known to be there, microseconds."""
        since = np.full(len(hosts), view.start, dtype=np.int64)
        at = np.flatnonzero(self._seen.has(hosts))
        for claimed in self._seen.claim(hosts[at]):
            since[at[claimed.rows]] = self._seen.numbers[claimed.place, 0]
        return view.start - since

    def _uploaded(self, view: NetworkView, rows: NDArray[np.int64]) -> list[Anomaly]:
        """Uploads that went on in the window and are far more than their hosts ever sent."""
        sent = view.digest.columns[Flow.BYTES_OUT][rows]
        least = self.size * min(1.0, view.seconds * 1e6 / HOUR_US)
        much = view.window.contacts[rows[sent >= least]]
        if not len(much):
            return []
        pairs, first, of = np.unique(much[:, _PAIR], axis=0, return_index=True, return_inverse=True)
        out, back = np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.int64)
        np.add.at(out, of.ravel(), much[:, Flow.BYTES_OUT])
        np.add.at(back, of.ravel(), much[:, Flow.BYTES_IN])
        found = []
        for claimed in self._uploads.claim(pairs):
            for row, place, fresh in zip(
                range(claimed.rows.start, claimed.rows.stop),
                claimed.place.tolist(),
                claimed.fresh,
                strict=False,
            ):
                upload = self._uploads.numbers[place]
                if fresh or view.start - upload[_LATEST] > HOUR_US:
                    upload[:] = self._begun(view, pairs[row])
                upload[_LATEST] = view.start
                upload[[_SENT, _GOT]] += out[row], back[row]
                if self._is_told(upload):
                    upload[_STATED] = upload[_SENT]
                    found.append(self._exfiltrated(view, much[first[row]], upload))
                self._note(view, pairs[row], upload)
        return found

    def _begun(self, view: NetworkView, pair: NDArray[np.int64]) -> list[int]:
        """An upload that begins: nothing yet, and the largest of its host before."""
        numbers = self._host(pair)
        before = most_until(numbers, _OWN_MOST, view.start, HOUR_US)
        known = numbers[WINDOWS] >= self.LEARN or self._quiet_for(view, pair[None, :2])[0] >= DAY_US
        if numbers[WINDOWS] < self.LEARN + self.once_in - 2:
            # Too new to be told by its own past alone: what others here upload may be its usual, too.
            of_all = most_until(self._network(), _ALL_MOST, view.start, HOUR_US)
            if known and of_all > self.factor * before:
                return [view.start, view.start, 0, 0, of_all, 0, _BY_ALL]
        return [view.start, view.start, 0, 0, before, 0, 0 if known else _NEW]

    def _note(self, view: NetworkView, pair: NDArray[np.int64], upload: NDArray[np.int64]) -> None:
        """Remember how large an upload has become, as one of its host, and of the network unless it was stated."""
        sent = int(upload[_SENT])
        note_most(self._host(pair), _OWN_MOST, view.start, HOUR_US, sent)
        if not upload[_STATED]:
            note_most(self._network(), _ALL_MOST, view.start, HOUR_US, sent)

    def _network(self) -> NDArray[np.int64]:
        """What is remembered of all hosts together; may be written to."""
        (claimed,) = self._all.claim(np.zeros((1, 1), dtype=np.int64))
        numbers: NDArray[np.int64] = self._all.numbers[claimed.place[0]]
        return numbers

    def _host(self, pair: NDArray[np.int64]) -> NDArray[np.int64]:
        """What is remembered of the host that a pair begins with; may be written to."""
        (claimed,) = self._hosts.claim(pair[None, :2])
        numbers: NDArray[np.int64] = self._hosts.numbers[claimed.place[0]]
        return numbers

    def _is_told(self, upload: NDArray[np.int64]) -> bool:
        sent = int(upload[_SENT])
        return (
            upload[_HELD] != _NEW
            and sent >= max(self.size, _AGAIN * int(upload[_STATED]))
            and sent >= self._times(upload) * int(upload[_BEFORE])
            and sent >= self.ratio * int(upload[_GOT])
        )

    def _times(self, upload: NDArray[np.int64]) -> float:
        """How many times the largest before an upload must be."""
        return 1.0 if upload[_HELD] == _BY_ALL else self.factor

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
        if new.any():
            stated += self._first_ever(view, opened, new & (others < _SHARED), hosts.place)
        learn_news(opened, new, hosts.place, numbers, self.LEARN)
        return stated

    def _first_ever(
        self, view: NetworkView, opened: NDArray[np.int64], new: NDArray[np.uint8], place: NDArray[np.int64]
    ) -> list[Anomaly]:
        """New destinations of hosts that were there for a day at least, and talked to hardly anybody outside."""
        at = np.flatnonzero(new)
        numbers = self._hosts.numbers[place[opened[at, 1]]]
        clocks = view.window.contacts[opened[at, 0], Flow.SERVER_PORT] == _NTP
        at = at[(numbers[:, WINDOWS] < self.LEARN) & (numbers[:, FORGOT] == 0) & ~clocks]
        if not len(at):
            return []
        _, first = np.unique(opened[at, 1], return_index=True)
        at = at[first]
        rows, places = view.window.contacts[opened[at, 0]], place[opened[at, 1]]
        quiet = self._quiet_for(view, rows[:, list(CLIENT)])
        stated = []
        for row, host, watched in zip(rows, places.tolist(), quiet.tolist(), strict=True):
            windows, known = int(watched / (view.seconds * 1e6)), int(self._hosts.numbers[host, KNOWN])
            if watched >= DAY_US and (known + 1) * self.once_in <= windows + 2:
                stated.append(self._tell(view, host, row, watched=windows))
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

    def _exfiltrated(self, view: NetworkView, row: Rows, upload: NDArray[np.int64]) -> Anomaly:
        since, _, sent, got, before = upload[: _BEFORE + 1].tolist()
        limit = max(float(self.size), self._times(upload) * before)
        return state(
            view,
            type=AnomalyType.DATA_EXFILTRATION,
            detector=self.name,
            about=client_of(row),
            who=EntityKind.CLIENT,
            severity=Severity.HIGH if sent >= 5 * limit else Severity.MEDIUM,
            score=excess_score(float(sent), limit),
            observed=float(sent),
            expected=Band(0.0, None, float(before)),
            threshold=limit,
            sample_count=int(self._host(row[_PAIR])[WINDOWS]),
            unit="bytes",
            formula=Formula("count", {"count": float(sent)}, float(sent)),
            start=since,
            details={
                "what": server_of(row),
                "server": server_of(row),
                "seconds": (view.end - since) / 1e6,
                "ratio": sent / max(got, 1),
                "uploads": True,
                "by_all": bool(upload[_HELD] == _BY_ALL),
            },
            counterfactual=(
                f"Not stated below {self.size:,} bytes, {self.factor:g} times its largest upload before (or, of a "
                "host that is hardly known, the largest of any), or "
                f"{self.ratio:g} times what came back."
            ),
        )

    def _tell(self, view: NetworkView, at: int, row: Rows, *, watched: int = 0) -> Anomaly:
        """A new destination; of a host that hardly ever had one, by the windows that it was watched for."""
        windows, known, new, trials, _, _ = self._hosts.numbers[at][: FORGOT + 1].tolist()
        if watched:
            windows, new, trials = watched, known, watched
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
