"""Whether all members together are worth more than the best of them, and whether scores are reliable.

    python bench/quality/ensemble.py [--fit] [--seeds N …]

Two parts, each with average precision of every member and of all together, and the expected calibration error of
the latter:

- requests of public sets, judged by rules and payload model (`detectors.signatures.opinions`). A request's hash says
  what it is for: rules and model were made on the tuning half; calibrations are fitted to half of the rest of the
  permitted sets (`--fit`), and the other half of the rest measures. Sets that may only measure are measured on all that
  is not of the tuning half;
- simulated logs with every kind of incident in them, by line: signatures, every other detector, and all together.

`--fit` writes the calibrations that the package ships.
"""

import argparse
import hashlib
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from payloads import batches
from ranking import average_precision
from samples import PERMITTED, READERS, Label, Sample, read

from vedette.cli.options import ScanOptions
from vedette.cli.scanning import TYPE_NAMES
from vedette.cli.survey import configured, survey
from vedette.detectors.signatures.opinions import UNMARKED, Calibrated
from vedette.detectors.signatures.payload_model import packaged
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.signatures.tables import PRIOR
from vedette.engine.verdicts import Marker
from vedette.evaluate.labels import read_labels
from vedette.evaluate.reliability import reliability
from vedette.fusion.calibration import calibrate
from vedette.fusion.fusing import fuse, probability
from vedette.fusion.weighing import weigh
from vedette.simulate import INCIDENTS, Simulation

TARGET = Path(__file__).parents[2] / "src" / "vedette" / "detectors" / "signatures" / "opinions.json"
ASKED_LOSS = 0.005
ASKED_ERROR = 0.05


@dataclass(frozen=True, slots=True)
class Said:
    """What rules and payload model say of n samples: `plain`, `payload` and `types` as `SignatureHits` have them."""

    samples: list[Sample]
    plain: NDArray[np.float32]
    payload: NDArray[np.float32]
    types: NDArray[np.uint32]
    decisive: NDArray[np.bool_]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """What the sets call an attack; of CSIC 2010, what is odd."""
        return np.array(
            [s.label is Label.ATTACK or (s.group, s.kind) == ("csic2010", "anomalous") for s in self.samples]
        )

    def of(self, rows: NDArray[np.bool_]) -> "Said":
        """Some of the samples."""
        kept = [sample for sample, this in zip(self.samples, rows, strict=True) if this]
        return Said(kept, self.plain[rows], self.payload[rows], self.types[rows], self.decisive[rows])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--fit", action="store_true", help="fit the calibrations, and write them into the package"
    )
    parser.add_argument("--seeds", type=int, nargs="*", default=[4, 5, 6], help="of simulated logs")
    options = parser.parse_args()
    said = ask(list(read(tuple(READERS))))
    if options.fit:
        fit(said)
        return 0
    requests(said)
    suite(options.seeds)
    return 0


def ask(samples: list[Sample]) -> Said:
    """Have samples judged by the engine's own scanner."""
    scanner = SignatureScanner.cached()
    plain, payload, types, decisive = [], [], [], []
    for requests in batches(samples):
        hits = scanner.judge(requests)
        plain.append(hits.plain)
        payload.append(hits.payload)
        types.append(hits.types)
        decisive.append(hits.decisive())
    return Said(samples, *(np.concatenate(part) for part in (plain, payload, types, decisive)))


def for_fitting(sample: Sample) -> bool:
    """Whether calibrations may be fitted to a sample: half of the permitted sets that made neither rule nor model."""
    return (
        not sample.tuning and sample.group in PERMITTED and hashlib.sha256(sample.value).digest()[0] & 2 != 0
    )


def fit(said: Said) -> None:
    """Fit calibrations and weights, and write them."""
    wanted = np.array(
        [for_fitting(s) and s.label in (Label.ATTACK, Label.BENIGN, Label.LOOKALIKE) for s in said.samples]
    )
    part = said.of(wanted)
    wrong = part.wrong
    scale, bias = packaged().scale, packaged().bias
    looked = ~np.isnan(part.payload)
    odds = np.maximum(part.payload[looked].astype(np.float64) * scale + bias, UNMARKED)
    rules = calibrate(part.plain.astype(np.float64), wrong)
    payload = calibrate(odds, wrong[looked])
    told = np.full((2, len(wrong)), np.nan)
    told[0] = rules.evidence(part.plain.astype(np.float64))
    told[1, looked] = payload.evidence(odds)
    found = weigh(told, wrong, [1.0, 1.0], PRIOR)
    made = Calibrated(
        rules=rules,
        payload=payload,
        weights=(round(float(found.weight[0]), 3), round(float(found.weight[1]), 3)),
        prior=PRIOR,
        fitted_to=f"{int(wrong.sum()):,} attacks and {int((~wrong).sum()):,} others of {', '.join(PERMITTED)}",
    )
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    print(f"{TARGET}: {made.fitted_to}; weights {made.weights}")


def requests(said: Said) -> None:
    """Print the table of requests of public sets."""
    opinions = SignatureScanner.cached().opinions
    print(
        "| set | requests | attacks | rules | payload model | together | less the best | error | error, share known |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    rows = []
    for group in dict.fromkeys(sample.group for sample in said.samples):
        measured = [s.group == group and not s.tuning and not for_fitting(s) for s in said.samples]
        part = said.of(np.array(measured))
        wrong = part.wrong
        if not wrong.any() or wrong.all():
            continue
        score = opinions.score(part.plain, part.payload, part.types, part.decisive).astype(np.float64)
        alone = [average_precision(part.plain.astype(np.float64), wrong)]
        alone.append(average_precision(np.nan_to_num(part.payload.astype(np.float64), nan=-1e9), wrong))
        known = fuse(
            opinions.evidence(part.plain, part.payload, part.types),
            np.array(opinions.calibrated.weights),
            float(wrong.mean()),
        )
        rows.append(row(group, wrong, alone, score, probability(known)))
    verdict(rows)


def suite(seeds: list[int]) -> None:
    """Print the table of simulated logs; members that mark no line are left out."""
    print("| log | lines | labelled | best member | together | less the best | error |")
    print("|---|---|---|---|---|---|---|")
    rows = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            members, together, wrong = simulated(seed, Path(folder))
        alone = {name: average_precision(score, wrong) for name, score in members.items()}
        best = max(alone, key=lambda name: alone[name])
        value = average_precision(together, wrong)
        print(
            f"| seed {seed} | {len(wrong):,} | {int(wrong.sum()):,} | {best} {alone[best]:.4f} | {value:.4f} "
            f"| {value - alone[best]:+.4f} | {error(together, wrong):.3f} |"
        )
        rows.append((value - alone[best], error(together, wrong)))
    verdict(rows)


def simulated(
    seed: int, folder: Path
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64], NDArray[np.bool_]]:
    """A log with every kind of incident: scores of each member and of all together, and which lines are labelled."""
    names = list(INCIDENTS)
    random.Random(seed).shuffle(names)
    inject = ",".join(f"{name}@+{75 + 11 * number}m" for number, name in enumerate(names))
    simulation = Simulation(
        minutes=90 + 11 * len(names), rate=4, seed=seed, inject=inject, format="nginx-timed"
    )
    log = folder / "traffic.log"
    with log.open("wb") as stream:
        truth = simulation.write(stream)
    with (folder / "labels").open("wb") as stream:
        truth.write_lines(stream)
    labels = read_labels((folder / "labels").read_bytes().splitlines(), "labels")
    options = ScanOptions(paths=(str(log),), progress=False, quiet=True)
    done = survey(options, configured(options), spooled=True)
    assert done.spool is not None
    engine, anomalies = done.engine, done.findings.anomalies
    told = {a.detector for a in anomalies}
    parts: dict[str, list[NDArray[np.float64]]] = {
        name: [] for name in ("signatures", *sorted(told), "together")
    }
    wrong = []
    with done.spool as spool:
        for block in spool.blocks():
            silent = block.copy()
            silent["score"] = PRIOR
            for name, into in parts.items():
                chosen = [a for a in anomalies if name in (a.detector, "together")]
                marker = Marker(chosen, engine.services, spool.routes, engine.names, TYPE_NAMES)
                into.append(marker.judge(block if name in ("signatures", "together") else silent).score)
            wrong.append(labels.of(spool.sources[0], block["line"], only=True) >= 0)
    scores = {name: np.concatenate(into) for name, into in parts.items()}
    together = scores.pop("together")
    told_apart = {name: score for name, score in scores.items() if score.max() > score.min()}
    return told_apart, together, np.concatenate(wrong)


def row(
    name: str,
    wrong: NDArray[np.bool_],
    alone: list[float],
    score: NDArray[np.float64],
    share_known: NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Print a row; returns the gain over the best member, and the calibration error.

    Args:
        share_known: Scores for somebody who knew how many of the requests are wrong.
    """
    together = average_precision(score, wrong)
    shown = " | ".join(f"{value:.4f}" for value in alone)
    print(
        f"| {name} | {len(wrong):,} | {int(wrong.sum()):,} | {shown} | {together:.4f} "
        f"| {together - max(alone):+.4f} | {error(score, wrong):.3f} | "
        + ("" if share_known is None else f"{error(share_known, wrong):.3f} |")
    )
    return together - max(alone), error(score, wrong)


def error(score: NDArray[np.float64], wrong: NDArray[np.bool_]) -> float:
    """Expected calibration error."""
    found = reliability(score, wrong.astype(np.float64), (~wrong).astype(np.float64))
    return found.error if found is not None else float("nan")


def verdict(rows: list[tuple[float, float]]) -> None:
    """Print what was asked beside what is reached."""
    lost = sum(gain < -ASKED_LOSS for gain, _ in rows)
    better = sum(gain > 0 for gain, _ in rows)
    unreliable = sum(gap > ASKED_ERROR for _, gap in rows)
    print(
        f"\nWorse than the best member by more than {ASKED_LOSS}: {lost} of {len(rows)} (asked none). Better: {better} "
        f"(asked half). Calibration error above {ASKED_ERROR}: {unreliable} (asked none).\n"
    )


if __name__ == "__main__":
    sys.exit(main())
