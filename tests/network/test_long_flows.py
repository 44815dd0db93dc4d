"""Flows that are longer than a window."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.e2e.conftest import Run, vedette
from tests.network.packets import SECOND
from vedette.config import Config
from vedette.engine.build_network import build_network
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known
from vedette.windows.contacts import FlowWindow
from vedette.windows.flow_table import Passed
from vedette.windows.flow_windower import FlowWindower
from vedette.windows.going_on import GoingOn

__all__ = ["vedette"]
FIELDS = "ts id.orig_h id.orig_p id.resp_h id.resp_p proto duration orig_bytes resp_bytes conn_state"
HEADER = "#separator \\x09\n#path\tconn\n#fields\t" + FIELDS.replace(" ", "\t") + "\n"
BEGIN = 1_700_000_000
LASTS = 7200


def quiet(hours: int) -> list[tuple[float, float, str]]:
    """When each begins and ends, and its line: a small connection every ten seconds."""
    found = []
    for n in range(hours * 360):
        start = BEGIN + 10 * n
        line = (
            f"{start}.0\t10.0.0.{n % 20 + 1}\t{1024 + n % 60000}\t192.0.2.7\t443\ttcp\t0.5\t900\t9000\tSF\n"
        )
        found.append((start, start + 0.5, line))
    return found


def long(begin: int, size: int) -> tuple[float, float, str]:
    start = BEGIN + begin
    line = f"{start}.0\t10.0.0.5\t50000\t198.51.100.9\t443\ttcp\t{LASTS}.0\t{size}\t1000000\tSF\n"
    return start, start + LASTS, line


@pytest.mark.parametrize("by_end", [False, True])
def test_twenty_gigabytes_in_two_hours_are_no_spike(vedette: Run, tmp_path: Path, *, by_end: bool) -> None:
    flows = [*quiet(4), long(3600, 20_000_000_000)]
    flows.sort(key=lambda flow: flow[by_end])
    (tmp_path / "conn.log").write_text(HEADER + "".join(line for _, _, line in flows))
    done = vedette("scan", "conn.log", "--json", "found.json", "--windows", "windows.jsonl")
    assert done.returncode <= 1, done.stderr
    document = json.loads((tmp_path / "found.json").read_text())
    coverage = document["coverage"]
    assert (coverage["late_flows"], coverage["flows_in_part"]) == (0, int(by_end))
    assert "data_exfiltration" not in {one["type"] for one in document["anomalies"]}
    rows = [json.loads(line)["metrics"] for line in (tmp_path / "windows.jsonl").read_text().splitlines()]
    rates = [row["bytes_per_second"] for row in rows]
    each = 20_000_000_000 / LASTS
    assert max(rates) == pytest.approx(each, rel=0.01)
    # Told of at its end, it is in the windows of the five minutes that were still open.
    assert sum(rate > each / 2 for rate in rates) in ((29, 30, 31) if by_end else (719, 720, 721))
    stated = [one for one in document["anomalies"] if one["type"] == "long_lived_connection"]
    assert [one["entity"]["value"] for one in stated] == ["10.0.0.5"]
    # Of its bytes, as many as of its time were over.
    (details,) = (one["details"] for one in stated)
    assert not details["idle"]
    assert details["bytes"] == pytest.approx(20e9 * stated[0]["observed"] / LASTS, rel=0.01)
    assert (b"windows that were over by then have nothing of them" in done.stdout) == by_end


@st.composite
def rows_of(draw: st.DrawFn) -> np.ndarray:
    count = draw(st.integers(1, 30))
    table = np.zeros((count, FLOW_COLUMNS), dtype=np.int64)
    for row in table:
        row[Flow.START] = draw(st.integers(0, 40)) * 2 * SECOND + 1
        row[Flow.END] = row[Flow.START] + draw(st.sampled_from([0, 1, 5, 10, 11, 30, 100])) * SECOND
        row[Flow.CLIENT_LOW] = draw(st.integers(1, 9))
        row[Flow.BYTES_OUT] = draw(st.integers(0, 10**15))
        row[Flow.OPENED] = row[Flow.FIN_OUT] = 1
    table[:, Flow.BEGAN] = table[:, Flow.START]
    table[:, Flow.DURATION] = table[:, Flow.END] - table[:, Flow.START]
    return table


@given(rows_of(), st.data())
def test_parts_add_up_to_the_whole(table: np.ndarray, data: st.DataObject) -> None:
    table = table[table[:, Flow.END] - table[:, Flow.START] > 10 * SECOND]
    waiting = GoingOn(10 * SECOND)
    assert waiting.add(table, table[:, Flow.START] // (10 * SECOND)) == len(table)
    sums = np.zeros(FLOW_COLUMNS, dtype=np.int64)
    for number in waiting.windows(0, 1000):
        parts = waiting.take(number)
        assert ((parts[:, [Flow.START, Flow.END]] // (10 * SECOND)) == number).all()
        sums += parts.sum(axis=0)
    for column in (Flow.BYTES_OUT, Flow.OPENED, Flow.FIN_OUT):
        assert sums[column] == table[:, column].sum()
    assert not len(waiting)


def told(table: np.ndarray, edges: list[int], room: int, most: int) -> tuple[list[object], tuple[int, ...]]:
    """The windows that flows come to, batch by batch, and what is counted."""
    engine = build_network(Config.load(), lateness_us=20 * SECOND)
    engine.detectors = []
    engine.windower = windower = FlowWindower(10 * SECOND, 20 * SECOND, room)
    windower._going_on.most = most
    found: list[object] = []

    def keep(window: FlowWindow, _: object) -> None:
        ended = window.ended[np.lexsort(window.ended.T)]
        found.append((window.number, window.contacts.tolist(), ended.tolist(), window.left_out))

    engine.keep_windows = keep
    reached = np.maximum.accumulate(table[:, Flow.START])
    flows = Flows(table, Known(0))
    horizon, floor = reached - 20 * SECOND, reached // (10 * SECOND) * 10 * SECOND
    whole = Passed(0, flows, flows, None, horizon=horizon, reached=floor)
    for begin, end in pairwise(edges):
        engine.process(whole.cut(begin, end))
    engine.finish()
    return found, (windower.late, windower.in_part, windower.lumped, windower.left_out)


@settings(max_examples=60)
@given(rows_of(), st.sampled_from([4, 8, 1000]), st.sampled_from([1, 3, 1000]), st.data())
def test_batches_of_any_size_give_the_same_windows_though_bounds_are_met(
    table: np.ndarray, room: int, most: int, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(table)))) - {len(table)})
    assert told(table, [0, *cuts, len(table)], room, most) == told(table, [0, len(table)], room, most)
