"""The sentence of metrics that do not go together."""

import math
from typing import Any

from vedette.explain.numbers import in_unit, odds
from vedette.schema.anomaly import Anomaly

_NAMED = 3
_ADDS = 0.1
"""Share of the distance from which a metric is named."""
_WORDS = {
    "requests": "requests",
    "error_ratio": "errors",
    "latency_p95_seconds": "the slowest 5 %",
    "bytes_out": "bytes sent",
    "distinct_clients": "clients",
}


def describe_combination(anomaly: Anomaly) -> str:
    """Which metrics are not what the others let expect, how far that is together, and how rare."""
    details = anomaly.details
    named = [c.value for c in anomaly.contributions if c.share >= _ADDS][:_NAMED]
    told = "; ".join(_metric(name, details["metrics"][name]) for name in named)
    usual = math.sqrt(anomaly.expected.high or 0.0)
    return (
        f"The metrics of {anomaly.service} do not go together as they usually do: {told}. Together they are "
        f"{math.sqrt(anomaly.observed):.2f} deviations from the usual, where 99 % of {anomaly.sample_count:,} windows "
        f"stay within {usual:.2f}. By chance that happens {odds(details['surprise'])}; the alarm starts at "
        f"{odds(details['surprise_threshold'])}."
    )


def _metric(name: str, part: dict[str, Any]) -> str:
    seen, expected = (in_unit(part[which], part["unit"]) for which in ("seen", "expected"))
    return f"{_WORDS[name]} are about {seen}, where the others let expect {expected}"
