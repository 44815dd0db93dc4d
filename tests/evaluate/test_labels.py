"""Reading labels."""

import io

import numpy as np
import pytest

from vedette.evaluate.labels import LabelError, Labels, LineSpans, read_labels
from vedette.schema.anomaly import AnomalyType
from vedette.simulate import Simulation

MINUTE = 60_000_000


def read(text: str) -> Labels:
    return read_labels(io.BytesIO(text.encode()), "labels.jsonl")


def test_what_simulate_writes_can_be_read() -> None:
    simulation = Simulation(minutes=60, rate=3, inject="error_spike@+30m,sqli@+40m,deploy@+50m")
    spans, lines = io.BytesIO(), io.BytesIO()
    simulation.labels.write(spans)
    simulation.labels.write_lines(lines)
    known = read(spans.getvalue().decode())
    assert [(s.name, s.quiet) for s in known.spans] == [
        ("error_spike", False), ("sql_injection", False), ("deploy", True),
    ]  # fmt: skip
    by_line = read(lines.getvalue().decode())
    assert by_line.spans == []
    for mine, other in zip(known.lines[None], by_line.lines[None], strict=True):
        assert np.array_equal(mine, other)
    wrong = sum(label.requests for label in simulation.labels.incidents if label.type)
    assert len(known.lines[None][0]) == wrong


def test_lines_are_looked_up_by_source() -> None:
    labels = read(
        '{"line": 3, "type": "xss", "source": "a.log"}\n\n{"line": 9}\n{"line": 4, "is_anomaly": false}\n'
        '{"line": 7, "incident": "odd", "source": "b.log", "lines": [[10, 12]]}\n'
    )
    assert labels.names == ["xss", "anomaly", "odd"]
    assert labels.types == [AnomalyType.XSS, None, None]
    lines = np.array([3, 4, 7, 9, 11, 13])
    assert labels.of("a.log", lines, only=True).tolist() == [0, -1, -1, 1, -1, -1]
    assert labels.of("a.log", lines, only=False).tolist() == [0, -1, -1, -1, -1, -1]
    assert labels.of("b.log", lines, only=False).tolist() == [-1, -1, 2, -1, 2, -1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not json\n", "labels.jsonl:1: no label"),
        ('{"line": 1}\n[1]\n', "labels.jsonl:2: no label"),
        ("{}\n", "must have `line`, or `start` and `end`"),
        ('{"line": 1, "type": "hunger"}\n', "type 'hunger': must be one of sql_injection"),
        ('{"start": "noon", "end": "2026-03-02"}\n', "'noon': not a moment"),
        ('{"start": "2026-03-02T09:00", "end": "2026-03-02T08:00"}\n', "before its start"),
        ('{"line": 0}\n', "must count from 1"),
        ('{"line": 5, "lines": [[9, 3]]}\n', "must count from 1"),
        ('{"line": 5, "lines": [[1, 99999999999]]}\n', "more than 20,000,000 labelled lines"),
        ("", "holds no label of anything wrong"),
        ('{"line": 5, "is_anomaly": false}\n', "holds no label of anything wrong"),
    ],
)
def test_what_is_no_label_is_refused(text: str, says: str) -> None:
    with pytest.raises(LabelError) as caught:
        read(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_labelled_lines_without_a_long_gap_are_one_span() -> None:
    labels = read('{"line": 1, "type": "xss"}\n{"line": 2, "type": "xss"}\n')
    spans = LineSpans(labels)
    minutes = [0, 10, 24, 60, 61, 20]
    names = ["a"] * 5 + ["b"]
    spans.add(np.zeros(6, dtype=np.int16), np.array(minutes, dtype=np.int64) * MINUTE, names)
    found = [(s.name, s.service, s.start // MINUTE, (s.end - 1) // MINUTE) for s in spans.spans()]
    assert found == [("xss", "a", 0, 24), ("xss", "b", 20, 20), ("xss", "a", 60, 61)]
