"""The compiled rules: built once, then read from the user's cache directory.

A cached database counts under the conditions of `vedette.kernels.cache`. It is never unpickled.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property, lru_cache, partial
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

import hyperscan
import msgspec

from vedette.detectors.signatures.compile import PatternError, prepare, row_expression, to_row_end
from vedette.detectors.signatures.marks import split_alternatives
from vedette.detectors.signatures.rules import PLACE_BITS, Place, Rule, RuleError, load_rules, rule_sources
from vedette.kernels.cache import read_cached, write_cached

TARGET = PLACE_BITS[Place.TARGET]
MAGIC = b"vedette signatures 4\n"
_Expressions = list[tuple[int, bytes]]
"""Numbers of rules, and what is searched for them."""


Each = TypeVar("Each")


class Groups(NamedTuple, Generic[Each]):
    """Databases of rules.

    Attributes:
        targets: They match rule `i` once per row, at the row's end, with id `i`; for rules that look at the target, as
            far as they match texts without a mark (`vedette.detectors.signatures.marks`).
        dotted: The same as far as they match only texts with a dot. marked: Only those with a mark.
        headers: The same for rules that look elsewhere only; what looks at both is not compiled twice.
        contexts: The same for rules that only tell what others' hits are worth in a target or referer: of no
            interest where nothing else hits, and a third of what searching for all of them takes.
    """

    targets: tuple[Each, ...]
    dotted: tuple[Each, ...]
    marked: tuple[Each, ...]
    headers: tuple[Each, ...]
    contexts: tuple[Each, ...]


PARTS = 1, 1, 2, 1, 1
"""Databases that each of `Groups` is spread over, so that cores share the compiling. One is searched a third quicker
than two; usual logs hold little to scan for marks, and attacks are scanned as fast by one, two or three."""


class _Cached(msgspec.Struct, array_like=True, frozen=True):
    key: bytes
    rules: tuple[Rule, ...]
    # Parts of what was read: nine megabytes need not be copied.
    groups: tuple[tuple[memoryview, ...], ...]


class RuleSet(msgspec.Struct, frozen=True, dict=True):
    """Rules and their compiled form. Threads may share them; who scans brings scratch space.

    Attributes:
        rules: In order of file and place; a rule's index is its number everywhere.
        load: Gives their databases; asked once, by who searches first: often another process than the one that made
            this.
    """

    rules: tuple[Rule, ...]
    load: Callable[[], Groups[hyperscan.Database]]

    @cached_property
    def groups(self) -> Groups[hyperscan.Database]:
        """The databases."""
        return self.load()


class UncompiledRules(msgspec.Struct, frozen=True):
    """Rules whose databases are not there yet.

    Attributes:
        rules: As in `RuleSet`.
        compiled: Makes the databases.
    """

    rules: tuple[Rule, ...]
    compiled: Callable[[], RuleSet]


def load_rules_at_once(cache: Path | None) -> RuleSet | UncompiledRules:
    """The package's rules without waiting for a compiler: compiled where they are cached, else as they are written."""
    sources = rule_sources()
    key = _key(sources)
    with suppress(LookupError):
        return _read(_file(cache, key), key)
    return UncompiledRules(load_rules(sources), partial(load_rule_set, cache))


def load_rule_set(
    cache: Path | None = None,
    added: Mapping[str, bytes] | None = None,
    check: Callable[[RuleSet], Sequence[str]] | None = None,
) -> RuleSet:
    """The package's rules and those that are added, compiled.

    Args:
        cache: Directory to cache them in; None for none.
        added: More rule files, name to YAML text.
        check: Finds faults in rules that were compiled anew, one sentence each; what is cached was found good.

    Raises:
        RuleError: A rule file is damaged, or a check found a fault.
    """
    sources = {**rule_sources(), **(added or {})}
    key = _key(sources)
    path = _file(cache, key)
    with suppress(LookupError):
        return _read(path, key)
    rules = load_rules(sources)
    rule_set = compile_rules(rules)
    if check is not None and (faults := check(rule_set)):
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise RuleError(faults[0] + more)
    if path is not None:
        dumped = tuple(tuple(memoryview(hyperscan.dumpb(d)) for d in group) for group in rule_set.groups)
        payload = msgspec.msgpack.encode(_Cached(key, rules, dumped))
        write_cached(path, MAGIC, payload, "signatures-*.bin")
    return rule_set


def compile_rules(rules: tuple[Rule, ...]) -> RuleSet:
    """Compile rules, on as many cores as there are. Raises `RuleError`, naming the rule at fault."""
    lists: list[_Expressions] = [[] for _ in PARTS]
    targets, dotted, marked, headers, contexts = lists
    for index, rule in enumerate(rules):
        if rule.pattern is None:
            continue
        prepared = _prepared(rule)
        if rule.tells_context:
            contexts.append((index, to_row_end(prepared)))
        elif not rule.place_bits & TARGET:
            headers.append((index, to_row_end(prepared)))
        else:
            for group, some in zip((targets, dotted, marked), split_alternatives(prepared), strict=True):
                if some:
                    group.append((index, to_row_end("|".join(some))))
    parted = [
        [part for part in _spread(group, parts) if part] for group, parts in zip(lists, PARTS, strict=True)
    ]
    with ThreadPoolExecutor(sum(PARTS)) as pool:
        waiting = [[pool.submit(_compile, part) for part in group] for group in parted]
    try:
        databases = Groups(*(tuple(part.result() for part in group) for group in waiting))
    except hyperscan.error as error:
        raise RuleError(_culprit(rules) or f"the rules do not compile together: {error}") from error
    return RuleSet(rules, lambda: databases)


def _spread(group: _Expressions, parts: int) -> list[_Expressions]:
    return [group[part::parts] for part in range(parts)]


def _prepared(rule: Rule) -> str:
    try:
        return prepare(rule.pattern or "")
    except PatternError as error:
        raise RuleError(f"{rule.id}: pattern {rule.pattern!r}: {error}") from error


def _culprit(rules: Sequence[Rule]) -> str | None:
    for rule in rules:
        if rule.pattern is not None:
            try:
                _compile([(0, row_expression(rule.pattern))])
            except hyperscan.error as error:
                return f"{rule.id}: pattern {rule.pattern!r}: {error}"
    return None


def _compile(numbered: _Expressions) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    ids, expressions = zip(*numbered, strict=True)
    flags = [hyperscan.HS_FLAG_MULTILINE] * len(ids)
    database.compile(expressions=list(expressions), ids=list(ids), flags=flags)
    return database


def _file(cache: Path | None, key: bytes) -> Path | None:
    return None if cache is None else cache / f"signatures-{key.hex()[:24]}.bin"


def _key(sources: dict[str, bytes]) -> bytes:
    """Digest of everything that the compiled database depends on."""
    digest = hashlib.sha256(MAGIC)
    package = resources.files("vedette.detectors.signatures")
    code = [(package / name).read_bytes() for name in ("compile.py", "marks.py", "database.py")]
    probe = _compile([(0, b"a")])  # its description names engine version and processor features
    parts = [str(probe.info()).encode(), os.uname().machine.encode(), *code]
    for name, text in sources.items():
        parts += [name.encode(), text]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


@lru_cache(maxsize=1)
def _read(path: Path | None, key: bytes) -> RuleSet:
    """What is cached there; the same object again for who asks again: 8 MB.

    Raises:
        LookupError: It is not there, or other than it should be.
    """
    payload = None if path is None else read_cached(path, MAGIC)
    if payload is None:
        raise LookupError(path)
    try:
        cached = msgspec.msgpack.decode(payload, type=_Cached)
    except msgspec.MsgspecError:
        raise LookupError(path) from None
    if cached.key != key:
        raise LookupError(path)
    return RuleSet(cached.rules, _Restoring(cached))


class _Restoring:
    """Makes the databases of what was kept of them, once, and lets go of that: nine megabytes."""

    def __init__(self, cached: _Cached) -> None:
        self._source: _Cached | Groups[hyperscan.Database] = cached
        self._lock = Lock()

    def __call__(self) -> Groups[hyperscan.Database]:
        with self._lock:
            if isinstance(self._source, _Cached):
                self._source = _restored_groups(self._source)
            return self._source


def _restored_groups(cached: _Cached) -> Groups[hyperscan.Database]:
    """The databases as they were kept; what the engine refuses of them is made anew."""
    try:
        return Groups(*(tuple(map(_restored, group)) for group in cached.groups))
    except hyperscan.error:
        return compile_rules(cached.rules).groups


def _restored(serialised: memoryview) -> hyperscan.Database:
    return hyperscan.loadb(bytes(serialised), hyperscan.HS_MODE_BLOCK)
