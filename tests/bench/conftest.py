"""The benchmarks' modules are scripts beside each other; tests import them from where they stand."""

import sys
from pathlib import Path

QUALITY = Path(__file__).parents[2] / "bench" / "quality"
sys.path.insert(0, str(QUALITY))
