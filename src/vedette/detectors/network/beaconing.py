"""Programs that call home by the clock."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.addresses import address
from vedette.detectors.network.ports import Ports
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import NetworkView, outward, state
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Protocol

_MOST: Final = 65_536
"""Pairs of client and service followed; the one that was silent for the longest is dropped."""
_POLLED: Final = Ports((53, 67, 68, 123, 137, 138, 1900, 5353, 5355))
"""Ports of services that are polled by the clock by design."""


_FIRST, _LAST, _COUNT, _STATED = range(4)
"""Numbers remembered of a talk: when it was first and last, intervals, and how many there were when it was stated."""
_MEAN, _SQUARES = range(2)
"""Of the intervals, seconds: their mean, and the sum of squared deviations from it (Welford 1962)."""


class Beaconing(Remembering):
    """An internal host calls the same service outside at regular intervals, for hours.

    Signal: times between the beginnings of flows of an internal host to one port of one external host.
    Baseline: none: what people do comes in bursts, with a coefficient of variation above 1.
    Decision: at least `calls` intervals over at least `hours` hours, each longer than a window, that vary by at most
        `variation` (standard deviation over mean). Stated again each time the number of calls has doubled.
    Explanation: how often, how regularly, for how long.
    Known false alarms: update checks and telemetry, which are beacons indeed: decide whether you want them.
    References: Hu, Jang, Stoecklin et al., "BAYWATCH: Robust Beaconing Detection to Identify Infected Hosts in
        Large-Scale Enterprise Networks", DSN 2016; formula `share`.
    """

    name: ClassVar[str] = "network.beaconing"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.BEACONING,)

    def __init__(self, *, calls: int = 20, hours: float = 2.0, variation: float = 0.1) -> None:
        self.calls = calls
        self.hours = hours
        self.variation = variation
        self.left_out = 0
        self._known = RecentKeys(len(_TALK), _MOST, numbers=4, reals=2)

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return (self._known,)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State beacons that called in the window."""
        rows = view.window.contacts
        which = outward(rows)
        protocol = rows[which, Flow.PROTOCOL]
        wanted = (protocol == Protocol.TCP) | (protocol == Protocol.UDP)
        wanted &= (rows[which, Flow.OPENED] > 0) & (rows[which, Flow.BEGAN] >= 0)
        wanted &= ~_POLLED.among(rows[which, Flow.SERVER_PORT])
        which = which[wanted]
        began = rows[which, Flow.BEGAN]
        found = []
        for claimed in self._known.claim(np.column_stack([rows[which, column] for column in _TALK])):
            begun = began[claimed.rows]
            known, reals = self._known.numbers, self._known.reals
            new = claimed.place[claimed.fresh]
            known[new, _FIRST] = known[new, _LAST] = begun[claimed.fresh]
            later = ~claimed.fresh & (begun > known[claimed.place, _LAST])
            place, begun = claimed.place[later], begun[later]
            interval = (begun - known[place, _LAST]) / 1e6
            known[place, _LAST] = begun
            known[place, _COUNT] += 1
            off = interval - reals[place, _MEAN]
            reals[place, _MEAN] += off / known[place, _COUNT]
            reals[place, _SQUARES] += off * (interval - reals[place, _MEAN])
            found += [self._state(view, at) for at in place[self._regular(place, view.seconds)].tolist()]
        self.left_out = self._known.forgotten
        return found

    def _regular(self, place: NDArray[np.int64], seconds: float) -> NDArray[np.bool_]:
        """Which talks are beacons and have not been stated since their number of calls doubled."""
        known, reals = self._known.numbers[place], self._known.reals[place]
        count, mean = known[:, _COUNT], reals[:, _MEAN]
        long = known[:, _LAST] - known[:, _FIRST] >= 3_600_000_000 * self.hours
        even = reals[:, _SQUARES] <= count * (self.variation * mean) ** 2
        again = count >= 2 * known[:, _STATED]
        regular: NDArray[np.bool_] = (count >= self.calls) & long & (mean > seconds) & even & again
        return regular

    def _state(self, view: NetworkView, place: int) -> Anomaly:
        talk = self._known.keys()[place].tolist()
        first, last, count, _ = self._known.numbers[place].tolist()
        mean, squares = self._known.reals[place].tolist()
        self._known.numbers[place, _STATED] = count
        span, spread = (last - first) / 1e6, math.sqrt(squares / count)
        variation = spread / mean
        return state(
            view,
            type=AnomalyType.BEACONING,
            detector=self.name,
            about=address(talk[0], talk[1]),
            who=EntityKind.CLIENT,
            severity=Severity.MEDIUM,
            score=self.variation / (self.variation + variation),
            observed=variation,
            threshold=self.variation,
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
            },
            counterfactual=(
                f"Not stated below {self.calls} intervals or {self.hours:g} hours, nor where they vary by more than "
                f"{self.variation:.0%}."
            ),
        )


_TALK: Final = [
    Flow.CLIENT_HIGH, Flow.CLIENT_LOW, Flow.SERVER_HIGH, Flow.SERVER_LOW, Flow.SERVER_PORT, Flow.PROTOCOL,
]  # fmt: skip
