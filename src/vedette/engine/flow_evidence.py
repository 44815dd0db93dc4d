"""Which packets and flows are evidence of what was stated: those that each conversation it shows began with."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import halves
from vedette.detectors.network.long_lived import SLOW
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Evidence
from vedette.schema.flows import Protocol

TALK: Final = 7
"""Columns of a talk: window, both halves of the client and of the server, the server's port, protocol."""
_NUMBERS: Final = {one.name.lower(): one.value for one in Protocol}
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)

_Talk = tuple[int, ...]


class Seen(msgspec.Struct, frozen=True):
    """A packet, or a line of a flow log.

    Attributes:
        time: Microseconds since the epoch. evidence: Where it is, and what it says.
    """

    time: int
    evidence: Evidence


Tell = Callable[[int], Seen]
"""Makes the evidence of a row."""


class FlowEvidence:
    """Collects the evidence of anomalies from what was scanned, one source after the other.

    Of a statement with conversations it is the first packet, or flow, of each in the window in which it was stated, or
    in which a connection that stays began; of one about the whole network the first and the last of that window.

    Args:
        anomalies: All that was stated; those of requests are left as they are.
        span: Length of a window, microseconds.
    """

    def __init__(self, anomalies: Iterable[Anomaly], span: int) -> None:
        self.span = span
        talks: set[_Talk] = set()
        windows: set[int] = set()
        for anomaly in anomalies:
            if _about_all(anomaly):
                windows.add(self._window(anomaly))
            else:
                talks.update(_talks(anomaly, self._window(anomaly)))
        self._talks = sorted(talks)
        table = np.array(self._talks, dtype=np.int64).reshape(-1, TALK)
        keys = _keys(table)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]
        self._table = table[self._order]
        self._windows = np.array(sorted(windows), dtype=np.int64)
        self._numbers = np.union1d(table[:, 0], self._windows)
        self._found: dict[_Talk, Seen] = {}
        self._edges: dict[tuple[int, bool], Seen] = {}
        self.begin()

    def begin(self) -> None:
        """Begin with another source."""
        self._met = np.zeros(len(self._keys), dtype=bool)

    @property
    def end(self) -> int | None:
        """When the last window that is looked for ends, microseconds; None where nothing is."""
        return (int(self._numbers[-1]) + 1) * self.span if len(self._numbers) else None

    def wanted(self, time: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which times (n,), in microseconds, are of windows that are looked for."""
        found: NDArray[np.bool_] = np.isin(time // self.span, self._numbers)
        return found

    def look(self, time: NDArray[np.int64], talks: Iterable[NDArray[np.int64]], tell: Tell) -> None:
        """Look at packets or flows, in the order of their source.

        Args:
            time: int64 (n,), microseconds.
            talks: Who may have talked to whom, each int64 (n, TALK) whose first column is not read.
            tell: Makes the evidence of a row.
        """
        number = time // self.span
        for talk in talks:
            self._look_at(number, talk, tell)
        for window in np.intersect1d(number, self._windows).tolist():
            rows = np.flatnonzero(number == window)
            for last in (False, True):
                row = int(rows[time[rows].argmax() if last else time[rows].argmin()])
                known = self._edges.get((window, last))
                better = known is None or (time[row] > known.time if last else time[row] < known.time)
                if better:
                    self._edges[window, last] = tell(row)

    def _look_at(self, number: NDArray[np.int64], talk: NDArray[np.int64], tell: Tell) -> None:
        if not len(self._keys) or not len(talk):
            return
        talk[:, 0] = number
        place = np.minimum(np.searchsorted(self._keys, keys := _keys(talk)), len(self._keys) - 1)
        hit = np.flatnonzero((self._keys[place] == keys) & ~self._met[place])
        hit = hit[(self._table[place[hit]] == talk[hit]).all(axis=1)]
        for at, first in zip(*np.unique(place[hit], return_index=True), strict=True):
            self._met[at] = True
            one = self._talks[int(self._order[at])]
            seen = tell(int(hit[first]))
            if one not in self._found or seen.time < self._found[one].time:
                self._found[one] = seen

    def told(self, anomaly: Anomaly) -> Anomaly:
        """An anomaly with its evidence, as far as there is any."""
        window = self._window(anomaly)
        if _about_all(anomaly):
            seen = [self._edges[window, last] for last in (False, True) if (window, last) in self._edges]
        else:
            seen = [self._found[talk] for talk in _talks(anomaly, window) if talk in self._found]
            seen.sort(key=lambda one: one.time)
        lines = tuple(dict.fromkeys(one.evidence for one in seen))
        return msgspec.structs.replace(anomaly, evidence=lines) if lines else anomaly

    def _window(self, anomaly: Anomaly) -> int:
        """The window in which it was stated: it ends with it. Of a connection that stays, the one that it began in."""
        if anomaly.type is AnomalyType.LONG_LIVED_CONNECTION and anomaly.details.get("what") != SLOW:
            return anomaly.start // self.span
        return anomaly.end // self.span - 1


def _about_all(anomaly: Anomaly) -> bool:
    return anomaly.of_flows and anomaly.entity.kind is EntityKind.SERVICE


def _talks(anomaly: Anomaly, window: int) -> list[_Talk]:
    """The conversations that an anomaly shows, each once."""
    if not anomaly.of_flows:
        return []
    talks = []
    for one in anomaly.details.get("conversations", ()):
        client, server = halves(one["client"]), halves(one["server"])
        if client is not None and server is not None:
            name = one["protocol"]
            protocol = _NUMBERS[name] if name in _NUMBERS else int(name)
            talks.append((window, *client, *server, int(one["server_port"]), protocol))
    return list(dict.fromkeys(talks))


def _keys(talks: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A number of each talk, the same for the same."""
    number = np.zeros(len(talks), dtype=np.uint64)
    for column in range(TALK):
        number = (number ^ talks[:, column].astype(np.uint64)) * _ODD
        number ^= number >> np.uint64(29)
    return number
