"""What the scores are, held against their definitions."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engine.running import found_in

from vedette.evaluate.labels import Span
from vedette.evaluate.lines import LineTally
from vedette.evaluate.spans import GRACE, false_alarms, score_spans
from vedette.schema.anomaly import AnomalyType

_ROWS = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=60)


def plain_average_precision(rows: list[tuple[float, bool]]) -> float:
    """The definition: recall's steps at each distinct score, times the precision there."""
    total = sum(wrong for _, wrong in rows)
    points = [(0.0, 0.0)]
    for cut in sorted({score for score, _ in rows}, reverse=True):
        taken = [wrong for score, wrong in rows if score >= cut]
        points.append((sum(taken) / total, sum(taken) / len(taken)))
    return sum((after[0] - before[0]) * after[1] for before, after in pairwise(points))


@given(_ROWS, st.integers(1, 7))
def test_average_precision_is_its_definition_however_lines_are_cut_into_blocks(rows, size) -> None:
    scored = [(score / 20, wrong) for score, wrong in rows]
    tally = LineTally(["x"], [-1])
    for at in range(0, len(rows), size):
        block = scored[at : at + size]
        score = np.array([s for s, _ in block])
        marks = np.where([w for _, w in block], 0, -1).astype(np.int16)
        tally.add(marks, score >= 0.5, score, np.zeros(len(block), dtype=np.int64))
    if not any(wrong for _, wrong in rows):
        assert tally.average_precision() is None
        return
    assert tally.average_precision() == pytest.approx(plain_average_precision(scored))
    assert tally.wrong + tally.benign == len(rows)
    assert tally.flagged == sum(s >= 0.5 and not w for s, w in scored)


def test_lines_count_as_found_and_as_found_by_their_type() -> None:
    tally = LineTally(["xss", "any"], [1, -1])
    marks = np.array([0, 0, 0, 1, 1, -1], dtype=np.int16)
    anomalous = np.array([1, 1, 0, 1, 0, 1], dtype=bool)
    types = np.array([0b10, 0b01, 0b10, 0b01, 0, 0b10])
    tally.add(marks, anomalous, anomalous * 0.9, types)
    rows = {row.name: (row.lines, row.found, row.typed) for row in tally.scores()}
    assert rows == {"xss": (3, 2, 1), "any": (2, 1, 1)}
    assert (tally.benign, tally.flagged) == (1, 1)


def test_a_span_is_found_by_its_type_and_noticed_by_any() -> None:
    findings = found_in("error_spike")
    (first, *_) = [a for a in findings.anomalies if a.type is AnomalyType.ERROR_SPIKE]
    span = Span("error_spike", AnomalyType.ERROR_SPIKE, first.start - 30_000_000, first.end, first.service)
    (score,) = score_spans([span], [first])
    assert (score.spans, score.found, score.noticed) == (1, 1, 1)
    assert score.delay_s == (first.end - span.start) / 1e6
    replace = msgspec.structs.replace
    other = [replace(first, type=AnomalyType.XSS)]
    assert [(s.found, s.noticed) for s in score_spans([span], other)] == [(0, 1)]
    elsewhere = [replace(first, service="another")]
    assert [(s.found, s.noticed) for s in score_spans([span], elsewhere)] == [(0, 0)]
    late = [replace(first, start=span.end + GRACE, end=span.end + GRACE + 1)]
    assert [(s.found, s.noticed) for s in score_spans([span], late)] == [(0, 0)]


def test_an_incident_about_no_span_is_false_and_so_is_one_in_a_quiet_span() -> None:
    findings = found_in("error_spike")
    (incident, *_) = findings.incidents
    span = Span("x", None, incident.start, incident.end, incident.services[0])
    assert false_alarms([span], [incident]) == []
    quiet = Span("deploy", None, incident.start, incident.end, None, quiet=True)
    assert false_alarms([quiet], [incident]) == [incident]
    assert score_spans([quiet], findings.anomalies) == []
    before = Span("x", None, incident.start - 10 * GRACE, incident.start - GRACE, None)
    assert false_alarms([before], [incident]) == [incident]
