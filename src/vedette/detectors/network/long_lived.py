"""Connections that stay."""

from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import Own
from vedette.detectors.network.grouping import Rows
from vedette.detectors.network.held_back import HeldBack, Key
from vedette.detectors.network.minute import Total, Weight
from vedette.detectors.network.recent import RecentKeys
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
"""Talks that stayed remembered, so that each connection is looked at once; that which was silent longest is dropped."""
_FEW: Final = 3
"""Connections that stay from which they are nothing special in a network."""
_ONCE_IN: Final = 50
"""Where they are nothing special, one of a kind that was never seen is stated if such a one is no likelier."""
_DYNAMIC: Final = 49_152
"""From here on ports are handed out by chance (RFC 6335), and are all of one kind."""


class _State(msgspec.Struct, frozen=True, array_like=True):
    count: int
    sum: float
    stated: list[tuple[tuple[int, ...], int]]
    """Of older versions, which stated all of them: few enough for a list."""
    talks: bytes = b""
    kinds: list[int] = msgspec.field(default_factory=list)
    seen: int = 0
    early: bytes = b""
    early_kinds: dict[int, int] = msgspec.field(default_factory=dict)


class LongLived:
    """A connection lasts far longer than connections here do; or many slow ones occupy a server.

    Signal: durations of TCP connections that went on or ended in the window; connections of one client to one port
        that were given little and answered nothing.
    Baseline: the mean duration of the connections that ended before, from `connections` of them.
    Decision: above `high` times the mean is high, above `medium` times medium, with `alarm.mode` `threshold`.
        Otherwise from `seconds`, as the mean of web traffic is seconds, and twice that is nothing; and as many
        networks hold connections open all day (web sockets, mail, files, sessions, databases), only one of a kind
        that never stayed before, medium: another port, or another direction (within, outwards, inwards). Where there
        were more than two to other servers or ports, only if by how often one was of a new kind so far (Laplace's
        rule of succession) such a one is no likelier than 1 in 50. Until a network was watched for twice `seconds`
        nobody knows what stays there: what would be stated waits for that, or for the end of the input, and for
        whether more of its kind stayed. Each connection is looked at once. Below 1,000 bytes it is idle. Slowloris:
        `slow` connections of one client to one port within a minute more than there were answers, at most 1,000 bytes
        sent on each, the oldest open for ten seconds; where answers are not timed, only of clients that were answered
        nothing at all.
    Explanation: duration, mean, bytes, how many stayed before and of how many kinds; or how many, how much on each.
    Known false alarms: the first web socket, SSH session or database pool of a network that never had one.
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
        self._classic = classic
        self._talks = RecentKeys(len(_TALK), _MOST, numbers=1)
        self._kinds: set[int] = set()
        self._seen = 0
        self._early = HeldBack(0 if classic else round(2e6 * self.seconds))
        self._early_kinds: dict[int, int] = {}

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        return encode(
            _State(
                self._count,
                self._sum,
                [],
                self._talks.to_state(),
                sorted(self._kinds),
                self._seen,
                self._early.to_state(),
                self._early_kinds,
            )
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "durations of connections")
        check(len(state.stated) <= _MOST and len(state.kinds) <= _MOST_KINDS, "durations of connections")
        check(all(len(talk) == len(_TALK) for talk, _ in state.stated), "durations of connections")
        self._count, self._sum = state.count, state.sum
        self._kinds, self._seen = set(state.kinds), max(0, state.seen)
        self._early_kinds = state.early_kinds
        if state.early:
            self._early.from_state(state.early)
        if state.talks:
            self._talks.from_state(state.talks)
        elif state.stated:
            self._look_once(
                np.array([talk for talk, _ in state.stated]), np.array([at for _, at in state.stated])
            )

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State connections that are too long, and floods of slow ones."""
        waits = self._early.waits(view)
        found = [*self._long(view, waits=waits), *self._slow(view)]
        if not waits:
            found = [*self._early.release(view, self._still), *found]
            self._early_kinds = {}
        ended = view.window.ended
        if len(ended):
            counted = (ended[:, Ended.PROTOCOL] == Protocol.TCP) & (ended[:, Ended.SUCCEEDED] > 0)
            self._count += int(np.count_nonzero(counted))
            self._sum += float(ended[counted, Ended.DURATION].sum()) / 1e6
        return found

    def _still(self, talk: Key, anomaly: Anomaly) -> Anomaly | None:
        """What was held back, unless connections that stay turned out to be nothing special here."""
        kind, own = talk[-1], self._early_kinds.get(talk[-1], 1)
        others, kinds = self._seen - own, len(self._kinds - {kind})
        rare = others < _FEW or (kinds + 1) * _ONCE_IN <= others + 2
        return anomaly if own < _FEW and rare else None

    def _long(self, view: NetworkView, *, waits: bool) -> list[Anomaly]:
        if self._count < self.connections:
            return []
        mean = self._sum / self._count
        least = max(self.medium * mean, self.seconds)
        if view.total(Total.LONGEST) <= least * 1e6:
            return []
        found = []
        rows = view.window.contacts
        long = np.flatnonzero(
            (rows[:, Flow.DURATION] > least * 1e6) & (rows[:, Flow.PROTOCOL] == Protocol.TCP)
        )
        began = rows[long, Flow.END] - rows[long, Flow.DURATION]
        new, first = self._look_once(rows[long][:, _TALK], began)
        together = self._seen + int(np.count_nonzero(first))
        for at in np.flatnonzero(new).tolist():
            row, kind = rows[long[at]], _kind(rows[long[at]], view.own)
            seen, kinds = self._seen, len(self._kinds)
            stays = kind not in self._kinds
            stays &= together < _FEW or (kinds + 1) * _ONCE_IN <= seen + 2
            # A pool of connections is renewed all day, and is one thing all the same.
            self._seen += int(first[at])
            self._kinds.add(kind)
            if waits:
                self._early_kinds[kind] = self._early_kinds.get(kind, 0) + int(first[at])
            if not (stays or self._classic):
                continue
            duration = float(row[Flow.DURATION]) / 1e6
            size = int(row[Flow.BYTES_OUT] + row[Flow.BYTES_IN])
            if not view.window.known & Known.SEGMENTS:
                # Spread evenly, a window has its share of the whole: so much for as long as it has lasted.
                size = int(
                    size * max(1.0, 1e6 * duration / max(1, int(row[Flow.END]) - int(row[Flow.START])))
                )
            # An hour is far above any mean of seconds, and says nothing of how bad it is.
            high = self._classic and duration > self.high * mean
            factor = self.high if high else self.medium
            limit = max(factor * mean, self.seconds)
            anomaly = state(
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
                formula=Formula("share", {"part": duration, "whole": mean}, duration / mean if mean else 0.0),
                start=int(began[at]),
                details={
                    "what": f"{server_of(row)} {int(row[Flow.SERVER_PORT])}",
                    "server": server_of(row),
                    "port": int(row[Flow.SERVER_PORT]),
                    "bytes": size,
                    "idle": size < _IDLE_BYTES,
                    **({} if self._classic else {"stayed": seen, "kinds": kinds, "once_in": _ONCE_IN}),
                },
                counterfactual=f"Not stated up to {limit:,.0f} seconds"
                + ("." if self._classic else ", nor where one to such a port had stayed before."),
            )
            if not (waits and self._early.hold((*row[_TALK].tolist(), kind), anomaly)):
                found.append(anomaly)
        return found

    def _look_once(
        self, talks: Rows, began: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which connections, each of another talk, are looked at for the first time, and which talks are."""
        new, first = np.zeros(len(talks), dtype=bool), np.zeros(len(talks), dtype=bool)
        for claimed in self._talks.claim(talks):
            numbers, of = self._talks.numbers, began[claimed.rows]
            # The same connection goes on; another one between the same two began later.
            other = claimed.fresh | (np.abs(numbers[claimed.place, 0] - of) >= 1_000_000)
            numbers[claimed.place[other], 0] = of[other]
            new[claimed.rows] = other
            first[claimed.rows] = claimed.fresh
        self.left_out = self._talks.forgotten
        return new, first

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
_MOST_KINDS: Final = 4 * (_DYNAMIC + 1)


def _kind(row: Rows, own: Own) -> int:
    """What a connection is for, as far as can be seen: its port, and which of its ends are one's own."""
    ends = row[[Flow.CLIENT_HIGH, Flow.SERVER_HIGH]], row[[Flow.CLIENT_LOW, Flow.SERVER_LOW]]
    client, server = map(int, own.internal(*ends))
    return 4 * min(int(row[Flow.SERVER_PORT]), _DYNAMIC) + 2 * client + server


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
