"""The compiled rules: built once, then read from the user's cache directory.

The cache is a convenience: without it (no home directory, no right to write, a file that is not as it should
be) the rules are compiled anew, with the same outcome. A cached database is machine-readable state that a
native
library trusts, so a cache file counts only if nobody but this user could have written it: the file and its
directory belong to the effective user and neither is writable for others. Its contents are checked by a
digest and are never unpickled.
"""

import hashlib
import itertools
import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import hyperscan
import msgspec

from vedette.detectors.signatures.compile import PatternError, row_expression
from vedette.detectors.signatures.rules import PLACE_BITS, Place, Rule, RuleError, load_rules, rule_sources

TARGET = PLACE_BITS[Place.TARGET]
MAGIC = b"vedette signatures 1\n"
TARGET_PARTS = 2
"""Databases that the rules for targets are spread over, so that cores share the compiling."""
KEPT = 4
"""Cache files kept: one per set of rules, engine and processor that takes turns here."""
LARGEST = 64 * 1024 * 1024
"""Bytes of the largest cache file that is read."""


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


def load_rule_set(cache: Path | None = None) -> RuleSet:
    """The package's rules, compiled.

    Args:
        cache: Directory to cache them in; None for none.

    Raises:
        RuleError: A rule file of this installation is damaged.
    """
    sources = rule_sources()
    key = _key(sources)
    path = cache / f"signatures-{key.hex()[:24]}.bin" if cache is not None else None
    if path is not None and (found := _read(path, key)) is not None:
        return found
    rules = load_rules(sources)
    rule_set = compile_rules(rules)
    if path is not None:
        dumped = (tuple(map(hyperscan.dumpb, group)) for group in (rule_set.targets, rule_set.headers))
        _write(path, _Cached(key, rules, *dumped))
    return rule_set


def cache_directory() -> Path | None:
    """`$XDG_CACHE_HOME/vedette` or `~/.cache/vedette`; None where there is no such place."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification: a relative path is invalid and to be ignored.
    if base and Path(base).is_absolute():
        return Path(base) / "vedette"
    try:
        return Path.home() / ".cache" / "vedette"
    except RuntimeError:
        return None


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
    content = _trusted_content(path)
    if content is None or not content.startswith(MAGIC):
        return None
    digest, payload = content[len(MAGIC) : len(MAGIC) + 32], content[len(MAGIC) + 32 :]
    if hashlib.sha256(payload).digest() != digest:
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


def _ours(state: os.stat_result) -> bool:
    return state.st_uid == os.geteuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _trusted_content(path: Path) -> bytes | None:
    """What a file holds, if only this user could have written it."""
    try:
        if not _ours(path.parent.lstat()):
            return None
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or not _ours(state) or state.st_size > LARGEST:
            return None
        try:
            return file.read()
        except OSError:
            return None


def _write(path: Path, cached: _Cached) -> None:
    """Write a cache file whole or not at all; not being able to is no error."""
    payload = msgspec.msgpack.encode(cached)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ours(path.parent.lstat()):
            return
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(MAGIC + hashlib.sha256(payload).digest() + payload)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            return
        _prune(path.parent)
    except OSError:
        return


def _prune(directory: Path) -> None:
    files = sorted(directory.glob("signatures-*.bin"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT:]:
        file.unlink(missing_ok=True)
