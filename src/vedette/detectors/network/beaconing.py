"""Programs that call home by the clock."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.addresses import address
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import NetworkView, state
from vedette.kernels.talks import STATED, follow_calls, take_columns
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow
from vedette.schema.spans import HOUR_US

_MOST: Final = 65_536
"""Pairs of client and service followed; the one that was silent for the longest is dropped."""


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
        looked_at = view.digest
        if not len(looked_at.calls):
            return []
        keys = np.empty((len(looked_at.calls), len(_TALK)), dtype=np.int64)
        take_columns(looked_at.columns, looked_at.calls, _TALK, keys)
        began = looked_at.columns[Flow.BEGAN][looked_at.calls]
        found = []
        for claimed in self._known.claim(keys):
            told, known = np.empty(len(claimed.place), dtype=np.int64), self._known
            count = follow_calls(
                claimed.place, claimed.fresh.view(np.uint8), began[claimed.rows], known.numbers, known.reals,
                self.calls, HOUR_US * self.hours, self.variation, view.seconds, told,
            )  # fmt: skip
            found += [self._state(view, at) for at in told[:count].tolist()]
        self.left_out = self._known.forgotten
        return found

    def _state(self, view: NetworkView, place: int) -> Anomaly:
        talk = self._known.keys()[place].tolist()
        first, last, count, _ = self._known.numbers[place].tolist()
        mean, squares = self._known.reals[place].tolist()
        self._known.numbers[place, STATED] = count
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


_TALK: Final = np.array(
    [Flow.CLIENT_HIGH, Flow.CLIENT_LOW, Flow.SERVER_HIGH, Flow.SERVER_LOW, Flow.SERVER_PORT, Flow.PROTOCOL],
    dtype=np.int64,
)
