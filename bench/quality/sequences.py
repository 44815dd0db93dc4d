"""What models of order reach: sessions with business-logic abuse among those of a shop's customers.

A model is fitted to a simulated log in which nothing is wrong (50,000 requests or so): pairs that are counted, or a
transformer of the size asked for.
Another log of the same shop is judged by it, as `vedette scan` does; five manners of abuse are in it, each by many
clients, for one to six minutes. A session's score is the highest that it ever had. Prints average
precision and ROC-AUC, by manner and of all, beside what a model reaches that only knows how frequent each request is,
and how many sessions alarm.

With `--loghub DIR` (unpacked samples of 2,000 lines), instead: lines of BGL, Thunderbird and HDFS as tokens, nodes or
kinds of process as clients: a smoke test of what a model says of so little.

Usage: python bench/quality/sequences.py [--size markov] [--seeds 3] [--first 1] [--loghub DIR]
"""

import argparse
import csv
import time
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vedette.config import Config
from vedette.detectors.learned.client_training import auc
from vedette.detectors.learned.keys import address_keys, service_keys
from vedette.detectors.learned.member_names import MARKOV, TRANSFORMER
from vedette.detectors.learned.network import Size
from vedette.detectors.learned.order_model import OrderModel
from vedette.detectors.learned.pair_training import fit_pair_model
from vedette.detectors.learned.plan import Plan
from vedette.detectors.learned.sequence_sample import SequenceSample
from vedette.detectors.learned.sequence_training import fit_sequence_model
from vedette.detectors.learned.sequences import ClientSequences
from vedette.detectors.learned.trails import Trails
from vedette.detectors.learned.training import Done, Job, Refused, Training
from vedette.detectors.learned.transformer import REFERENCE, SMALL
from vedette.engine.build import build_engine
from vedette.engine.engine import Batch, Engine
from vedette.engine.teaching import Teaching
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name
from vedette.schema.chunk import Chunk
from vedette.simulate import Simulation
from vedette.simulate.incidents.abuse import ABUSES

SPAN = 60_000_000
EACH = 8
"""Clients of each manner, in four hours; there are some 6,000 sessions of others."""
MINUTES, RATE = 240, 3.5
SIZES: dict[str, Size | None] = {
    "small": SMALL,
    "middle": Size(128, 4, 2),
    "reference": REFERENCE,
    "markov": None,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="markov")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--loghub", type=Path, help="directory of the unpacked loghub samples")
    arguments = parser.parse_args()
    if arguments.loghub:
        for name, client in (("BGL", "Node"), ("Thunderbird", "User"), ("HDFS", "Pid")):
            print(f"{name}: {of_lines(arguments.loghub / name / f'{name}_2k.log_structured.csv', client)}")
        return
    size = SIZES[arguments.size]
    print(f"size {size}")
    reached: dict[str, list[tuple[float, float]]] = {}
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        model = fitted(seed, size)
        for name, pair in judged(model, 100 + seed).items():
            reached.setdefault(name, []).append(pair)
    for name, pairs in reached.items():
        precision, area = np.mean(pairs, axis=0)
        low, high = min(p for p, _ in pairs), max(p for p, _ in pairs)
        asked = ", asked 0.8" if name == "all" else ""
        print(
            f"  {name}: average precision {precision:.3f} ({low:.3f} to {high:.3f}), ROC-AUC {area:.3f}{asked}"
        )


def fitted(seed: int, size: Size | None) -> OrderModel:
    """A model of a quiet log."""
    jobs: list[Job] = []

    def keep(job: Job) -> Training:
        jobs.append(job)
        return Done(Refused("only the job is wanted"))

    engine = build_engine(
        Config.model_validate({"learned": {"members": [MARKOV], "warmup": 10_000_000}}, strict=False),
        lateness_us=10_000_000,
        teaching=Teaching(keep),
    )
    feed(engine, Simulation(minutes=MINUTES, rate=RATE, seed=seed))
    engine.members[0].train_now()
    began = time.process_time()
    model = fit_pair_model(jobs[0]) if size is None else fit_sequence_model(jobs[0], size)
    if isinstance(model, Refused):
        raise SystemExit(model.reason)
    print(f"seed {seed}: {model.summary()}; fitted in {time.process_time() - began:.0f} s of CPU")
    return model


def judged(model: OrderModel, seed: int) -> dict[str, tuple[float, float]]:
    """Average precision and area under the curve, by manner."""
    names = [name for name in ABUSES for _ in range(EACH)]
    inject = ",".join(
        f"{name}@+{5 + 225 * number // len(names)}m+{1 + number % 6}m" for number, name in enumerate(names)
    )
    simulation = Simulation(minutes=MINUTES, rate=RATE, seed=seed, inject=inject)
    engine = build_engine(
        Config.model_validate({"learned": {"enabled": False}}, strict=False), lateness_us=10_000_000
    )
    trails = Trails()
    plan = Plan(SPAN, lambda _: Done(Refused("")), given={"shop": model})
    member = ClientSequences(engine.thresholds, plan, trails, MARKOV, type(model))
    engine.trails, engine.members, engine.detectors = trails, [member], [*engine.detectors, member]
    best: dict[int, float] = {}
    feed(engine, simulation, lambda: note(member, best))
    wrong: dict[int, str] = {}
    clients = {label.entity.value: label.incident for label in simulation.labels.incidents}
    for text, name in clients.items():
        wrong[int(key_of(text)[0])] = name
    alarms = [a for a in engine.finish().anomalies if a.detector == MARKOV]
    found = {int(key_of(client)[0]) for alarm in alarms for client in alarm.clients}
    print(
        f"  {len(best):,} clients, {len(wrong)} that abuse; alarms for {len(found & set(wrong))} of these and "
        f"{len(found - set(wrong))} others"
    )
    scores = {name: np.array([best[k] for k in best if wrong.get(k) == name]) for name in ABUSES}
    usual = np.array([score for key, score in best.items() if key not in wrong])
    scores["all"] = np.concatenate(list(scores.values()))
    return {name: (average_precision(usual, of), auc(usual, of)) for name, of in scores.items()}


def of_lines(path: Path, client: str) -> str:
    """What comes of fitting a model to the lines of a sample, a hundred lines to a window."""
    sample = SequenceSample()
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for start in range(0, len(rows), 100):
        part = rows[start : start + 100]
        keys = np.array([zlib.crc32(row[client].encode()) for row in part], dtype=np.uint64)
        sample.add(keys, start // 100, np.arange(len(part)), [row["EventId"] for row in part])
    sample.settle()
    made = fit_sequence_model(Job(TRANSFORMER, path.stem, sample.to_state(), SPAN, 1))
    return f"refused: {made.reason}" if isinstance(made, Refused) else made.summary()


def note(member: ClientSequences, best: dict[int, float]) -> None:
    """Remember the most surprising that each client was."""
    walkers = member.walkers
    for key, most in zip(walkers.key.tolist(), walkers.most.tolist(), strict=True):
        best[key] = max(best.get(key, 0.0), most)


def key_of(text: str) -> NDArray[np.uint64]:
    """A client's number, of the first service: number 0 is that of all others."""
    from ipaddress import ip_address

    address = ip_address(text.removesuffix("/64"))
    number = int(address) if address.version == 6 else 0xFFFF_0000_0000 | int(address)
    high, low = number >> 64, number & (2**64 - 1)
    if address.version == 6:
        low = 0
    return address_keys(np.array([high], np.uint64), np.array([low], np.uint64)) ^ service_keys(
        np.ones(1, np.int32)
    )


def average_precision(usual: NDArray[np.float64], odd: NDArray[np.float64]) -> float:
    """Mean precision at each odd session, from the highest score down; ties are counted against it."""
    scores = np.concatenate([usual, odd])
    is_odd = np.append(np.zeros(len(usual), dtype=bool), np.ones(len(odd), dtype=bool))
    order = np.lexsort((is_odd, -scores))
    hits = np.cumsum(is_odd[order])
    precision = hits / np.arange(1, len(order) + 1)
    return float(precision[is_odd[order]].mean())


def feed(engine: Engine, simulation: Simulation, after: object = None) -> None:
    """A simulated log through an engine."""
    enricher, parser, line = Enricher(), by_name("combined").open("shop.log"), 1
    for chunk in simulation.chunks():
        for start in range(0, len(lines := chunk.splitlines(keepends=True)), 400):
            part = b"".join(lines[start : start + 400])
            parsed = parser.parse(Chunk.of(part, "shop.log", line))
            line += part.count(b"\n")
            told = enricher.apply(parsed.requests)
            engine.process(Batch(told.requests, told.service, told.services, told.agent_kind))
            if callable(after):
                after()


if __name__ == "__main__":
    main()
