"""How long round trips and answers take in the whole network."""

from collections.abc import Sequence
from typing import ClassVar, Final

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.metrics import NetworkMetric
from vedette.detectors.network.surprise import Surprise
from vedette.detectors.network.view import NetworkView, state
from vedette.detectors.statement import excess_score, surprise_score
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Severity


class HighLatency(Remembering):
    """Round trips or answers take far longer than usual.

    Signal: the 95th percentile of round-trip times, and of the times from a request to its first answer.
    Baseline: of the logarithm, by hour of day and week once earned; it knows how many samples a percentile rests on.
    Decision: above `high` times the usual is high, above `medium` times medium, from `samples` samples; and the
        surprise passes the threshold of the budget, unless `alarm.mode` is `threshold`.
    Explanation: the percentile, the usual one, the factor.
    Known false alarms: a change of what is asked for: a batch job answers slower than a page.
    References: formula `log_high`.
    """

    name: ClassVar[str] = "network.latency"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.HIGH_LATENCY,)

    def __init__(
        self,
        thresholds: Thresholds,
        *,
        high: float = 2.0,
        medium: float = 1.5,
        samples: int = 20,
        classic: bool = False,
    ) -> None:
        self.high = high
        self.medium = medium
        self.samples = samples
        self.classic = classic
        self.left_out = 0
        self._surprise = {
            metric: Surprise(f"network.latency.{what}", thresholds) for metric, what in _TIMES.items()
        }

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return list(self._surprise.values())

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State slow windows."""
        found = []
        for metric, what in _TIMES.items():
            held = view.held.get(metric)
            if held is None or not held.ready or (held.measure.exposure or 0.0) < self.samples:
                continue
            times = held.measure.value / held.middle if held.middle > 0 else 0.0
            worth = times > self.medium
            limit = None if self.classic else self._surprise[metric].passes(held, high=True, worth=worth)
            if not worth or (limit is None and not self.classic):
                continue
            severity, factor = (
                (Severity.HIGH, self.high) if times > self.high else (Severity.MEDIUM, self.medium)
            )
            formula = held.judgement.formula_of(0, "high")
            details = {
                "what": what,
                "samples": int(held.measure.exposure or 0),
                "times": times,
                "factor": factor,
                "deviation": held.deviation,
                "metrics": [metric.value],
            }
            if limit is not None:
                details |= {"surprise": formula.result, "surprise_threshold": limit}
            found.append(
                state(
                    view,
                    type=AnomalyType.HIGH_LATENCY,
                    detector=self.name,
                    about=None,
                    who=EntityKind.SERVICE,
                    severity=severity,
                    score=excess_score(times, factor)
                    if limit is None
                    else surprise_score(formula.result, limit),
                    observed=held.measure.value,
                    expected=held.judgement.band_of(0),
                    threshold=factor * held.middle,
                    sample_count=int(held.judgement.sample_count[0]),
                    unit="seconds",
                    formula=formula,
                    details=details,
                )
            )
        return found


_TIMES: Final = {NetworkMetric.RTT: "round trips", NetworkMetric.RESPONSE: "answers"}
