"""A rule may name the few texts that it does not match."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.detectors.signatures.compile import prepare
from vedette.detectors.signatures.other_than import other_than
from vedette.detectors.signatures.rules import RuleError, load_rules, rule_sources

words = st.text("ab-_1", min_size=1, max_size=5)


def matches(pattern: str, text: str) -> bool:
    """Whether a row with this text matches, as the scanner reads it."""
    return re.search(prepare(pattern).encode(), text.encode() + b"\0") is not None


@given(st.lists(words, min_size=1, max_size=6), st.text("ab-_1z", max_size=6))
def test_every_text_matches_but_the_empty_one_and_those_named(named: list[str], text: str):
    assert matches(other_than(named), text) == (text != "" and text not in named)


@given(st.lists(words, min_size=1, max_size=6))
def test_beginnings_and_continuations_of_what_is_named_match(named: list[str]):
    for word in named:
        for text in (word[:-1], word + "a"):
            assert matches(other_than(named), text) == (text != "" and text not in named)


@pytest.mark.parametrize("word", ["", "GET", "a b", "é"])
def test_what_cannot_be_written_so_is_refused(word: str):
    with pytest.raises(ValueError, match="must be lower-case letters, digits, _ and -"):
        other_than([word])


def rules_with(entry: str) -> bytes:
    return f"""
type: protocol_violation
reference: CAPEC-272
places: [method]
rules:
  - id: protocol-mine
    confidence: 0.5
    why: It is none of ours.
    attacks: ["XYZZY"]
    lookalikes: ["GET"]
    {entry}
""".encode()


def test_a_rule_file_says_what_is_wrong_with_its_list():
    sources = rule_sources()
    with pytest.raises(RuleError, match="protocol-mine: a rule has either a pattern, or other_than"):
        load_rules(sources | {"mine.yaml": rules_with("other_than: [get]\n    pattern: 'xyzzy'")})
    with pytest.raises(RuleError, match=r"mine\.yaml: protocol-mine: other_than: 'GET': must be"):
        load_rules(sources | {"mine.yaml": rules_with("other_than: [GET]")})
