"""Programs that call home by the clock."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from vedette.detectors.network.addresses import address
from vedette.detectors.network.view import NetworkView, outward, state
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Protocol

_MOST: Final = 65_536
"""Pairs of client and service followed; the one that was silent for the longest is dropped."""
_POLLED: Final = np.array((53, 67, 68, 123, 137, 138, 1900, 5353, 5355))
"""Ports of services that are polled by the clock by design."""


@dataclass(slots=True)
class _Calls:
    """The times between calls: their count, mean and sum of squared deviations (Welford 1962)."""

    first: int
    last: int
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    stated: int = 0

    def add(self, time: int) -> None:
        """Take a call in."""
        interval = (time - self.last) / 1e6
        self.last = time
        self.count += 1
        off = interval - self.mean
        self.mean += off / self.count
        self.squares += off * (interval - self.mean)

    @property
    def variation(self) -> float:
        """Standard deviation over mean."""
        return math.sqrt(self.squares / self.count) / self.mean if self.count and self.mean > 0 else math.inf


class Beaconing:
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
        self._known: OrderedDict[tuple[int, ...], _Calls] = OrderedDict()

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State beacons that called in the window."""
        rows = view.window.contacts
        wanted = (
            (rows[:, Flow.OPENED] > 0)
            & (rows[:, Flow.BEGAN] >= 0)
            & ~np.isin(rows[:, Flow.SERVER_PORT], _POLLED)
        )
        rows = outward(rows[wanted & np.isin(rows[:, Flow.PROTOCOL], (Protocol.TCP, Protocol.UDP))])
        found = []
        for key, begun in zip(rows[:, _TALK].tolist(), rows[:, Flow.BEGAN].tolist(), strict=True):
            talk = tuple(key)
            calls = self._known.get(talk)
            if calls is None:
                self._known[talk] = _Calls(begun, begun)
                if len(self._known) > _MOST:
                    self._known.popitem(last=False)
                    self.left_out += 1
                continue
            self._known.move_to_end(talk)
            if begun <= calls.last:
                continue
            calls.add(begun)
            anomaly = self._judge(view, talk, calls)
            if anomaly is not None:
                found.append(anomaly)
        return found

    def _judge(self, view: NetworkView, talk: tuple[int, ...], calls: _Calls) -> Anomaly | None:
        span = (calls.last - calls.first) / 1e6
        regular = calls.count >= self.calls and span >= 3600 * self.hours and calls.mean > view.seconds
        if not regular or calls.variation > self.variation or calls.count < 2 * calls.stated:
            return None
        calls.stated = calls.count
        spread = math.sqrt(calls.squares / calls.count)
        return state(
            view,
            type=AnomalyType.BEACONING,
            detector=self.name,
            about=address(talk[0], talk[1]),
            who=EntityKind.CLIENT,
            severity=Severity.MEDIUM,
            score=self.variation / (self.variation + calls.variation),
            observed=calls.variation,
            threshold=self.variation,
            sample_count=calls.count,
            unit="ratio",
            formula=Formula("share", {"part": spread, "whole": calls.mean}, calls.variation),
            start=calls.first,
            evidence_total=calls.count + 1,
            details={
                "what": f"{address(talk[2], talk[3])} {talk[4]}",
                "server": address(talk[2], talk[3]),
                "port": talk[4],
                "calls": calls.count + 1,
                "span": span,
                "interval": calls.mean,
            },
            counterfactual=(
                f"Not stated below {self.calls} intervals or {self.hours:g} hours, nor where they vary by more than "
                f"{self.variation:.0%}."
            ),
        )


_TALK: Final = [
    Flow.CLIENT_HIGH, Flow.CLIENT_LOW, Flow.SERVER_HIGH, Flow.SERVER_LOW, Flow.SERVER_PORT, Flow.PROTOCOL,
]  # fmt: skip
