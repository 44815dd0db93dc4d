"""What closing windows costs, and how fast a series of measurements is followed: CPU seconds of one thread.

    python bench/windows.py [--quick] [--runs 3]

Closing is timed inside a scan, from a window's summary to its anomalies, without the detector of attacks, whose
cost is that of the attacks. A series is judged value by value, each by those before it.
"""

import argparse
import contextlib
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import corpora
import measure
from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.counts import CountBank
from vedette.baselines.locations import GaugeBank, LogBank
from vedette.baselines.ratios import RatioBank
from vedette.cli.main import run as vedette
from vedette.detectors.signatures.attacks import Attacks
from vedette.engine.engine import Engine

MINUTE = 60_000_000
POINTS = 200_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="logs of a twentieth of the size")
    parser.add_argument("--runs", type=int, default=3, help="scans of each log")
    arguments = parser.parse_args()
    scale = 0.05 if arguments.quick else 1.0
    print(measure.machine())
    print("| log | windows with traffic | closing, CPU s: median (least-most) | the whole scan, CPU s |")
    print("|---|---|---|---|")
    for name, log in (
        ("four busy hours", corpora.combined(scale)),
        ("a quiet month", corpora.quiet_month(scale)),
    ):
        path = log.path()
        scan(path)  # compiles the kernels, warms the file cache
        runs = [scan(path) for _ in range(arguments.runs)]
        closing, whole = sorted(r.closing for r in runs), statistics.median(r.whole for r in runs)
        spread = f"{statistics.median(closing):.2f} ({closing[0]:.2f}-{closing[-1]:.2f})"
        print(f"| {name} | {runs[0].windows:,} | {spread} | {whole:.2f} |", flush=True)
    print("\n| series, one minute a value, hours of day and week in use | values/s of CPU time |\n|---|---|")
    for name, bank, value, exposure in series():
        print(f"| {name} | {follow(bank, value, exposure):,.0f} |", flush=True)


class Cost:
    """One scan: windows closed, CPU seconds of closing them, and of everything."""

    def __init__(self) -> None:
        self.windows = 0
        self.closing = 0.0
        self.whole = 0.0

    def timed(self, call: Callable[..., Any], sign: int) -> Callable[..., Any]:
        """The call, its cost added to (or taken from) what closing costs."""

        def timing(*arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return call(*arguments)
            finally:
                self.closing += sign * (time.thread_time() - began)
                self.windows += sign > 0

        return timing


def scan(path: Path) -> Cost:
    """Scan a log in this process."""
    cost, close, look = Cost(), Engine.take, Attacks.look
    Engine.take, Attacks.look = cost.timed(close, 1), cost.timed(look, -1)  # type: ignore[method-assign]
    began = time.process_time()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            vedette(["scan", str(path), "--json", "/dev/null"])
    finally:
        Engine.take, Attacks.look = close, look  # type: ignore[method-assign]
    cost.whole = time.process_time() - began
    return cost


def series() -> list[tuple[str, Bank, np.ndarray, np.ndarray | None]]:
    """Two weeks and more of minutes that follow the hours of the day."""
    rng = np.random.default_rng(1)
    tide = np.exp(0.5 * np.sin(2 * np.pi * np.arange(POINTS) / 1440))
    settings = BankSettings(window_us=MINUTE)
    requests = np.full(POINTS, 1000.0)
    return [
        ("counts", CountBank(settings), rng.poisson(100 * tide).astype(float), None),
        ("gauges", GaugeBank(settings), rng.normal(10 * tide, 1), None),
        ("positive values, on a log scale", LogBank(settings), np.exp(rng.normal(tide, 0.2)), None),
        ("ratios among 1,000", RatioBank(settings), rng.binomial(1000, 0.02, POINTS).astype(float), requests),
    ]


def follow(bank: Bank, value: np.ndarray, exposure: np.ndarray | None) -> float:
    """Values per CPU second."""
    times = np.arange(POINTS, dtype=np.int64) * MINUTE
    first, rest = slice(0, 10), slice(10, None)
    bank.follow(value[first], times[first], None if exposure is None else exposure[first])
    began = time.thread_time()
    bank.follow(value[rest], times[rest], None if exposure is None else exposure[rest])
    return (POINTS - 10) / (time.thread_time() - began)


if __name__ == "__main__":
    main()
