"""Which protocols the whole network speaks."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.metrics import Held, NetworkMetric
from vedette.detectors.network.surprise import Surprise
from vedette.detectors.network.view import NetworkView, state, unaccused
from vedette.detectors.statement import excess_score, surprise_score
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Severity
from vedette.schema.flows import Flow, Protocol


class ProtocolShift(Remembering):
    """The mix of protocols is not what it was.

    Signal: shares of TCP, UDP and ICMP among the flows opened in a window.
    Baseline: beta-binomial shares, which know how many flows a share rests on and how much it wanders.
    Decision: moved by more than `points` percentage points, from `flows` flows; and the surprise passes the threshold
        of the budget, unless `alarm.mode` is `threshold`. Not where an input ended before others, nor where it has not
        moved without the flows of who is accused already.
    Explanation: the share, the usual one, the flows.
    Known false alarms: a network so quiet that one program is most of it.
    References: formulas `ratio_high`, `ratio_low`.
    """

    name: ClassVar[str] = "network.protocols"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.PROTOCOL_ANOMALY,)

    def __init__(
        self, thresholds: Thresholds, *, points: float = 30.0, flows: int = 100, classic: bool = False
    ) -> None:
        self.points = points
        self.flows = flows
        self.classic = classic
        self.left_out = 0
        self._surprise = {
            (metric, high): Surprise(f"network.protocols.{what}", thresholds)
            for metric, what in _SHARES.items()
            for high in (False, True)
        }

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return list(self._surprise.values())

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State the protocol whose share moved most, if it moved far enough."""
        found: list[tuple[float, Anomaly]] = []
        for metric, what in _SHARES.items():
            held = view.held.get(metric)
            if held is None or not held.ready or (held.measure.exposure or 0.0) < self.flows:
                continue
            moved = held.measure.value - held.middle
            worth = 100 * abs(moved) > self.points and not view.claimed and view.watched == 1.0
            worth = worth and self._moved_by_others(view, metric, held.middle)
            high = moved > 0
            limit = (
                None if self.classic else self._surprise[metric, high].passes(held, high=high, worth=worth)
            )
            if not worth or (limit is None and not self.classic):
                continue
            found.append((abs(moved), self._tell(view, metric, held, what, high=high, limit=limit)))
        return [max(found, key=lambda f: f[0])[1]] if found else []

    def _moved_by_others(self, view: NetworkView, metric: NetworkMetric, middle: float) -> bool:
        """Whether the share has moved without the flows of who is accused already."""
        rest = unaccused(view)
        if rest is None:
            return True
        opened = view.digest.columns[Flow.OPENED][rest]
        of = np.isin(view.digest.columns[Flow.PROTOCOL][rest], _NUMBERS[metric])
        all_opened = int(opened.sum())
        return (
            all_opened >= self.flows and 100 * abs(int(opened[of].sum()) / all_opened - middle) > self.points
        )

    def _tell(
        self,
        view: NetworkView,
        metric: NetworkMetric,
        held: Held,
        what: str,
        *,
        high: bool,
        limit: float | None,
    ) -> Anomaly:
        formula = held.judgement.formula_of(0, "high" if high else "low")
        moved = 100 * abs(held.measure.value - held.middle)
        details = {
            "what": what,
            "flows": int(held.measure.exposure or 0),
            "points": self.points,
            "moved": moved,
            "deviation": held.deviation,
            "metrics": [m.value for m in _SHARES],
        }
        if limit is not None:
            details |= {"surprise": formula.result, "surprise_threshold": limit}
        return state(
            view,
            type=AnomalyType.PROTOCOL_ANOMALY,
            detector=self.name,
            about=None,
            who=EntityKind.SERVICE,
            severity=Severity.HIGH if moved > 2 * self.points else Severity.MEDIUM,
            score=excess_score(moved, self.points)
            if limit is None
            else surprise_score(formula.result, limit),
            observed=held.measure.value,
            expected=held.judgement.band_of(0),
            threshold=held.middle + math.copysign(self.points / 100, 1 if high else -1),
            sample_count=int(held.judgement.sample_count[0]),
            unit="ratio",
            formula=formula,
            details=details | {"metric": metric.value},
        )


_NUMBERS: Final = {
    NetworkMetric.TCP: (Protocol.TCP,),
    NetworkMetric.UDP: (Protocol.UDP,),
    NetworkMetric.ICMP: (Protocol.ICMP, Protocol.ICMPV6),
}
_SHARES: Final = {NetworkMetric.TCP: "TCP", NetworkMetric.UDP: "UDP", NetworkMetric.ICMP: "ICMP"}
