"""Databases and expressions find the same; which of them looks is a matter of time alone."""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.signatures.packaged import rule_set
from tests.signatures.test_neighbours import PREFIXES
from tests.signatures.test_scan import rule

from vedette.detectors.signatures import searching
from vedette.detectors.signatures.check import batch, check_rules, examples
from vedette.detectors.signatures.compile import prepare
from vedette.detectors.signatures.database import RuleSet, UncompiledRules, compile_rules
from vedette.detectors.signatures.rules import PLACE_BITS, Place, Rule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.signatures.searching import Databases, Expressions
from vedette.schema.requests import Requests


class Rows:
    """Some rows as targets, and the same as other texts."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        ended = [text.translate(None, b"\0\n") + b"\0\n" for text in texts]
        self.buffer = np.frombuffer(b"".join(2 * ended), dtype=np.uint8)
        self.end = np.cumsum([len(text) for text in 2 * ended])
        self.targets = len(texts)
        self.target_length = len(self.buffer) // 2
        self.length = len(self.buffer)

    def found_by(self, search: searching.Search) -> set[tuple[int, str]]:
        """Which row which rule matches, where the rule looks at such rows."""
        bits = searching.RULE_BITS
        contexts = search.contexts(self.buffer[: self.target_length]), self.end, None
        matched = {
            (self._row(hit >> bits, end, which), rule_set().rules[hit & ((1 << bits) - 1)])
            for hits, end, which in (*search.find(self.buffer, self), contexts)
            for hit in hits
        }
        target = PLACE_BITS[Place.TARGET]
        return {
            (row, one.id)
            for row, one in matched
            if one.place_bits & (target if row < self.targets else ~target)
        }

    @staticmethod
    def _row(past: int, end: NDArray[np.int64], which: NDArray[np.int64] | None) -> int:
        (row,) = np.flatnonzero(end == past).tolist()
        return row if which is None else int(which[row])


@cache
def searches() -> tuple[Databases, Expressions]:
    return Databases(rule_set()), Expressions(rule_set().rules)


def both(texts: Sequence[bytes]) -> set[tuple[int, str]]:
    rows = Rows(texts)
    databases, expressions = searches()
    found = rows.found_by(databases)
    assert rows.found_by(expressions) == found
    return found


def test_both_find_the_same_in_all_examples() -> None:
    texts = [
        (prefix + text.lower()).encode()[:2000]
        for prefix in PREFIXES
        for each in rule_set().rules
        for text in (*each.attacks, *each.lookalikes)
    ]
    assert len(both(texts)) > len(texts) / 2


@given(st.data())
@settings(max_examples=100)
def test_both_find_the_same_in_what_rules_match_and_nearly_match(data: st.DataObject) -> None:
    rules = [each for each in rule_set().rules if each.pattern is not None]
    texts = []
    for each in data.draw(st.lists(st.sampled_from(rules), min_size=1, max_size=5)):
        expression = prepare(each.pattern or "").encode("latin-1")
        text = data.draw(st.from_regex(re.compile(expression, re.DOTALL), fullmatch=True))
        begin, past = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(text))])))
        texts += [data.draw(st.sampled_from(PREFIXES)).encode() + text, text[begin:past]]
    both(texts)


@given(
    st.lists(st.lists(st.sampled_from([*range(1, 10), *range(11, 256)]), max_size=60).map(bytes), min_size=1)
)
def test_both_find_the_same_in_any_bytes(texts: list[bytes]) -> None:
    both(texts)


def test_rules_that_are_not_compiled_do_what_their_examples_say() -> None:
    def compiled() -> RuleSet:
        pytest.fail("the examples are few")

    assert check_rules(UncompiledRules(rule_set().rules, compiled)) == []


class Counted:
    """Rules, and how often they were compiled."""

    def __init__(self, *rules: Rule) -> None:
        self.times = 0
        self.uncompiled = UncompiledRules(rules, self._compiled)

    def _compiled(self) -> RuleSet:
        self.times += 1
        return compile_rules(self.uncompiled.rules)


def test_a_log_that_turns_out_large_is_searched_by_compiled_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(rule("a", "one", "path"), rule("b", "two", "query", "referer"))

    def hits(number: int) -> list[list[int]]:
        requests: Requests = batch(
            {
                "target": [b"/one%d" % number, b"/?two%d" % number, b"/two%d" % number],
                "referer": [None, None, b"two%d" % number],
            }
        )
        found = scanner.judge(requests)
        return [list(found.rules(row)) for row in range(3)]

    monkeypatch.setattr(searching, "FEW_BYTES", 100)
    scanner = SignatureScanner(counted.uncompiled)
    assert hits(1) == [[0], [1], [1]]
    assert counted.times == 0
    for number in range(2, 6):
        assert hits(number) == [[0], [1], [1]]
    assert counted.times == 1


def test_a_pattern_beyond_one_engine_is_left_to_the_other() -> None:
    counted = Counted(rule("long", "a{1500}b", "path"))
    scanner = SignatureScanner(counted.uncompiled)
    requests = examples(counted.uncompiled.rules[0], ["/" + "a" * 1500 + "b", "/" + "a" * 1499 + "b"])
    assert scanner.judge(requests).top_rule.tolist() == [0, -1]
    assert counted.times == 1
