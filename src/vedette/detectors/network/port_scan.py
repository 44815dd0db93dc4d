"""Looking for open ports and hosts."""

import math
from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.network.addresses import is_many
from vedette.detectors.network.grouping import Rows, busy, distinct, groups
from vedette.detectors.network.held_back import HeldBack, Key
from vedette.detectors.network.minute import Total, Weight
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.recent_windows import Interest
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, client_of, server_of, state
from vedette.detectors.statement import excess_score
from vedette.kernels.flows.talks import find_answered
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Known, Protocol
from vedette.schema.spans import HOUR_US, MINUTE_US, SECOND_US
from vedette.schema.state import check, decode, encode
from vedette.windows.distinct import distinct_values, is_among

_MOST_SOURCES: Final = 65_536
_MOST_TARGETS: Final = 256
_MOST_EXCESS: Final = 2
_MOST_STATED: Final = 50
"""Sources stated in one window; a spoofed flood has more, and is stated as such."""
_FORGET_US: Final = HOUR_US
"""A walk that nothing was added to for so long begins anew."""
_EARLY_US: Final = 10 * MINUTE_US
"""Until then nobody knows what hosts within ask for again and again: monitors do every minute to every five."""
_RETRY_US: Final = 30 * SECOND_US
"""What asks for the same again earlier repeats a packet that was not answered."""
_OVER_US: Final = 15 * MINUTE_US
"""A walk that was told is over when nothing failed for so long, as an incident is."""
_MOST_ANSWERED: Final = 65_536
"""Internal clients' ports of servers that answered them; the one that was silent for the longest is dropped."""
_MOST_FAILED: Final = 65_536
"""The same of servers that did not. Apart from those: a sweep must not make anybody forget whom it knows."""


class _Walk(msgspec.Struct):
    """A source's first contacts: targets that answered, and that did not."""

    since: int
    latest: int
    failed: int = 0
    answered: int = 0
    excess: int = 0
    """Failures over answers, but no more than `_MOST_EXCESS` times as many as it takes: so a scan comes to an end."""
    told: bool = False
    lost: int = 0
    """When one failed last."""
    again: int = 0
    """Targets that failed and were asked for again later, while it is not known yet what is."""
    targets: set[tuple[int, int, int]] = msgspec.field(default_factory=set)


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """A walk as a part of a state."""

    source: tuple[int, int]
    since: int
    latest: int
    failed: int
    answered: int
    targets: list[tuple[int, int, int]]
    excess: int = 0
    told: bool = False
    lost: int = 0
    again: int = 0


class _State(msgspec.Struct, frozen=True, array_like=True):
    walks: list[_Kept]
    answered: bytes
    failed: bytes = b""
    """Older versions began anew with them after an hour."""
    early: bytes = b""


class PortScan(FewStated):
    """A source that tries ports or hosts to see which answer.

    Signal: SYNs and destination ports of a source in the last minute; first contacts that fail and succeed, for as
        long as the source goes on (a port that an internal source ever tried is none: a host that lost its line
        tries again whom it knows, and a monitor what is off); TCP packets that no connection sends (FIN alone, no
        flag, FIN with PSH and URG); UDP to ports that say nothing.
    Baseline: none: a scan is told by its shape.
    Decision: more than `syns` SYNs to more than `ports` ports within a minute; or the likelihood ratio of first
        contacts, under "most fail" (0.8) against "most succeed" (0.2), passes `odds`; or at least `probes` odd
        packets; or more than `ports` UDP ports of one host that do not answer. A walk that was told is over when none
        has failed for a quarter of an hour, or twice as many more were answered as it takes failures: what its host
        does otherwise is no scan. Of one host it is vertical, of many hosts at up to three ports horizontal, else a
        strobe. By the odds a source elsewhere is of low severity: every public address is looked at by strangers all
        day, and what they get from it is told by others. In the first ten minutes nobody knows what hosts within ask
        for again and again: what the odds say of them then waits until they are over, or the input ends, and is
        stated unless half of what failed was asked for again.
    Explanation: what was tried, how much of it failed.
    Known false alarms: monitoring that begins to poll what is down; peer-to-peer clients that try
        peers of yesterday, which is why a failing first contact counts once, and `odds` are far above the paper's 99.
    References: Jung, Paxson, Berger, Balakrishnan, "Fast Portscan Detection Using Sequential Hypothesis Testing",
        IEEE S&P 2004; formulas `count`, `sequential_odds`.
    """

    name: ClassVar[str] = "network.port_scan"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.PORT_SCAN,)

    def __init__(self, *, syns: int = 100, ports: int = 20, odds: float = 1e6, probes: int = 2) -> None:
        self.syns = syns
        self.ports = ports
        self.odds = odds
        self.probes = probes
        self.left_out = 0
        self._walks: dict[tuple[int, int], _Walk] = {}
        self._answered = RecentKeys(5, _MOST_ANSWERED)
        self._failed = RecentKeys(5, _MOST_FAILED)
        self._early = HeldBack(_EARLY_US)

    def to_state(self) -> bytes:
        """What is remembered, as bytes."""
        walks = [
            _Kept(
                key,
                w.since,
                w.latest,
                w.failed,
                w.answered,
                sorted(w.targets),
                w.excess,
                w.told,
                w.lost,
                w.again,
            )
            for key, w in self._walks.items()
        ]
        return encode(
            _State(walks, self._answered.to_state(), self._failed.to_state(), self._early.to_state())
        )

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `StateError`."""
        state = decode(content, _State, "first contacts")
        walks = state.walks
        check(len(walks) <= _MOST_SOURCES, "first contacts")
        check(all(len(walk.targets) <= _MOST_TARGETS for walk in walks), "first contacts")
        self._walks = {
            w.source: _Walk(
                w.since, w.latest, w.failed, w.answered, w.excess, w.told, w.lost, w.again, set(w.targets)
            )
            for w in walks
        }
        self._answered.from_state(state.answered)
        if state.failed:
            self._failed.from_state(state.failed)
        if state.early:
            self._early.from_state(state.early)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State scans that went on in the window."""
        found: dict[str, Anomaly] = {}
        for anomaly in (*self._classic(view), *self._odd(view), *self._udp(view), *self._walked(view)):
            # The most severe of a source: more of a scan must not look like less.
            known = found.setdefault(anomaly.entity.value, anomaly)
            if anomaly.severity.rank > known.severity.rank:
                found[anomaly.entity.value] = anomaly
        return self.strongest(list(found.values()), _MOST_STATED)

    def _classic(self, view: NetworkView) -> list[Anomaly]:
        found = []
        if not view.window.known & Known.FLAGS:
            return []
        for rows in view.groups(_SYNS, Flow.SYN_OUT, self.syns + 1):
            syns = int(rows[:, Flow.SYN_OUT].sum())
            ports = distinct(rows, Flow.SERVER_PORT)
            if syns > self.syns and ports > self.ports:
                found.append(self._tell(view, rows, "SYN", "syns", syns, self.syns, ports))
        return found

    def _odd(self, view: NetworkView) -> list[Anomaly]:
        found = []
        for rows in view.groups(_PROBES, Flow.PROBES, self.probes):
            probes = int(rows[:, Flow.PROBES].sum())
            if probes >= self.probes:
                fin = int(rows[:, Flow.PROBES_FIN].sum())
                how = "FIN" if fin == probes else "FIN, NULL or Xmas" if fin else "NULL or Xmas"
                ports = distinct(rows, Flow.SERVER_PORT)
                found.append(self._tell(view, rows, how, "probes", probes, self.probes, ports))
        return found

    def _udp(self, view: NetworkView) -> list[Anomaly]:
        found = []
        for rows in view.groups(_DATAGRAMS, Flow.OPENED, self.ports + 1):
            silent = rows[(rows[:, Flow.PACKETS_IN] == 0) & (rows[:, Flow.PACKETS_OUT] > 0)]
            for own in busy(silent, self.ports + 1, *SERVER):
                ports = distinct(own, Flow.SERVER_PORT)
                host = (int(own[0, Flow.SERVER_HIGH]), int(own[0, Flow.SERVER_LOW]))
                if ports > self.ports and not is_many(*host):
                    found.append(self._tell(view, own, "UDP", "ports", ports, self.ports, ports))
        return found

    def _walked(self, view: NetworkView) -> list[Anomaly]:
        """The sequential test: one step for each first contact."""
        if not view.window.known & Known.OUTCOME:
            return []
        waits = self._early.waits(view)
        found = self._stepped(view, waits=waits) if self._walks or view.total(Total.REFUSED) else []
        if not waits:
            found += self._early.release(view, self._still)
        columns = view.digest.columns
        keys = np.empty((columns.shape[1], 5), dtype=np.int64)
        for _ in self._answered.claim(keys[: find_answered(columns, view.own.ranges, keys)]):
            pass
        return found

    def _still(self, source: Key, anomaly: Anomaly) -> Anomaly | None:
        """What was held back, unless its source asks for the same again and again: a monitor, not a scanner."""
        walk = self._walks.get((source[0], source[1]))
        return None if walk is not None and 2 * walk.again >= walk.failed else anomaly

    def _stepped(self, view: NetworkView, *, waits: bool) -> list[Anomaly]:
        rows = view.window.contacts
        told = rows[:, Flow.PROTOCOL] == Protocol.TCP
        told &= (rows[:, Flow.FAILED] > 0) | (rows[:, Flow.SUCCEEDED] > 0)
        told &= (rows[:, Flow.CLIENT_HIGH] != 0) | (rows[:, Flow.CLIENT_LOW] != 0)
        chosen = np.flatnonzero(told)
        if not len(chosen):
            return []
        high, low = rows[chosen, Flow.CLIENT_HIGH], rows[chosen, Flow.CLIENT_LOW]
        failing = rows[chosen, Flow.FAILED] > 0
        sources = set(zip(high[failing].tolist(), low[failing].tolist(), strict=True))
        if self._walks:
            sources |= {s for s in zip(high.tolist(), low.tolist(), strict=True) if s in self._walks}
        if not sources:
            return []
        found = []
        # A client's contacts stand together.
        theirs = chosen[is_among(low, np.array([low for _, low in sources], dtype=np.int64))]
        talks = rows[theirs][:, _TALK]
        tried = self._failed.has(talks)
        first = theirs[~(self._answered.has(talks) | tried)]
        if waits:
            self._count_again(rows[theirs[tried]], view.start)
        for own in groups(rows, *CLIENT, among=first):
            source = (int(own[0, Flow.CLIENT_HIGH]), int(own[0, Flow.CLIENT_LOW]))
            if source not in sources:
                continue
            walk = self._walks.get(source)
            if walk is None or _is_over(walk, view.start):
                if len(self._walks) >= _MOST_SOURCES and not self._make_room(view.start):
                    self.left_out += 1
                    continue
                walk = self._walks[source] = _Walk(view.start, view.start)
            steps = self._step(walk, own, view.start)
            odds = _STEP * (walk.failed - walk.answered)
            if odds <= -math.log10(self.odds) or (walk.told and walk.excess <= 0):
                del self._walks[source]
            elif steps and odds >= math.log10(self.odds) and walk.excess >= self._enough:
                anomaly = self._tell_walk(view, own, walk)
                if (
                    waits
                    and view.own.internal(*own[:1, list(CLIENT)].T)[0]
                    and self._early.hold(source, anomaly)
                ):
                    continue
                walk.told = True
                found.append(anomaly)
        lost = rows[chosen[failing & view.own.internal(high, low)]]
        for _ in self._failed.claim(lost[:, _TALK]):
            pass
        return found

    def _count_again(self, tried: Rows, now: int) -> None:
        """Note which targets that failed are asked for again."""
        for row in tried[tried[:, Flow.FAILED] > 0]:
            walk = self._walks.get((int(row[Flow.CLIENT_HIGH]), int(row[Flow.CLIENT_LOW])))
            if walk is not None and now - walk.since >= _RETRY_US:
                walk.again += 1

    @property
    def _enough(self) -> int:
        """Failures over answers that it takes."""
        return math.ceil(math.log10(self.odds) / _STEP)

    def _step(self, walk: _Walk, own: Rows, now: int) -> int:
        """Count first contacts, those that were answered first; returns how many failed."""
        failed = 0
        order = np.argsort(own[:, Flow.SUCCEEDED] == 0, kind="stable")
        columns = [Flow.SERVER_HIGH, Flow.SERVER_LOW, Flow.SERVER_PORT]
        for row in own[order]:
            target = tuple(row[columns].tolist())
            if target in walk.targets:
                continue
            if len(walk.targets) < _MOST_TARGETS:
                walk.targets.add(target)
            if row[Flow.SUCCEEDED]:
                walk.answered += 1
                walk.excess -= 1
            else:
                walk.failed += 1
                walk.lost = now
                walk.excess = min(walk.excess + 1, _MOST_EXCESS * self._enough)
                failed += 1
            walk.latest = now
        return failed

    def _make_room(self, now: int) -> bool:
        old = [s for s, walk in self._walks.items() if now - walk.latest > _FORGET_US]
        for source in old:
            del self._walks[source]
        return bool(old)

    def _tell_walk(self, view: NetworkView, own: Rows, walk: _Walk) -> Anomaly:
        inputs = {
            "failed": float(walk.failed),
            "answered": float(walk.answered),
            "fails_in_scan": _FAILS,
            "fails_usually": 1 - _FAILS,
        }
        odds = _STEP * (walk.failed - walk.answered)
        targets = np.array(sorted(walk.targets), dtype=np.int64).reshape(-1, 3)
        hosts, ports = len({t[:2] for t in walk.targets}), len(distinct_values(targets[:, 2]))
        limit = math.log10(self.odds)
        outside = not view.own.internal(own[:1, Flow.CLIENT_HIGH], own[:1, Flow.CLIENT_LOW])[0]
        return state(
            view,
            type=AnomalyType.PORT_SCAN,
            detector=self.name,
            about=client_of(own[0]),
            who=EntityKind.CLIENT,
            severity=Severity.LOW if outside else Severity.HIGH if odds >= 2 * limit else Severity.MEDIUM,
            score=excess_score(odds, limit),
            observed=float(walk.failed),
            threshold=float(math.ceil(limit / _STEP)),
            sample_count=walk.failed + walk.answered,
            unit="failed_first_contacts",
            formula=Formula("sequential_odds", inputs, odds),
            start=walk.since,
            evidence_total=walk.failed,
            details={
                "what": "first contacts",
                "shape": _shape(hosts, ports),
                "hosts": hosts,
                "ports": ports,
                "more": len(walk.targets) >= _MOST_TARGETS,
                "answered": walk.answered,
                "odds_threshold": self.odds,
                "target": server_of(own[0]),
                "outside": bool(outside),
            },
            counterfactual=f"Not stated while the odds are below {self.odds:,.0f} to 1.",
        )

    def _tell(
        self, view: NetworkView, rows: Rows, how: str, unit: str, count: int, threshold: int, ports: int
    ) -> Anomaly:
        hosts = distinct(rows, *SERVER)
        failed = int(rows[:, Flow.FAILED].sum())
        outside = not view.own.internal(rows[:1, Flow.CLIENT_HIGH], rows[:1, Flow.CLIENT_LOW])[0]
        return state(
            view,
            type=AnomalyType.PORT_SCAN,
            detector=self.name,
            about=client_of(rows[0]),
            who=EntityKind.CLIENT,
            severity=Severity.HIGH if how == "SYN" and count >= 5 * threshold else Severity.MEDIUM,
            score=excess_score(count, threshold),
            observed=float(count),
            threshold=float(threshold),
            sample_count=int(rows[:, Flow.OPENED].sum()),
            unit=unit,
            formula=Formula("count", {"count": float(count)}, float(count)),
            start=int(rows[:, Flow.START].min()),
            evidence_total=count,
            details={
                "what": how,
                "shape": _shape(hosts, ports),
                "hosts": hosts,
                "ports": ports,
                "ports_threshold": self.ports,
                "failed": failed,
                "seconds": view.recent_seconds,
                "target": server_of(rows[0]),
                "outside": bool(outside),
            },
            counterfactual=_instead(how, self.syns, self.ports, self.probes),
        )


def _clients_of(protocol: int, column: Flow, weight: Weight) -> Interest:
    """Contacts by client, of clients that did something of the kind."""

    def wanted(rows: Rows) -> NDArray[np.bool_]:
        kept: NDArray[np.bool_] = (rows[:, Flow.PROTOCOL] == protocol) & (rows[:, column] > 0)
        return kept

    return Interest(wanted, CLIENT, weight)


_TALK: Final = [*CLIENT, *SERVER, Flow.SERVER_PORT]
_SYNS: Final = _clients_of(Protocol.TCP, Flow.SYN_OUT, Weight.SYNS)
_PROBES: Final = _clients_of(Protocol.TCP, Flow.PROBES, Weight.PROBES)
_DATAGRAMS: Final = _clients_of(Protocol.UDP, Flow.OPENED, Weight.SILENT)
_FAILS: Final = 0.8
"""Share of a scanner's first contacts that fail, and of others' that succeed: the paper's."""
_STEP: Final = math.log10(_FAILS / (1 - _FAILS))
"""What a first contact that fails adds to the log10 of the odds, and one that succeeds takes off."""


def _is_over(walk: _Walk, now: int) -> bool:
    return now - walk.latest > _FORGET_US or (walk.told and now - walk.lost > _OVER_US)


def _shape(hosts: int, ports: int) -> str:
    if hosts == 1:
        return "vertical"
    return "horizontal" if ports <= 3 else "strobe"


def _instead(how: str, syns: int, ports: int, probes: int) -> str:
    if how == "SYN":
        return f"Not stated at {syns:,} SYNs or {ports:,} ports within a minute, or fewer."
    if how == "UDP":
        return f"Not stated at {ports:,} silent ports of a host within a minute, or fewer."
    return f"Not stated below {probes:,} such packets within a minute."
