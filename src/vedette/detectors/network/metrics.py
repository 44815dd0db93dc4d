"""Numbers of a window of the whole network, held against their baselines."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.calendar import Calendar, plain
from vedette.baselines.counts import CountBank
from vedette.baselines.judgement import Judgement
from vedette.baselines.locations import LogBank, quantile_sampling
from vedette.baselines.ratios import RatioBank
from vedette.detectors.network.minute import Digest, Total, digest
from vedette.schema.flows import Known
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


class Measure(msgspec.Struct, frozen=True):
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


class Held(msgspec.Struct, frozen=True):
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


def measure(window: FlowWindow, looked_at: Digest | None = None) -> dict[NetworkMetric, Measure]:
    """The numbers of a window, as far as its sources tell them.

    Args:
        looked_at: What is known of its contacts, if they were looked at already.
    """
    totals = (looked_at or digest(window.contacts, window.histogram)).totals
    packets, size, opened = (float(totals[of]) for of in (Total.PACKETS, Total.BYTES, Total.OPENED))
    found = {
        NetworkMetric.PACKETS: Measure(packets, packets, None),
        NetworkMetric.FLOWS: Measure(opened, opened, None),
    }
    if size > 0:
        found[NetworkMetric.BYTES] = Measure(size, size, None)
    for row, of, metric in _TIMES:
        if samples := float(totals[of]):
            p95 = float(quantile(window.histogram[row : row + 1].astype(np.int32), QUANTILE)[0])
            found[metric] = Measure(p95, p95, samples)
    segments = float(totals[Total.SEGMENTS])
    if segments and window.known & Known.SEGMENTS:
        again = float(totals[Total.AGAIN])
        found[NetworkMetric.LOSS] = Measure(again / segments, again, segments)
    if opened:
        for metric, of in _PROTOCOLS.items():
            own = float(totals[of])
            found[metric] = Measure(own / opened, own, opened)
    return found


_TIMES: Final = ((1, Total.RTTS, NetworkMetric.RTT), (2, Total.RESPONSES, NetworkMetric.RESPONSE))
_PROTOCOLS: Final = {
    NetworkMetric.TCP: Total.TCP,
    NetworkMetric.UDP: Total.UDP,
    NetworkMetric.ICMP: Total.ICMP,
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

    def judge(self, measures: Mapping[NetworkMetric, Measure], time: int) -> dict[NetworkMetric, Held]:
        """Hold a window's numbers against what came before. Changes nothing."""
        return {
            metric: Held(one, self.banks[metric].judge_alone(one.judged, one.exposure, time))
            for metric, one in measures.items()
        }

    def learn(
        self, held: Mapping[NetworkMetric, Held], time: int, distrusted: frozenset[NetworkMetric]
    ) -> None:
        """Learn a window that was judged; what an anomaly explains teaches little."""
        for metric, one in held.items():
            most = DISTRUSTED if metric in distrusted else 1.0
            self.banks[metric].learn_alone(one.judgement, one.measure.exposure, time, most)

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
