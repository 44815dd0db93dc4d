"""Pages of Loki: every entry once, however they share times, however late they come, whenever the reader dies."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.sources.loki.server import Store
from vedette.sources.loki.walk import MOST_RECENT, Ask, Entry, Walk, WalkState, selector_of

QUERY = '{job="nginx"} |= "GET"'
BACK, DELAY = 1000, 50


def walk(state=None, *, limit=3):
    return Walk(QUERY, state or WalkState(0, 0, 0, ()), limit=limit, delay_ns=DELAY, back_ns=BACK)


def step(reader, store, now):
    """One question and answer; the new entries, or None if there was nothing to ask."""
    ask = reader.ask(now)
    if ask is None:
        return None
    if ask.series:
        reader.answer_series([dict(labels) for labels in store.series(ask.query, ask.start, ask.end)])
        return []
    try:
        found = store.query_range(ask.query, ask.start, ask.end, ask.limit)
    except ValueError as error:
        reader.refuse_limit(int(str(error).rpartition("> ")[2].rstrip(")")))
        return []
    return reader.answer(ask, [Entry(time, dict(labels), line) for time, labels, line in found])


def drain(reader, store, now):
    found = []
    while (new := step(reader, store, now)) is not None:
        found += new
    return found


ARRIVALS = st.lists(
    # (how long after the one before it arrives, how old it is then, its stream): many share a nanosecond.
    st.tuples(
        st.sampled_from([0, 0, 1, 30, 400]), st.sampled_from([0, 0, 0, 5, 300, 900]), st.integers(0, 2)
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(
    arrivals=ARRIVALS,
    limit=st.integers(1, 7),
    highest=st.integers(8, 40),
    polls=st.lists(st.booleans()),
    kills=st.lists(st.integers(0, 3)),
)
def test_every_entry_is_given_out_once(arrivals, limit, highest, polls, kills):
    store = Store(highest)
    reader, kept, found = walk(limit=limit), (None, []), []
    polls, kills = iter(polls), iter(kills)
    now = 10_000
    for number, (pause, age, stream) in enumerate(arrivals):
        now += pause
        store.add(now - age, {"job": "nginx", "pod": str(stream)}, f"GET {number}")
        store.add(now - age, {"job": "nginx", "pod": str(stream)}, "POST is not asked for")
        if next(polls, True):
            new = step(reader, store, now)
            found += new or []
            choice = next(kills, 0)
            if choice == 1:
                kept = msgspec.msgpack.encode(reader.state), list(found)
            elif choice == 2:
                state = msgspec.msgpack.decode(kept[0], type=WalkState) if kept[0] else None
                reader, found = walk(state, limit=limit), list(kept[1])
    for _ in range(6):
        now += BACK
        found += drain(reader, store, now)
    wanted = {f"GET {number}": 1 for number in range(len(arrivals))}
    if reader.beyond:
        note(f"beyond {reader.beyond}")
        assert set(Counter(entry.line for entry in found).values()) <= {1}
        per_place = Counter((now, labels) for now, labels, _ in store.entries)
        assert max(per_place.values()) >= highest
    else:
        assert Counter(entry.line for entry in found) == wanted


def test_a_nanosecond_with_more_than_a_page_is_asked_for_stream_by_stream():
    store = Store(highest=10)
    for pod in range(5):
        for number in range(8):
            store.add(100, {"job": "nginx", "pod": f'"{pod}"'}, f"GET {pod} {number}")
    store.add(101, {"job": "nginx"}, "GET after")
    reader = walk(limit=4)
    found = [entry.line for entry in drain(reader, store, 1000)]
    assert sorted(found[:-1]) == sorted(f"GET {pod} {number}" for pod in range(5) for number in range(8))
    assert found[-1] == "GET after"
    assert reader.beyond == 0


def test_what_one_stream_holds_in_one_nanosecond_beyond_the_limit_is_said():
    store = Store(highest=10)
    for number in range(25):
        store.add(100, {"job": "nginx"}, f"GET {number}")
    store.add(101, {"job": "nginx"}, "GET after")
    reader = walk(limit=10)
    found = [entry.line for entry in drain(reader, store, 1000)]
    assert len(found) == 11
    assert found[-1] == "GET after"
    assert reader.beyond == 1


def test_what_is_remembered_is_bounded_and_nothing_is_read_twice_for_it():
    store = Store(highest=5000)
    reader = walk(limit=5000)
    wide = MOST_RECENT + 10_000
    for number in range(wide):
        store.add(number // 100, {"job": "nginx"}, f"GET {number}")
    found = drain(reader, store, wide // 100 + DELAY + 1)
    assert len(reader.state.recent) <= MOST_RECENT
    assert len(msgspec.msgpack.encode(reader.state)) < 1 << 20
    found += drain(reader, store, wide // 100 + DELAY + 2 * BACK)
    assert len(found) == len({entry.line for entry in found}) == wide


def test_nothing_is_asked_before_its_time():
    reader = walk(WalkState(1000, 1000, 1000, ()))
    assert reader.ask(1000 + DELAY) is None
    assert reader.ask(1001 + DELAY) == Ask(QUERY, 1000, 1001, 3)


@pytest.mark.parametrize(
    ("query", "selector"),
    [
        ('{a="b"}', '{a="b"}'),
        (' {a="}", b=~`x}"`} |= "}"', ' {a="}", b=~`x}"`}'),
        (r'{a="\"}"} | json', r'{a="\"}"}'),
    ],
)
def test_the_selector_is_what_stands_in_the_first_braces(query, selector):
    assert selector_of(query) == selector


@pytest.mark.parametrize("query", ["", 'rate({a="b"}[1m])', '{a="b"', "{"])
def test_a_query_without_selector_is_refused(query):
    with pytest.raises(ValueError, match="must begin with a stream selector"):
        selector_of(query)
