"""Guessing passwords of services that are logged into: SSH, FTP, RDP and the like."""

import math
from functools import partial
from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.network.addresses import PRIVATE, Own
from vedette.detectors.network.grouping import Rows, distinct, heaviest
from vedette.detectors.network.minute import Weight
from vedette.detectors.network.ports import DATABASES, LOGINS, Ports
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.settled import note_most
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Contribution, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Protocol
from vedette.schema.spans import MINUTE_US
from vedette.schema.state import decode, encode


class NetworkBruteForce(FewStated):
    """Many short, similar connections to a service that is logged into, by one client or by many that share the work.

    Signal: answered connections to one such port of one host in the last minute, and their bytes: of one client; and
        of all clients elsewhere, and how many these are.
    Baseline: of one client none: people log in once; but programs log into databases all day, and for clients of one's
        own the most within a minute, a minute or two ago, is known there. Of many the most that the port had likewise.
    Decision: at least `connections`, of at most `size` bytes each on average, with something said both ways; at
        databases of one's own clients five times the most, and not in the first five minutes. Of many,
        at least `connections` clients, and five times the most; not in the first five minutes.
    Explanation: how many, how large each.
    Known false alarms: deployment tools that open a session for each file; monitoring of a login port; a public
        service that is logged into and suddenly loved.
    References: Hofstede et al., "SSH Compromise Detection using NetFlow/IPFIX", SIGCOMM CCR 2014; formula `count`.
    """

    name: ClassVar[str] = "network.brute_force"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.BRUTE_FORCE,)

    def __init__(self, *, connections: int = 20, size: int = 20_000, own: Own = PRIVATE) -> None:
        self.connections = connections
        self.size = size
        self.left_out = 0
        self._from_elsewhere = Interest(partial(_from_elsewhere, own), (*SERVER, Flow.SERVER_PORT))
        self._since: int | None = None
        self._ports = RecentKeys(len(_PORT), _MOST_PORTS, numbers=4)
        self._programs = RecentKeys(len(_PROGRAM), _MOST_PORTS, numbers=4)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(_State(self._since, self._ports.to_state(), self._programs.to_state()))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave; older versions remembered nothing. Raises `StateError`."""
        if content:
            state = decode(content, _State, "ports that are logged into")
            self._since = state.since
            self._ports.from_state(state.ports)
            if state.programs:
                self._programs.from_state(state.programs)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State guessing that went on in the window."""
        if self._since is None:
            self._since = view.start
        return [*self._of_one(view), *self._of_many(view)]

    def _of_many(self, view: NetworkView) -> list[Anomaly]:
        found = []
        for own in view.groups(self._from_elsewhere, Flow.SUCCEEDED, self.connections / _FACTOR):
            clients = distinct(own, *CLIENT)
            if clients * _FACTOR < self.connections:
                continue
            count = int(own[:, Flow.SUCCEEDED].sum())
            each = float(own[:, [Flow.BYTES_OUT, Flow.BYTES_IN]].sum()) / count
            most = _most(self._ports, own[0, _PORT], view.start, clients)
            limit = max(self.connections, math.ceil(_FACTOR * most))
            if self._is_early(view) or clients < limit or each > self.size:
                continue
            port = int(own[0, Flow.SERVER_PORT])
            found.append(
                state(
                    view,
                    type=AnomalyType.BRUTE_FORCE,
                    detector=self.name,
                    about=server_of(own[0]),
                    who=EntityKind.HOST,
                    severity=Severity.MEDIUM,
                    score=excess_score(clients, limit),
                    observed=float(clients),
                    expected=Band(0.0, None, float(most)),
                    threshold=float(limit),
                    sample_count=count,
                    unit="clients",
                    formula=Formula("count", {"count": float(clients)}, float(clients)),
                    start=int(own[:, Flow.START].min()),
                    evidence_total=count,
                    contributions=tuple(
                        Contribution("client", client_of(row), float(row[Flow.SUCCEEDED]) / count)
                        for row in heaviest(own, Flow.SUCCEEDED, 3)
                    ),
                    details={
                        "what": f"{port} by many",
                        "service": LOGINS[port],
                        "connections": count,
                        "bytes_each": each,
                        "seconds": view.recent_seconds,
                    },
                    counterfactual=(
                        f"Not stated below {self.connections:,} clients within a minute or {_FACTOR:g} times its most, "
                        f"or above {self.size:,} bytes each."
                    ),
                )
            )
        return self.strongest(found, _MOST_STATED)

    def _is_early(self, view: NetworkView) -> bool:
        return view.start - (self._since or 0) < _LEARN_US

    def _is_usual(self, view: NetworkView, row: Rows, count: int) -> bool:
        """Whether a program of one's own logs into a database as it does all day."""
        program = row[Flow.SERVER_PORT] in DATABASES and view.own.internal(*row[None, list(CLIENT)].T)[0]
        if not program:
            return False
        most = _most(self._programs, row[_PROGRAM], view.start, count)
        return self._is_early(view) or count < _FACTOR * most

    def _of_one(self, view: NetworkView) -> list[Anomaly]:
        found = []
        for own in view.groups(_LOGINS, Flow.SUCCEEDED, self.connections / _FACTOR):
            count = int(own[:, Flow.SUCCEEDED].sum())
            if not self._is_usual(view, own[0], count) and self._is_guessing(own):
                found.append(self._tell(view, own))
        return self.strongest(found, _MOST_STATED)

    def _is_guessing(self, own: Rows) -> bool:
        count = int(own[:, Flow.SUCCEEDED].sum())
        size = float(own[:, [Flow.BYTES_OUT, Flow.BYTES_IN]].sum())
        enough = count >= self.connections and size <= self.size * count
        return enough and _said(own, *_OUT) and _said(own, *_IN)

    def _tell(self, view: NetworkView, own: Rows) -> Anomaly:
        count = int(own[:, Flow.SUCCEEDED].sum())
        port = int(own[0, Flow.SERVER_PORT])
        return state(
            view,
            type=AnomalyType.BRUTE_FORCE,
            detector=self.name,
            about=client_of(own[0]),
            who=EntityKind.CLIENT,
            severity=Severity.HIGH if count >= 5 * self.connections else Severity.MEDIUM,
            score=excess_score(count, self.connections),
            observed=float(count),
            threshold=float(self.connections),
            sample_count=count,
            unit="connections",
            formula=Formula("count", {"count": float(count)}, float(count)),
            start=int(own[:, Flow.START].min()),
            evidence_total=count,
            details={
                "what": f"{server_of(own[0])} {port}",
                "service": LOGINS[port],
                "server": server_of(own[0]),
                "bytes_each": float(own[:, [Flow.BYTES_OUT, Flow.BYTES_IN]].sum()) / count,
                "seconds": view.recent_seconds,
            },
            counterfactual=(
                f"Not stated below {self.connections:,} connections within a minute, or above "
                f"{self.size:,} bytes each."
            ),
        )


def _most(known: RecentKeys, key: NDArray[np.int64], now: int, seen: int) -> int:
    """The most that was seen until a minute or two ago; what this minute has is remembered."""
    (claimed,) = known.claim(key[None])
    numbers = known.numbers[claimed.place[0]]
    note_most(numbers, (_MOST, _OLDER, _FRESH, _BEGAN), now, MINUTE_US, seen)
    return int(numbers[_MOST])


_MOST_STATED: Final = 20
"""Clients, and ports, stated in one window."""
_PORTS: Final = Ports(LOGINS)
_PORT: Final = [*SERVER, Flow.SERVER_PORT]
_PROGRAM: Final = [*CLIENT, *SERVER, Flow.SERVER_PORT]
_MOST_PORTS: Final = 16_384
"""Ports of servers of which it is remembered how many clients they have; see `RecentKeys`."""
_MOST, _OLDER, _FRESH, _BEGAN = range(4)
"""Numbers remembered of a port: the most clients, those of the minute before this, those of this minute, and when it
began (microseconds)."""
_FACTOR: Final = 5.0
_LEARN_US: Final = 5 * MINUTE_US
"""Until then nobody knows how many clients are usual."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    since: int | None
    ports: bytes
    programs: bytes = b""


_OUT: Final = Flow.PAYLOAD_OUT, Flow.BYTES_OUT, Flow.PACKETS_OUT
_IN: Final = Flow.PAYLOAD_IN, Flow.BYTES_IN, Flow.PACKETS_IN
_HEADERS: Final = 80
"""Bytes of a TCP packet that carries nothing, with all its headers, at most."""


def _said(rows: Rows, payload: Flow, size: Flow, packets: Flow) -> bool:
    """Whether something was said in a direction; nfdump and Suricata tell of packets, and not what they carried."""
    sums = rows.sum(axis=0)
    return bool(sums[payload] > 0 or sums[size] > _HEADERS * sums[packets])


def _logins(rows: Rows) -> NDArray[np.bool_]:
    wanted = (rows[:, Flow.PROTOCOL] == Protocol.TCP) & _PORTS.among(rows[:, Flow.SERVER_PORT])
    kept: NDArray[np.bool_] = wanted & (rows[:, Flow.SUCCEEDED] > 0)
    return kept


def _from_elsewhere(own: Own, rows: Rows) -> NDArray[np.bool_]:
    wanted = _logins(rows)
    at = np.flatnonzero(wanted)
    wanted[at] = ~own.internal(rows[at, Flow.CLIENT_HIGH], rows[at, Flow.CLIENT_LOW])
    return wanted


_LOGINS: Final = Interest(_logins, (*CLIENT, *SERVER, Flow.SERVER_PORT), Weight.LOGINS)
