"""What a row is found to be does not depend on the rows that are searched together with it.

Vectorscan 5.4.12, which hyperscan 0.8 and 0.9 bring along, skips matches of some expressions wherever enough text
stands before them (https://github.com/VectorCamp/vectorscan/issues/382, mended in 5.4.13). The rules are written so
that it does not skip theirs.
"""

import itertools
import re
from functools import cache

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signatures.packaged import rule_set

from vedette.detectors.signatures.compile import prepare
from vedette.detectors.signatures.rules import load_rules, rule_sources

BEFORE = (
    b"/sa/3204/top.php\0\n\0\n",
    b"x" * 40 + b"\0\n",
    b"/index.html\0\nid=5&name=bob\0\n/shop/item/123456\0\n\0\n",
)
AFTER = b"/blog/packing-light\0\nlang=en\0\n"
PREFIXES = ("", "/sa/3204", "/a", "q=1&w=", "/shop/products/list/abcdefgh")


RULES = load_rules(rule_sources())


@cache
def searched() -> list[tuple[hyperscan.Database, hyperscan.Scratch]]:
    """The rules' databases, each with what it needs to search."""
    groups = rule_set().groups
    return [(each, hyperscan.Scratch(each)) for each in itertools.chain(*groups)]


def found(text: bytes, begin: int, end: int) -> set[str]:
    """The rules that match a row that ends there."""
    hits: set[str] = set()

    def on_match(number: int, _from: int, to: int, _flags: int, _context: object) -> None:
        if begin < to <= end:
            hits.add(RULES[number].id)

    for database, scratch in searched():
        database.scan(text, match_event_handler=on_match, scratch=scratch)
    return hits


def check(row: bytes) -> None:
    alone = found(row, 0, len(row))
    for before in BEFORE:
        assert found(before + row + AFTER, len(before), len(before) + len(row)) == alone


@pytest.mark.parametrize("number", range(len(RULES)), ids=[rule.id for rule in RULES])
def test_examples_are_found_among_others(number: int) -> None:
    for attack in RULES[number].attacks:
        for prefix in PREFIXES:
            row = (prefix + attack.lower()).encode()
            check(row.translate(None, b"\0\n") + b"\0\n")


@given(st.data())
@settings(max_examples=150)
def test_what_a_rule_matches_is_found_among_others(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from([rule for rule in RULES if rule.pattern is not None]))
    expression = prepare(rule.pattern or "").encode("latin-1")
    text = data.draw(st.from_regex(re.compile(expression, re.DOTALL), fullmatch=True))
    prefix = data.draw(st.sampled_from(PREFIXES)).encode()
    check((prefix + text).translate(None, b"\0\n") + b"\0\n")
