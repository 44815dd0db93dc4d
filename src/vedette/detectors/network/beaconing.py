"""Programs that call home by the clock."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.addresses import address
from vedette.detectors.network.held_back import HeldBack, Key
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import NetworkView, state
from vedette.kernels.flows.host_habits import count_hosts
from vedette.kernels.flows.talks import COUNT, LOOSE, STATED, SURE, follow_calls, take_columns
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow
from vedette.schema.spans import DAY_US, HOUR_US

_MOST: Final = 65_536
"""Pairs of client and service followed; the one that was silent for the longest is dropped."""
_SERVICES: Final = 65_536
"""Services of which it is remembered how many hosts call them; likewise."""
_SHARED: Final = 3
"""Other hosts that make a service the network's own: two may have caught the same thing."""


class Beaconing(Remembering):
    """An internal host calls the same service outside at regular intervals, for hours.

    Signal: times between the beginnings of flows of an internal host to one port of one external host.
    Baseline: none: what people do comes in bursts, with a coefficient of variation above 1.
    Decision: at least `calls` intervals over at least `hours` hours, each longer than a window, that vary by at most
        `variation` (standard deviation over mean), or from ten times as many intervals by at most twice that, to a
        service that fewer than three other internal hosts ever
        called: what many use is a program that is wanted (the paper's local whitelist). Stated again when there are
        ten times as many calls. On the first day nobody knows who else calls a service: what calls by the clock then
        is stated when the day is over, or the input ends, unless others were seen to call there meanwhile.
    Explanation: how often, how regularly, for how long, how many others call there.
    Known false alarms: update checks and telemetry of a program that one host alone has.
    References: Hu, Jang, Stoecklin et al., "BAYWATCH: Robust Beaconing Detection to Identify Infected Hosts in
        Large-Scale Enterprise Networks", DSN 2016; formula `share`.
    """

    name: ClassVar[str] = "network.beaconing"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.BEACONING,)
    added: ClassVar[int] = 2

    def __init__(self, *, calls: int = 20, hours: float = 2.0, variation: float = 0.15) -> None:
        self.calls = calls
        self.hours = hours
        self.variation = variation
        self.left_out = 0
        self._known = RecentKeys(len(_TALK), _MOST, numbers=4, reals=2)
        self._callers = RecentKeys(len(_SERVICE), _SERVICES, numbers=1)
        self._early = HeldBack(DAY_US)

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return self._known, self._callers, self._early

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State beacons that called in the window."""
        waits = self._early.waits(view)
        found = self._by_the_clock(view, waits=waits)
        if not waits:
            found = [*self._early.release(view, self._still), *found]
        return found

    def _by_the_clock(self, view: NetworkView, *, waits: bool) -> list[Anomaly]:
        looked_at = view.digest
        if not len(looked_at.calls):
            return []
        keys = np.empty((len(looked_at.calls), len(_TALK)), dtype=np.int64)
        take_columns(looked_at.columns, looked_at.calls, _TALK, keys)
        began = looked_at.columns[Flow.BEGAN][looked_at.calls]
        found = []
        for claimed in self._known.claim(keys):
            told, known = np.empty(len(claimed.place), dtype=np.int64), self._known
            if claimed.fresh.any():
                self._count(keys[claimed.rows][claimed.fresh])
            count = follow_calls(
                claimed.place, claimed.fresh.view(np.uint8), began[claimed.rows], known.numbers, known.reals,
                self.calls, HOUR_US * self.hours, self.variation, view.seconds, told,
            )  # fmt: skip
            found += self._alone(view, told[:count], waits=waits)
        self.left_out = self._known.forgotten
        return found

    def _count(self, fresh: NDArray[np.int64]) -> None:
        """Count one more caller of each service that hosts call for the first time."""
        for claimed in self._callers.claim(fresh[:, _SERVICE]):
            before = np.empty(len(claimed.place), dtype=np.int64)
            count_hosts(claimed.place, self._callers.numbers, before)

    def _still(self, talk: Key, anomaly: Anomaly) -> Anomaly | None:
        """What was held back, unless others were seen to call there too."""
        (claimed,) = self._callers.claim(np.array([talk], dtype=np.int64)[:, _SERVICE])
        others = max(0, int(self._callers.numbers[claimed.place[0], 0]) - 1)
        if others >= _SHARED:
            return None
        return msgspec.structs.replace(anomaly, details={**anomaly.details, "others": others})

    def _alone(self, view: NetworkView, places: NDArray[np.int64], *, waits: bool) -> list[Anomaly]:
        """State those of some beacons that hardly anybody else calls; all have had their turn."""
        if not len(places):
            return []
        self._known.numbers[places, STATED] = self._known.numbers[places, COUNT]
        found = []
        for claimed in self._callers.claim(self._known.keys()[places][:, _SERVICE]):
            others = np.maximum(self._callers.numbers[claimed.place, 0] - 1, 0)
            few = zip(places[claimed.rows].tolist(), others.tolist(), strict=True)
            for at, callers in few:
                if callers >= _SHARED:
                    continue
                anomaly = self._state(view, at, callers)
                if not (waits and self._early.hold(tuple(self._known.keys()[at].tolist()), anomaly)):
                    found.append(anomaly)
        return found

    def _state(self, view: NetworkView, place: int, others: int) -> Anomaly:
        talk = self._known.keys()[place].tolist()
        first, last, count, _ = self._known.numbers[place].tolist()
        mean, squares = self._known.reals[place].tolist()
        span, spread = (last - first) / 1e6, math.sqrt(squares / count)
        variation = spread / mean
        limit = self.variation * (LOOSE if count >= SURE * self.calls else 1)
        return state(
            view,
            type=AnomalyType.BEACONING,
            detector=self.name,
            about=address(talk[0], talk[1]),
            who=EntityKind.CLIENT,
            severity=Severity.MEDIUM,
            score=limit / (limit + variation),
            observed=variation,
            threshold=limit,
            sample_count=count,
            unit="ratio",
            formula=Formula("share", {"part": spread, "whole": mean}, variation),
            start=first,
            evidence_total=count + 1,
            details={
                "what": f"{address(talk[2], talk[3])} {talk[4]}",
                "server": address(talk[2], talk[3]),
                "port": talk[4],
                "calls": count + 1,
                "span": span,
                "interval": mean,
                "others": others,
            },
            counterfactual=(
                f"Not stated below {self.calls} intervals or {self.hours:g} hours, nor where they vary by more than "
                f"{limit:.0%} or {_SHARED} other hosts call there."
            ),
        )


_TALK: Final = np.array(
    [Flow.CLIENT_HIGH, Flow.CLIENT_LOW, Flow.SERVER_HIGH, Flow.SERVER_LOW, Flow.SERVER_PORT, Flow.PROTOCOL],
    dtype=np.int64,
)
_SERVICE: Final = [2, 3, 4]
"""Of a talk: the server and its port."""
