"""Whoever watches is told what happens, and what was missed."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from vedette.live.events import Events
from vedette.live.view import Event


def told(watching: Iterator[Event | None], count: int) -> list[tuple[int, str]]:
    found = [next(watching) for _ in range(count)]
    return [(event.id, event.kind) for event in found if event is not None]


def test_a_watcher_is_told_what_comes_after_the_last_it_knows() -> None:
    events = Events()
    for number in range(5):
        events.tell("anomaly", number)
    assert told(events.watch(2), 3) == [(3, "anomaly"), (4, "anomaly"), (5, "anomaly")]


def test_what_is_gone_already_is_told_as_a_gap() -> None:
    events = Events(kept=2)
    for number in range(5):
        events.tell("anomaly", number)
    watching = events.watch(1)
    gap = next(watching)
    assert gap is not None
    assert (gap.kind, gap.content) == ("gap", {"missed": 2})
    assert told(watching, 2) == [(4, "anomaly"), (5, "anomaly")]


def test_silence_is_told_so_that_connections_stay_open() -> None:
    events = Events()
    assert next(events.watch(None, wait=lambda condition, seconds: False)) is None


def test_every_watching_ends_when_events_are_closed() -> None:
    events = Events()
    events.tell("anomaly", 1)
    events.close()
    assert told(events.watch(0), 1) == [(1, "anomaly")]
    assert list(events.watch(None)) == []


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 5))
def test_every_event_is_told_once_or_counted_as_missed(bursts: list[int], kept: int) -> None:
    events = Events(kept=kept)
    watching = events.watch(0)
    seen = missed = sent = 0
    for burst in bursts:
        for _ in range(burst):
            events.tell("anomaly", None)
            sent += 1
        while seen + missed < sent:
            event = next(watching)
            assert event is not None
            if event.kind == "gap":
                missed += event.content["missed"]
            else:
                seen += 1
    assert seen + missed == sent
