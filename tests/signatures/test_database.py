"""The cache of compiled rules: quick when it can be trusted, ignored when it cannot."""

import gc
import hashlib
from pathlib import Path

import pytest

from vedette.detectors.signatures import database
from vedette.detectors.signatures.compile import PatternError, prepare
from vedette.detectors.signatures.database import (
    MAGIC,
    RuleSet,
    UncompiledRules,
    load_rule_set,
    load_rules_at_once,
)
from vedette.detectors.signatures.rules import RuleError, load_rules
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.kernels.cache import cache_directory


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two quickest families of rules: all take seconds to compile, and nothing here depends on their number."""
    sources = database.rule_sources()
    chosen = {name: sources[name] for name in sources if name.startswith(("log4shell", "xxe"))}
    assert len(chosen) == 2
    monkeypatch.setattr(database, "rule_sources", lambda: chosen)


@pytest.fixture
def cached(tmp_path: Path) -> Path:
    load_rule_set(tmp_path / "vedette")
    (file,) = (tmp_path / "vedette").glob("signatures-*.bin")
    return file


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    counted: list[int] = []
    original = database.compile_rules
    monkeypatch.setattr(database, "compile_rules", lambda rules: counted.append(1) or original(rules))
    return counted


def test_the_second_start_reads_the_cache_and_judges_the_same(cached: Path, compilations: list[int]):
    restored = load_rule_set(cached.parent)
    assert compilations == []
    assert load_rule_set(cached.parent) is restored
    fresh = load_rule_set()
    assert restored.rules == fresh.rules
    from vedette.detectors.signatures.check import batch

    requests = batch(
        {
            "target": [b"/?q=<!DOCTYPE+a+[<!ENTITY+b+SYSTEM+'file:///etc/passwd'>]>", b"/"],
            "user_agent": [None, b"${jndi:ldap://a/b}"],
        }
    )
    expected = SignatureScanner(fresh).judge(requests).confidence.tolist()
    assert min(expected) > 0
    assert SignatureScanner(restored).judge(requests).confidence.tolist() == expected


def test_what_databases_were_kept_as_is_let_go_once_they_are_made(cached: Path):
    def kept() -> int:
        return sum(isinstance(each, database._Cached) for each in gc.get_objects())

    restored = load_rule_set(cached.parent)
    before = kept()
    assert restored.groups is restored.load()
    assert kept() == before - 1


def test_who_does_not_wait_gets_compiled_rules_only_from_the_cache(tmp_path: Path, compilations: list[int]):
    uncompiled = load_rules_at_once(tmp_path / "vedette")
    assert isinstance(uncompiled, UncompiledRules)
    assert compilations == []
    compiled = uncompiled.compiled()
    assert compilations == [1]
    assert compiled.rules == uncompiled.rules
    cached = load_rules_at_once(tmp_path / "vedette")
    assert isinstance(cached, RuleSet)
    assert cached.rules == uncompiled.rules
    assert compilations == [1]
    assert isinstance(load_rules_at_once(None), UncompiledRules)


def test_a_file_that_others_could_write_is_not_trusted(cached: Path, compilations: list[int]):
    cached.chmod(0o666)
    load_rule_set(cached.parent)
    assert compilations == [1]


def test_a_directory_that_others_could_write_is_not_trusted(cached: Path, compilations: list[int]):
    cached.parent.chmod(0o777)
    load_rule_set(cached.parent)
    assert compilations == [1]


def test_a_link_is_not_followed(cached: Path, compilations: list[int]):
    cached.rename(cached.with_suffix(".moved"))
    cached.symlink_to(cached.with_suffix(".moved"))
    load_rule_set(cached.parent)
    assert compilations == [1]
    assert not cached.is_symlink()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"something else",
        MAGIC,
        MAGIC + bytes(64),
        MAGIC + hashlib.sha256(b"\x90").digest() + b"\x90",
        MAGIC + hashlib.sha256(b"junk").digest() + b"junk",
    ],
)
def test_a_damaged_file_is_replaced(cached: Path, compilations: list[int], content: bytes):
    cached.write_bytes(content)
    load_rule_set(cached.parent)
    load_rule_set(cached.parent)
    assert compilations == [1]


def test_one_flipped_bit_is_noticed(cached: Path, compilations: list[int]):
    content = bytearray(cached.read_bytes())
    content[len(content) // 2] ^= 1
    cached.write_bytes(content)
    load_rule_set(cached.parent)
    assert compilations == [1]


def test_a_place_that_cannot_be_written_costs_only_time(tmp_path: Path):
    occupied = tmp_path / "file"
    occupied.write_text("")
    assert load_rule_set(occupied / "below").rules


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert cache_directory() == tmp_path / ".cache" / "vedette"


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("a(?=b)", "only plain groups"),
        ("a.*", "without end"),
        ("a[^b]+", "without end"),
        ("(?:a|b+)", "without end"),
        (r"a\nb", "not allowed"),
        (r"a\x0ab", "end a row"),
        (r"[\x01-\x1f]a", "cross rows"),
        ("Abc", "never matches"),
        ("[A-Z]a", "never matches"),
        (r"(a)\1", "not allowed"),
        ("[abc", "without its"),
        ("a\\", "single backslash"),
    ],
)
def test_a_pattern_that_cannot_run_over_rows_is_refused(pattern: str, fault: str):
    with pytest.raises(PatternError, match=fault):
        prepare(pattern)


@pytest.mark.parametrize(
    ("pattern", "prepared"),
    [
        (r"a\sb", r"a[ +\r]b"),
        ("a.b$", r"a[^\n\x00]b\x00"),
        ("[^a]b", r"[^\n\x00a]b"),
        (r"\Wa", r"[^a-z0-9_\n\x00]a"),
        ("(a|b)c", "(?:a|b)c"),
    ],
)
def test_a_pattern_is_kept_inside_its_row(pattern: str, prepared: str):
    assert prepare(pattern) == prepared


FAMILY = """
type: xss
reference: CAPEC-63
places: [query]
rules:
  - {id: a, pattern: x, confidence: 0.5, why: w, attacks: [x], lookalikes: [y]}
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("type: xss", "type: error_spike", "not a type of request"),
        ("confidence: 0.5", "confidence: 1.5", "confidence"),
        ("why: w,", "", "why"),
        ("why: w,", "why: w, extra: 1,", "extra"),
        ("attacks: [x]", "attacks: []", "attacks"),
        ("pattern: x,", "", "either a pattern, or a flag"),
        ("pattern: x,", "flag: nul,", "either a pattern, or a flag"),
        ("pattern: x,", "flag: odd, places: [raw],", "flag 'odd' is none of"),
        ("rules:", "rules: [", "x.yaml"),
    ],
)
def test_a_faulty_rule_file_says_what_is_wrong(old: str, new: str, fault: str):
    with pytest.raises(RuleError, match=fault):
        load_rules({"x.yaml": FAMILY.replace(old, new).encode()})


def test_a_rule_id_is_used_once():
    with pytest.raises(RuleError, match="a is defined twice"):
        load_rules({"x.yaml": FAMILY.encode(), "y.yaml": FAMILY.encode()})
