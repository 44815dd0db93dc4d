"""What the learned models reach: programs told from people without labels, and clean traffic left alone.

Prints, beside what is asked:

- the area under the ROC curve of sessions of programs against sessions of people (`bot_sessions`): a forest is fitted
  to the earlier half of people's sessions, a session's score is that of its most isolated window. The forest is
  fitted without its own check, for which these 43 sessions are too few;
- incidents that the models state in traffic in which nothing is wrong.

Usage: python bench/quality/learned.py DATA [--weeks 4]
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bot_sessions import MANNERS, Hit, people, programs
from commands import run
from quiet import WEEK_MINUTES

from vedette.detectors.learned.client_training import auc
from vedette.detectors.learned.features import CLIENT_FEATURES, DAILY, ClientTable, matrix, route_rarity
from vedette.detectors.learned.forest import fit_forest
from vedette.detectors.learned.sample import has_manner
from vedette.engine.engine import Engine
from vedette.enrich.client import format_client
from vedette.replay.options import ScanOptions
from vedette.replay.survey import configured, survey
from vedette.windows.layout import Client
from vedette.windows.summary import ClosedWindow

SEEDS = range(5)
EACH = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="directory of the public data sets")
    parser.add_argument("--weeks", type=int, default=4, help="quiet simulated weeks")
    arguments = parser.parse_args()
    hits = people(arguments.data / "access-logs-real" / "human_sessions_27.tar.xz")
    print(f"people: {len(hits):,} requests in {len({h.session for h in hits})} sessions")
    curves = [sessions(hits, seed) for seed in SEEDS]
    for manner in (*MANNERS, "all"):
        found = [curve[manner] for curve in curves]
        asked = ", asked 0.95" if manner == "all" else ""
        print(f"  {manner}: ROC-AUC {np.mean(found):.3f} (seeds {min(found):.3f} to {max(found):.3f}){asked}")
    with tempfile.TemporaryDirectory() as folder:
        for name, log in clean(arguments.data, Path(folder), hits, arguments.weeks):
            print(f"{name}: {judged(log)}")


def sessions(hits: list[Hit], seed: int) -> dict[str, float]:
    """Areas under the curve, by manner, and of all."""
    draw = random.Random(seed)
    names = list(dict.fromkeys(h.session for h in hits))
    half, later = set(names[: len(names) // 2]), names[len(names) // 2 :]
    starts = [draw.choice([h.time for h in hits if h.session in set(later)]) for _ in range(EACH)]
    walked = list(programs([h for h in hits if h.session in half], starts, draw))
    sums, time, who = client_windows(sorted([*hits, *walked]))
    fitted = np.isin(who, list(half))
    rarity = route_rarity(sums[fitted][:, Client.ROUTES])
    table = ClientTable(sums, time, ((len(sums), rarity),), 1.0)
    features = [feature for feature in CLIENT_FEATURES if feature.name not in DAILY]
    rows = matrix(features, table)
    forest = fit_forest(rows[fitted], [feature.name for feature in features], seed)
    best: dict[str, float] = {}
    for name, score in zip(who, forest.score(rows).tolist(), strict=True):
        best[name] = max(best.get(name, 0.0), score)
    # A session without a window of three requests has no score: it is the least unusual there is.
    usual = np.array([best.get(name, 0.0) for name in later])
    found = {
        manner: np.array([best.get(f"{manner} {number}", 0.0) for number in range(EACH)])
        for manner in MANNERS
    }
    areas = {manner: auc(usual, scores) for manner, scores in found.items()}
    return {**areas, "all": auc(usual, np.concatenate(list(found.values())))}


def client_windows(hits: list[Hit]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Sums of each client's windows, their ends, and whose they are."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(h.session for h in hits), start=1)}
    address = {name: f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for name, n in numbers.items()}
    names = {text: name for name, text in address.items()}
    closed: list[ClosedWindow] = []

    def watch(engine: Engine) -> None:
        judge = engine.take

        def take(window: ClosedWindow, services: list[str], seen: float) -> None:
            closed.append(window)
            judge(window, services, seen)

        engine.take = take  # type: ignore[method-assign]

    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        file.write(b"".join(hit.line(address[hit.session]) for hit in hits))
        file.flush()
        options = ScanOptions(paths=(file.name,), progress=False, quiet=True)
        survey(options, configured(options), prepare=watch)
    sums, time, who = [], [], []
    for window in closed:
        clients = window.clients.select(has_manner(window.clients))
        sums.append(clients.sums)
        time.append(np.full(len(clients), window.end))
        who += [
            names[format_client(int(h), int(w), {})] for h, w in zip(clients.high, clients.low, strict=True)
        ]
    return np.concatenate(sums), np.concatenate(time), who


def clean(data: Path, folder: Path, hits: list[Hit], weeks: int) -> Iterator[tuple[str, Path]]:
    """Logs in which nothing is wrong, as far as anybody knows."""
    import lzma

    elastic = folder / "elastic.log"
    elastic.write_bytes(
        lzma.decompress((data / "access-logs-real" / "elastic_apache_logs.log.xz").read_bytes())
    )
    yield "elastic, 4 days", elastic
    numbers = {name: number for number, name in enumerate(dict.fromkeys(h.session for h in hits), start=1)}
    log = folder / "people.log"
    log.write_bytes(
        b"".join(h.line(f"10.0.{numbers[h.session] >> 8}.{numbers[h.session] & 255}") for h in hits)
    )
    yield "people, 27 days", log
    for seed in range(1, weeks + 1):
        log = folder / f"week-{seed}.log"
        traffic = ["--minutes", str(WEEK_MINUTES), "--rate", "1", "--seed", str(seed)]
        run(["simulate", *traffic, "--no-incidents", "--output", str(log)], (0,))
        yield f"quiet week, seed {seed}", log
        log.unlink()


def judged(log: Path) -> str:
    """What the models said of a log."""
    found = log.with_suffix(".json")
    run(["scan", str(log), "-q", "--json", str(found)], (0, 1))
    document = json.loads(found.read_bytes())
    stated = [a for a in document["anomalies"] if a["detector"] == "forest"]
    phases = [
        f"{m['phase']}{' (' + m['reason'] + ')' if m['reason'] else ''}"
        for m in document["coverage"]["members"]
    ]
    tests = sum(line["tests"] for line in document["coverage"]["budget"] if line["detector"] == "forest")
    allowed = sum(row["allowed"] for row in document["coverage"]["spending"])
    return (
        f"{len({a['incident_id'] for a in stated})} incidents with an unusual client, {tests:,} sessions judged; "
        f"budget of all detectors together {allowed:.2f}; {', '.join(phases) or 'no service'}"
    )


if __name__ == "__main__":
    main()
