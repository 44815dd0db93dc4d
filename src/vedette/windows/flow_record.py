"""The measures of a window of flows, by name, with the unit in the name: what is exported, and can be read again."""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vedette.schema.flows import LAST_BEGAN, Ended, Flow, Protocol
from vedette.windows.contacts import FlowWindow
from vedette.windows.summary import quantile

TALKERS: Final = 10
_QUANTILES: Final = (0.5, 0.9, 0.95, 0.99)


def record(window: FlowWindow) -> dict[str, Any]:
    """Measures of a window as JSON has them."""
    rows = window.contacts
    seconds = (window.end - window.start) / 1e6
    sums = rows[:, :LAST_BEGAN].sum(axis=0, dtype=np.int64) if len(rows) else np.zeros(LAST_BEGAN, np.int64)
    packets = int(sums[Flow.PACKETS_OUT] + sums[Flow.PACKETS_IN])
    size = int(sums[Flow.BYTES_OUT] + sums[Flow.BYTES_IN])
    segments = int(sums[Flow.SEGMENTS_OUT] + sums[Flow.SEGMENTS_IN])
    again = int(sums[Flow.RETRANSMITTED_OUT] + sums[Flow.RETRANSMITTED_IN])
    opened, succeeded, failed = (int(sums[c]) for c in (Flow.OPENED, Flow.SUCCEEDED, Flow.FAILED))
    found: dict[str, Any] = {
        "packets": packets,
        "bytes": size,
        "packets_per_second": packets / seconds,
        "bytes_per_second": size / seconds,
        "bits_per_second": 8 * size / seconds,
        "flows_opened": opened,
        "flows_closed": int(sums[Flow.CLOSED]),
        "flows_answered": succeeded,
        "flows_failed": failed,
        "half_open": max(0, int(sums[Flow.SYN_IN]) - int(sums[Flow.HANDSHAKE_COUNT])),
        "syn": int(sums[Flow.SYN_OUT]),
        "syn_ack": int(sums[Flow.SYN_IN]),
        "fin": int(sums[Flow.FIN_OUT] + sums[Flow.FIN_IN]),
        "reset": int(sums[Flow.RESET_OUT] + sums[Flow.RESET_IN]),
        "data_segments": segments,
        "retransmitted_segments": again,
        "retransmitted_ratio": again / segments if segments else None,
        "rtt_samples": int(window.histogram[1].sum()),
        "rtt_seconds": _quantiles(window.histogram[1:2]),
        "response_samples": int(window.histogram[2].sum()),
        "response_seconds": _quantiles(window.histogram[2:3]),
        "packet_size_bytes": _sizes(window.histogram[0]),
        "flow_duration_seconds": _exact(window.ended[:, Ended.DURATION] / 1e6),
    }
    for name, numbers in _PROTOCOLS.items():
        own = rows[np.isin(rows[:, Flow.PROTOCOL], numbers)]
        moved = int(own[:, [Flow.PACKETS_OUT, Flow.PACKETS_IN]].sum())
        found[f"{name}_packets_ratio"] = moved / packets if packets else None
        found[f"{name}_flows_opened"] = int(own[:, Flow.OPENED].sum())
    by_source = _by_client(rows)
    found["sources"] = len(by_source)
    total = float(by_source.sum())
    # Flows without a byte, as CICFlowMeter has them, tell of no source.
    shares = by_source[by_source > 0] / max(total, 1.0)
    found["source_entropy_bits"] = float(-(shares * np.log2(shares)).sum()) if len(shares) else 0.0
    found["top_talker_bytes_ratio"] = (
        float(np.sort(by_source)[::-1][:TALKERS].sum() / total) if total else None
    )
    return found


_PROTOCOLS: Final = {
    "tcp": (Protocol.TCP,),
    "udp": (Protocol.UDP,),
    "icmp": (Protocol.ICMP, Protocol.ICMPV6),
}


def _by_client(rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bytes of each client; rows are sorted by client."""
    if not len(rows):
        return np.zeros(0)
    keys = rows[:, [Flow.CLIENT_HIGH, Flow.CLIENT_LOW]]
    starts = np.concatenate([[0], np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)) + 1])
    size = (rows[:, Flow.BYTES_OUT] + rows[:, Flow.BYTES_IN]).astype(np.float64)
    summed: NDArray[np.float64] = np.add.reduceat(size, starts)
    return summed


def _quantiles(histogram: NDArray[np.int64]) -> dict[str, float] | None:
    if not histogram.sum():
        return None
    return {f"p{round(100 * q)}": float(quantile(histogram.astype(np.int32), q)[0]) for q in _QUANTILES}


def _exact(values: NDArray[np.float64]) -> dict[str, float] | None:
    if not len(values):
        return None
    return {f"p{round(100 * q)}": float(np.quantile(values, q)) for q in _QUANTILES}


def _sizes(histogram: NDArray[np.int64]) -> dict[str, float] | None:
    """Quantiles of packet sizes: bins of 16 bytes below 2,048, of 512 above; their middles are told."""
    total = int(histogram.sum())
    if not total:
        return None
    upto = np.cumsum(histogram)
    found = {}
    for q in _QUANTILES:
        place = int(np.searchsorted(upto, math.ceil(q * total)))
        middle = 16 * place + 8 if place < 128 else 512 * (place - 124) + 256
        found[f"p{round(100 * q)}"] = float(middle)
    return found
