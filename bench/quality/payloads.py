"""How many attacks the signatures find in public sets, and how much benign text they accuse.

Judged through the engine's own path (`SignatureScanner.judge`). An attack is found, and a benign request
accused, if its combined confidence reaches `DECISIVE`. Rules and model are fitted to the tuning half of the
permitted sets only (`samples.Sample.tuning`); the columns *held out* are the other half.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ranking import average_precision, wilson
from samples import Label, Sample, is_probe

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.rules import DECISIVE
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.schema.requests import RequestFlag, Requests

_COLUMNS = ("method", "target", "protocol", "referer", "user_agent")
_BATCH = 20_000
NOT_HTTP = "not HTTP"
"""A column of samples that are no requests of HTTP at all; their whole text is the target."""

TARGETS = (
    ("attacks found, mean over classes", 0.98, "CRS 3.3 92.3 %, open-appsec 99.5 %, on comparable sets"),
    ("benign values accused", 0.001, "CRS 18.6 %, Cloudflare 0.06 %, on comparable sets"),
    ("the same, without probes labelled legal", 0.001, ""),
    ("look-alikes accused", 0.05, ""),
    ("real human requests accused", 0.0001, ""),
)
"""What is aimed at, and published figures of others.

The published figures are those of the open-appsec project's comparison (openappsec.io, "Best WAF Solutions in
2024-2025: Real-World Comparison"; its sets: github.com/openappsec/waf-comparison-project). It is a maker's
comparison with its own product in it, on other values than these.
"""

JUDGED_BY = ("httpparams", "libinjection", "gotestwaf", "grananqvist", "acunetix")
"""Sets whose classes the first target is a mean over."""
BENIGN_OF = ("httpparams", "gotestwaf", "grananqvist")
HUMAN = ("human_sessions_27", "elastic", "csic2010")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts on n samples.

    Attributes:
        samples: The samples.
        confidence: float64 (n,).
        rules: Ids of the rules that each hit.
        seconds: CPU time of judging them.
    """

    samples: Sequence[Sample]
    confidence: NDArray[np.float64]
    rules: Sequence[tuple[str, ...]]
    seconds: float

    @property
    def flagged(self) -> NDArray[np.bool_]:
        """Which are judged attacks."""
        return self.confidence >= np.float32(DECISIVE)


def judge(samples: Iterable[Sample], scanner: SignatureScanner) -> Verdicts:
    """Judge samples by the signatures."""
    chosen = list(samples)
    confidence = np.empty(len(chosen))
    rules: list[tuple[str, ...]] = []
    seconds = 0.0
    for begin, requests in zip(range(0, len(chosen), _BATCH), batches(chosen), strict=True):
        part = chosen[begin : begin + _BATCH]
        begun = time.process_time()
        hits = scanner.judge(requests)
        seconds += time.process_time() - begun
        confidence[begin : begin + len(part)] = hits.confidence
        rules += _names(scanner, hits, len(part))
    return Verdicts(chosen, confidence, rules, seconds)


def batches(samples: Sequence[Sample]) -> Iterator[Requests]:
    """Samples as batches of requests."""
    for begin in range(0, len(samples), _BATCH):
        part = samples[begin : begin + _BATCH]
        requests = batch({name: [sample.columns.get(name) for sample in part] for name in _COLUMNS})
        requests.flags[[NOT_HTTP in sample.columns for sample in part]] |= np.uint16(RequestFlag.NOT_HTTP)
        yield requests


def _names(scanner: SignatureScanner, hits: SignatureHits, count: int) -> list[tuple[str, ...]]:
    return [
        tuple(scanner.rules[rule].id for rule in hits.rules(row)) if hits.confidence[row] else ()
        for row in range(count)
    ]


def table(verdicts: Verdicts) -> str:
    """A row per class: share judged an attack, on all and on the half held out; AUC-PR per set."""
    by_class: dict[tuple[str, str, Label], list[int]] = defaultdict(list)
    for index, sample in enumerate(verdicts.samples):
        by_class[sample.group, sample.kind, sample.label].append(index)
    lines = [
        "| set | class | label | distinct | judged an attack | held out | any hit | AUC-PR |",
        "|---|---|---|---|---|---|---|---|",
    ]
    tuning = np.array([sample.tuning for sample in verdicts.samples])
    flagged = verdicts.flagged
    for (group, kind, label), indices in by_class.items():
        rows = np.array(indices)
        held = rows[~tuning[rows]]
        area = ""
        if label is Label.ATTACK:
            area = f"{_area(verdicts, group, rows):.4f}"
        lines.append(
            f"| {group} | {kind} | {label} | {len(rows):,} | {flagged[rows].mean():.2%} "
            f"| {_share(flagged, held)} | {(verdicts.confidence[rows] > 0).mean():.2%} | {area} |"
        )
    return "\n".join(lines) + "\n"


def _share(flagged: NDArray[np.bool_], rows: NDArray[np.int64]) -> str:
    return f"{flagged[rows].mean():.2%}" if len(rows) else ""


def _area(verdicts: Verdicts, group: str, attacks: NDArray[np.int64]) -> float:
    """Average precision of a class against the benign values of its set, or of all sets if it has none."""
    own = [i for i, s in enumerate(verdicts.samples) if s.group == group and s.label is Label.BENIGN]
    others = [i for i, s in enumerate(verdicts.samples) if s.group in BENIGN_OF and s.label is Label.BENIGN]
    rows = np.concatenate([attacks, np.array(own or others, dtype=np.int64)])
    positive = np.arange(len(rows)) < len(attacks)
    return average_precision(verdicts.confidence[rows], positive)


def summary(verdicts: Verdicts) -> str:
    """What is aimed at, beside what is reached, on all values and on the half held out."""
    tuning = np.array([sample.tuning for sample in verdicts.samples])
    lines = ["| | asked | all | held out | others |", "|---|---|---|---|---|"]
    figures = (_found, _accused, _accused_rightly_labelled, _lookalikes, _people)
    for (name, asked, others), figure in zip(TARGETS, figures, strict=True):
        sign = "≥" if name.startswith("attacks") else "≤"
        all_of_it = figure(verdicts, np.ones(len(tuning), dtype=np.bool_))
        held = figure(verdicts, ~tuning)
        lines.append(f"| {name} | {sign} {asked:.2%} | {all_of_it} | {held} | {others} |")
    rate = len(verdicts.samples) / verdicts.seconds
    lines.append(f"| distinct requests judged per CPU second | | {rate:,.0f} | | |")
    return "\n".join(lines) + "\n"


def _found(verdicts: Verdicts, chosen: NDArray[np.bool_]) -> str:
    shares: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for sample, flagged, this in zip(verdicts.samples, verdicts.flagged, chosen, strict=True):
        if this and sample.label is Label.ATTACK and sample.group in JUDGED_BY:
            shares[sample.group, sample.kind].append(bool(flagged))
    if not shares:
        return "not measured"
    return f"{np.mean([np.mean(hits) for hits in shares.values()]):.2%} of {len(shares)} classes"


def _accused(verdicts: Verdicts, chosen: NDArray[np.bool_]) -> str:
    return _rate(verdicts, chosen, BENIGN_OF, Label.BENIGN)


def _accused_rightly_labelled(verdicts: Verdicts, chosen: NDArray[np.bool_]) -> str:
    probes = np.array([is_probe(sample) for sample in verdicts.samples])
    return _rate(verdicts, chosen & ~probes, BENIGN_OF, Label.BENIGN)


def _lookalikes(verdicts: Verdicts, chosen: NDArray[np.bool_]) -> str:
    return _rate(verdicts, chosen, ("libinjection",), Label.LOOKALIKE)


def _people(verdicts: Verdicts, chosen: NDArray[np.bool_]) -> str:
    return _rate(verdicts, chosen, HUMAN, Label.BENIGN)


def _rate(verdicts: Verdicts, chosen: NDArray[np.bool_], groups: tuple[str, ...], label: Label) -> str:
    rows = np.array([s.group in groups and s.label is label for s in verdicts.samples]) & chosen
    tried = int(rows.sum())
    if not tried:
        return "not measured"
    found = int(verdicts.flagged[rows].sum())
    low, high = wilson(found, tried)
    return f"{found / tried:.3%} ({found} of {tried:,}; 95 % interval {low:.3%} to {high:.3%})"


def show(verdicts: Verdicts, wanted: str, *, each: int = 3) -> None:
    """Print what of `set/class` went wrong: attacks not found, or benign requests accused; by rules."""
    seen: Counter[tuple[str, ...]] = Counter()
    for sample, confidence, flagged, rules in zip(
        verdicts.samples, verdicts.confidence, verdicts.flagged, verdicts.rules, strict=True
    ):
        if f"{sample.group}/{sample.kind}" != wanted or flagged == (sample.label is Label.ATTACK):
            continue
        seen[rules] += 1
        if seen[rules] <= each or not rules:
            shown = sample.columns.get("target", b"")[:160]
            print(f"    {confidence:.2f} {shown!r} {' '.join(rules)}")
