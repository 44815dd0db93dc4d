"""The isolation forest's kernel beside scikit-learn: speed on one core, and by how much the scores differ.

Usage: OMP_NUM_THREADS=1 python bench/forest.py
"""

import argparse
import time

import numpy as np
from sklearn.ensemble import IsolationForest

from vedette.detectors.learned.forest import from_sklearn

FEATURES = 25
ROWS = 400_000


def main() -> None:
    draw = np.random.default_rng(0)
    model = IsolationForest(n_estimators=100, max_samples=256, random_state=1)
    model.fit(draw.normal(size=(5_000, FEATURES)).astype(np.float32))
    forest = from_sklearn(model, [f"feature {n}" for n in range(FEATURES)])
    rows = np.concatenate(
        [draw.normal(size=(ROWS // 2, FEATURES)), 3 * draw.normal(size=(ROWS // 2, FEATURES))]
    )
    rows = rows.astype(np.float32)
    forest.score(rows[:64])
    few = rows[:: ROWS // 20_000]
    print(
        f"largest difference to scikit-learn: {np.abs(forest.score(few) + model.score_samples(few)).max():.1e}"
    )
    began = time.process_time()
    forest.score(rows)
    print(f"kernel: {ROWS / (time.process_time() - began):,.0f} rows/s of CPU time")
    began = time.process_time()
    model.score_samples(few)
    print(f"scikit-learn: {len(few) / (time.process_time() - began):,.0f} rows/s of CPU time")
    for name, call in (
        ("score of a single row", lambda: forest.score(rows[:1])),
        ("contributions of a row", lambda: forest.shares(rows[0])),
    ):
        call()
        times = []
        for _ in range(500):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        print(
            f"{name}: median {np.median(times) * 1e6:,.1f} us, p99 {np.percentile(times, 99) * 1e6:,.1f} us"
        )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
