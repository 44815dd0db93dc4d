"""Evaluating expressions over many windows, held against plain Python on each."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.expression.test_grammar import CONDITIONS

from vedette.expression.evaluate import number, reason, truth
from vedette.expression.grammar import parse
from vedette.expression.tree import Arithmetic, Both, Comparison, Name, Negative, Node, Not, Number

_VALUES = st.sampled_from([0.0, 1.0, 2.0, 7.0, 0.5, -3.0, math.nan])


def plain(node: Node, values: dict[str, float]) -> float | bool | None:
    """One window, without arrays: None for what is not known."""
    match node:
        case Number():
            return node.value
        case Name():
            return None if math.isnan(values[node.name]) else values[node.name]
        case Negative():
            inner = plain(node.of, values)
            return None if inner is None else -inner
        case Not():
            inner = plain(node.of, values)
            return None if inner is None else not inner
    left, right = plain(node.left, values), plain(node.right, values)
    if isinstance(node, Both):
        decisive = node.operator == "or"
        if decisive in (left, right):
            return decisive
        return None if None in (left, right) else not decisive
    if left is None or right is None:
        return None
    if isinstance(node, Comparison):
        return {
            ">": left > right,
            ">=": left >= right,
            "<": left < right,
            "<=": left <= right,
            "==": left == right,
            "!=": left != right,
        }[node.operator]
    assert isinstance(node, Arithmetic)
    if node.operator == "/":
        return None if right == 0 else left / right
    return {"+": left + right, "-": left - right, "*": left * right}[node.operator]


@example("(requests / (7 / requests)) > errors", [(0.0, 0.0, 0.0)])
@given(
    CONDITIONS,
    st.lists(st.tuples(_VALUES, _VALUES, _VALUES), min_size=1, max_size=6),
)
def test_arrays_say_what_single_windows_say(text: str, rows: list[tuple[float, float, float]]) -> None:
    node = parse(text).node
    names = ("requests", "errors", "clients")
    columns = {name: np.array([row[i] for row in rows]) for i, name in enumerate(names)}
    held = truth(node, columns, len(rows))
    for i, row in enumerate(rows):
        wanted = plain(node, dict(zip(names, row, strict=True)))
        got = True if held.yes[i] else False if held.no[i] else None
        assert got is wanted, (text, row)


@given(CONDITIONS, st.tuples(_VALUES, _VALUES, _VALUES))
def test_the_reason_is_a_comparison_whose_numbers_stand_as_it_says(
    text: str, row: tuple[float, float, float]
) -> None:
    node = parse(text).node
    values = {n: np.array([v]) for n, v in zip(("requests", "errors", "clients"), row, strict=True)}
    if not truth(node, values, 1).yes[0]:
        with pytest.raises(ValueError, match="does not hold"):
            reason(node, values)
        return
    why = reason(node, values)
    observed, limit = number(why.observed, values, 1)[0], number(why.limit, values, 1)[0]
    assert math.isfinite(observed)
    assert math.isfinite(limit)
    if why.comparison.operator in (">", ">=", "<", "<="):
        assert observed >= limit if why.above else observed <= limit


def test_what_is_not_known_neither_holds_nor_does_not() -> None:
    nothing = {"latency_p95": np.array([np.nan]), "requests": np.array([5.0])}
    for text in ("latency_p95 > 1 s", "not latency_p95 > 1 s"):
        held = truth(parse(text).node, nothing, 1)
        assert (held.yes[0], held.no[0]) == (False, False)
    assert truth(parse("latency_p95 > 1 s or requests > 4").node, nothing, 1).yes[0]
