"""Do the rules do what their examples say? For who writes rules, and for tests; not for every start."""

import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from vedette.detectors.signatures.columns import COLUMNS, WRITTEN
from vedette.detectors.signatures.database import RuleSet, UncompiledRules
from vedette.detectors.signatures.evidence import Asked, Locator
from vedette.detectors.signatures.rules import DECISIVE, FLAGS, Place, Rule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.schema.requests import Coded, RequestFlag, Requests

_REPEAT = re.compile(r"\{repeat (.) (\d+)\}")
"""`{repeat a 20000}` in an example stands for so many of one character."""

_COLUMN_OF = {place: column.name for column in COLUMNS for place in column.places} | {
    Place.TARGET: "target",
    Place.RAW: "target",
    Place.ORIGIN: "target",
    Place.REFERER: "referer",
}


def check_rules(rule_set: RuleSet | UncompiledRules, ids: Collection[str] | None = None) -> list[str]:
    """Faults of the rules, one sentence each; none if every rule hits its attacks and not its look-alikes.

    With `ids`, only these rules are looked at.

    A look-alike may be hit by other, weaker rules, but not be judged an attack.
    """
    scanner = SignatureScanner(rule_set)
    locator = Locator(rule_set.rules)
    faults: list[str] = []
    for index, rule in enumerate(rule_set.rules):
        if ids is not None and rule.id not in ids:
            continue
        if rule.tells_context:
            faults += _context_faults(locator, index, rule)
            continue
        hits = scanner.judge(examples(rule, rule.attacks))
        for row, text in enumerate(rule.attacks):
            if not any(_as_good(rule_set.rules[other], rule) for other in hits.rules(row)):
                faults.append(f"{rule.id} does not hit its attack {text!r}")
            elif rule.band is None and not any(m.rule == index and m.text for m in hits.evidence(row)):
                faults.append(f"{rule.id} hits {text!r} but cannot say where")
        hits = scanner.judge(examples(rule, rule.lookalikes, attacks=False))
        for row, text in enumerate(rule.lookalikes):
            if index in hits.rules(row):
                faults.append(f"{rule.id} hits its look-alike {text!r}")
            elif hits.confidence[row] >= DECISIVE:
                names = ", ".join(rule_set.rules[other].id for other in hits.rules(row))
                faults.append(f"the look-alike {text!r} of {rule.id} is judged an attack by {names}")
    return faults


def _context_faults(locator: Locator, index: int, rule: Rule) -> list[str]:
    """Faults of a rule that tells context: its matches are never seen, only what they excuse."""
    column = next(number for number, one in enumerate(COLUMNS) if one.name == _COLUMN_OF[rule.places[0]])
    faults = []
    for texts, wanted in ((rule.attacks, True), (rule.lookalikes, False)):
        found = locator.find([Asked(text.encode(), column, index) for text in texts])
        word = "does not match its example" if wanted else "matches its look-alike"
        faults += [
            f"{rule.id} {word} {text!r}"
            for text, match in zip(texts, found, strict=True)
            if (match is not None) is not wanted
        ]
    return faults


def _as_good(hit: Rule, wanted: Rule) -> bool:
    """Whether a rule that hit is the wanted one; for a band of the payload model, a surer one will do."""
    if wanted.band is None or hit.band is None:
        return hit.id == wanted.id
    return hit.type is wanted.type and hit.confidence >= wanted.confidence


def examples(rule: Rule, texts: Sequence[str], *, attacks: bool = True) -> Requests:
    """A batch that holds each text in the first place of a rule, in otherwise plain requests."""
    column = _COLUMN_OF[rule.places[0]]
    flag = FLAGS.get(rule.flag or "")
    flags = int(flag) if attacks and isinstance(flag, RequestFlag) else 0
    written = [_REPEAT.sub(_repeated, text).encode() for text in texts]
    if column == WRITTEN:
        return batch({"method": [b"PUT"] * len(written), "target": written}, flags)
    return batch({column: written}, flags)


def _repeated(found: re.Match[str]) -> str:
    return found[1] * int(found[2])


def batch(texts: Mapping[str, Sequence[bytes | None]], flags: int = 0) -> Requests:
    """A batch from text columns of equal length; those left out are not recorded, but for a plain target."""
    rows = len(next(iter(texts.values())))
    nothing: list[bytes | None] = [None] * rows

    def column(name: str) -> Coded:
        return Coded.of(texts.get(name, [b"/"] * rows if name == "target" else nothing))

    return Requests(
        source="examples",
        line=np.arange(1, rows + 1, dtype=np.int64),
        time=np.zeros(rows, dtype=np.int64),
        status=np.zeros(rows, dtype=np.int16),
        bytes_in=np.full(rows, -1, dtype=np.int64),
        bytes_out=np.full(rows, -1, dtype=np.int64),
        duration=np.full(rows, np.nan),
        flags=np.full(rows, flags, dtype=np.uint16),
        peer=column("peer"),
        forwarded=column("forwarded"),
        method=column("method"),
        target=column("target"),
        protocol=column("protocol"),
        user_agent=column("user_agent"),
        referer=column("referer"),
        service=column("service"),
        buffer=np.zeros(0, dtype=np.uint8),
        raw_start=np.zeros(rows, dtype=np.int64),
        raw_length=np.zeros(rows, dtype=np.int32),
    )
