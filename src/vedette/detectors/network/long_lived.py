"""Connections that stay."""

from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.grouping import Rows
from vedette.detectors.network.minute import Total, Weight
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, EntityKind, Formula, Severity
from vedette.schema.flows import Ended, Flow, Known, Protocol
from vedette.schema.state import check, decode, encode

SLOW: Final = "slow"
"""What is said of a flood of slow connections, where the server and its port are named otherwise."""
_IDLE_BYTES: Final = 1000
_SLOW_S: Final = 10.0
_MOST: Final = 65_536
"""Long connections remembered, so that each is stated once."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    count: int
    sum: float
    stated: list[tuple[tuple[int, ...], int]]


class LongLived:
    """A connection lasts far longer than connections here do; or many slow ones occupy a server.

    Signal: durations of TCP connections that went on or ended in the window; connections of one client to one port
        that were given little and answered nothing.
    Baseline: the mean duration of the connections that ended before, from `connections` of them.
    Decision: above `high` times the mean is high, above `medium` times medium, and from `seconds` in any case, unless
        `alarm.mode` is `threshold`: the mean of web traffic is seconds, and twice that is nothing. Each connection is
        stated once. Below 1,000 bytes it is idle. Slowloris: `slow` connections of one client to one port within a
        minute more than there were answers, at most 1,000 bytes sent on each, the oldest open for ten seconds;
        where answers are not timed, only of clients that were answered nothing at all.
    Explanation: duration, mean, bytes; or how many, how much on each.
    Known false alarms: web sockets, SSH sessions, database pools: raise `seconds` where these are wanted.
    References: CVE-2007-6750; formula `share`.
    """

    name: ClassVar[str] = "network.long_lived"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.LONG_LIVED_CONNECTION,)

    def __init__(
        self,
        *,
        high: float = 2.0,
        medium: float = 1.5,
        seconds: float = 3600.0,
        connections: int = 100,
        slow: int = 50,
        classic: bool = False,
    ) -> None:
        self.high = high
        self.medium = medium
        self.seconds = 0.0 if classic else seconds
        self.connections = connections
        self.slow = slow
        self.left_out = 0
        self._count = 0
        self._sum = 0.0
        self._stated: dict[tuple[int, ...], int] = {}

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(_State(self._count, self._sum, list(self._stated.items())))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "durations of connections")
        check(len(state.stated) <= _MOST, "durations of connections")
        self._count, self._sum, self._stated = state.count, state.sum, dict(state.stated)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State connections that are too long, and floods of slow ones."""
        found = [*self._long(view), *self._slow(view)]
        ended = view.window.ended
        if len(ended):
            counted = (ended[:, Ended.PROTOCOL] == Protocol.TCP) & (ended[:, Ended.SUCCEEDED] > 0)
            self._count += int(np.count_nonzero(counted))
            self._sum += float(ended[counted, Ended.DURATION].sum()) / 1e6
        return found

    def _long(self, view: NetworkView) -> list[Anomaly]:
        if self._count < self.connections:
            return []
        mean = self._sum / self._count
        least = max(self.medium * mean, self.seconds)
        if view.total(Total.LONGEST) <= least * 1e6:
            return []
        found = []
        rows = view.window.contacts
        long = (rows[:, Flow.DURATION] > least * 1e6) & (rows[:, Flow.PROTOCOL] == Protocol.TCP)
        for row in rows[np.flatnonzero(long)]:
            key = tuple(row[_TALK].tolist())
            duration = float(row[Flow.DURATION]) / 1e6
            began = int(row[Flow.END]) - int(row[Flow.DURATION])
            # The same connection goes on; another one between the same two began later.
            if abs(self._stated.get(key, -1) - began) < 1_000_000:
                continue
            if len(self._stated) >= _MOST:
                self.left_out += 1
                continue
            self._stated[key] = began
            size = int(row[Flow.BYTES_OUT] + row[Flow.BYTES_IN])
            if not view.window.known & Known.SEGMENTS:
                # Spread evenly, a window has its share of the whole: so much for as long as it has lasted.
                size = int(
                    size * max(1.0, 1e6 * duration / max(1, int(row[Flow.END]) - int(row[Flow.START])))
                )
            high = duration > max(self.high * mean, self.seconds)
            factor = self.high if high else self.medium
            limit = max(factor * mean, self.seconds)
            found.append(
                state(
                    view,
                    type=AnomalyType.LONG_LIVED_CONNECTION,
                    detector=self.name,
                    about=client_of(row),
                    who=EntityKind.CLIENT,
                    severity=Severity.HIGH if high else Severity.MEDIUM,
                    score=excess_score(duration, limit),
                    observed=duration,
                    expected=Band(None, mean, None),
                    threshold=limit,
                    sample_count=self._count,
                    unit="seconds",
                    formula=Formula(
                        "share", {"part": duration, "whole": mean}, duration / mean if mean else 0.0
                    ),
                    start=began,
                    details={
                        "what": f"{server_of(row)} {int(row[Flow.SERVER_PORT])}",
                        "server": server_of(row),
                        "port": int(row[Flow.SERVER_PORT]),
                        "bytes": size,
                        "idle": size < _IDLE_BYTES,
                    },
                    counterfactual=f"Not stated up to {limit:,.0f} seconds.",
                )
            )
        return found

    def _slow(self, view: NetworkView) -> list[Anomaly]:
        found = []
        timed = bool(view.window.known & Known.TIMES)
        for own in view.groups(_TALKED if timed else _UNANSWERED, Flow.OPENED, self.slow):
            count, longest = int(own[:, Flow.OPENED].sum()), float(own[:, Flow.DURATION].max()) / 1e6
            if timed:
                # What the same client was answered meanwhile hides nothing.
                count = int(own[:, Flow.SUCCEEDED].sum()) - int(own[:, Flow.RESPONDED].sum())
                if count < self.slow:
                    continue
            sent = int(own[:, Flow.PAYLOAD_OUT].sum())
            slow = longest >= _SLOW_S and 0 < sent <= _IDLE_BYTES * count
            if not slow:
                continue
            found.append(
                state(
                    view,
                    type=AnomalyType.LONG_LIVED_CONNECTION,
                    detector=self.name,
                    about=client_of(own[0]),
                    who=EntityKind.CLIENT,
                    severity=Severity.HIGH,
                    score=excess_score(count, self.slow),
                    observed=float(count),
                    threshold=float(self.slow),
                    sample_count=count,
                    unit="connections",
                    formula=Formula("count", {"count": float(count)}, float(count)),
                    start=int(own[:, Flow.START].min()),
                    details={
                        "what": SLOW,
                        "server": server_of(own[0]),
                        "port": int(own[0, Flow.SERVER_PORT]),
                        "bytes_each": sent / count,
                        "longest": longest,
                    },
                    counterfactual=f"Not stated below {self.slow} such connections within a minute.",
                )
            )
        return found


_TALK: Final = [*CLIENT, *SERVER, Flow.SERVER_PORT]


def _talked(rows: Rows) -> NDArray[np.bool_]:
    """Contacts in which connections were made, or asked something and told something."""
    wanted: NDArray[np.bool_] = rows[:, Flow.PROTOCOL] == Protocol.TCP
    wanted &= (rows[:, Flow.SUCCEEDED] > 0) | (rows[:, Flow.RESPONDED] > 0)
    return wanted


def _unanswered(rows: Rows) -> NDArray[np.bool_]:
    """Contacts of connections that were made, asked something, and were told nothing."""
    wanted: NDArray[np.bool_] = (rows[:, Flow.PROTOCOL] == Protocol.TCP) & (rows[:, Flow.SUCCEEDED] > 0)
    wanted &= (rows[:, Flow.PAYLOAD_IN] == 0) & (rows[:, Flow.OPENED] > 0)
    return wanted


_TALKED: Final = Interest(_talked, _TALK, Weight.MADE)
_UNANSWERED: Final = Interest(_unanswered, _TALK, Weight.UNTOLD)
