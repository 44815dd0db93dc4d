"""Lines of a log are parsed ahead of what is done with them, and nobody can tell."""

import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from vedette.parsers.flows.flow_logs import FlowLog
from vedette.replay.flow_reading import FlowReading, FlowTally
from vedette.schema.chunk import Chunk
from vedette.schema.flows import FLOW_COLUMNS
from vedette.sources import Input
from vedette.windows.flow_table import TableSettings

HEAD = (
    "#separator \\x09\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\n"
)
LINES = 7_000
LONG = "C" * 2_000
"""Of a line's field that nobody reads: 14 MB are a few chunks, and few flows."""


def lines(first: int = 0, count: int = LINES) -> str:
    return "".join(
        f"{1_700_000_000 + number / 50:.6f}\t{LONG}\t10.0.0.{number % 7}\t{1_024 + number}"
        "\t192.0.2.9\t443\ttcp\t0.5\tSF\n"
        if number % 100
        else "no flow\n"
        for number in range(first, first + count)
    )


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("flows") / "conn.log"
    path.write_text(HEAD + lines())
    return path


def read(path: Path, *, ahead: bool) -> tuple[list[NDArray[np.int64]], FlowTally]:
    reading = FlowReading(
        [Input(path.name, path, str(path))], TableSettings(), threading.Event(), ahead=ahead
    )
    return [passed.parts.table.copy() for passed in reading.passed()], reading.tally


def test_flows_and_counts_are_those_of_a_log_that_is_read_step_by_step(log: Path) -> None:
    (ahead, tally), (apart, told) = read(log, ahead=True), read(log, ahead=False)
    assert len(ahead) > 3
    assert np.array_equal(np.concatenate(ahead), np.concatenate(apart))
    assert msgspec.json.encode(tally) == msgspec.json.encode(told)
    assert tally.flows == LINES - LINES // 100
    assert tally.skipped == {"bad_flow": LINES // 100, "comment": 3}


def test_a_reading_that_ends_early_ends_its_thread(log: Path) -> None:
    before = threading.active_count()
    reading = FlowReading([Input("conn.log", log, str(log))], TableSettings(), threading.Event(), ahead=True)
    passed: Iterator[object] = reading.passed()
    assert next(passed) is not None
    assert threading.active_count() > before
    reading.close()
    assert threading.active_count() == before


def test_an_error_while_lines_are_parsed_is_raised_to_whoever_asks_for_flows(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: FlowLog, chunk: Chunk) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(FlowLog, "parse", broken)
    with pytest.raises(MemoryError, match="no room"):
        read(log, ahead=True)


def test_flows_stay_as_they_are_for_as_many_calls_as_was_asked_for() -> None:
    log = FlowLog("conn.log", Chunk.of(HEAD.encode(), "conn.log"), turns=2)
    of_calls = [log.parse(Chunk.of(lines(first, 5).encode(), "conn.log"))[0].table for first in (1, 11)]
    kept = [table.copy() for table in of_calls]
    assert all(map(np.array_equal, of_calls, kept))
    third = log.parse(Chunk.of(lines(21, 5).encode(), "conn.log"))[0].table
    assert np.array_equal(of_calls[1], kept[1])
    assert np.shares_memory(third, of_calls[0])
    assert third.shape == (5, FLOW_COLUMNS)
