"""Batches and their verdicts."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.signatures import packaged

from vedette.detectors.signatures.check import batch
from vedette.detectors.signatures.database import RuleSet, compile_rules
from vedette.detectors.signatures.exceptions import PathException
from vedette.detectors.signatures.hits import types_of
from vedette.detectors.signatures.memory import Memory
from vedette.detectors.signatures.rules import Place, Rule
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.signatures.searching import Databases, Expressions, Search
from vedette.kernels.compile import INTERPRETED
from vedette.schema.anomaly import AnomalyType
from vedette.schema.requests import RequestFlag, Requests


def rule(name: str, pattern: str, *places: str, confidence: float = 0.5, kind: str = "xss") -> Rule:
    return Rule(
        id=name,
        type=AnomalyType(kind),
        confidence=confidence,
        places=tuple(map(Place, places)),
        why="",
        reference="",
        attacks=("a",),
        lookalikes=("b",),
        pattern=pattern,
    )


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    return packaged.rule_set()


def names(scanner: SignatureScanner, hits, row: int) -> list[str]:
    return [scanner.rules[index].id for index in hits.rules(row)]


def test_a_rule_looks_only_at_its_places():
    scanner = SignatureScanner(
        compile_rules(
            (rule("p", "evil", "path"), rule("q", "evil", "query"), rule("u", "evil", "user_agent"))
        )
    )
    hits = scanner.judge(
        batch(
            {
                "target": [b"/evil", b"/?evil", b"/", b"/"],
                "user_agent": [None, None, b"Evil", None],
                "referer": [None, None, None, b"evil"],
            }
        )
    )
    assert [names(scanner, hits, row) for row in range(4)] == [["p"], ["q"], ["u"], []]
    assert hits.top_rule.tolist() == [0, 1, 2, -1]


@pytest.mark.parametrize(
    ("method", "target", "found"),
    [
        (b"PUT", b"/up/a.jsp%20", True),
        (b"MOVE", b"/up/a.jsp?x=1", True),
        (b"COPY", b"/up/a.jsp", True),
        (b"GET", b"/up/a.jsp", False),
        (b"put", b"/up/a.jsp", False),
        (b"PUT", b"/up/a.txt", False),
        (b"POST", b"/up/a.jsp", False),
        (None, b"/up/a.jsp", False),
        (b"PUT", None, False),
    ],
)
def test_what_is_written_is_told_by_method_and_target_together(
    rule_set: RuleSet, method: bytes | None, target: bytes | None, found: bool
):
    scanner = SignatureScanner(rule_set)
    # Beside others, so that texts of columns are numbered differently.
    requests = batch(
        {"method": [b"GET", method, b"PUT", method], "target": [b"/up/b.jsp", target, b"/x", target]}
    )
    for _ in range(2):  # the second time from memory
        hits = scanner.judge(requests)
        told = [
            "webshell-written" in {scanner.rules[rule].id for rule in hits.rules(row)} for row in range(4)
        ]
        assert told == [False, found, False, found]
        assert any(match.place is Place.WRITTEN for match in hits.evidence(1)) is found


def test_so_many_methods_that_write_nothing_are_no_burden_and_no_mistake(rule_set: RuleSet):
    methods = [b"%03d" % number for number in range(500)] + [b"PUT", b"MOVE", b"MOVES", b"PU"]
    requests = batch({"method": methods, "target": [b"/zz.jsp"] * len(methods)})
    scanner = SignatureScanner(rule_set)
    hits = scanner.judge(requests)
    written = [
        row
        for row in range(len(methods))
        if "webshell-written" in {scanner.rules[rule].id for rule in hits.rules(row)}
    ]
    assert written == [500, 501]


def test_confidence_combines_distinct_rules_and_counts_each_once():
    scanner = SignatureScanner(
        compile_rules(
            (rule("a", "one", "target", "referer"), rule("b", "two", "query", confidence=0.6, kind="ssrf"))
        )
    )
    hits = scanner.judge(
        batch(
            {"target": [b"/one?one", b"/one?two", b"/one", b"/"], "referer": [b"one", None, b"one?one", None]}
        )
    )
    assert hits.confidence.tolist() == pytest.approx([0.5, 0.8, 0.5, 0.0])
    assert hits.top_rule.tolist() == [0, 1, 0, -1]
    assert [types_of(int(mask)) for mask in hits.types] == [
        (AnomalyType.XSS,), (AnomalyType.XSS, AnomalyType.SSRF), (AnomalyType.XSS,), (),
    ]  # fmt: skip
    assert hits.decisive().tolist() == [False, True, False, False]


def test_a_match_never_reaches_into_the_next_request():
    scanner = SignatureScanner(
        compile_rules((rule("a", r"left[^x]*right", "target"), rule("b", "^right$", "query")))
    )
    hits = scanner.judge(
        batch({"target": [b"/left", b"/right", b"/left?right", b"/x?a%0Aright", b"/left-right"]})
    )
    assert [names(scanner, hits, row) for row in range(5)] == [[], [], ["b"], [], ["a"]]


def test_threads_share_rules_and_each_finds_its_own(rule_set: RuleSet):
    """A database is shared; what a search writes down meanwhile is each scanner's own."""
    attacks = [b"/p?id=%d'+union+select+1,2--", b"/%d/../../etc/passwd", b"/s?q=%d<script>alert(1)</script>"]
    wrong: list[bytes] = []

    def look(attack: bytes) -> None:
        scanner = SignatureScanner(rule_set)
        expected = names(scanner, scanner.judge(batch({"target": [attack % 1]})), 0)
        for turn in range(40):
            targets = [
                attack % (100 * turn + row) if row % 2 else b"/harmless/%d" % row for row in range(200)
            ]
            hits = scanner.judge(batch({"target": targets}))
            if any(names(scanner, hits, row) != (expected if row % 2 else []) for row in range(200)):
                wrong.append(attack)

    threads = [Thread(target=look, args=(attack,)) for attack in attacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_evidence_names_what_matched_most_confident_rule_first(rule_set: RuleSet):
    scanner = SignatureScanner(rule_set)
    hits = scanner.judge(batch({"target": [b"/p?id=1%27%20UNION%20SELECT%201,2,3--", b"/"]}))
    first = hits.evidence(0)[0]
    assert scanner.rules[first.rule].id == "sql-union-select"
    assert first.place is Place.QUERY
    assert first.text == b"union select 1"
    assert hits.evidence(1) == []


def test_flags_of_a_row_count_only_where_a_request_was_written(rule_set: RuleSet):
    scanner = SignatureScanner(rule_set)
    hits = scanner.judge(batch({"target": [b"rubbish", None]}, int(RequestFlag.NOT_HTTP)))
    assert names(scanner, hits, 0) == ["protocol-not-http"]
    assert hits.evidence(0)[0].text == b"rubbish"
    assert names(scanner, hits, 1) == []


def test_an_empty_batch_has_no_verdicts(rule_set: RuleSet):
    hits = SignatureScanner(rule_set).judge(batch({"target": []}))
    assert len(hits.confidence) == 0
    assert list(hits.pairs()) == []


def test_pairs_list_each_distinct_text_once():
    scanner = SignatureScanner(compile_rules((rule("a", "one", "target", "user_agent"),)))
    hits = scanner.judge(batch({"target": [b"/one", b"/one", b"/"], "user_agent": [b"one", None, b"x"]}))
    assert list(hits.pairs()) == [("target", 0, 0), ("user_agent", 0, 0)]


def test_texts_that_are_cut_are_counted(rule_set: RuleSet):
    hits = SignatureScanner(rule_set).judge(batch({"target": [b"/" + b"b" * 40_000, b"/"]}))
    assert hits.cut == 1


@pytest.mark.parametrize("searches", [Databases, lambda rule_set: Expressions(rule_set.rules)])
def test_each_rule_reports_once_however_often_a_text_repeats_it(
    rule_set: RuleSet, searches: Callable[[RuleSet], Search]
):
    search = searches(rule_set)
    text = b"/?x=" + b"../" * 5000 + b"'+or+1=1--" * 200 + b"\0\n"
    buffer, end = np.frombuffer(text, dtype=np.uint8), np.array([len(text)])
    found = list(
        search.find(buffer, SimpleNamespace(end=end, targets=1, target_length=end[0], length=end[0]))
    )
    assert any(hits for hits, *_ in found)
    # Of databases, once by what needs no mark, and once by what needs one.
    assert all(len(hits) == len(set(hits)) for hits, *_ in found)


PIECES = [
    b"/",
    b"a",
    b"?",
    b"id=1",
    b"'+or+1=1--",
    b"<script>",
    b"../../../",
    b"%00",
    b"${jndi:ldap://x}",
    b"/.env",
    b"%2525",
]
targets = st.lists(st.sampled_from(PIECES), max_size=5).map(b"".join)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(targets, st.sampled_from([None, b"", b"sqlmap/1.0", b"Mozilla/5.0 (X11)", b"<script>"])),
        max_size=30,
    ),
    st.integers(0, 30),
)
def test_batching_and_what_came_before_change_nothing(
    rule_set: RuleSet, rows: list[tuple[bytes, bytes | None]], cut: int
):
    def judge(scanner: SignatureScanner, part: list[tuple[bytes, bytes | None]]):
        return scanner.judge(batch({"target": [t for t, _ in part], "user_agent": [a for _, a in part]}))

    fresh = judge(SignatureScanner(rule_set), rows)
    used = SignatureScanner(rule_set)
    used._memory = Memory(used._tables.width, slots=4)
    head, tail, again = judge(used, rows[:cut]), judge(used, rows[cut:]), judge(used, rows)
    for name in ("confidence", "top_rule", "types"):
        expected = getattr(fresh, name).tolist()
        assert np.concatenate([getattr(head, name), getattr(tail, name)]).tolist() == expected
        assert getattr(again, name).tolist() == expected


@settings(max_examples=20, deadline=None)
@given(st.lists(targets, max_size=40, unique=True), st.integers(0, 40))
def test_what_one_scanner_has_searched_another_does_not_search_again(
    rule_set: RuleSet, texts: list[bytes], cut: int
):
    """And it says the same of it; what the other has searched in turn, the first knows."""
    if INTERPRETED:
        pytest.skip("interpreted kernels remember nothing")
    one, other, alone = (SignatureScanner(rule_set) for _ in range(3))
    assert one.remember_with(other)
    one.judge(batch({"target": texts[:cut]}))
    hits = other.judge(batch({"target": texts}))
    expected = alone.judge(batch({"target": texts}))
    assert hits.bits.tolist() == expected.bits.tolist()
    assert hits.confidence.tolist() == expected.confidence.tolist()
    np.testing.assert_array_equal(hits.payload, expected.payload)
    searched: list[int] = []
    buffer = one._buffer
    look = buffer.decode
    buffer.decode = lambda vocabularies, unknown, *rest: (  # type: ignore[method-assign]
        searched.append(len(unknown[0])) or look(vocabularies, unknown, *rest)
    )
    assert one.judge(batch({"target": texts})).bits.tolist() == expected.bits.tolist()
    assert searched == [0]


@pytest.mark.parametrize(
    "different",
    [
        {"disabled": ["sql-union-select"]},
        {"model": None},
        {"exceptions": [PathException("/docs/*", ("xss-*",))]},
    ],
)
def test_scanners_that_judge_differently_remember_nothing_together(
    rule_set: RuleSet, different: dict[str, Any]
):
    assert not SignatureScanner(rule_set).remember_with(SignatureScanner(rule_set, **different))


def test_two_threads_remember_in_one_table_without_harm(rule_set: RuleSet):
    """A few slots that both fill all the time: a text that was half written would be judged wrongly."""
    if INTERPRETED:
        pytest.skip("interpreted kernels remember nothing")
    one, other, alone = (SignatureScanner(rule_set) for _ in range(3))
    one._memory = Memory(one._tables.width, slots=16)
    assert other.remember_with(one)
    texts = [b"/p/%d?q=%s" % (n, b"<script>" if n % 3 else b"shoes") for n in range(200)]
    expected = alone.judge(batch({"target": texts})).confidence.tolist()
    requests = [batch({"target": texts}), batch({"target": texts})]

    def judge(scanner: SignatureScanner, mine: Requests) -> list[bool]:
        return [scanner.judge(mine).confidence.tolist() == expected for _ in range(60)]

    with ThreadPoolExecutor(2) as pool:
        said = [*pool.map(judge, (one, other), requests)]
    assert all(map(all, said))


VERDICTS = """
from vedette.detectors.signatures.check import batch, examples
from vedette.detectors.signatures.scan import SignatureScanner
scanner = SignatureScanner.cached()
for rule in scanner.rules:
    hits = scanner.judge(examples(rule, rule.attacks + rule.lookalikes))
    rules = [hits.rules(row) for row in range(len(hits.confidence))]
    print(rule.id, hits.confidence.tolist(), hits.types.tolist(), rules)
"""


@pytest.mark.own_mode
def test_compiled_and_interpreted_kernels_judge_alike():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", VERDICTS], env={**os.environ, "VEDETTE_KERNELS": mode},
            capture_output=True, text=True, check=True,
        ).stdout
        for mode in ("interpret", "compile")
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    assert outputs[0].count("\n") > 200


@pytest.mark.parametrize("target", [b"/files/" + b"ab" * 20_000, b"/search?q=" + b"red+shoes+" * 4_000])
def test_a_harmless_text_that_is_judged_by_its_ends_is_called_long_and_nothing_else(
    rule_set: RuleSet, target: bytes
):
    scanner = SignatureScanner(rule_set)
    hits = scanner.judge(batch({"target": [target]}))
    assert hits.cut == 1
    assert set(names(scanner, hits, 0)) <= {"abnormal-oversize"}


def test_a_method_in_lower_case_is_a_sign_and_no_attack_by_itself(rule_set: RuleSet):
    requests = batch({"method": [b"get"], "target": [b"/"]}, int(RequestFlag.METHOD_CASE))
    scanner = SignatureScanner(rule_set)
    hits = scanner.judge(requests)
    assert names(scanner, hits, 0) == ["protocol-method-case"]
    assert not hits.decisive()[0]
