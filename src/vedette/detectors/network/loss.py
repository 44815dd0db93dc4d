"""How much had to be sent again in the whole network."""

from typing import ClassVar

from vedette.detectors.memory import Memoryless
from vedette.detectors.network.metrics import NetworkMetric
from vedette.detectors.network.view import NetworkView, state
from vedette.detectors.statement import excess_score
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity


class PacketLoss(Memoryless):
    """Too many TCP segments had to be sent again.

    Signal: retransmitted data segments among data segments sent; keep-alives and late segments are neither.
    Baseline: none: loss above a few per cent hurts wherever it is.
    Decision: above `high` is high, above `medium` medium, in a window with at least `segments`: of a thousand
        segments at 2 %, 20 are lost give or take 4.4, which tells 2 % from 5 % by six standard deviations.
    Explanation: both counts and the share.
    Known false alarms: a capture that itself lost packets makes the others look late, not lost.
    References: formula `share`.
    """

    name: ClassVar[str] = "network.loss"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.PACKET_LOSS,)

    def __init__(self, *, high: float = 0.05, medium: float = 0.02, segments: int = 1000) -> None:
        self.high = high
        self.medium = medium
        self.segments = segments
        self.left_out = 0

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State lossy windows."""
        held = view.held.get(NetworkMetric.LOSS)
        if held is None or (held.measure.exposure or 0.0) < self.segments:
            return []
        ratio = held.measure.value
        if ratio <= self.medium:
            return []
        severity, limit = (Severity.HIGH, self.high) if ratio > self.high else (Severity.MEDIUM, self.medium)
        again, segments = held.measure.judged, held.measure.exposure or 0.0
        return [
            state(
                view,
                type=AnomalyType.PACKET_LOSS,
                detector=self.name,
                about=None,
                who=EntityKind.SERVICE,
                severity=severity,
                score=excess_score(ratio, limit),
                observed=ratio,
                expected=held.judgement.band_of(0),
                threshold=limit,
                sample_count=int(segments),
                unit="ratio",
                formula=Formula("share", {"part": again, "whole": segments}, ratio),
                details={"what": "loss", "again": int(again), "segments": int(segments),
                         "metrics": [NetworkMetric.LOSS.value]},
            )
        ]  # fmt: skip
