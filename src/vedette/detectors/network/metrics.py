"""Numbers of a window of the whole network, held against their baselines."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.bank import Bank, BankSettings
from vedette.baselines.calendar import Calendar, plain
from vedette.baselines.counts import CountBank
from vedette.baselines.judgement import Judgement
from vedette.baselines.locations import LogBank, quantile_sampling
from vedette.baselines.ratios import RatioBank
from vedette.schema.flows import Flow, Known, Protocol
from vedette.schema.state import decode, encode
from vedette.windows.contacts import FlowWindow
from vedette.windows.summary import quantile

QUANTILE: Final = 0.95


class NetworkMetric(StrEnum):
    """A number of a window that has a baseline. The name says the unit."""

    PACKETS = "packets"
    BYTES = "bytes"
    FLOWS = "flows_opened"
    RTT = "rtt_p95_seconds"
    RESPONSE = "response_p95_seconds"
    LOSS = "retransmitted_ratio"
    TCP = "tcp_flows_ratio"
    UDP = "udp_flows_ratio"
    ICMP = "icmp_flows_ratio"


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a window.

    Attributes:
        value: What a person reads. judged: What the baseline takes: of ratios, the count.
        exposure: What the value rests on: segments, samples, flows. None where it rests on no count.
    """

    value: float
    judged: float
    exposure: float | None


def measured(metrics: Mapping[str, float]) -> dict[NetworkMetric, Measure]:
    """The numbers of a window of which only the exported metrics are left; see `vedette.windows.flow_record`.

    Args:
        metrics: Numbers by name; of quantiles, `name.p95`.
    """
    packets, size, opened = (metrics.get(name, 0.0) for name in ("packets", "bytes", "flows_opened"))
    found = {
        NetworkMetric.PACKETS: Measure(packets, packets, None),
        NetworkMetric.FLOWS: Measure(opened, opened, None),
    }
    if size > 0:
        found[NetworkMetric.BYTES] = Measure(size, size, None)
    for name, metric in (("rtt", NetworkMetric.RTT), ("response", NetworkMetric.RESPONSE)):
        p95, samples = metrics.get(f"{name}_seconds.p95"), metrics.get(f"{name}_samples", 0.0)
        if p95 is not None and samples > 0:
            found[metric] = Measure(p95, p95, samples)
    segments, again = metrics.get("data_segments", 0.0), metrics.get("retransmitted_segments", 0.0)
    if segments > 0:
        found[NetworkMetric.LOSS] = Measure(again / segments, again, segments)
    for name, metric in (
        ("tcp", NetworkMetric.TCP),
        ("udp", NetworkMetric.UDP),
        ("icmp", NetworkMetric.ICMP),
    ):
        own = metrics.get(f"{name}_flows_opened")
        if own is not None and opened > 0:
            found[metric] = Measure(own / opened, own, opened)
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """A measure against its baseline; row 0 of the judgement."""

    measure: Measure
    judgement: Judgement

    @property
    def ready(self) -> bool:
        """False where there is too little history to judge."""
        return bool(self.judgement.ready[0])

    @property
    def middle(self) -> float:
        """What was expected; NaN where nothing is known."""
        return float(self.judgement.expected_mid[0])

    @property
    def deviation(self) -> float:
        """Standard deviations from the middle, by the width of the 99 % band; 0 where unknown."""
        width = float(self.judgement.expected_high[0] - self.judgement.expected_low[0]) / BAND_WIDTH
        return (self.measure.value - self.middle) / width if width > 0 else 0.0


BAND_WIDTH: Final = 2 * 2.5758
"""Standard deviations in a normal 99 % band."""


def measure(window: FlowWindow) -> dict[NetworkMetric, Measure]:
    """The numbers of a window, as far as its sources tell them."""
    contacts = window.contacts
    sums = {column: int(contacts[:, column].sum()) for column in _SUMMED}
    packets = float(sums[Flow.PACKETS_OUT] + sums[Flow.PACKETS_IN])
    size = float(sums[Flow.BYTES_OUT] + sums[Flow.BYTES_IN])
    opened = float(sums[Flow.OPENED])
    found = {
        NetworkMetric.PACKETS: Measure(packets, packets, None),
        NetworkMetric.FLOWS: Measure(opened, opened, None),
    }
    if size > 0:
        found[NetworkMetric.BYTES] = Measure(size, size, None)
    for row, metric in ((1, NetworkMetric.RTT), (2, NetworkMetric.RESPONSE)):
        if samples := float(window.histogram[row].sum()):
            p95 = float(quantile(window.histogram[row : row + 1].astype(np.int32), QUANTILE)[0])
            found[metric] = Measure(p95, p95, samples)
    segments = float(sums[Flow.SEGMENTS_OUT] + sums[Flow.SEGMENTS_IN])
    if window.known & Known.SEGMENTS and segments:
        again = float(sums[Flow.RETRANSMITTED_OUT] + sums[Flow.RETRANSMITTED_IN])
        found[NetworkMetric.LOSS] = Measure(again / segments, again, segments)
    if opened:
        protocol, each = window.contacts[:, Flow.PROTOCOL], window.contacts[:, Flow.OPENED]
        for metric, numbers in _PROTOCOLS.items():
            own = float(sum(each[protocol == number].sum() for number in numbers))
            found[metric] = Measure(own / opened, own, opened)
    return found


_SUMMED: Final = (
    Flow.PACKETS_OUT, Flow.PACKETS_IN, Flow.BYTES_OUT, Flow.BYTES_IN, Flow.OPENED, Flow.SEGMENTS_OUT,
    Flow.SEGMENTS_IN, Flow.RETRANSMITTED_OUT, Flow.RETRANSMITTED_IN,
)  # fmt: skip
_PROTOCOLS: Final = {
    NetworkMetric.TCP: (Protocol.TCP,),
    NetworkMetric.UDP: (Protocol.UDP,),
    NetworkMetric.ICMP: (Protocol.ICMP, Protocol.ICMPV6),
}


class NetworkBaselines:
    """One baseline for each metric."""

    def __init__(self, span_us: int, min_windows: int, calendar: Calendar = plain) -> None:
        settings = BankSettings(
            window_us=span_us, min_windows=min_windows, borrowing_windows=min(15, min_windows), cap=16
        )
        self.banks: Mapping[NetworkMetric, Bank] = {
            NetworkMetric.PACKETS: CountBank(settings),
            NetworkMetric.BYTES: LogBank(settings),
            NetworkMetric.FLOWS: CountBank(settings),
            NetworkMetric.RTT: LogBank(settings, sampling=quantile_sampling(QUANTILE)),
            NetworkMetric.RESPONSE: LogBank(settings, sampling=quantile_sampling(QUANTILE)),
            **{m: RatioBank(settings) for m in (NetworkMetric.LOSS, *_PROTOCOLS)},
        }
        for bank in self.banks.values():
            bank.calendar = calendar
        self._slot: NDArray[np.int32] = np.zeros(1, dtype=np.int32)

    def judge(self, measures: Mapping[NetworkMetric, Measure], time: int) -> dict[NetworkMetric, Held]:
        """Hold a window's numbers against what came before. Changes nothing."""
        return {
            metric: Held(
                one,
                self.banks[metric].judge(
                    self._slot,
                    np.array([one.judged]),
                    None if one.exposure is None else np.array([one.exposure]),
                    time,
                ),
            )
            for metric, one in measures.items()
        }

    def learn(
        self, held: Mapping[NetworkMetric, Held], time: int, distrusted: frozenset[NetworkMetric]
    ) -> None:
        """Learn a window that was judged; what an anomaly explains teaches little."""
        for metric, one in held.items():
            weight = one.judgement.weight
            if metric in distrusted:
                weight = np.minimum(weight, DISTRUSTED)
            exposure = None if one.measure.exposure is None else np.array([one.measure.exposure])
            self.banks[metric].update(self._slot, np.array([one.measure.judged]), exposure, time, weight)

    def to_state(self) -> bytes:
        """Everything learned, as bytes."""
        return encode({metric.value: bank.to_state() for metric, bank in self.banks.items()})

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave. Raises `ValueError`."""
        kept = decode(content, dict[str, bytes], "baselines of the network")
        for metric, bank in self.banks.items():
            if metric.value in kept:
                bank.from_state(kept[metric.value])


DISTRUSTED: Final = 0.05
"""How much a window teaches that was stated to be wrong: an attack that lasts becomes normal only slowly."""
