"""Rules that are switched off on some paths."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.signatures.packaged import rule_set

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.exceptions import PathException
from vedette.detectors.signatures.rules import RuleError
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.kernels.requests.globs import except_paths

INJECTION = b"?q=1+union+select+login,pass+from+users"


def scanner(*exceptions: PathException) -> SignatureScanner:
    return SignatureScanner(rule_set(), exceptions=exceptions)


def hit(judge: SignatureScanner, target: bytes) -> set[str]:
    hits = judge.judge(batch({"target": [target]}))
    return {judge.rules[rule].id for rule in hits.rules(0)}


def test_a_rule_does_not_count_on_an_excepted_path_and_does_elsewhere():
    judge = scanner(PathException("/Query/*", ("sql-*", "model-sql-*")))
    for _ in range(2):  # the second time from memory
        assert not hit(judge, b"/query/run" + INJECTION)
        assert "sql-union-select" in hit(judge, b"/item" + INJECTION)
        assert hit(judge, b"/query/run?q=%3Cscript%3Ealert(1)%3C/script%3E") >= {"xss-script-tag"}


def test_a_rule_for_what_is_written_does_not_count_on_an_excepted_path():
    judge = scanner(PathException("/site/*", ("webshell-written",)))
    requests = batch({"method": [b"PUT"] * 3, "target": [b"/site/a.jsp", b"/site/a.jsp?x=1", b"/b.jsp"]})
    for _ in range(2):  # the second time from memory
        hits = judge.judge(requests)
        told = ["webshell-written" in {judge.rules[rule].id for rule in hits.rules(row)} for row in range(3)]
        assert told == [False, False, True]


def test_the_path_is_matched_as_it_is_decoded():
    judge = scanner(PathException("/query/*", ("sql-*", "model-sql-*")))
    assert not hit(judge, b"/%51uery/run" + INJECTION)
    assert hit(judge, b"/other/query/run" + INJECTION)


def test_nothing_is_left_of_a_request_all_of_whose_rules_are_excepted():
    judge = scanner(PathException("*", ("*",)))
    hits = judge.judge(batch({"target": [b"/item" + INJECTION], "user_agent": [b"sqlmap/1.7"]}))
    assert {judge.rules[rule].id for rule in hits.rules(0)} == {"scanner-vulnerability-agent"}


@pytest.mark.parametrize(
    ("rule", "fault"),
    [("sql-nothing", "does not exist"), ("scanner-vulnerability-agent", "neither path nor query")],
)
def test_an_exception_for_a_rule_that_it_cannot_switch_off_is_refused(rule: str, fault: str):
    with pytest.raises(RuleError, match=fault):
        scanner(PathException("/x", (rule,)))


@given(st.text("ab*/", max_size=12), st.text("ab/", max_size=14))
def test_a_star_stands_for_any_run(pattern: str, path: str):
    text = np.frombuffer(path.encode() + b"\0\n", dtype=np.uint8)
    bits, dirty = np.full((1, 1), 255, dtype=np.uint8), np.ones(1, dtype=np.uint8)
    one = np.ones(1, dtype=np.int64)
    patterns = np.frombuffer(pattern.encode(), dtype=np.uint8)
    kept = np.zeros((1, 1), dtype=np.uint8)
    except_paths(
        text, np.array([len(text)]), 1, 0 * one, one, 1, patterns, np.array([len(pattern)]), kept, bits, dirty
    )
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), path) is not None
    assert (bits[0, 0] == 0) == expected
    assert (dirty[0] == 0) == expected
