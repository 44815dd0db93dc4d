"""False alarms of one baseline of counts in traffic that is normal, by the rhythm that it follows.

Six weeks of one-minute counts (negative binomial, dispersion 0.01 about the rhythm) for each rhythm and seed: an alarm
is what `volume.spike` and `volume.drop` would state, two windows of three over a fixed surprise or one at twice of it,
and at least 2.5 times more or less than expected. Prints the alarms of each week, those within half an hour as one;
with `--clock`, without those that these detectors leave out because they came before by the clock.

Usage: python bench/quality/rhythms.py [--seeds 5] [--level 20] [--surprise 6] [--clock] [--only NAME …]
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vedette.baselines.counts import CountBank
from vedette.detectors.statistical.gate import Gate
from vedette.detectors.statistical.recurrence import NEARLY, Recurrence

Floats = NDArray[np.float64]
MINUTE = 60_000_000
BEGIN = 1_772_409_600_000_000  # Monday 2026-03-02 00:00 UTC
WEEKS = 6
APART = 30
FACTOR, LEAST = 2.5, 10
HOUR = np.arange(WEEKS * 7 * 1440) / 60.0
OF_DAY, WEEKDAY = HOUR % 24, (HOUR // 24).astype(np.int64) % 7


def smooth() -> Floats:
    """A day with its busiest hour at noon."""
    return np.asarray(1.0 - 0.8 * np.cos(2 * np.pi * OF_DAY / 24))


def flat() -> Floats:
    """The same at all hours."""
    return np.ones(len(HOUR))


def office() -> Floats:
    """Nine to five from Monday to Friday, a fifth otherwise."""
    return np.where((OF_DAY >= 9) & (OF_DAY < 17) & (WEEKDAY < 5), 1.0, 0.2)


def square() -> Floats:
    """Nine to five every day, a fifth otherwise."""
    return np.where((OF_DAY >= 9) & (OF_DAY < 17), 1.0, 0.2)


def half_past() -> Floats:
    """The same from half past eight to half past four."""
    return np.where((OF_DAY >= 8.5) & (OF_DAY < 16.5), 1.0, 0.2)


def sundays() -> Floats:
    """A smooth day, a fifth of it on Sundays."""
    return smooth() * np.where(WEEKDAY == 6, 0.2, 1.0)


def weekends() -> Floats:
    """A smooth day, a fifth of it on Saturdays and Sundays."""
    return smooth() * np.where(WEEKDAY >= 5, 0.2, 1.0)


def nightly() -> Floats:
    """A smooth day, and a job from three o'clock that asks four times as much for ten minutes."""
    return np.asarray(smooth() + np.where((OF_DAY >= 3) & (OF_DAY < 3 + 10 / 60), 4.0, 0.0))


def hourly() -> Floats:
    """Flat, and a job at every full hour that asks four times as much for two minutes."""
    return np.where(HOUR % 1 < 2 / 60 - 1e-9, 5.0, 1.0)


RHYTHMS: dict[str, Callable[[], Floats]] = {
    each.__name__: each
    for each in (flat, smooth, square, half_past, office, sundays, weekends, nightly, hourly)
}


def alarms(
    rhythm: Floats, level: float, surprise: float, seed: int, *, clock: bool
) -> tuple[list[int], float]:
    """Alarms in each week, and by what factor the expectation was wrong in the worst minute of twenty, after week 2."""
    mean = level * rhythm
    shape = 1.0 / 0.01
    value = np.random.default_rng(seed).negative_binomial(shape, shape / (shape + mean)).astype(np.float64)
    time = BEGIN + np.arange(len(value), dtype=np.int64) * MINUTE
    judged = CountBank().follow(value, time)
    middle = judged.expected_mid
    high = (judged.log10_p_high > judged.log10_p_low) & (value >= FACTOR * middle)
    low = (judged.log10_p_low >= judged.log10_p_high) & (FACTOR * value <= middle) & (middle >= LEAST)
    worth = judged.ready & (high | low)
    most = np.where(worth, np.maximum(judged.log10_p_high, judged.log10_p_low), np.nan)
    gate, slot = Gate(), np.zeros(1, dtype=np.int32)
    at = [minute for minute in range(len(value)) if gate.decide(slot, most[minute : minute + 1], surprise)]
    if clock:
        spikes, drops, alarming, expected = Recurrence(), Recurrence(times=None, hours=None), set(at), set()
        for minute in np.flatnonzero(most >= NEARLY * surprise).tolist():
            count, alarm = float(value[minute]), minute in alarming
            memory, height = (spikes, count) if high[minute] else (drops, 1.0 / (1.0 + count))
            if memory.expects(0, int(time[minute]), height, alarms=alarm) and count > 0:
                expected.add(minute)
        at = [minute for minute in at if minute not in expected]
    first = [minute for before, minute in zip([-APART, *at], at, strict=False) if minute - before >= APART]
    weeks = np.bincount(np.array(first, dtype=np.int64) // (7 * 1440), minlength=WEEKS).tolist()
    late = slice(14 * 1440, None)
    wrong = np.abs(np.log(middle[late] / mean[late]))
    return weeks, float(np.exp(np.quantile(wrong, 0.95)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--level", type=float, default=20.0, help="requests a minute in the middle")
    parser.add_argument("--surprise", type=float, default=6.0)
    parser.add_argument("--only", action="append", choices=list(RHYTHMS))
    parser.add_argument("--clock", action="store_true", help="leave out what came before by the clock")
    arguments = parser.parse_args()
    weeks = " | ".join(f"week {week}" for week in range(1, WEEKS + 1))
    print(f"| rhythm | {weeks} | expectation wrong by |\n|{'---|' * (WEEKS + 2)}")
    for name in arguments.only or RHYTHMS:
        rhythm = RHYTHMS[name]()
        each = [
            alarms(rhythm, arguments.level, arguments.surprise, seed, clock=arguments.clock)
            for seed in range(arguments.seeds)
        ]
        mean = np.mean([found for found, _ in each], axis=0)
        wrong = float(np.median([factor for _, factor in each]))
        told = " | ".join(f"{number:.1f}" for number in mean)
        print(f"| {name} | {told} | {wrong:.2f} |", flush=True)


if __name__ == "__main__":
    main()
