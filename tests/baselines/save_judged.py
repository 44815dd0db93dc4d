"""Walk every family's bank through hostile and ordinary windows; save what it judged as arrays."""

import sys

import numpy as np

from tests.baselines.traffic import MINUTE, START
from vedette.baselines.bank import Bank
from vedette.baselines.bank_settings import BankSettings
from vedette.baselines.counts import CountBank
from vedette.baselines.locations import GaugeBank, LogBank, quantile_sampling
from vedette.baselines.ratios import RatioBank
from vedette.kernels.baselines.baseline_layout import CENTRE, JUDGEMENT_ROWS, READY, WIDTH
from vedette.kernels.windows.recent_ratios import MOST_WINDOWS, REMEMBERED, merge_ratios

ENTITIES = 9
EXTREME = (0.0, 1e-300, 1e12, 1e300, 0.5, np.nan, np.inf)


def judged(bank: Bank, windows: int) -> list[float]:
    """Judge and learn windows of ten minutes, some of them with extreme values, most entities rarely there."""
    rng = np.random.default_rng(3)
    bank.set_parents(
        np.arange(1, ENTITIES, dtype=np.int32), np.array([0, 0, 1, 1, 2, 2, 3, 7], dtype=np.int32)
    )
    seen: list[float] = []
    for window in range(windows):
        time = START + 10 * window * MINUTE
        slots = np.flatnonzero(rng.random(ENTITIES) < np.linspace(1.0, 0.3, ENTITIES)).astype(np.int32)
        requests = rng.poisson(50 * np.exp(np.sin(window / 23)) + slots).astype(float)
        value = rng.binomial(requests.astype(int), 0.1).astype(float)
        if window % 50 == 20:
            value[:] = EXTREME[window // 50 % len(EXTREME)]
            requests = np.maximum(requests, np.minimum(np.ceil(np.nan_to_num(value)), 1e6))
        if bank.formula == "ratio":
            value = np.floor(np.minimum(np.nan_to_num(value), requests))
        exposure = requests if bank.formula in ("ratio", "log") else None
        judgement = bank.judge(slots, value, exposure, time)
        bank.update(slots, value, exposure, time, judgement.weight)
        seen.extend(judgement.table.ravel().tolist())
    times = START + (10 * windows + 10 * np.arange(200)) * MINUTE
    rests_on = np.full(200, 1e6) if exposure is not None else None
    series = rng.poisson(30, 200).astype(float)
    seen.extend(bank.follow(series, times, rests_on, slot=1).table.ravel().tolist())
    return seen


def merged() -> list[float]:
    """Judge sparse ratios together with those before, a window missing now and then."""
    rng = np.random.default_rng(4)
    ring = np.full((ENTITIES, MOST_WINDOWS, REMEMBERED), -1.0)
    seen: list[float] = []
    for number in np.flatnonzero(rng.random(60) < 0.8).tolist():
        slots = np.flatnonzero(rng.random(ENTITIES) < 0.7).astype(np.int32)
        k = len(slots)
        exposure = np.exp(rng.uniform(0, 9, k)).round()
        own = np.zeros((JUDGEMENT_ROWS, k))
        own[READY] = rng.random(k) < 0.8
        own[CENTRE], own[WIDTH] = rng.uniform(1e-4, 0.5, k), rng.uniform(1e-4, 0.3, k)
        table, count, trials = np.zeros_like(own), np.zeros(k), np.zeros(k)
        largest, windows, hit = np.zeros(k), np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.int64)
        errors = np.floor(rng.random(k) ** 6 * exposure)
        merge_ratios(
            number,
            slots,
            own,
            errors,
            exposure,
            50.0,
            5.0,
            2.5758,
            ring,
            table,
            count,
            trials,
            largest,
            windows,
            hit,
        )
        seen.extend([*table.ravel(), *count, *trials, *largest, *windows, *hit])
    return seen


def main() -> None:
    """Save an array for each family."""
    settings = BankSettings(window_us=10 * MINUTE)
    banks = (
        CountBank(settings),
        RatioBank(settings),
        LogBank(settings, sampling=quantile_sampling(0.95)),
        GaugeBank(settings),
    )
    windows = int(sys.argv[2])
    found = {bank.formula: judged(bank, windows) for bank in banks}
    found["merged"] = merged()
    np.savez(sys.argv[1], **{name: np.array(seen) for name, seen in found.items()})


if __name__ == "__main__":
    main()
