"""What cannot match a text of words and numbers is not looked for in one."""

import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signatures.test_scan import rule

from vedette.detectors.signatures.compile import PatternError, prepare
from vedette.detectors.signatures.database import compile_rules
from vedette.detectors.signatures.marks import (
    DOTS,
    MARKS,
    Alternatives,
    holding,
    needs_one_of,
    split_alternatives,
)
from vedette.detectors.signatures.rules import Rule, RuleError, load_rules, rule_sources


@cache
def alternatives() -> Alternatives:
    """Those of all rules of the package."""
    found = Alternatives([], [], [])
    for each in load_rules(rule_sources()):
        if each.pattern is not None:
            for group, more in zip(found, split_alternatives(prepare(each.pattern)), strict=True):
                group += more
    return found


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("a<b", True),
        ("<", True),
        ("<*a", False),
        ("<{0,3}a", False),
        ("<{2}a", True),
        ("<+a", True),
        ("a(?:<|>)b", True),
        ("a(?:<|b)c", False),
        ("(?:a<)?b", False),
        ("['\"]x", True),
        ("['x]", False),
        ("[^a]x", False),
        ("^$", False),
        (r"\bx\b", False),
        (r"\x27", True),
        (r"\x41", True),
        (r"\(", True),
        (r"\.", False),
        (r"\s", False),
        (r"\r", True),
        ("x|<", False),
    ],
)
def test_what_needs_a_mark_is_told(pattern: str, needed: bool):
    assert needs_one_of(MARKS, prepare(pattern)) is needed


def test_alternatives_are_parted_at_the_top_alone():
    found = split_alternatives(prepare(r"a(?:b|<)|<c|[|]d|e|f\.g|\.<|a(?:\.|b)"))
    assert found.plain == ["a(?:b|<)", "e", r"a(?:\.|b)"]
    assert found.dotted == [r"f\.g"]
    assert found.marked == ["<c", "[|]d", r"\.<"]


@given(st.data())
@settings(max_examples=300)
def test_every_match_of_what_needs_a_mark_or_a_dot_holds_one(data: st.DataObject):
    which = data.draw(st.sampled_from([1, 2]))
    alternative = data.draw(st.sampled_from(alternatives()[which]))
    text = data.draw(st.from_regex(re.compile(alternative.encode("latin-1"), re.DOTALL), fullmatch=True))
    assert (DOTS, MARKS)[which - 1].intersection(text)


def test_the_rules_profit():
    plain, dotted, marked = alternatives()
    assert len(marked) > len(plain) / 2
    assert len(dotted) > len(plain) / 5


@pytest.mark.parametrize("pattern", ["*a", "(?:a", "a)b", "[z-a]b", "a**"])
def test_a_pattern_that_does_not_compile_is_refused_with_the_rule_named(pattern: str):
    broken: Rule = rule("broken", pattern, "path")
    with pytest.raises((RuleError, PatternError), match="broken"):
        compile_rules((broken,))


rows = st.lists(
    st.lists(st.sampled_from(list(b"ab1/.<'\xff")), max_size=6).map(bytes), min_size=1, max_size=12
)


@given(rows, st.sampled_from([MARKS, DOTS]), st.sampled_from([1, 300]))
def test_rows_with_marks_are_those_that_hold_one(texts: list[bytes], marks: frozenset[int], times: int):
    """Whether they are few bytes or many."""
    texts = times * texts
    ended = [text + b"\0\n" for text in texts]
    buffer = np.frombuffer(b"".join(ended), dtype=np.uint8)
    found, end, which = holding(marks, buffer, np.cumsum([len(text) for text in ended]))
    assert which.tolist() == [n for n, text in enumerate(texts) if marks.intersection(text)]
    assert found.tobytes() == b"".join(ended[n] for n in which)
    assert end.tolist() == np.cumsum([len(ended[n]) for n in which]).tolist()


def test_what_sentences_take_back_needs_a_mark_or_a_space():
    """Else it might have hit a plain path or a parameter's name, of which nobody asks whether they are talk."""
    needed = frozenset(byte for byte in MARKS if byte < 128) | frozenset(b" \r+~")
    taken_back = 0
    for each in load_rules(rule_sources()):
        if each.sentences and each.pattern is not None:
            assert needs_one_of(needed, f"(?:{prepare(each.pattern)})"), each.id
            assert not each.talk
            assert each.confidence < 0.9
            taken_back += 1
    assert taken_back
