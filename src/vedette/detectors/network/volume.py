"""How much the whole network carries."""

from collections.abc import Sequence
from typing import ClassVar, Final

from vedette.baselines.formulas import critical_value, normal_deviations
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.carried import Carried
from vedette.detectors.network.metrics import BAND_WIDTH, Held, NetworkMetric
from vedette.detectors.network.surprise import Surprise
from vedette.detectors.network.view import NetworkView, state, unaccused
from vedette.detectors.statement import excess_score, surprise_score
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Known

_ALARMS: Final = 3.0
_WARNS: Final = 2.0
"""Standard deviations: the classic rule's high and medium."""


class Volume(Remembering):
    """The network carries far more than usual, or far less.

    Signal: bytes of a window (spike), packets of a window that was watched to its end (drop; none at all counts).
    Baseline: of the logarithm of bytes, and over-dispersed counts of packets, by hour of day and week once earned.
        Until then, for three days, also the most and the least that it carried for two windows in a row, up to an hour
        or two ago: people come in the morning, and backups end.
    Decision: with a budget of false alarms, its threshold, and at least `factor` times more or less than expected, and
        as long as hours are not known, than ever; of a spike in two windows in a row, and again in the next or the one
        after: a file is copied in ten or twenty seconds.
        None is stated where the rest is not that much without who is accused already, and without what one host within
        has to do with one other: that is a copy. With
        `alarm.mode: threshold` the classic rule: above the mean by 3 standard deviations is high, by 2 medium.
        Where an input has ended before others, so much less is expected.
    Explanation: the band, the deviation, the threshold in bytes or packets.
    Known false alarms: the first night's backup; holidays that are not configured.
    References: formulas `log_high`, `count_low`, `deviations`.
    """

    name: ClassVar[str] = "network.volume"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.TRAFFIC_SPIKE, AnomalyType.TRAFFIC_DROP)
    added: ClassVar[int] = 1

    MIN_PACKETS = 100
    """Expected packets of a window below which a drop means nothing."""
    MIN_BYTES = 100_000
    """Bytes of a window below which a spike means nothing."""

    def __init__(self, thresholds: Thresholds, *, factor: float = 2.5, classic: bool = False) -> None:
        self.factor = factor
        self.classic = classic
        self.left_out = 0
        self._spike = Surprise("network.volume.spike", thresholds, alone=False)
        self._drop = Surprise("network.volume.drop", thresholds)
        self._carried = Carried()

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return self._spike, self._drop, self._carried

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State spikes and drops of the window."""
        found = []
        size, packets = view.held.get(NetworkMetric.BYTES), view.held.get(NetworkMetric.PACKETS)
        if size is not None and size.ready and not view.claimed:
            if self.classic:
                found += self._classic(view, size)
            else:
                worth = self._is_much(view, size)
                limit = self._spike.passes(size, high=True, worth=worth)
                if limit is not None:
                    found.append(self._tell(view, size, AnomalyType.TRAFFIC_SPIKE, "bytes", limit))
        if packets is not None and packets.ready and view.whole:
            here = packets.middle * view.watched
            few = here > 0 and self.factor * packets.measure.value <= here
            worth = few and here >= self.MIN_PACKETS and self._is_little(view, packets)
            limit = None
            if few or view.watched == 1.0:
                limit = self._drop.passes(packets, high=False, worth=worth)
            if limit is not None:
                found.append(self._tell(view, packets, AnomalyType.TRAFFIC_DROP, "packets", limit))
        if view.whole:
            self._carried.note(
                view.start,
                0.0 if size is None else size.measure.value,
                0.0 if packets is None else packets.measure.value,
            )
        return found

    def _is_much(self, view: NetworkView, size: Held) -> bool:
        least = max(self.MIN_BYTES, self.factor * size.middle)
        if self._carried.is_young(view.start):
            least = max(least, self.factor * self._carried.most(view.start))
        if min(size.measure.value, self._carried.last) < least:
            return False
        columns, rest = view.digest.columns, unaccused(view)
        sizes = columns[Flow.BYTES_OUT] + columns[Flow.BYTES_IN]
        if not len(sizes):
            # Of a window of which the metrics alone are left.
            return True
        if rest is not None:
            sizes[~rest] = 0
        within = view.own.internal(columns[Flow.CLIENT_HIGH], columns[Flow.CLIENT_LOW])
        within &= view.own.internal(columns[Flow.SERVER_HIGH], columns[Flow.SERVER_LOW])
        copied = int(sizes[within].max()) if within.any() else 0
        return int(sizes.sum()) - copied >= least

    def _is_little(self, view: NetworkView, packets: Held) -> bool:
        young = self._carried.is_young(view.start)
        return (
            not young or self.factor * packets.measure.value <= self._carried.least(view.start) * view.watched
        )

    def _classic(self, view: NetworkView, held: Held) -> list[Anomaly]:
        deviation = held.deviation
        if deviation <= _WARNS:
            return []
        band = held.judgement.band_of(0)
        stddev = ((band.high or 0.0) - (band.low or 0.0)) / BAND_WIDTH
        severity, times = (Severity.HIGH, _ALARMS) if deviation > _ALARMS else (Severity.MEDIUM, _WARNS)
        inputs = {"value": held.measure.value, "mean": held.middle, "stddev": stddev}
        return [
            state(
                view,
                type=AnomalyType.TRAFFIC_SPIKE,
                detector=self.name,
                about=None,
                who=EntityKind.SERVICE,
                severity=severity,
                score=excess_score(deviation, times),
                observed=held.measure.value,
                expected=band,
                threshold=held.middle + times * stddev,
                sample_count=int(held.judgement.sample_count[0]),
                unit="bytes",
                formula=Formula("deviations", inputs, deviation),
                details={
                    "what": "bytes",
                    "whole_flows": _counts_whole_flows(view),
                    "seconds": view.seconds,
                    "deviation": deviation,
                    "metrics": [NetworkMetric.BYTES.value],
                },
            )
        ]

    def _tell(self, view: NetworkView, held: Held, kind: AnomalyType, unit: str, limit: float) -> Anomaly:
        high = kind is AnomalyType.TRAFFIC_SPIKE
        judgement = held.judgement
        formula = judgement.formula_of(0, "high" if high else "low")
        silent = not high and held.measure.value == 0
        return state(
            view,
            type=kind,
            detector=self.name,
            about=None,
            who=EntityKind.SERVICE,
            severity=Severity.HIGH if silent or formula.result >= 2 * limit else Severity.MEDIUM,
            score=surprise_score(formula.result, limit),
            observed=held.measure.value,
            expected=judgement.band_of(0),
            threshold=critical_value(formula.name, formula.inputs, limit),
            sample_count=int(judgement.sample_count[0]),
            unit=unit,
            formula=formula,
            details={
                "what": unit,
                "seconds": view.seconds,
                "whole_flows": _counts_whole_flows(view),
                # Counts are no normal distribution: none at all may be the rarest, and one deviation of theirs below.
                "deviation": (1 if high else -1) * normal_deviations(formula.result),
                "surprise": formula.result,
                "surprise_threshold": limit,
                "metrics": [NetworkMetric.BYTES.value, NetworkMetric.PACKETS.value],
            },
        )


def _counts_whole_flows(view: NetworkView) -> bool:
    """Whether what is counted are totals of flows: logs and exporters tell no more."""
    return not view.window.known & Known.SEGMENTS
