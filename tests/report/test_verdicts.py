import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.engine.verdicts import ROW, Verdicts
from vedette.report.verdicts import SCORE_DIGITS, VerdictWriter

TYPES = ("sql_injection", "xss", "scanner")
SOURCES = ('a "quoted"\n.log', "b\udcff.log")

rows = st.lists(
    st.tuples(
        st.integers(1, 2**62),
        st.booleans(),
        st.floats(0, 1),
        st.integers(0, 2 ** len(TYPES) - 1),
        st.integers(0, 1),
    ),
    max_size=30,
)


def verdicts(given_rows: list[tuple[int, bool, float, int, int]]) -> Verdicts:
    block = np.zeros(len(given_rows), dtype=ROW)
    block["line"] = [r[0] for r in given_rows]
    block["source"] = [r[4] for r in given_rows]
    return Verdicts(
        block,
        np.array([r[1] for r in given_rows], dtype=bool),
        np.array([r[2] for r in given_rows], dtype=np.float64),
        np.array([r[3] for r in given_rows], dtype=np.int64),
    )


def written(*blocks: Verdicts, include_clean: bool, with_source: bool) -> list[dict[str, Any]]:
    stream = io.BytesIO()
    writer = VerdictWriter(stream, include_clean=include_clean, type_names=TYPES, with_source=with_source)
    for block in blocks:
        writer.write(SOURCES, block)
    return [json.loads(line) for line in stream.getvalue().split(b"\n")[:-1]]


@given(rows, st.integers(0, 30), st.booleans(), st.booleans())
def test_each_line_is_one_verdict_in_order(
    given_rows: list[tuple[int, bool, float, int, int]], cut: int, include_clean: bool, with_source: bool
) -> None:
    expected = []
    for line, anomalous, score, types, source in given_rows:
        if anomalous or include_clean:
            name = (
                {"source": SOURCES[source].encode("utf-8", "backslashreplace").decode()}
                if with_source
                else {}
            )
            expected.append(
                {
                    "line": line,
                    **name,
                    "is_anomaly": anomalous,
                    "score": pytest.approx(score, abs=0.6 * 10**-SCORE_DIGITS),
                    "types": [t for bit, t in enumerate(TYPES) if types >> bit & 1],
                }
            )
    blocks = verdicts(given_rows[:cut]), verdicts(given_rows[cut:])
    assert written(*blocks, include_clean=include_clean, with_source=with_source) == expected


def test_the_line_reads_as_documented() -> None:
    stream = io.BytesIO()
    writer = VerdictWriter(stream, include_clean=False, type_names=TYPES, with_source=False)
    writer.write(SOURCES, verdicts([(12, True, float(np.float32(0.93)), 1, 0)]))
    assert (
        stream.getvalue() == b'{"line": 12, "is_anomaly": true, "score": 0.93, "types": ["sql_injection"]}\n'
    )


def test_more_distinct_scores_than_are_remembered_are_written_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.report.verdicts._MOST_TAILS", 4)
    given_rows = [(i + 1, True, i / 100, 1, 0) for i in range(50)]
    blocks = [verdicts(given_rows[i : i + 5]) for i in range(0, 50, 5)]
    told = written(*blocks, include_clean=False, with_source=False)
    assert [t["score"] for t in told] == [r[2] for r in given_rows]
