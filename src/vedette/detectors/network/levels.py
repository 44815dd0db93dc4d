"""Numbers of the whole network against their baselines: volume, times, loss, protocols."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from vedette.baselines.formulas import critical_value, normal_deviations
from vedette.detectors.memory import Memory, Memoryless, Remembering
from vedette.detectors.network.carried import Carried
from vedette.detectors.network.metrics import BAND_WIDTH, Held, NetworkMetric
from vedette.detectors.network.view import NetworkView, state, unaccused
from vedette.detectors.statement import excess_score, surprise_score
from vedette.detectors.statistical.gate import Gate
from vedette.detectors.statistical.runs import Runs
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Formula, Severity
from vedette.schema.flows import Flow, Known, Protocol
from vedette.schema.state import StateError, check, decode, encode

_SLOT: Final = np.zeros(1, dtype=np.int32)
_ALARMS: Final = 3.0
_WARNS: Final = 2.0
"""Standard deviations: the classic rule's high and medium."""


class _Surprise:
    """Whether a metric's surprise passes the budget's threshold, in two of three windows or, `alone`, by far in one."""

    def __init__(self, name: str, thresholds: Thresholds, *, alone: bool = True) -> None:
        self._name = name
        self._thresholds = thresholds
        self._gate = Gate()
        self._alone = np.array([alone])
        # A transfer of ten minutes is one event, and not sixty.
        self._runs = Runs()

    def to_state(self) -> bytes:
        """What is remembered from window to window, as bytes."""
        return encode([self._gate.to_state(), self._runs.to_state()])

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave, or what a gate alone gave before runs were kept. Raises `StateError`."""
        try:
            parts = decode(content, list[bytes], "memory of a metric")
        except StateError:
            parts = []
        if not parts:
            self._gate.from_state(content)
            return
        check(len(parts) == 2, "memory of a metric")
        self._gate.from_state(parts[0])
        self._runs.from_state(parts[1])

    def passes(self, held: Held, *, high: bool, worth: bool) -> float | None:
        """The threshold that was passed, or None. What is not worth telling is learned from all the same."""
        if not held.ready:
            return None
        surprise = held.judgement.log10_p_high if high else held.judgement.log10_p_low
        self._thresholds.observe(self._name, self._runs.tests(_SLOT, surprise))
        limit = self._thresholds.threshold(self._name)
        if self._gate.calm and (not worth or surprise[0] < limit):
            return None
        gated = self._gate.decide(_SLOT, surprise if worth else np.zeros(1), limit, self._alone)
        return limit if gated else None


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
        self._spike = _Surprise("network.volume.spike", thresholds, alone=False)
        self._drop = _Surprise("network.volume.drop", thresholds)
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
            metric: _Surprise(f"network.latency.{what}", thresholds) for metric, what in _TIMES.items()
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
            (metric, high): _Surprise(f"network.protocols.{what}", thresholds)
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
