"""Rules: what an attack looks like, what merely looks like one, and how sure a match is.

A rule is data. `rules/<family>.yaml` holds the rules of one anomaly type; docs/explanation/signatures.md says
how to write one.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from importlib import resources
from typing import Annotated

import msgspec
from msgspec.structs import replace

from vedette.detectors.signatures.other_than import other_than
from vedette.kernels.requests.text_flags import TextFlag
from vedette.schema.anomaly import AnomalyType
from vedette.schema.errors import VedetteError
from vedette.schema.requests import RequestFlag

DECISIVE = 0.8
"""Combined confidence from which a request counts as an attack by itself. At 0.8 a rule's match is expected
to be right four times in five even on the site whose benign traffic resembles it most; two independent weak
signs (0.6 and 0.5) reach it together, one does not."""

REQUEST_TYPES = (
    AnomalyType.SQL_INJECTION,
    AnomalyType.XSS,
    AnomalyType.PATH_TRAVERSAL,
    AnomalyType.COMMAND_INJECTION,
    AnomalyType.FILE_INCLUSION,
    AnomalyType.SSRF,
    AnomalyType.TEMPLATE_INJECTION,
    AnomalyType.LOG4SHELL,
    AnomalyType.XXE,
    AnomalyType.WEBSHELL,
    AnomalyType.SCANNER,
    AnomalyType.SENSITIVE_FILE,
    AnomalyType.PROTOCOL_VIOLATION,
    AnomalyType.ABNORMAL_REQUEST,
)
"""The types that a single request can have; type `REQUEST_TYPES[i]` is bit `i` of a type mask."""

MOST_RULES = 1024
"""Rules that a hit can tell apart (`kernels.verdicts.RULE_BITS`)."""


class Place(StrEnum):
    """Where a rule looks. All but `raw` hold decoded text."""

    PATH = "path"
    """The target up to its first `?`."""
    QUERY = "query"
    """The target after its first `?`, where `+` is a space."""
    ORIGIN = "origin"
    """Scheme and host of a target that names them."""
    TARGET = "target"
    """Path, query and origin, each by itself."""
    USER_AGENT = "user_agent"
    REFERER = "referer"
    """All that follows, each by itself."""
    REFERER_ORIGIN = "referer_origin"
    """Scheme and host of the referer."""
    REFERER_PATH = "referer_path"
    REFERER_QUERY = "referer_query"
    """Its query; of a referer that is no address, the whole text."""
    METHOD = "method"
    PROTOCOL = "protocol"
    WRITTEN = "written"
    """Path and query, each by itself, of what a request puts, moves or copies."""
    RAW = "raw"
    """The target or request line as it was written: rules that name a `flag`."""


PLACE_BITS: Mapping[Place, int] = {
    Place.PATH: 1,
    Place.QUERY: 2,
    Place.ORIGIN: 128,
    Place.TARGET: 1 | 2 | 128,
    Place.USER_AGENT: 4,
    Place.REFERER: 8 | 256 | 512,
    Place.REFERER_ORIGIN: 8,
    Place.REFERER_PATH: 256,
    Place.REFERER_QUERY: 512,
    Place.METHOD: 16,
    Place.PROTOCOL: 32,
    Place.WRITTEN: 64,
    Place.RAW: 0,
}

FLAGS: Mapping[str, TextFlag | RequestFlag] = {
    flag.name.lower(): flag for kind in (TextFlag, RequestFlag) for flag in kind if flag.name is not None
}
"""What a `raw` rule may name."""

BANDS: Mapping[str, float] = {"likely": 0.5, "sure": 2.5}
"""Bands of the payload model's score, in its log-odds from where they begin. From 2.5 on, one in ten thousand benign
values with marks is taken for an attack, or fewer."""

TALK = (-3.0, -1.25, 0.0)
"""Log-odds of an attack, as against talk about attacks, up to which the payload model takes a text for talk: one
without a space, one of few words, and a sentence (`kernels.requests.talk.SENTENCE`)."""

BEYOND_DOUBT = (-math.inf, -4.0, -1.75)
"""The same for talk beyond doubt, which takes back the rules with `sentences`. Nothing without a space is."""

MODEL_KINDS = (
    AnomalyType.SQL_INJECTION,
    AnomalyType.XSS,
    AnomalyType.COMMAND_INJECTION,
    AnomalyType.PATH_TRAVERSAL,
    AnomalyType.TEMPLATE_INJECTION,
)
"""Kinds of attack that the payload model tells apart, in its order."""

Confidence = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Examples = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signature.

    Attributes:
        id: Stable name, `family-what`.
        type: What a match states.
        confidence: How likely a match is an attack, 0..1, on the site whose benign traffic resembles it most.
        places: Where it looks.
        why: One sentence for the person who reads a report.
        reference: CAPEC or ATT&CK id.
        pattern: Regular expression over decoded, lower-case text (see `compile.prepare`); None for `raw`
            rules. A file may give a list `other_than` in its place: the whole texts that it does not match.
        flag: For `raw` rules, the name of a `TextFlag` or `RequestFlag`.
        band: For what the payload model says, the name of a band of its score (`BANDS`).
        talk: Whether it matches what people also write about: where the payload model takes all of a text for talk, it
            does not count.
        sentences: Whether it matches what people's sentences hold too, and in any other place than such a text holds a
            mark or a space: where the model takes all of a text for talk beyond doubt, it does not count.
        markup: Whether harmless markup hits it too: where a query holds that (`kernels.markup`) and no rule hit it but
            such ones, they do not count.
        excuses: Ids of rules that do not count where this matches: it tells what a request is for, and is no sign
            itself. A file may give patterns of ids.
        context: The same without excuses of its own: another rule asks for it with `beside`.
        beside: Id of a rule with `context` that must match in the same target before this one excuses.
        attacks: Examples as logged, each of which must match in the first of `places`.
        lookalikes: Benign texts of the same place that must not match.
    """

    id: str
    type: AnomalyType
    confidence: Confidence
    places: Annotated[tuple[Place, ...], msgspec.Meta(min_length=1)]
    why: str
    reference: str
    attacks: Examples
    lookalikes: Examples
    pattern: str | None = None
    flag: str | None = None
    band: str | None = None
    talk: bool = False
    sentences: bool = False
    markup: bool = False
    excuses: tuple[str, ...] = ()
    context: bool = False
    beside: str | None = None

    @property
    def tells_context(self) -> bool:
        """Whether a match is no sign of anything, but tells what other matches are worth."""
        return self.context or bool(self.excuses)

    @property
    def decisive(self) -> bool:
        """Whether a match makes a request an attack by itself."""
        return self.confidence >= DECISIVE

    @property
    def place_bits(self) -> int:
        """The places as a bit mask; 0 for `raw` rules."""
        mask = 0
        for place in self.places:
            mask |= PLACE_BITS[place]
        return mask


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule as a file holds it: what its family says is left out."""

    id: str
    confidence: Confidence
    why: str
    attacks: Examples
    lookalikes: Examples
    pattern: str | None = None
    other_than: tuple[str, ...] = ()
    flag: str | None = None
    band: str | None = None
    talk: bool = False
    sentences: bool = False
    markup: bool = False
    excuses: tuple[str, ...] = ()
    context: bool = False
    beside: str | None = None
    places: tuple[Place, ...] = ()
    reference: str = ""


class _Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule file: one type, and what its rules have unless they say otherwise."""

    type: AnomalyType
    reference: str
    places: tuple[Place, ...]
    rules: tuple[_Entry, ...]
    referers: bool = False
    """Whether what its rules say of paths and queries they say of those in referers too."""


class RuleError(VedetteError):
    """A rule file that does not hold what it must; the message says which, what and the remedy."""


def rule_sources() -> dict[str, bytes]:
    """The rule files of the package, by name, in order."""
    folder = resources.files("vedette.detectors.signatures") / "rules"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return {entry.name: entry.read_bytes() for entry in sorted(files, key=lambda entry: entry.name)}


def load_rules(sources: Mapping[str, bytes]) -> tuple[Rule, ...]:
    """Read rule files: name to YAML text. Raises `RuleError` at the first fault."""
    rules = tuple(rule for name, text in sources.items() for rule in _read(name, text))
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"rule {rule.id} is defined twice: rename one")
        seen.add(rule.id)
    stating = [rule.id for rule in rules if not rule.tells_context]
    rules = tuple(
        replace(rule, excuses=_named(rule.excuses, stating)) if rule.excuses else rule for rule in rules
    )
    contexts = {rule.id for rule in rules if rule.context}
    for rule in rules:
        missing = [other for other in rule.excuses if other not in seen]
        if missing:
            raise RuleError(f"rule {rule.id} excuses {missing[0]}: there is no such rule")
        if rule.beside is not None and (rule.beside not in contexts or not rule.excuses):
            raise RuleError(
                f"rule {rule.id}: beside {rule.beside}: must be a rule with `context: true`, in one that excuses"
            )
    if len(rules) > MOST_RULES:
        raise RuleError(f"{len(rules)} rules: at most {MOST_RULES} can be told apart")
    return rules


def _read(name: str, text: bytes) -> Iterable[Rule]:
    # Compiled rules are kept: most runs read none.
    import yaml

    # libyaml's parser, where PyYAML was built with it (its wheels are), is ten times quicker; both loaders
    # are safe.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        family = msgspec.convert(yaml.load(text, Loader=loader), _Family)  # noqa: S506 # see above
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise RuleError(f"{name}: {error}") from error
    if family.type not in REQUEST_TYPES:
        raise RuleError(f"{name}: type {family.type} is not a type of request")
    for entry in family.rules:
        rule = Rule(
            id=entry.id,
            type=family.type,
            confidence=entry.confidence,
            places=_places(entry.places or family.places, referers=family.referers),
            why=entry.why,
            reference=entry.reference or family.reference,
            attacks=entry.attacks,
            lookalikes=entry.lookalikes,
            pattern=_pattern(name, entry),
            flag=entry.flag,
            band=entry.band,
            talk=entry.talk,
            sentences=entry.sentences,
            markup=entry.markup,
            excuses=entry.excuses,
            context=entry.context,
            beside=entry.beside,
        )
        _check(name, rule)
        yield rule


def _named(patterns: Iterable[str], ids: Sequence[str]) -> tuple[str, ...]:
    """The ids that some patterns stand for; a pattern that stands for none, as it is."""
    found = ((pattern, [one for one in ids if fnmatchcase(one, pattern)]) for pattern in patterns)
    return tuple(dict.fromkeys(one for pattern, some in found for one in some or [pattern]))


def _places(places: tuple[Place, ...], *, referers: bool) -> tuple[Place, ...]:
    """The places of a rule, with those of referers that are like them where they are asked for."""
    if not referers or Place.REFERER in places:
        return places
    whole = Place.TARGET in places
    paths = (Place.REFERER_PATH,) if whole or Place.PATH in places else ()
    queries = (Place.REFERER_QUERY,) if whole or Place.QUERY in places else ()
    return *places, *paths, *queries


def _pattern(name: str, entry: _Entry) -> str | None:
    if not entry.other_than:
        return entry.pattern
    if entry.pattern is not None:
        raise RuleError(f"{name}: {entry.id}: a rule has either a pattern, or other_than: leave one out")
    try:
        return other_than(entry.other_than)
    except ValueError as error:
        raise RuleError(f"{name}: {entry.id}: other_than: {error}") from error


def _check(name: str, rule: Rule) -> None:
    if rule.band is not None:
        if rule.pattern is not None or rule.flag is not None or rule.band not in BANDS:
            raise RuleError(
                f"{name}: {rule.id}: band {rule.band!r}: must be one of {', '.join(BANDS)}, without pattern or flag"
            )
        if rule.type not in MODEL_KINDS:
            raise RuleError(f"{name}: {rule.id}: the payload model does not know type {rule.type}")
        return
    raw = Place.RAW in rule.places
    if raw != (rule.flag is not None) or raw == (rule.pattern is not None) or (raw and len(rule.places) > 1):
        raise RuleError(f"{name}: {rule.id}: a rule has either a pattern, or a flag and places: [raw]")
    if rule.flag is not None and rule.flag not in FLAGS:
        raise RuleError(f"{name}: {rule.id}: flag {rule.flag!r} is none of {', '.join(sorted(FLAGS))}")
