"""What an expression may say, and what is said of one that may not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.expression.errors import ExpressionError
from vedette.expression.grammar import DEEPEST, parse
from vedette.expression.measures import MEASURES
from vedette.expression.quantities import UNITS
from vedette.expression.tokens import LONGEST
from vedette.expression.tree import Comparison, Number, render


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("error_rate > 0.05 and requests > 100 for 3 windows", 3),
        ("requests > 100", 1),
        ("requests > 100 for 1 window", 1),
        ("requests > 100 for 5 min", 5),
        ("requests > 100 for 90 s", 2),
        ("requests > 100 for 10ms", 1),
    ],
)
def test_how_long_a_condition_must_hold_is_told_in_windows_of_a_minute(text: str, windows: int) -> None:
    assert parse(text).duration.in_windows(60) == windows


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("latency_p95 > 500ms", 0.5),
        ("latency_p95 > 2 min", 120.0),
        ("bytes_out > 2 MiB", 2 * 1024**2),
        ("bytes_out > 3 kB", 3000.0),
        ("error_rate > 5 %", 0.05),
        ("request_rate > 120/min", 2.0),
        ("bytes_out_rate > 36 MB/h", 10_000.0),
        ("bytes_out / requests > 10 kB", 10_000.0),
    ],
)
def test_numbers_with_units_are_read_in_base_units(literal: str, value: float) -> None:
    node = parse(literal).node
    assert isinstance(node, Comparison)
    assert isinstance(node.right, Number)
    assert node.right.value == pytest.approx(value)


WRONG = [
    ("error_rat > 5 %", 0, 9, "did you mean `error_rate`?"),
    ("p95 > 5 s", 0, 3, "did you mean `latency_p95`?"),
    ("latency_p95 > 5", 14, 1, "give 5 a unit, like 500 ms"),
    ("bytes_out > 2 mib", 14, 3, "did you mean `MiB`?"),
    ("error_rate > 5", 13, 1, "write 5 % or 0.05"),
    ("error_rate > 200 %", 13, 5, "never more than 100 %"),
    ("1 < 2", 0, 5, "name a measure"),
    ("requests", 0, 8, "compare it, like `requests > 100`"),
    ("latency_p50", 0, 11, "compare it, like `latency_p50 > 500 ms`"),
    ("requests > 5 and", 16, 1, "here stands the end"),
    ("(requests > 5", 0, 1, "add `)`"),
    ("requests > 5)", 12, 1, "remove it"),
    ("0.1 < error_rate < 0.5", 17, 1, "write `a < b and b < c`"),
    ("requests + latency_p95 > 3", 0, 22, "cannot be added"),
    ("requests > error_rate", 0, 21, "cannot be compared"),
    ("requests = 4", 9, 1, "compare with =="),
    ("requests > 4 && errors > 1", 13, 1, "write `and`"),
    ("requests > 1,000", 12, 1, "write 1000 for 1,000"),
    ("requests > .5", 11, 1, "write 0.5 for .5"),
    ("service == 'shop'", 11, 1, "in `services` and `routes`"),
    ("requests > 5 for 3", 18, 1, "here belongs `windows`"),
    ("requests > 5 for 0 windows", 17, 1, "from 1 to 1440"),
    ("requests > 5 for 2.5 windows", 17, 3, "whole number"),
    ("requests > 5 for 9 d", 17, 3, "at most 7 d"),
    ("requests > 5 3 windows", 13, 1, "put `and` or `or`"),
    ("requests > 5 windows", 13, 7, "for 3 windows"),
    ("(requests > 5) + 2 > 4", 1, 12, "a number belongs"),
    ("__import__(requests) > 1", 0, 10, "no measure"),
    ("", 0, 1, "empty"),
]


@pytest.mark.parametrize(("text", "column", "length", "remedy"), WRONG, ids=[w[0] for w in WRONG])
def test_an_error_points_at_the_trouble_and_says_the_remedy(
    text: str, column: int, length: int, remedy: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.column, caught.value.length) == (column, length)
    assert remedy in caught.value.problem


def test_carets_stand_under_the_trouble() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("requests > 5 and error_rat > 5 %")
    shown, carets, _ = caught.value.pointed().splitlines()
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "error_rat"


def test_length_and_depth_are_bounded() -> None:
    with pytest.raises(ExpressionError, match=f"at most {LONGEST}"):
        parse("requests > 1 or " * 100)
    with pytest.raises(ExpressionError, match="more than 250 words"):
        parse("requests" + "+1" * 200 + ">1")
    for opened in ("(", "-", "not "):
        with pytest.raises(ExpressionError, match=f"nested more than {DEEPEST} deep"):
            parse(opened * (DEEPEST + 1) + "requests > 1")
    assert parse("(" * DEEPEST + "requests > 1" + ")" * DEEPEST) == parse("requests > 1")


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused_at_a_place_in_it(text: str) -> None:
    _read_or_refused(text)


_SIGNS = ["(", ")", "<", ">=", "==", "+", "-", "*", "/", "=", "%"]
_WORDS = st.sampled_from(
    [
        *_SIGNS,
        "and",
        "or",
        "not",
        "for",
        "windows",
        "5",
        "0.2",
        "3",
        "requests",
        "error_rate",
        "bytes_out",
        "ms",
        "x",
    ]
)


@given(st.lists(_WORDS, max_size=14).map(" ".join))
def test_any_words_are_read_or_refused_at_a_place_in_them(text: str) -> None:
    _read_or_refused(text)


def _read_or_refused(text: str) -> None:
    try:
        condition = parse(text)
    except ExpressionError as error:
        refused = error
    else:
        assert parse(str(condition)) == condition
        return
    assert 0 <= refused.column <= len(text)
    assert refused.problem


_NUMBERS = st.recursive(
    st.sampled_from(["requests", "errors", "clients", "7", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"-{t}"),
    ),
    max_leaves=5,
)
_COMPARED = st.tuples(_NUMBERS, st.sampled_from([">", ">=", "<", "<=", "==", "!="])).map(
    lambda t: f"{t[0]} {t[1]} errors"
)
CONDITIONS = st.recursive(
    _COMPARED,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda t: f"not ({t})"),
    ),
    max_leaves=4,
)


@given(CONDITIONS)
def test_what_is_rendered_says_the_same(text: str) -> None:
    node = parse(text).node
    assert parse(render(node)).node == node


def test_names_and_units_cannot_be_confused() -> None:
    assert not set(MEASURES) & set(UNITS)
