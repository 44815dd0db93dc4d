"""Whether all members together are worth more than the best of them, and whether scores are reliable.

    python bench/quality/ensemble.py [--fit] [--seeds N …]

Three parts, each with average precision of every member and of all together, and the expected calibration error of
the latter: as it is, which assumes one attack in fifty; had it known the set's own share of attacks; and what it would
be by chance alone, were every score right.

- requests of public sets, judged by rules and payload model (`detectors.signatures.opinions`). A request's hash says
  what it is for: rules and model were made on the tuning half; calibrations are fitted to half of the rest of the
  permitted sets (`--fit`), and the other half of the rest measures. Sets that may only measure are measured on all that
  is not of the tuning half;
- CSIC 2010 as a log of a site whose past is known (`csic.py`): signatures, the site's own habits, and both;
- simulated logs with every kind of incident in them, by line: signatures, every other detector, and all together. Lines
  of crowds are beside the others: no single one of them is to blame.

`--fit` writes the calibrations that the package ships.
"""

import argparse
import hashlib
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import csic
import msgspec
import numpy as np
import written
from numpy.typing import NDArray
from payloads import batches
from ranking import average_precision
from samples import PERMITTED, READERS, Label, Sample, read

from vedette.detectors.signatures.opinions import UNMARKED, Calibrated
from vedette.detectors.signatures.payload_model import packaged
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.signatures.tables import PRIOR
from vedette.engine.verdicts import Marker
from vedette.evaluate.labels import read_labels
from vedette.evaluate.reliability import reliability, with_share
from vedette.fusion.calibration import calibrate
from vedette.fusion.fusing import log_odds
from vedette.fusion.unseen import share_unseen
from vedette.fusion.weighing import weigh
from vedette.replay.options import ScanOptions
from vedette.replay.scanning import TYPE_NAMES
from vedette.replay.survey import configured, survey
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
    site()
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
        unseen=0.0,
        fitted_to=f"{int(wrong.sum()):,} attacks and {int((~wrong).sum()):,} others of {', '.join(PERMITTED)}",
    )
    made = with_unseen(made)
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(made)) + b"\n")
    print(f"{TARGET}: {made.fitted_to}; weights {made.weights}; unseen {made.unseen}")


def with_unseen(made: Calibrated) -> Calibrated:
    """Calibrations with the share of attacks that say nothing to either member.

    By attacks that neither was made for: those halves of the batches written blind of which nothing was read.
    """
    unread = ask(
        [
            sample
            for batch in written.batches()
            for sample in written.samples(batch)
            if sample.label is Label.ATTACK and not written.was_read(batch, sample)
        ]
    )
    opinions = msgspec.structs.replace(SignatureScanner.cached().opinions, calibrated=made)
    evidence = opinions.odds(unread.plain, unread.payload, unread.types) - log_odds(made.prior)
    share = share_unseen(evidence)
    fitted_to = f"{made.fitted_to}; unseen: {len(evidence):,} attacks of batches written blind, unread halves"
    return msgspec.structs.replace(made, unseen=round(share, 3), fitted_to=fitted_to)


def requests(said: Said) -> None:
    """Print the table of requests of public sets."""
    opinions = SignatureScanner.cached().opinions
    print(
        "| set | requests | attacks | rules | payload model | together | less the best | error | error, share known "
        "| by chance |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
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
        rows.append(row(group, wrong, alone, score))
    verdict(rows)


def site() -> None:
    """Print the table of a site whose habits are known: the half of CSIC 2010 that no constant was chosen by."""
    print(
        "| CSIC 2010 | requests | anomalous | signatures | habits | together | less the best | error ", end=""
    )
    print("| error, share known | by chance |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        labels = csic.write_logs(folder)
        wanted = np.array([half == "confirm" for _, half in labels])
        wrong = np.array([odd for odd, _ in labels])[wanted]
        scores = []
        for part in (
            "{parameters: {enabled: false}}",
            "{signatures: {enabled: false, min_confidence: 1.0}}",
            "{}",
        ):
            (folder / "part.yaml").write_text(f"detectors: {part}\n")
            past = ("--baseline-from", str(folder / "normal.log"), "--all")
            verdicts = csic.verdicts(folder / "attacks.log", *past, "--config", str(folder / "part.yaml"))
            scores.append(np.array([float(v["score"]) for v in verdicts])[wanted])
    alone = [average_precision(score, wrong) for score in scores[:2]]
    verdict([row("confirming half", wrong, alone, scores[2])])


def suite(seeds: list[int]) -> None:
    """Print the table of simulated logs; members that mark no line are left out."""
    print(
        "| log | lines | labelled | best member | together | less the best | error | error, share known | by chance "
        "| crowds left out |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    rows = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            members, together, wrong, crowd = simulated(seed, Path(folder))
        alone = {name: average_precision(score, wrong) for name, score in members.items()}
        best = max(alone, key=lambda name: alone[name])
        value = average_precision(together, wrong)
        print(
            f"| seed {seed} | {len(wrong):,} | {int(wrong.sum()):,} | {best} {alone[best]:.4f} | {value:.4f} "
            f"| {value - alone[best]:+.4f} | {errors(together, wrong)} | {error(together[~crowd], wrong[~crowd]):.3f} |"
        )
        rows.append((value - alone[best], error(known(together, wrong), wrong)))
    verdict(rows)


def simulated(
    seed: int, folder: Path
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """A log with every kind of incident: scores of each member and of all together; which lines are labelled.

    Last, which of them as part of a crowd.
    """
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
    marks = []
    with done.spool as spool:
        for block in spool.blocks():
            silent = block.copy()
            silent["score"] = PRIOR
            for name, into in parts.items():
                chosen = [a for a in anomalies if name in (a.detector, "together")]
                odd = name in ("parameters", "together") and engine.habits is not None
                marker = Marker(
                    chosen, engine.services, spool.routes, engine.names, TYPE_NAMES,
                    engine.habits.marked if odd else None,
                )  # fmt: skip
                into.append(marker.judge(block if name in ("signatures", "together") else silent).score)
            marks.append(labels.of(spool.sources[0], block["line"], only=True))
    scores = {name: np.concatenate(into) for name, into in parts.items()}
    together = scores.pop("together")
    told_apart = {name: score for name, score in scores.items() if score.max() > score.min()}
    mark = np.concatenate(marks)
    crowd = np.isin(mark, [number for number, name in enumerate(labels.names) if name == "traffic_spike"])
    return told_apart, together, mark >= 0, crowd


def row(
    name: str,
    wrong: NDArray[np.bool_],
    alone: list[float],
    score: NDArray[np.float64],
) -> tuple[float, float]:
    """Print a row; returns the gain over the best member, and the calibration error."""
    together = average_precision(score, wrong)
    shown = " | ".join(f"{value:.4f}" for value in alone)
    print(
        f"| {name} | {len(wrong):,} | {int(wrong.sum()):,} | {shown} | {together:.4f} "
        f"| {together - max(alone):+.4f} | {errors(score, wrong)} |"
    )
    return together - max(alone), error(known(score, wrong), wrong)


def known(score: NDArray[np.float64], wrong: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scores, had they known how many of the rows are wrong."""
    inside = np.clip(score, 1e-6, 1.0 - 1e-6)
    return with_share(inside, PRIOR, float(wrong.mean()))


def errors(score: NDArray[np.float64], wrong: NDArray[np.bool_]) -> str:
    """The calibration errors of a row."""
    shifted = known(score, wrong)
    found = reliability(shifted, wrong.astype(np.float64), (~wrong).astype(np.float64))
    assert found is not None
    return f"{error(score, wrong):.3f} | {found.error:.3f} | {found.chance:.3f}"


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
        f"(asked half). Calibration error, share known, above {ASKED_ERROR}: {unreliable} (asked none).\n"
    )


if __name__ == "__main__":
    sys.exit(main())
