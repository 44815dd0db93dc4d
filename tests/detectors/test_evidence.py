"""The log lines kept for the statements of a window."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from vedette.detectors.evidence import KEYS, Candidates, EvidenceBook, Topic
from vedette.detectors.kept import TEXT_BYTES, printable
from vedette.detectors.signatures.check import batch
from vedette.schema.anomaly import Evidence

MISSING, SLOW = Topic.MISSING, Topic.SLOW


@dataclass(frozen=True)
class Line:
    """A line that a topic wants; its number is its place in the log."""

    topic: Topic
    owner: int
    client: int = 0
    weight: float = 0.0
    window: int = 0
    text: bytes = b"GET /"


def kept(log: Sequence[Line], sizes: Sequence[int] = (), most: int = 3) -> EvidenceBook:
    """What is kept of lines that come in batches of these sizes; the last takes what is left."""
    book = EvidenceBook(most)
    at = 0
    for size in (*sizes, len(log)):
        part = log[at : at + size]
        buffer = b"".join(line.text for line in part)
        ends = np.cumsum([len(line.text) for line in part], dtype=np.int64)
        requests = replace(
            batch({"target": [b"/"] * len(part)}),
            source="a.log",
            line=np.arange(at + 1, at + 1 + len(part), dtype=np.int64),
            buffer=np.frombuffer(buffer + b"\0", dtype=np.uint8),
            raw_start=ends - [len(line.text) for line in part],
            raw_length=np.array([len(line.text) for line in part], dtype=np.int32),
        )
        wanted = []
        for topic in Topic:
            rows = np.flatnonzero([line.topic is topic for line in part])
            own = [part[row] for row in rows]
            client = np.array([line.client for line in own], dtype=np.uint64)
            owner = np.array([line.owner for line in own], dtype=np.int64)
            weight = np.array([line.weight for line in own])
            wanted.append(Candidates(topic, rows, owner, client, client + np.uint64(1), weight))
        book.keep(requests, np.array([line.window for line in part], dtype=np.int64), wanted)
        at += size
    return book


def numbers(evidence: Sequence[Evidence]) -> list[int]:
    return [shown.line for shown in evidence]


def first(log: Sequence[Line], own: Sequence[int], most: int) -> list[int]:
    """Those of a key's lines that are wanted first, by the definition."""
    return sorted(own, key=lambda number: (log[number - 1].weight, number))[:most]


lines = st.builds(
    Line,
    topic=st.sampled_from([MISSING, SLOW]),
    owner=st.integers(0, 2),
    client=st.integers(0, 2),
    weight=st.sampled_from([0.0, -1.0, -2.5]),
    window=st.integers(4, 5),
    text=st.binary(max_size=20),
)


@settings(max_examples=150)
@given(st.lists(lines, max_size=60), st.lists(st.integers(0, 20), max_size=50), st.integers(1, 3))
def test_however_lines_are_batched_the_first_of_each_key_are_kept(
    log: list[Line], sizes: list[int], most: int
) -> None:
    book = kept(log, sizes, most)
    for key in itertools.product((4, 5), (MISSING, SLOW), range(3), range(3)):
        own = [n for n, x in enumerate(log, 1) if (x.window, x.topic, x.owner, x.client) == key]
        window, topic, owner, client = key
        found = book.of_client(topic, window, owner, client, client + 1)
        assert numbers(found) == first(log, own, most)


def test_a_key_has_its_first_lines_and_routes_share_theirs() -> None:
    log = [Line(SLOW, owner % 3, weight=-float(owner % 5)) for owner in range(30)]
    book = kept(log, [7, 7])
    for routes in ([1], [0, 2]):
        own = [number for number, line in enumerate(log, 1) if line.owner in routes]
        assert numbers(book.of_routes(SLOW, 0, routes)) == first(log, own, 3)
    assert book.of_routes(SLOW, 0, [7]) == ()


@pytest.mark.parametrize("sizes", [[], [100] * 40])
def test_more_keys_than_there_is_room_for_do_not_grow_what_is_kept(sizes: list[int]) -> None:
    log = [Line(MISSING, 0, client, text=b"x" * 900) for _ in range(2) for client in range(2000)]
    book = kept(log, sizes)
    shown = [numbers(book.of_client(MISSING, 0, 0, client, client + 1)) for client in range(2000)]
    room = 3 * KEYS
    assert shown == [[1 + client] if client < room else [] for client in range(2000)]


def test_lines_are_cut_and_made_printable() -> None:
    text = b"caf\xc3\xa9 \xff\x1b" + b"x" * 600
    (shown,) = kept([Line(MISSING, 0, text=text)]).of_client(MISSING, 0, 0, 0, 1)
    assert shown == Evidence("a.log", 1, printable(text))
    assert shown.text.startswith("café \\xff\\x1bxxx")
    assert shown.text.endswith("x…")
    assert len(shown.text) < TEXT_BYTES + 10


def test_a_window_that_was_judged_is_forgotten() -> None:
    book = kept([Line(MISSING, 0), Line(MISSING, 0, window=1)])
    book.drop(0)
    assert book.of_client(MISSING, 0, 0, 0, 1) == ()
    assert numbers(book.of_client(MISSING, 1, 0, 0, 1)) == [2]
