"""Event time that goes on without lines."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.running import LATENESS_US
from tests.engine.test_snapshot import Service
from vedette.engine.engine import LONGEST_SILENCE
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
    return service.engine.take_found().anomalies


def busy() -> Service:
    """A service that has seen traffic for a while."""
    service = Service()
    service.feed(traffic(0, BUSY))
    return service


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


def test_time_never_goes_back() -> None:
    service = busy()
    now = service.engine.windower.now
    service.engine.advance(now - 10 * MINUTE)
    assert service.engine.windower.now == now
