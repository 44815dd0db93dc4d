"""Combinations of metrics that are odd though none of them is: are they found, and by what?

A simulated quiet log of four days (`nginx-timed`) gets, on its last two days, episodes of half an hour in which a share
of the answers fails, all others come quicker, and pages are smaller: errors rise while times fall and sizes shrink.
Prints, for each strength, the share of episodes that the detector `combination` states, the share that any other
detector of windows states, and whether the log without episodes is left alone.

Usage: python bench/quality/combinations.py [--logs 6] [--rate 4]
"""

import argparse
import random
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from commands import run

DAYS = 4
EPISODES = 12
"""One in each four hours of the last two days, at any time of these: what comes by the clock is no news."""
MINUTES = 30
LINE = re.compile(rb'^(\S+ - - \[([^\]]+)\] "[^"]*" )(\d{3}) (\d+) (".*" )(\d+\.\d{3})$')
STRENGTHS = {"weak": (0.01, 0.9, 0.8), "middle": (0.02, 0.85, 0.7), "strong": (0.04, 0.75, 0.55)}
"""Share of answers that fail, and factors of times and sizes."""
OTHERS = ("errors.ratio", "latency.p95", "volume.spike", "volume.drop", "exfiltration", "ddos")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--logs", type=int, default=6, help="one seed each")
    parser.add_argument("--rate", type=float, default=4.0, help="requests a second")
    arguments = parser.parse_args()
    quiet = 0
    found = {name: [0, 0, 0] for name in STRENGTHS}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "quiet.log"
        for seed in range(1, arguments.logs + 1):
            simulate(log, seed, arguments.rate)
            alone = scan(log)
            quiet += sum(a["detector"] == "combination" for a in alone)
            spans = episodes(log, seed)
            for name, strength in STRENGTHS.items():
                altered = Path(folder) / "altered.log"
                altered.write_bytes(b"".join(alter(log, spans, strength, seed)))
                stated = scan(altered)
                for begin, end in spans:
                    inside = [a for a in stated if begin <= when(a["start"]) < end]
                    found[name][0] += any(a["detector"] == "combination" for a in inside)
                    found[name][1] += any(a["detector"].startswith(OTHERS) for a in inside)
                    found[name][2] += 1
            print(f"seed {seed}: {found}, {quiet} combinations where there are none", flush=True)
    print("\n| strength | failing | times | sizes | episodes | combination | other detectors |")
    print("|---|---|---|---|---|---|---|")
    for name, (fails, times, sizes) in STRENGTHS.items():
        own, others, of = found[name]
        print(
            f"| {name} | +{fails:.0%} | x {times} | x {sizes} | {of} | {own / of:.0%} | {others / of:.0%} |"
        )
    print(f"\n{arguments.logs} logs without episodes: {quiet} windows stated as a combination")


def simulate(log: Path, seed: int, rate: float) -> None:
    """One quiet log."""
    length = ["--minutes", str(DAYS * 24 * 60), "--rate", str(rate), "--seed", str(seed)]
    run(["simulate", *length, "--format", "nginx-timed", "--output", str(log)], (0,))


def scan(log: Path) -> list[dict[str, str]]:
    """What is stated of a log."""
    findings = log.with_suffix(".json")
    run(["scan", str(log), "-q", "--json", str(findings)], (0, 1))
    document = msgspec.json.decode(findings.read_bytes())
    anomalies: list[dict[str, str]] = document["anomalies"]
    return anomalies


def episodes(log: Path, seed: int) -> list[tuple[float, float]]:
    """When the episodes are, seconds since the epoch, to the minute."""
    draw = random.Random(seed)
    with log.open("rb") as lines:
        first = LINE.match(next(lines).rstrip())
    assert first is not None
    start = stamp(first[2])
    apart = 2 * 86_400 / EPISODES
    latest = round(apart / 60) - 2 * MINUTES
    begins = [
        start + (DAYS - 2) * 86_400 + number * apart + 60 * draw.randrange(latest)
        for number in range(EPISODES)
    ]
    return [(begin, begin + MINUTES * 60) for begin in begins]


def alter(
    log: Path, spans: list[tuple[float, float]], strength: tuple[float, float, float], seed: int
) -> Iterator[bytes]:
    """The log's lines, those of episodes altered."""
    fails, times, sizes = strength
    draw = random.Random(seed)
    known: dict[bytes, float] = {}
    with log.open("rb") as lines:
        for line in lines:
            found = LINE.match(line.rstrip())
            if found is None:
                yield line
                continue
            moment = known.get(found[2])
            if moment is None:
                known.clear()
                moment = known[found[2]] = stamp(found[2])
            if not any(begin <= moment < end for begin, end in spans):
                yield line
                continue
            status, size, seconds = found[3], int(found[4]), float(found[6])
            if draw.random() < fails:
                status, size, seconds = b"503", 197, 0.004
            else:
                size, seconds = round(size * sizes), seconds * times
            yield b"%b%b %d %b%.3f\n" % (found[1], status, size, found[5], seconds)


def stamp(text: bytes) -> float:
    """Seconds since the epoch of a time as logs have it."""
    return datetime.strptime(text.decode(), "%d/%b/%Y:%H:%M:%S %z").timestamp()


def when(text: str) -> float:
    """The same of a time in a findings document."""
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()


if __name__ == "__main__":
    main()
