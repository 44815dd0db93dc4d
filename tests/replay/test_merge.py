"""Several logs are read in one order of time."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from vedette.parsers.registry import by_name
from vedette.replay.merge import merge
from vedette.schema.chunk import Chunk
from vedette.schema.requests import Requests

SECOND = 1_000_000
START = 1_772_438_400
LINE = '192.0.2.{lane} - - [02/Mar/2026:08:{minute:02}:{second:02} +0000] "GET /{row} HTTP/1.1" 200 5 "-" "curl/8"\n'


def _lane(lane: int, batches: list[list[int]]) -> Iterator[Requests]:
    """Batches with a row at each of the given seconds."""
    parser = by_name("combined").open(str(lane))
    row = 0
    for seconds in batches:
        text = ""
        for second in seconds:
            text += LINE.format(lane=lane, minute=second // 60, second=second % 60, row=row)
            row += 1
        yield parser.parse(Chunk.of(text.encode())).requests


def _rows(requests: Requests) -> list[tuple[bytes, bytes, int]]:
    """Client, target and second of each row."""
    peers, targets = requests.peer, requests.target
    return [
        (peers.vocabulary[p], targets.vocabulary[t], int(time) // SECOND - START)
        for p, t, time in zip(peers.ids.tolist(), targets.ids.tolist(), requests.time.tolist(), strict=True)
    ]


def _risen(batches: list[list[int]]) -> list[list[int]]:
    """The same batches with their times rising, from batch to batch too."""
    order = iter(sorted(second for batch in batches for second in batch))
    return [[next(order) for _ in batch] for batch in batches]


lanes = st.lists(st.lists(st.lists(st.integers(0, 3599), max_size=6), max_size=4).map(_risen), max_size=4)


@given(lanes, st.integers(0, 600))
def test_every_row_comes_once_in_its_log_s_order_and_no_log_runs_ahead(
    batches: list[list[list[int]]], slack: int
) -> None:
    pieces = list(merge([_lane(n, b) for n, b in enumerate(batches)], slack * SECOND))
    rows = [row for piece in pieces for row in _rows(piece.requests)]
    expected = [
        [
            (f"192.0.2.{n}".encode(), f"/{row}".encode(), second)
            for row, second in enumerate(s for b in lane for s in b)
        ]
        for n, lane in enumerate(batches)
    ]
    for n, lane_rows in enumerate(expected):
        assert [row for row in rows if row[0] == f"192.0.2.{n}".encode()] == lane_rows
    assert len(rows) == sum(map(len, expected))
    latest = 0
    for _, _, second in rows:
        assert second >= latest - slack
        latest = max(latest, second)


@given(lanes, st.integers(0, 600))
def test_the_last_piece_of_each_buffer_says_so(batches: list[list[list[int]]], slack: int) -> None:
    pieces = list(merge([_lane(n, b) for n, b in enumerate(batches)], slack * SECOND))
    assert sum(piece.last for piece in pieces) == sum(bool(batch) for lane in batches for batch in lane)
