"""Internal hosts against their own past: how much they send out, and whom they talk to."""

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import address
from vedette.detectors.network.view import (
    CLIENT,
    SERVER,
    NetworkView,
    Rows,
    groups,
    outward,
    server_of,
    state,
)
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, EntityKind, Formula, Severity
from vedette.schema.flows import Flow

_MOST: Final = 16_384
"""Internal hosts followed; the one that was silent for the longest is dropped."""
_MOST_DESTINATIONS: Final = 4_096
"""Destinations remembered of a host; it is told nothing of further ones."""


@dataclass(slots=True)
class _Host:
    """What one internal host did before.

    Attributes:
        windows: In which it talked to somebody outside. most: Most bytes it sent to one host in a window.
        known: Networks (an IPv4 /24, an IPv6 /48) and ports it talked to. new: How many of these came after the first
            `LEARN` windows.
    """

    windows: int = 0
    most: float = 0.0
    known: set[tuple[int, int, int]] = field(default_factory=set)
    new: int = 0
    trials: int = 0


class HostHabits:
    """An internal host sends far more out than it ever did, or talks to whom it never did.

    Signal: bytes of an internal host to one external host in a window, against what it got; networks (an IPv4
        /24, an IPv6 /48) and ports outside that it opens flows to.
    Baseline: the host's own: the most it ever sent to one host in a window, and every destination it had.
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
        self._hosts: OrderedDict[tuple[int, int], _Host] = OrderedDict()

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State what internal hosts did in the window that they never did."""
        found = []
        rows = outward(view.window.contacts)
        present = self._hosts_of(rows)
        for own in groups(rows, *_PAIR, of=Flow.BYTES_OUT, least=self.size):
            found += self._sent(view, own)
        opened = rows[rows[:, Flow.OPENED] > 0]
        places = _networks(opened[:, Flow.SERVER_HIGH], opened[:, Flow.SERVER_LOW])
        targets = np.column_stack([opened[:, list(CLIENT)], *places, opened[:, Flow.SERVER_PORT]])
        fresh: set[tuple[int, int]] = set()
        for row, (high, low, *place) in enumerate(targets.tolist()):
            host, target = self._hosts[high, low], tuple(place)
            if target in host.known:
                continue
            if len(host.known) >= _MOST_DESTINATIONS:
                self.left_out += 1
                continue
            rare = (host.new + 1) / (host.trials + 2) <= 1 / self.once_in
            if rare and host.windows >= self.LEARN and (high, low) not in fresh:
                found.append(self._tell(view, (high, low), host, opened[row]))
            host.known.add(target)
            fresh.add((high, low))
        self._learn(present, fresh, rows)
        return found

    def _hosts_of(self, rows: Rows) -> list[tuple[int, int]]:
        """The window's hosts, all of them known from now on."""
        present = list(dict.fromkeys(map(tuple, rows[:, list(CLIENT)].tolist())))
        for key in present[:_MOST]:
            if key not in self._hosts:
                self._hosts[key] = _Host()
            self._hosts.move_to_end(key)
        for key in present[_MOST:]:
            self._hosts[key] = _Host()
        return present

    def _learn(self, present: list[tuple[int, int]], fresh: set[tuple[int, int]], rows: Rows) -> None:
        """Remember the window, and no more hosts than there is room for."""
        if len(rows):
            changes = (rows[1:, _PAIR] != rows[:-1, _PAIR]).any(axis=1)
            starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
            sent = np.add.reduceat(rows[:, Flow.BYTES_OUT], starts).tolist()
            for (high, low), amount in zip(rows[starts][:, list(CLIENT)].tolist(), sent, strict=True):
                host = self._hosts[high, low]
                host.most = max(host.most, float(amount))
        for key in present:
            host = self._hosts[key]
            if host.windows >= self.LEARN:
                host.trials += 1
                host.new += key in fresh
            host.windows += 1
        while len(self._hosts) > _MOST:
            self._hosts.popitem(last=False)
            self.left_out += 1

    def _sent(self, view: NetworkView, rows: Rows) -> list[Anomaly]:
        key = (int(rows[0, Flow.CLIENT_HIGH]), int(rows[0, Flow.CLIENT_LOW]))
        host = self._hosts[key]
        most, got = (float(rows[:, c].sum()) for c in (Flow.BYTES_OUT, Flow.BYTES_IN))
        before = host.most
        limit = max(float(self.size), self.factor * before)
        if host.windows < self.LEARN or most < limit or most < self.ratio * got:
            return []
        return [
            state(
                view,
                type=AnomalyType.DATA_EXFILTRATION,
                detector=self.name,
                about=address(*key),
                who=EntityKind.CLIENT,
                severity=Severity.HIGH if most >= 5 * limit else Severity.MEDIUM,
                score=excess_score(most, limit),
                observed=most,
                expected=Band(0.0, None, before),
                threshold=limit,
                sample_count=host.windows,
                unit="bytes",
                formula=Formula("count", {"count": most}, most),
                details={
                    "what": server_of(rows[0]),
                    "server": server_of(rows[0]),
                    "seconds": view.seconds,
                    "ratio": most / max(got, 1.0),
                },
                counterfactual=(
                    f"Not stated below {self.size:,} bytes, {self.factor:g} times its most, or {self.ratio:g} times "
                    "what came back."
                ),
            )
        ]

    def _tell(self, view: NetworkView, key: tuple[int, int], host: _Host, row: Rows) -> Anomaly:
        surprise = -math.log10((host.new + 1) / (host.trials + 2))
        limit = math.log10(self.once_in)
        return state(
            view,
            type=AnomalyType.NEW_DESTINATION,
            detector=self.name,
            about=address(*key),
            who=EntityKind.CLIENT,
            severity=Severity.LOW,
            score=surprise / (surprise + limit),
            observed=surprise,
            threshold=float(self.once_in),
            sample_count=host.windows,
            unit="surprise",
            formula=Formula("succession", {"new": float(host.new), "trials": float(host.trials)}, surprise),
            details={
                "what": f"{server_of(row)} {int(row[Flow.SERVER_PORT])}",
                "server": server_of(row),
                "port": int(row[Flow.SERVER_PORT]),
                "known": len(host.known),
                "new": host.new,
            },
            counterfactual=f"Not stated where something new is likelier than 1 in {self.once_in:,}.",
        )


_PAIR: Final = [*CLIENT, *SERVER]


def _networks(high: NDArray[np.int64], low: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """An IPv4 address's /24, an IPv6 address's /48."""
    ipv4 = high == 0
    return np.where(ipv4, high, high >> 16), np.where(ipv4, low >> 8, 0)
