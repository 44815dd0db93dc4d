"""What is normal on a network, readable: one JSON object per metric."""

import math

import msgspec
import numpy as np

from vedette.baselines.formulas import critical_value
from vedette.detectors.network.metrics import BAND_WIDTH, NetworkMetric
from vedette.engine.network import NetworkEngine
from vedette.report.output import open_output


def write_baselines(engine: NetworkEngine, path: str) -> None:
    """Write the baseline of each metric that has one: mean, median, stddev, p90, p99, sample_count; min and max seen.

    Raises:
        OutputError: The path cannot be written.
    """
    document = baselines(engine)
    with open_output(path) as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")


def baselines(engine: NetworkEngine) -> dict[str, dict[str, float | int | None]]:
    """The same as a mapping from metric to numbers."""
    found: dict[str, dict[str, float | int | None]] = {}
    slot = np.zeros(1, dtype=np.int32)
    for metric, bank in engine.baselines.banks.items():
        ratio = bank.formula == "ratio"
        # Of ratios and latencies, as a window with a thousand segments or samples shows them.
        exposure = np.array([1000.0]) if metric in _RESTING else None
        judgement = bank.judge(slot, np.ones(1), exposure, engine.coverage.end or 0)
        band = judgement.band_of(0)
        if band.low is None or band.mid is None or band.high is None or not judgement.sample_count[0]:
            continue
        formula = judgement.formula_of(0)
        per = 1000.0 if ratio else 1.0
        median, p90, p99 = (
            critical_value(formula.name, formula.inputs, -math.log10(1 - q)) / per for q in (0.5, 0.9, 0.99)
        )
        least, most = engine.extremes.get(metric, (None, None))
        found[metric.value] = {
            "mean": band.mid,
            "median": median,
            "stddev": (band.high - band.low) / BAND_WIDTH,
            "min": least,
            "max": most,
            "p90": p90,
            "p99": p99,
            "sample_count": int(judgement.sample_count[0]),
        }
    return found


_RESTING = frozenset(
    {
        NetworkMetric.RTT,
        NetworkMetric.RESPONSE,
        NetworkMetric.LOSS,
        NetworkMetric.TCP,
        NetworkMetric.UDP,
        NetworkMetric.ICMP,
    }
)
