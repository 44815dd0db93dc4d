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
from vedette.detectors.signatures.marks import MARKS, needs_mark, split_alternatives, with_marks
from vedette.detectors.signatures.rules import Rule, RuleError, load_rules, rule_sources


@cache
def alternatives() -> tuple[list[str], list[str]]:
    """Of the package's rules, those that may do without a mark, and the others."""
    plain: list[str] = []
    marked: list[str] = []
    for each in load_rules(rule_sources()):
        if each.pattern is not None:
            for group, more in zip((plain, marked), split_alternatives(prepare(each.pattern)), strict=True):
                group += more
    return plain, marked


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
    assert needs_mark(prepare(pattern)) is needed


def test_alternatives_are_parted_at_the_top_alone():
    assert split_alternatives(prepare("a(?:b|<)|<c|[|]d|e")) == (["a(?:b|<)", "e"], ["<c", "[|]d"])


@given(st.data())
@settings(max_examples=300)
def test_every_match_of_what_needs_a_mark_holds_one(data: st.DataObject):
    alternative = data.draw(st.sampled_from(alternatives()[1]))
    text = data.draw(st.from_regex(re.compile(alternative.encode("latin-1"), re.DOTALL), fullmatch=True))
    assert MARKS.intersection(text)


def test_the_rules_profit():
    plain, marked = alternatives()
    assert len(marked) > len(plain) / 2


@pytest.mark.parametrize("pattern", ["*a", "(?:a", "a)b", "[z-a]b", "a**"])
def test_a_pattern_that_does_not_compile_is_refused_with_the_rule_named(pattern: str):
    broken: Rule = rule("broken", pattern, "path")
    with pytest.raises((RuleError, PatternError), match="broken"):
        compile_rules((broken,))


rows = st.lists(
    st.lists(st.sampled_from(list(b"ab1/<'\xff")), max_size=6).map(bytes), min_size=1, max_size=12
)


@given(rows)
def test_rows_with_marks_are_those_that_hold_one(texts: list[bytes]):
    ended = [text + b"\0\n" for text in texts]
    buffer = np.frombuffer(b"".join(ended), dtype=np.uint8)
    found, end, which = with_marks(buffer, np.cumsum([len(text) for text in ended]))
    assert which.tolist() == [n for n, text in enumerate(texts) if MARKS.intersection(text)]
    assert found.tobytes() == b"".join(ended[n] for n in which)
    assert end.tolist() == np.cumsum([len(ended[n]) for n in which]).tolist()
