"""The compiled rules: built once, then read from the user's cache directory.

A cached database counts under the conditions of `vedette.kernels.cache`. It is never unpickled.
"""

import hashlib
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import hyperscan
import msgspec

from vedette.detectors.signatures.compile import PatternError, row_expression
from vedette.detectors.signatures.rules import PLACE_BITS, Place, Rule, RuleError, load_rules, rule_sources
from vedette.kernels.cache import read_cached, write_cached

TARGET = PLACE_BITS[Place.TARGET]
MAGIC = b"vedette signatures 1\n"
TARGET_PARTS = 2
"""Databases that the rules for targets are spread over, so that cores share the compiling."""


class _Cached(msgspec.Struct, array_like=True, frozen=True):
    key: bytes
    rules: tuple[Rule, ...]
    targets: tuple[bytes, ...]
    headers: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules and their compiled form.

    Attributes:
        rules: In order of file and place; a rule's index is its number everywhere.
        targets: Databases that match rule `i` once per row, at the row's end, with id `i`; for rules that
            look at the target.
        headers: The same for rules that look elsewhere.
    """

    rules: tuple[Rule, ...]
    targets: tuple[hyperscan.Database, ...]
    headers: tuple[hyperscan.Database, ...]


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
    path = cache / f"signatures-{key.hex()[:24]}.bin" if cache is not None else None
    if path is not None and (found := _read(path, key)) is not None:
        return found
    rules = load_rules(sources)
    rule_set = compile_rules(rules)
    if check is not None and (faults := check(rule_set)):
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise RuleError(faults[0] + more)
    if path is not None:
        dumped = (tuple(map(hyperscan.dumpb, group)) for group in (rule_set.targets, rule_set.headers))
        payload = msgspec.msgpack.encode(_Cached(key, rules, *dumped))
        write_cached(path, MAGIC, payload, "signatures-*.bin")
    return rule_set


def compile_rules(rules: tuple[Rule, ...]) -> RuleSet:
    """Compile rules, on as many cores as there are. Raises `RuleError`, naming the rule at fault."""
    on_target = [i for i, rule in enumerate(rules) if rule.pattern is not None and rule.place_bits & TARGET]
    elsewhere = [i for i, rule in enumerate(rules) if rule.pattern is not None and rule.place_bits & ~TARGET]
    expressions = {index: _expression(rules[index]) for index in {*on_target, *elsewhere}}
    groups = [on_target[part::TARGET_PARTS] for part in range(TARGET_PARTS)] + [elsewhere]
    with ThreadPoolExecutor(len(groups)) as pool:
        waiting = [
            pool.submit(_compile, [expressions[i] for i in ids], ids) if ids else None for ids in groups
        ]
    try:
        *targets, headers = [() if future is None else (future.result(),) for future in waiting]
    except hyperscan.error as error:
        raise RuleError(_culprit(rules) or f"the rules do not compile together: {error}") from error
    return RuleSet(rules, tuple(itertools.chain(*targets)), headers)


def _expression(rule: Rule) -> bytes:
    try:
        return row_expression(rule.pattern or "")
    except PatternError as error:
        raise RuleError(f"{rule.id}: pattern {rule.pattern!r}: {error}") from error


def _culprit(rules: Sequence[Rule]) -> str | None:
    for rule in rules:
        if rule.pattern is not None:
            try:
                _compile([row_expression(rule.pattern)], [0])
            except hyperscan.error as error:
                return f"{rule.id}: pattern {rule.pattern!r}: {error}"
    return None


def _compile(expressions: list[bytes], ids: list[int]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=ids, flags=[hyperscan.HS_FLAG_MULTILINE] * len(ids))
    return database


def _key(sources: dict[str, bytes]) -> bytes:
    """Digest of everything that the compiled database depends on."""
    digest = hashlib.sha256(MAGIC)
    code = (resources.files("vedette.detectors.signatures") / "compile.py").read_bytes()
    probe = _compile([b"a"], [0])  # its description names engine version and processor features
    parts = [str(probe.info()).encode(), os.uname().machine.encode(), code]
    for name, text in sources.items():
        parts += [name.encode(), text]
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.digest()


def _read(path: Path, key: bytes) -> RuleSet | None:
    payload = read_cached(path, MAGIC)
    if payload is None:
        return None
    try:
        cached = msgspec.msgpack.decode(payload, type=_Cached)
        if cached.key != key:
            return None
        targets, headers = (tuple(map(_restored, group)) for group in (cached.targets, cached.headers))
    except (msgspec.MsgspecError, hyperscan.error):
        return None
    return RuleSet(cached.rules, targets, headers)


def _restored(serialised: bytes) -> hyperscan.Database:
    database = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database
