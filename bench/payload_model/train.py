"""Fit the payload model, and write it where the package reads it.

    python bench/payload_model/train.py [--output FILE] [--without SET] [--without-batch BATCH] [--only-talk]
                                        [--with-package]

Learns from the tuning halves of the sets whose licence allows it (`samples.PERMITTED`), from attacks made up by
`mutations.py`, from ordinary values made up by `ordinary.py` and `pasted.py`, from what some real applications
ask for (`bench/quality/applications.py`), and from what was read of the batches that were written blind
(`bench/quality/written.py`; never from their unread halves). A logistic regression over hashed
grams tells attacks from the rest; a second one tells the kinds of attack apart; a third one, which also learns from
`talk.py` and from values without a mark, tells attacks from what people write about them. `--without` leaves a set
out and `--without-batch` a batch, to see what is found in one that the model has never seen.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))

import applications
import payloads
import written
from leads import behind
from mutations import KINDS, attacks
from ordinary import Ordinary
from pasted import foreign, pasted
from samples import PERMITTED, Label, read
from talk import bare, talk

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.evidence import decode
from vedette.detectors.signatures.payload_model import SLOTS, PayloadModel, load_model, packaged
from vedette.detectors.signatures.rules import Place, load_rules, rule_sources
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.kernels.requests.grams import STRIDE, SYMBOLS, WINDOW, list_grams, list_tails
from vedette.kernels.requests.word_shapes import GRAMMAR, PER_BYTE, list_shapes

KIND_OF = {
    "sqli": "sql_injection",
    "sql": "sql_injection",
    "sql-injection": "sql_injection",
    "nosql-injection": "template_injection",
    "xss": "xss",
    "xss-scripting": "xss",
    "cmdi": "command_injection",
    "shell": "command_injection",
    "shell-injection": "command_injection",
    "rce": "command_injection",
    "rce-rawrequests": "command_injection",
    "rce-urlparam": "command_injection",
    "rce-urlpath": "command_injection",
    "path-traversal": "path_traversal",
    "lfi": "path_traversal",
    "lfi-multipart": "path_traversal",
}
"""Kinds of the sets' classes; what is not named here is `template_injection`, the kind of everything else."""

KIND_OF_FAMILY = {
    "sql": "sql_injection",
    "xss": "xss",
    "command": "command_injection",
    "inclusion": "path_traversal",
    "inclusion_and_shells": "path_traversal",
    "traversal": "path_traversal",
    "traversal_inclusion": "path_traversal",
}
"""Kinds of the batches' families, as `KIND_OF` has them of the sets."""

KNOWN_BY_NAME = frozenset(
    {
        "agents",
        "cve",
        "exploits",
        "headers",
        "probes",
        "protocol",
        "protocol_methods",
        "protocol_scanner",
        "scanner",
        "scanner_protocol",
        "sensitive",
        "sensitive_scanner_exploits",
        "webshell",
        "webshell_upload",
        "webshell_upload_scanner_sensitive",
    }
)
"""Families of the batches whose attacks a name tells, not their letters and marks: not learnt from."""

ON_TARGET = (Place.PATH, Place.QUERY, Place.TARGET)
TRAINED_ON = (
    "half of httpparams (MIT), libinjection's test data (BSD-3), gotestwaf's test cases (MIT), grananqvist's payloads "
    "(MIT) and elastic's sample log (Apache-2.0); the rules' examples; values made up by bench/payload_model; "
    "requests of applications that we walked; what was read of the batches of bench/quality/written"
)
GENERATED = 30_000
PASTED = 15_000
TALK = 12_000
LED = 6_000
UNMARKED = 8
"""Of ordinary values without a mark one in so many is learnt from: they are asked about only where a rule hit."""
SEED = 20260
ROUNDS = 3
"""Models that are fitted, each to values made up anew, and averaged: what chance made up for one weighs less."""
BEFORE = 2
"""How much the package's model counts beside what is fitted anew, where asked for: what one training's chance made up
weighs less, and what was measured of the one before still holds."""
STRENGTH = 8.0
"""Inverse regularisation."""


@dataclass(frozen=True, slots=True)
class Value:
    """One decoded value.

    Attributes:
        text: As rules see it.
        kind: Its kind of attack, None if it is ordinary.
        weight: How much it counts.
        origin: The set it comes from.
    """

    text: bytes
    kind: str | None
    weight: float
    origin: str


Wanted = tuple[bytes, str | None, float, str]
"""A target, its kind of attack or None, how much it counts, and where it comes from."""


def gather(without: str | None, without_batch: str | None, seed: int, *, talks: bool = False) -> list[Value]:
    """Every distinct value that is scored at all, with what it is; for what tells them from talk, if `talks`."""
    wanted: list[Wanted] = []
    for sample in read(tuple(name for name in PERMITTED if name != without)):
        if not sample.tuning or "target" not in sample.columns or sample.columns["target"] == b"/":
            continue
        kind = KIND_OF.get(sample.kind, "template_injection") if sample.label is Label.ATTACK else None
        # Of a real site's requests, and of what fools filters, the sets hold few.
        weight = 3.0 if sample.label is Label.LOOKALIKE or sample.group == "elastic" else 1.0
        wanted.append((sample.columns["target"], kind, weight, sample.group))
    wanted = _without_mislabelled(wanted)
    wanted += _rule_examples()
    before = Ordinary(seed + 1)(GENERATED)
    for kind, text in attacks(GENERATED, seed):
        if hash_of(text) % 6 == 0:
            # Much that is harmless before what is not, as in a form's free text.
            text = f"{next(before)[: 16 * (1 + hash_of(text) % 6)]} {text}"
        wanted.append((b"/p?q=" + _written(text), kind, 0.5, "made up"))
        if hash_of(text) % 4 == 0:
            wanted.append((b"/a/" + _written(text), kind, 0.5, "made up"))
    for text in Ordinary(seed)(GENERATED):
        wanted.append(((b"" if text.startswith("/") else b"/p?q=") + _written(text), None, 1.0, "made up"))
    for text in pasted(PASTED, seed + 2):
        wanted.append((b"/p?q=" + _written(text), None, 1.0, "pasted"))
    for text in foreign(PASTED // 3, seed + 3):
        wanted.append((b"/p?q=" + _written(text), None, 1.0, "foreign"))
    for sample in applications.samples():
        if sample.kind in applications.LEARNED:
            wanted.append((sample.columns["target"], None, 2.0, "applications"))
    wanted += _written_blind(without_batch)

    if talks:
        wanted += [(b"/p?q=" + _written(text), None, 1.0, "talk") for text in talk(TALK, seed + 4)]
        wanted += [(b"/p?q=" + _written(text), kind, 2.0, "bare") for kind, text in bare(TALK, seed + 5)]
        for kind, text in bare(TALK // 4, seed + 6):
            # Who fills a form puts the attack behind what the field is for: no question, and no sentence about it.
            wanted.append((b"/p?q=" + _written(f"{next(before)[:48]} {text}"), kind, 1.0, "bare"))
        drawn = random.Random(seed + 7)
        for kind, text in attacks(LED, seed + 8):
            wanted.append((b"/p?q=" + _written(behind(drawn, text)), kind, 1.0, "led"))
    return distinct(wanted, talks=talks)


def distinct(wanted: list[Wanted], *, talks: bool) -> list[Value]:
    """The distinct values of targets that are scored at all."""
    found: dict[bytes, Value] = {}
    blank = PayloadModel(np.zeros((1, SLOTS), dtype=np.int8), 1.0, 0.0, ())
    parts = decode([target for target, *_ in wanted], split=True)
    scored = iter(blank.windows([(part, bool(split)) for rows in parts for split, part in enumerate(rows)]))
    for (_, kind, weight, origin), rows in zip(wanted, parts, strict=True):
        for split, part in enumerate(rows):
            value = part if split == 0 else part.partition(b"=")[2] or part
            unmarked = next(scored) is None
            if unmarked and not (talks and split == 1 and value and (kind or not _skipped(value, origin))):
                continue
            known = found.get(value)
            if known is None:
                found[value] = Value(value, kind, weight, origin)
            elif (known.kind is None) != (kind is None):
                # A text that is ordinary in one place and an attack in another teaches nothing.
                found[value] = Value(value, known.kind, 0.0, origin)
    return [value for value in found.values() if value.weight > 0]


def _skipped(value: bytes, origin: str) -> bool:
    """Whether an ordinary value without a mark is left out."""
    return origin not in ("talk", "batches") and sum(value) % UNMARKED != 0


def _without_mislabelled(
    wanted: list[Wanted],
) -> list[Wanted]:
    """Leave out values that are called ordinary and that the rules alone call attacks.

    Nearly all are probes of scanners that the collector of the set took for ordinary traffic.
    """
    scanner = SignatureScanner(model=None)
    hits = scanner.judge(batch({"target": [target for target, *_ in wanted]})).decisive()
    return [
        entry
        for entry, hit in zip(wanted, hits, strict=True)
        if entry[1] is not None or not hit or entry[2] > 1
    ]


def _written_blind(without: str | None) -> list[Wanted]:
    """What was read of the batches that were written blind."""
    found: list[Wanted] = []
    for batch_of in written.batches():
        if batch_of == without:
            continue
        for sample in written.samples(batch_of):
            target = sample.columns.get("target", b"/")
            if (
                target == b"/"
                or payloads.NOT_HTTP in sample.columns
                or "method" in sample.columns
                or not written.was_read(batch_of, sample)
            ):
                continue
            if sample.label is not Label.ATTACK:
                found.append((target, None, 1.0, "batches"))
            elif sample.kind not in KNOWN_BY_NAME:
                kind = KIND_OF_FAMILY.get(sample.kind, "template_injection")
                found.append((target, kind, 1.0, "batches"))
    return found


def _rule_examples() -> list[Wanted]:
    """The rules' own examples: attacks of the kinds that the model knows, and look-alikes of all."""
    found: list[Wanted] = []
    for rule in load_rules(rule_sources()):
        if rule.places[0] not in ON_TARGET:
            continue
        texts = [(text.encode(), None, 8.0, "rules") for text in rule.lookalikes]
        if rule.type in KINDS and rule.decisive:
            texts += [(text.encode(), str(rule.type), 2.0, "rules") for text in rule.attacks]
        found += texts
    return found


def hash_of(text: str) -> int:
    """A small number that depends on the text alone."""
    return sum(text.encode())


def _written(text: str) -> bytes:
    return quote(text, safe="/").encode()


def windows(values: list[Value]) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    """The grams of each window of each value, which value each window is of, and how much it counts.

    An ordinary value's windows and tails count as much together as its windows did alone: it holds no more for having
    more of them.
    """
    room = 3 * (WINDOW + 2)
    slot, size, last = (np.zeros(room, dtype=np.int64) for _ in range(3))
    indices, counts, starts, owners, weights = [], [], [0], [], []
    for number, value in enumerate(values):
        plain, begins = _window_begins(value.text)
        weights += [value.weight if value.kind else value.weight * plain / len(begins)] * len(begins)
        for first in begins:
            text = np.frombuffer(value.text[first : first + WINDOW] + b"\0", dtype=np.uint8)
            count = list_grams(SYMBOLS, text, 0, len(text) - 1, SLOTS, slot, size, last)
            slots, times = np.unique(slot[:count], return_counts=True)
            indices.append(slots.astype(np.int32))
            counts.append(times / np.sqrt(count))
            starts.append(starts[-1] + len(slots))
            owners.append(number)
    data = np.concatenate(counts), np.concatenate(indices), np.array(starts)
    return csr_matrix(data, shape=(len(owners), SLOTS)), np.array(owners), np.array(weights)


def _window_begins(value: bytes) -> tuple[int, list[int]]:
    """Of a value, how many windows are learnt from; and where they and its tails begin."""
    last = min(max(0, len(value) - WINDOW + STRIDE - 1), 8 * STRIDE)
    tails = np.zeros(2, dtype=np.int64)
    text = np.frombuffer(value + b"\0", dtype=np.uint8)
    count = list_tails(SYMBOLS, text, 0, len(value), tails)
    plain = range(0, last + 1, STRIDE)
    return len(plain), [*plain, *tails[:count].tolist()]


def shapes(values: list[Value]) -> csr_matrix:
    """The words and shapes of each window of each value, in the order of `windows`."""
    slot = np.zeros(PER_BYTE * (WINDOW + 2), dtype=np.int64)
    indices, counts, starts = [], [], [0]
    for value in values:
        for first in _window_begins(value.text)[1]:
            text = np.frombuffer(value.text[first : first + WINDOW] + b"\0", dtype=np.uint8)
            count = list_shapes(GRAMMAR, text, 0, len(text) - 1, SLOTS, slot)
            slots, times = np.unique(slot[:count], return_counts=True)
            indices.append(slots.astype(np.int32))
            counts.append(times / np.sqrt(max(1, count)))
            starts.append(starts[-1] + len(slots))
    data = np.concatenate(counts), np.concatenate(indices), np.array(starts)
    return csr_matrix(data, shape=(len(starts) - 1, SLOTS))


def fit(values: list[Value]) -> PayloadModel:
    """Fit both regressions; twice, because only after the first is it known which window of a long attack is one."""
    matrix, owner, weight = windows(values)
    hostile = np.array([value.kind is not None for value in values])[owner]
    chosen = np.append(True, np.diff(owner) != 0) | ~hostile
    for _ in range(2):
        model = LogisticRegression(C=STRENGTH, max_iter=400)
        model.fit(matrix[chosen], hostile[chosen], sample_weight=weight[chosen])
        scores = matrix @ model.coef_[0]
        worst = np.full(len(values), -np.inf)
        np.maximum.at(worst, owner, scores)
        chosen = (scores >= worst[owner]) | ~hostile
    rows = chosen & hostile
    kinds = np.array([KINDS.index(value.kind) if value.kind else -1 for value in values])[owner]
    apart = LogisticRegression(C=STRENGTH, max_iter=200)
    apart.fit(matrix[rows], kinds[rows])
    print(f"{matrix.shape[0]:,} windows, {matrix.nnz:,} grams", file=sys.stderr)
    return PayloadModel.rounded(model.coef_[0], float(model.intercept_[0]), apart.coef_, KINDS, TRAINED_ON)


def _counted(values: list[Value]) -> list[Value]:
    print(Counter((value.origin, value.kind) for value in values), file=sys.stderr)
    return values


def fit_talk(values: list[Value], model: PayloadModel) -> PayloadModel:
    """Fit what tells attacks from talk; of a long attack, the window that the model finds worst is one."""
    matrix, owner, weight = windows(values)
    hostile = np.array([value.kind is not None for value in values])[owner]
    scores = matrix @ model.weights[0].astype(np.float64)
    worst = np.full(len(values), -np.inf)
    np.maximum.at(worst, owner, scores)
    chosen = (scores >= worst[owner]) | ~hostile
    talk = LogisticRegression(C=STRENGTH, max_iter=400)
    both = hstack([matrix, shapes(values)]).tocsr()
    talk.fit(both[chosen], hostile[chosen], sample_weight=weight[chosen])
    return model.told_from_talk(talk.coef_[0].reshape(2, -1), float(talk.intercept_[0]))


def averaged(models: list[PayloadModel], before: PayloadModel | None = None) -> PayloadModel:
    """The model whose weights are the means of the models'.

    But for talk, one from before counts `BEFORE` times as much as they all together.
    """

    def mean(of: Callable[[PayloadModel], NDArray[np.float64] | float]) -> NDArray[np.float64]:
        return np.mean([of(model) for model in models], axis=0)

    kinds = models[0].kinds
    talk, talk_bias = (
        mean(lambda model: model.talk * model.talk_scale),
        float(mean(lambda model: model.talk_bias)),
    )
    if before is not None:
        models = [*models, *[before] * (BEFORE * len(models))]
    plain = PayloadModel.rounded(
        mean(lambda model: model.weights[0] * model.scale),
        float(mean(lambda model: model.bias)),
        mean(lambda model: model.weights[1:].astype(np.float64)),
        kinds,
        TRAINED_ON,
    )
    return plain.told_from_talk(talk, talk_bias)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, help="where to write it")
    parser.add_argument("--without", choices=PERMITTED, help="leave this set out")
    parser.add_argument("--without-batch", choices=written.batches(), help="leave this batch out")
    parser.add_argument(
        "--only-talk",
        action="store_true",
        help="keep the package's model but for what tells attacks from talk",
    )
    parser.add_argument(
        "--with-package",
        action="store_true",
        help="average what is fitted with the package's model, but for what tells attacks from talk",
    )
    options = parser.parse_args()
    sets = (options.without, options.without_batch)
    rounds = []
    for number in range(ROUNDS):
        seed = SEED + 100 * number
        model = packaged() if options.only_talk else fit(_counted(gather(*sets, seed)))
        rounds.append(fit_talk(_counted(gather(*sets, seed, talks=True)), model))
    model = averaged(rounds, packaged() if options.with_package else None)
    if options.output:
        options.output.write_bytes(model.dumped())
        assert load_model(options.output.read_bytes()) == model
    return 0


if __name__ == "__main__":
    sys.exit(main())
