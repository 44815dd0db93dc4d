"""Event time that goes on without lines."""

from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.engine.running import LATENESS_US
from tests.engine.test_snapshot import Service, revived
from vedette.engine.build import build_engine
from vedette.engine.judging import LONGEST_SILENCE
from vedette.engine.snapshot import restore
from vedette.schema.anomaly import Anomaly, AnomalyType

MINUTE = 60_000_000
BEGIN = 1_767_340_800_000_000
"""2026-01-02 08:00 UTC."""
BUSY = 90
"""Minutes of traffic before it stops."""


def line(second: int, path: str = "/a") -> bytes:
    """A request so many seconds after the beginning."""
    stamp = datetime.fromtimestamp(BEGIN / 1e6 + second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'shop 10.0.{second % 7}.1 - - [{stamp}] "GET {path} HTTP/1.1" 200 500 "-" "Firefox"\n'.encode()


def traffic(first: int, past: int) -> list[bytes]:
    """Three requests every four seconds, with a rhythm of a minute that is not quite even."""
    return [line(s, f"/p{s % 5}") for s in range(first * 60, past * 60) if s % 4 and (s * s) % 31]


def stated(service: Service) -> list[Anomaly]:
    """What has been found since this was asked last."""
    return service.engine.take_stated()


@cache
def busy_state() -> bytes:
    """The state of a service that has seen traffic for a while."""
    service = Service()
    service.feed(traffic(0, BUSY))
    return service.state()


def busy() -> Service:
    """A service that has seen traffic for a while."""
    return revived(busy_state())


def test_silence_is_noticed_without_a_line() -> None:
    service = busy()
    assert stated(service) == []
    service.engine.advance(BEGIN + (BUSY + 1) * MINUTE)
    assert stated(service) == []
    service.engine.advance(BEGIN + (BUSY + 3) * MINUTE + LATENESS_US)
    (drop, *_) = stated(service)
    assert drop.type is AnomalyType.TRAFFIC_DROP
    assert drop.observed == 0.0
    assert drop.start == BEGIN + BUSY * MINUTE


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.booleans())
def test_silence_is_judged_the_same_in_whatever_steps_time_comes(steps: list[int], restarts: bool) -> None:
    at_once, stepwise = busy(), busy()
    for service in (at_once, stepwise):
        stated(service)
    end = BEGIN + (BUSY + sum(steps)) * MINUTE
    at_once.engine.advance(end)
    found, now = [], BEGIN + BUSY * MINUTE
    for step in steps:
        now += step * MINUTE
        stepwise.engine.advance(now)
        found += stated(stepwise)
        if restarts:
            stepwise = stepwise.reborn()
    assert found == stated(at_once)
    # And what is learned of it is the same: a day later both say the same of the same traffic.
    for service in (at_once, stepwise):
        service.feed(traffic(BUSY + sum(steps), BUSY + sum(steps) + 40))
        service.engine.advance(end + 60 * MINUTE)
    assert stated(stepwise) == stated(at_once)
    assert stepwise.state() == at_once.state()


@settings(max_examples=10, deadline=None)
@given(gap=st.integers(1, LONGEST_SILENCE - 3), steps=st.lists(st.integers(1, 300), max_size=4))
def test_a_log_read_later_tells_the_same_as_a_service_that_waited(gap: int, steps: list[int]) -> None:
    waited, read = busy(), busy()
    now = BUSY
    for step in steps:
        now += step
        if now < BUSY + gap:
            waited.engine.advance(BEGIN + now * MINUTE)
    for service in (waited, read):
        service.feed(traffic(BUSY + gap, BUSY + gap + 30))
        service.engine.advance(BEGIN + (BUSY + gap + 32) * MINUTE)
    assert stated(waited) == stated(read)
    assert waited.state() == read.state()


def test_a_day_of_silence_is_a_gap_in_the_log_from_then_on() -> None:
    service = busy()
    stated(service)
    service.engine.advance(BEGIN + (BUSY + LONGEST_SILENCE) * MINUTE + LATENESS_US)
    stated(service)
    judged = service.engine.coverage.windows
    service.engine.advance(BEGIN + (BUSY + 3 * LONGEST_SILENCE) * MINUTE)
    assert service.engine.coverage.windows == judged
    service.feed(traffic(BUSY + 3 * LONGEST_SILENCE, BUSY + 3 * LONGEST_SILENCE + 5))
    assert [a for a in stated(service) if a.type is AnomalyType.TRAFFIC_DROP] == []


def test_a_line_of_a_time_that_has_passed_is_late() -> None:
    service = busy()
    service.engine.advance(BEGIN + (BUSY + 5) * MINUTE)
    service.feed([line(BUSY * 60 + 30)])
    assert service.engine.windower.late == 1
    service.feed([line((BUSY + 4) * 60 + 30)])
    assert service.engine.windower.late == 1


@pytest.mark.parametrize("own", [True, False])
def test_after_a_long_silence_baselines_are_told_and_the_time_is_covered(own: bool) -> None:
    service = Service() if own else outside()
    service.feed(traffic(0, BUSY))
    for hours in (1, 5, 20):
        end = BEGIN + (BUSY + 60 * hours) * MINUTE
        service.engine.advance(end + LATENESS_US)
        records = service.engine.baseline_records()
        assert any(record.metric == "requests" and record.route is None for record in records)
        if not own:
            covered = service.engine.coverage
            assert (covered.start, covered.end) == (BEGIN, end + LATENESS_US)


def test_time_never_goes_back() -> None:
    service = busy()
    now = service.engine.windower.event_time.now
    service.engine.advance(now - 10 * MINUTE)
    assert service.engine.windower.event_time.now == now


def outside() -> Service:
    """A service whose event time is told."""
    service = Service()
    service.engine = build_engine(service.config, lateness_us=0, own_clock=False)
    return service


def test_with_an_outside_clock_rows_close_nothing_and_windows_close_when_told() -> None:
    told, own = outside(), Service()
    lines = traffic(0, 40)
    told.feed(lines)
    assert told.engine.coverage.windows == 0
    assert told.engine.coverage.insufficient_data == 0
    told.engine.advance(BEGIN + 39 * MINUTE)
    own.feed(lines)
    own.engine.advance(BEGIN + 39 * MINUTE + LATENESS_US)
    assert told.engine.coverage.windows == own.engine.coverage.windows > 0
    told.feed([line(38 * 60 + 59)])
    assert told.engine.windower.late == 1
    told.feed([line(39 * 60)])
    assert told.engine.windower.late == 1


@settings(max_examples=4, deadline=None)
@given(lag=st.integers(1, 30), size=st.integers(30, 400), restarts=st.booleans())
def test_sources_that_lag_behind_each_other_say_what_one_log_says(
    lag: int, size: int, restarts: bool
) -> None:
    lines = traffic(0, BUSY)
    lines += [line(s, "/boom").replace(b" 200 ", b" 500 ") for s in range((BUSY - 8) * 60, BUSY * 60)]
    lines.sort(key=lambda text: text.split(b"[")[1])
    whole = outside()
    whole.feed(lines)
    whole.engine.advance(BEGIN + BUSY * MINUTE)
    # Every other line comes from a second server, `lag` minutes late.
    first, second = lines[::2], lines[1::2]
    service, found = outside(), []
    at = {0: 0, 1: 0}
    for minute in range(BUSY + lag + 1):
        for source, behind in ((first, 0), (second, lag)):
            number = 0 if source is first else 1
            until = BEGIN + (minute - behind) * MINUTE
            while at[number] < len(source) and time_of(source[at[number]]) < until:
                piece = [text for text in source[at[number] : at[number] + size] if time_of(text) < until]
                service.feed(piece)
                at[number] += len(piece)
        service.engine.advance(BEGIN + (minute - lag) * MINUTE)
        found += stated(service)
        if restarts and minute % 25 == 3:
            state = service.state()
            service = outside()
            restored = restore(service.engine, service.enricher, state)
            service.parser.from_state(restored.extra["parser"])
            service.line = int(restored.extra["line"])
    assert service.engine.windower.late == 0
    expected = stated(whole)
    assert {a.type for a in expected} >= {AnomalyType.ERROR_SPIKE}
    assert [replace(a, evidence=()) for a in found] == [replace(a, evidence=()) for a in expected]


def time_of(text: bytes) -> int:
    """A line's time, microseconds."""
    stamp = text.split(b"[")[1].split(b"]")[0].decode()
    return round(datetime.strptime(stamp, "%d/%b/%Y:%H:%M:%S %z").timestamp()) * 1_000_000
