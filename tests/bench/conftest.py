"""The benchmarks' modules are scripts beside each other; tests import them from where they stand."""

import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"
sys.path[:0] = [str(BENCH / "quality"), str(BENCH / "payload_model")]
