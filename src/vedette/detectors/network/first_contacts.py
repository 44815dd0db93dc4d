"""The sequential test of first contacts: whom slow and horizontal scans cannot wait out."""

import math
from typing import Final

import msgspec
import numpy as np

from vedette.detectors.network.grouping import Rows, groups
from vedette.detectors.network.held_back import HeldBack, Key
from vedette.detectors.network.minute import Total
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.scan_shape import scan_shape
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
_FAILS: Final = 0.8
"""Share of a scanner's first contacts that fail, and of others' that succeed: the paper's."""
_STEP: Final = math.log10(_FAILS / (1 - _FAILS))
"""What a first contact that fails adds to the log10 of the odds, and one that succeeds takes off."""
_PEERS: Final = 0.5
"""Share of the first contacts that fail of hosts of a peer-to-peer network."""
_LOST_STEP: Final = math.log10(_FAILS / _PEERS)
_ANSWERED_STEP: Final = math.log10((1 - _FAILS) / _PEERS)
"""The same against such hosts. Where half fails, failures are ahead of answers by any number sooner or later."""
_UNLIKE_PEERS: Final = math.log10(99)
"""Of the odds against such hosts, from which a source that was answered often is none: the paper's odds."""
_TALK: Final = [*CLIENT, *SERVER, Flow.SERVER_PORT]


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
    unlike_peers: float = 0.0
    """The log10 of the odds that it scans, against that it asks peers."""


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
    unlike_peers: float = 0.0


class _State(msgspec.Struct, frozen=True, array_like=True):
    walks: list[_Kept]
    answered: bytes
    failed: bytes = b""
    """Older versions began anew with them after an hour."""
    early: bytes = b""


class FirstContacts:
    """The likelihood that a source scans, by its first contacts that fail and succeed; a part of `PortScan`.

    Args:
        detector: What states it. odds: To one, from which it is stated.

    Attributes:
        left_out: Sources that there was no room for.
    """

    def __init__(self, detector: str, odds: float) -> None:
        self.odds = odds
        self.left_out = 0
        self._detector = detector
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
                w.unlike_peers,
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
                w.since,
                w.latest,
                w.failed,
                w.answered,
                w.excess,
                w.told,
                w.lost,
                w.again,
                set(w.targets),
                w.unlike_peers,
            )
            for w in walks
        }
        self._answered.from_state(state.answered)
        if state.failed:
            self._failed.from_state(state.failed)
        if state.early:
            self._early.from_state(state.early)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State whose first contacts of the window make it too likely that it scans: one step for each of them."""
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
            elif steps and self._is_scan(walk, odds, view.start):
                anomaly = self._tell(view, own, walk)
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

    def _is_scan(self, walk: _Walk, odds: float, now: int) -> bool:
        """Whether a walk that failed again is a scan, and not what everybody does, or who asks peers all day."""
        if odds < math.log10(self.odds) or walk.excess < self._enough:
            return False
        habit = now - walk.since >= HOUR_US and walk.answered >= self._enough
        return not habit or walk.unlike_peers >= _UNLIKE_PEERS

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
                # Bounded, so that who asked peers for days is found when it scans.
                walk.unlike_peers = max(walk.unlike_peers + _ANSWERED_STEP, -math.log10(self.odds))
            else:
                walk.failed += 1
                walk.unlike_peers += _LOST_STEP
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

    def _tell(self, view: NetworkView, own: Rows, walk: _Walk) -> Anomaly:
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
            detector=self._detector,
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
                "shape": scan_shape(hosts, ports),
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


def _is_over(walk: _Walk, now: int) -> bool:
    return now - walk.latest > _FORGET_US or (walk.told and now - walk.lost > _OVER_US)
