"""Scans are stated above their thresholds, and not at or below them."""

import math

import pytest

from tests.network.packets import contact_window, host
from vedette.detectors.network.port_scan import PortScan
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.detectors.network.view import NetworkView
from vedette.explain.formulas import recompute
from vedette.explain.words import describe
from vedette.schema.anomaly import Anomaly
from vedette.schema.flows import Flow
from vedette.windows.contacts import FlowWindow

SCANNER, TARGET = host("198.51.100.7"), host("192.0.2.1")


def contact(port: int, server: int = TARGET, **counts: int) -> dict[Flow, int]:
    row = {
        Flow.CLIENT_LOW: SCANNER,
        Flow.SERVER_LOW: server,
        Flow.SERVER_PORT: port,
        Flow.PROTOCOL: 6,
        Flow.OPENED: 1,
        Flow.PACKETS_OUT: 1,
    }
    return row | {Flow[name.upper()]: value for name, value in counts.items()}


def look(detector: PortScan, *windows: FlowWindow) -> list[Anomaly]:
    return detector.look(NetworkView(windows[-1], tuple(map(RecentWindow, windows)), {}))


def syns(ports: int, total: int) -> list[dict[Flow, int]]:
    rows = [contact(1000 + n, syn_out=1, succeeded=1) for n in range(ports)]
    rows[0][Flow.SYN_OUT] += total - ports
    return rows


@pytest.mark.parametrize(
    ("ports", "total", "stated"), [(21, 101, True), (20, 500, False), (21, 100, False), (40, 100, False)]
)
def test_more_than_100_syns_to_more_than_20_ports(ports: int, total: int, stated: bool) -> None:
    found = look(PortScan(), contact_window(syns(ports, total)))
    assert bool(found) is stated
    for anomaly in found:
        assert recompute(anomaly.formula) == anomaly.observed == total
        assert "vertical" in describe(anomaly)


def test_the_minute_slides_over_windows() -> None:
    first, second = (
        contact_window(syns(15, 60), 0),
        contact_window([contact(5000 + n, syn_out=5, succeeded=1) for n in range(10)], 5),
    )
    assert look(PortScan(), first, second)
    assert not look(PortScan(), second)


@pytest.mark.parametrize(
    ("failed", "answered", "stated"), [(10, 0, True), (9, 0, False), (12, 2, True), (12, 3, False)]
)
def test_odds_of_first_contacts(failed: int, answered: int, stated: bool) -> None:
    rows = [contact(22, host(f"192.0.2.{n}"), syn_out=1, failed=1) for n in range(1, failed + 1)]
    rows += [contact(80, host(f"203.0.113.{n}"), syn_out=1, succeeded=1) for n in range(1, answered + 1)]
    found = look(PortScan(), contact_window(rows))
    assert bool(found) is stated
    for anomaly in found:
        assert math.isclose(recompute(anomaly.formula), anomaly.formula.result)
        assert anomaly.formula.result >= 6
        assert anomaly.details["shape"] == "horizontal"


def test_the_same_target_fails_once_however_often_it_is_tried() -> None:
    detector = PortScan()
    for number in range(50):
        assert not look(detector, contact_window([contact(22, syn_out=1, failed=1)], number))


def test_a_slow_scan_is_found_over_many_windows() -> None:
    detector = PortScan()
    found = [
        look(detector, contact_window([contact(22, host(f"192.0.2.{n + 1}"), syn_out=1, failed=1)], 30 * n))
        for n in range(12)
    ]
    assert [bool(f) for f in found] == [False] * 9 + [True] * 3


@pytest.mark.parametrize(("probes", "stated"), [(1, False), (2, True)])
def test_packets_that_no_connection_sends(probes: int, stated: bool) -> None:
    found = look(PortScan(), contact_window([contact(n + 1, probes=1) for n in range(probes)]))
    assert bool(found) is stated


@pytest.mark.parametrize(("ports", "stated"), [(20, False), (21, True)])
def test_udp_ports_that_say_nothing(ports: int, stated: bool) -> None:
    rows = [contact(n + 1) | {Flow.PROTOCOL: 17} for n in range(ports)]
    assert bool(look(PortScan(), contact_window(rows))) is stated
    answered = [row | {Flow.PACKETS_IN: 1} for row in rows]
    assert not look(PortScan(), contact_window(answered))


def test_many_sources_are_counted_beyond_those_stated() -> None:
    detector = PortScan(probes=1)
    rows = [contact(1, probes=1) | {Flow.CLIENT_LOW: SCANNER + n} for n in range(70)]
    assert len(look(detector, contact_window(rows))) == 50
    assert detector.unstated == 20


INSIDE = host("10.0.0.7")


def watched() -> PortScan:
    """One that has watched a network for an hour."""
    detector = PortScan()
    assert not look(detector, contact_window([], -360))
    return detector


def test_a_scan_is_over_when_nothing_fails_for_a_quarter_of_an_hour() -> None:
    detector = PortScan()
    assert look(detector, contact_window([contact(n, failed=1, syn_out=1) for n in range(1, 91)]))
    again = [contact(443, host(f"192.0.2.{number}"), failed=1, syn_out=1) for number in (8, 9)]
    assert look(detector, contact_window(again[:1], 90))
    assert not look(detector, contact_window(again[1:], 182))


def test_what_a_scanner_does_afterwards_is_no_scan() -> None:
    """However far it went: once it is answered, a failure now and then is what everybody has."""
    detector = PortScan()
    rows = [contact(n, failed=1, syn_out=1) for n in range(1, 91)]
    assert look(detector, contact_window(rows))
    answered = [contact(443, host(f"203.0.113.{n}"), succeeded=1, syn_out=1) for n in range(1, 21)]
    assert not look(detector, contact_window(answered, 1))
    for number in range(2, 9):
        row = contact(443, host(f"192.0.2.{number}"), failed=1, syn_out=1)
        assert not look(detector, contact_window([row], number))


@pytest.mark.parametrize(("source", "severity"), [(SCANNER, "low"), (INSIDE, "high")])
def test_who_tries_ports_from_within_is_worse_than_a_stranger(source: int, severity: str) -> None:
    rows = [contact(n, failed=1, syn_out=1) | {Flow.CLIENT_LOW: source} for n in range(1, 60)]
    (found,) = look(watched(), contact_window(rows))
    assert found.severity == severity
    assert found.details["outside"] is (source == SCANNER)


def asking_for_what_is_off() -> list[dict[Flow, int]]:
    rows = [contact(135, host(f"10.0.1.{n}"), syn_out=1, failed=1) for n in range(1, 81)]
    return [row | {Flow.CLIENT_LOW: INSIDE} for row in rows]


def test_a_monitor_that_asks_for_what_is_off_from_the_beginning_is_no_scanner() -> None:
    """Every two minutes: at first it looks like a sweep, and ten minutes later like what it is."""
    detector = PortScan()
    for number in range(300):
        assert not look(detector, contact_window(asking_for_what_is_off(), 12 * number))


def test_a_monitor_that_begins_later_is_told_once() -> None:
    detector = watched()
    found = [look(detector, contact_window(asking_for_what_is_off(), 12 * number)) for number in range(100)]
    assert [number for number, each in enumerate(found) if each] == [0]


@pytest.mark.parametrize("restored", [False, True])
def test_a_sweep_from_within_at_the_beginning_is_told_when_it_is_known_to_be_none_of_a_monitor_s(
    *, restored: bool
) -> None:
    detector = PortScan()
    found = []
    for number in range(62):
        rows = asking_for_what_is_off() if number == 0 else []
        found.append(look(detector, contact_window(rows, number)))
        if restored:
            again = PortScan()
            again.from_state(detector.to_state())
            detector = again
    assert [number for number, each in enumerate(found) if each] == [60]
    assert found[60][0].severity == "high"
    assert (found[60][0].start, found[60][0].end) == (0, 610_000_000)


def test_a_sweep_from_within_is_told_at_the_end_of_a_short_capture() -> None:
    detector = PortScan()
    assert not look(detector, contact_window(asking_for_what_is_off(), 0))
    last = contact_window([], 3)
    (found,) = detector.look(NetworkView(last, (RecentWindow(last),), {}, whole=False))
    assert found.entity.value == "10.0.0.7"


def tries(servers: "range", number: int, *, answered: bool) -> FlowWindow:
    """A window in which an internal host tries to talk to some web servers."""
    outcome = {"succeeded": 1} if answered else {"failed": 1}
    rows = [contact(443, host(f"203.0.113.{n}"), syn_out=1, **outcome) for n in servers]
    return contact_window([row | {Flow.CLIENT_LOW: INSIDE} for row in rows], number)


def test_a_host_that_lost_its_line_does_not_scan() -> None:
    """Whom it talked to before is no first contact; whom it did not is, and was answered by none."""
    detector = PortScan()
    assert not look(detector, tries(range(1, 100), 0, answered=True))
    # An hour later nothing answers.
    assert not look(detector, tries(range(1, 100), 400, answered=False))
    restored = PortScan()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        assert not look(one, tries(range(1, 109), 401, answered=False))
        (found,) = look(one, tries(range(1, 110), 402, answered=False))
        assert (found.details["hosts"], found.details["answered"]) == (10, 0)


def test_who_was_answered_by_some_is_still_found_when_it_scans_others() -> None:
    detector = watched()
    for number in range(50):
        assert not look(detector, tries(range(1, 100), number, answered=True))
    assert look(detector, tries(range(100, 120), 50, answered=False))


def asked(outcomes: str, first: int, number: int) -> FlowWindow:
    """A window in which an internal host asks peers, each another: `-` is gone, `+` answers."""
    rows = [
        contact(20_000 + first + n, host("203.0.113.9"), syn_out=1, failed=each == "-", succeeded=each == "+")
        for n, each in enumerate(outcomes)
    ]
    return contact_window([row | {Flow.CLIENT_LOW: INSIDE} for row in rows], number)


@pytest.mark.parametrize(
    ("failed", "stated"), [(24, False), (60, True)], ids=["as chance has it", "far more than half"]
)
def test_who_asks_peers_all_day_does_not_scan_until_far_more_than_half_fail(
    failed: int, stated: bool
) -> None:
    """Of hosts of a peer-to-peer network half is gone, and failures are ten ahead of answers now and then."""
    detector = watched()
    for number in range(60):
        assert not look(detector, asked("-+", 2 * number, 30 * number))
    restored = PortScan()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        found = [look(one, asked("-", 1000 + n, 1800 + 2 * n)) for n in range(failed)]
        assert any(map(bool, found)) is stated


def test_who_begins_to_ask_peers_by_the_hundred_is_told() -> None:
    detector = watched()
    assert look(detector, asked("-" * 22 + "+" * 11, 0, 0))


def test_who_answered_a_long_connection_is_known_when_it_is_gone() -> None:
    """A log tells of a connection of hours when it is over: of its beginning there is nothing, only its last parts."""
    detector = watched()
    scrapers = range(1, 40)
    rows = [contact(9090, host(f"10.0.9.{n}"), opened=0, packets_in=1) for n in scrapers]
    assert not look(detector, contact_window([row | {Flow.CLIENT_LOW: INSIDE} for row in rows]))
    rows = [contact(9090, host(f"10.0.9.{n}"), syn_out=1, failed=1) for n in scrapers]
    assert not look(detector, contact_window([row | {Flow.CLIENT_LOW: INSIDE} for row in rows], 1))
    rows = [contact(9090, host(f"10.0.8.{n}"), syn_out=1, failed=1) for n in scrapers]
    assert look(detector, contact_window([row | {Flow.CLIENT_LOW: INSIDE} for row in rows], 2))
