"""Where flow logs begin, and what is learned before."""

import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.e2e.conftest import Run, vedette

from vedette.replay.flow_beginning import LONG, FirstFlows, LogBeginning
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known

__all__ = ["vedette"]

HEADER = (
    "#separator \\x09\n#path\tconn\n"
    "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\torig_bytes\tconn_state\n"
)
MORNING = 1_767_607_200
HOUR = 3_600
_SECOND = 1_000_000


def rows(*times: tuple[int, int]) -> np.ndarray:
    """Flows that begin at some time and last some time, microseconds."""
    table = np.zeros((len(times), FLOW_COLUMNS), dtype=np.int64)
    for row, (start, took) in enumerate(times):
        table[row, [Flow.START, Flow.END, Flow.DURATION]] = start, start + took, took
    return table


def test_a_log_in_order_begins_with_its_first_flow() -> None:
    assert LogBeginning.of(rows((5, 10 * LONG), (6, 1), (6, 3))) == LogBeginning(5, 5)


def test_long_flows_do_not_say_when_a_log_begins_that_is_written_as_flows_end() -> None:
    table = rows((100 * LONG, 5), (0, 100 * LONG + 9), (100 * LONG - 2, 12))
    assert LogBeginning.of(table) == LogBeginning(100 * LONG - 2, 100 * LONG + 5)


def test_of_long_flows_alone_the_first_says_it() -> None:
    assert LogBeginning.of(rows((9, 5 * LONG), (7, 6 * LONG))) == LogBeginning(7, 5 * LONG + 9)


@given(
    st.lists(st.tuples(st.integers(0, 10 * LONG), st.integers(0, 2 * LONG)), max_size=150),
    st.lists(st.integers(0, 150), max_size=5),
)
def test_where_a_log_begins_does_not_depend_on_how_it_is_read(
    times: list[tuple[int, int]], cuts: list[int]
) -> None:
    table = rows(*times)
    first, taken = FirstFlows(), []
    edges = sorted({0, len(table), *(cut for cut in cuts if cut < len(table))})
    for begin, end in pairwise(edges):
        lent = table[begin:end].copy()
        taken.append(first.taken(Flows(lent, Known.FLAGS)))
        if first.beginning is None:
            lent[:] = -1
    taken.append(first.rest())
    given_back = [one.table for one in taken if one is not None]
    assert np.array_equal(np.concatenate([table[:0], *given_back]), table)
    assert first.beginning == (LogBeginning.of(table) if len(table) else None)


def conn_log(begin: int, hours: float, seed: int) -> list[str]:
    """Two connections a second, written as they end; the first of all to end began a day before."""
    draw = random.Random(seed)
    flows = [
        (begin + n / 2, min(draw.expovariate(0.5), 200.0), f"10.0.0.{draw.randrange(2, 30)}")
        for n in range(int(hours * HOUR * 2))
    ]
    flows.append((begin - 24 * HOUR, 24 * HOUR + 0.001, "10.0.0.99"))
    flows.sort(key=lambda flow: flow[0] + flow[1])
    return [
        f"{at:.6f}\t{client}\t40000\t192.0.2.7\t443\ttcp\t{took:.6f}\t{draw.randrange(800, 1000)}\tSF\n"
        for at, took, client in flows
    ]


def scanned(vedette: Run, folder: Path, lines: Sequence[str], *options: str) -> dict[str, dict[str, object]]:
    (folder / "conn.log").write_text(HEADER + "".join(lines))
    done = vedette("scan", "conn.log", "--json", "found.json", "--windows", "windows.jsonl", *options)
    assert done.returncode <= 1, done.stderr
    document: dict[str, dict[str, object]] = json.loads((folder / "found.json").read_text())
    return document


def windows(folder: Path) -> list[str]:
    return [json.loads(line)["window_start"] for line in (folder / "windows.jsonl").read_text().splitlines()]


def test_a_connection_of_a_day_at_its_head_does_not_make_a_log_begin_a_day_before(
    vedette: Run, tmp_path: Path
) -> None:
    document = scanned(vedette, tmp_path, conn_log(MORNING, 0.5, 1))
    assert windows(tmp_path)[0] == "2026-01-05T10:00:00.000000Z"
    assert document["coverage"]["flows_in_part"] == 1
    assert document["coverage"]["late_flows"] == 0
    assert {one["type"] for one in document["anomalies"]} <= {"long_lived_connection"}  # type: ignore[index]


@pytest.mark.parametrize("order", ["as flows end", "shuffled"])
def test_all_of_the_past_is_learned_from_whatever_stands_first_in_the_log(
    vedette: Run, tmp_path: Path, order: str
) -> None:
    """And no window that is judged: a flow that was logged later is put with those of its window."""
    past, lines = conn_log(MORNING - HOUR, 1, 2), conn_log(MORNING, 0.5, 3)
    if order == "shuffled":
        random.Random(4).shuffle(lines)
    # The past goes on into what is scanned, as a copy of all logs does.
    (tmp_path / "past.log").write_text(HEADER + "".join(past + conn_log(MORNING, 0.1, 5)))
    document = scanned(vedette, tmp_path, lines, "--baseline-from", "past.log")
    coverage = document["coverage"]
    assert HOUR * 2 <= coverage["learned"] <= HOUR * 2 + 30  # type: ignore[operator]
    assert coverage["insufficient_data"] == 0
    assert coverage["late_flows"] == 0
    assert windows(tmp_path)[0] == "2026-01-05T10:00:00.000000Z"
    assert {one["type"] for one in document["anomalies"]} <= {"long_lived_connection"}  # type: ignore[index]


def test_the_window_in_which_logs_were_rotated_is_whole(vedette: Run, tmp_path: Path) -> None:
    """Both logs have flows of it: those that ended before are in the one, the others in the other."""
    both = conn_log(MORNING - HOUR, 1.5, 6)
    place = next(n for n, line in enumerate(both) if float(line.split("\t")[0]) >= MORNING)
    (tmp_path / "past.log").write_text(HEADER + "".join(both[:place]))
    coverage = scanned(vedette, tmp_path, both[place:], "--baseline-from", "past.log")["coverage"]
    assert coverage["late_flows"] == 0
    early = sum(float(line.split("\t")[0]) < MORNING for line in both[place:])
    assert early > 0
    assert coverage["learned"] == place - 1 + early
