"""Each detector at, just below and just above its threshold; each statement can be done again from its fields."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from tests.network.packets import SECOND, contact_window, host
from vedette.baselines.budget import Budget
from vedette.detectors.network.beaconing import Beaconing
from vedette.detectors.network.brute_force import NetworkBruteForce
from vedette.detectors.network.floods import Amplification, ConnectionFlood, PacketFlood, SynFlood
from vedette.detectors.network.hosts import HostHabits
from vedette.detectors.network.latency import HighLatency
from vedette.detectors.network.long_lived import LongLived
from vedette.detectors.network.loss import PacketLoss
from vedette.detectors.network.metrics import Held, Measure, NetworkBaselines, NetworkMetric, measure
from vedette.detectors.network.own_past import OwnPast
from vedette.detectors.network.protocols import ProtocolShift
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.detectors.network.tunnels import Tunnel
from vedette.detectors.network.view import NetworkDetector, NetworkView
from vedette.detectors.network.volume import Volume
from vedette.explain.formulas import recompute
from vedette.explain.words import counterfactual, describe
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity
from vedette.schema.flows import ENDED_COLUMNS, Ended, Flow, Known
from vedette.windows.contacts import FlowWindow

INSIDE, OUTSIDE, OTHER = host("10.0.0.5"), host("192.0.2.1"), host("198.51.100.9")
OTHER_INSIDE = host("10.0.0.20")
TCP, UDP, ICMP = 6, 17, 1


def contact(client: int, server: int, port: int, protocol: int = TCP, **counts: int) -> dict[Flow, int]:
    row = {
        Flow.CLIENT_LOW: client,
        Flow.SERVER_LOW: server,
        Flow.SERVER_PORT: port,
        Flow.PROTOCOL: protocol,
        Flow.OPENED: 1,
        Flow.PACKETS_OUT: 1,
    }
    return row | {Flow[name.upper()]: value for name, value in counts.items()}


def look(
    detector: NetworkDetector, *windows: FlowWindow, held: dict[NetworkMetric, Held] | None = None
) -> list[Anomaly]:
    found = detector.look(NetworkView(windows[-1], tuple(map(RecentWindow, windows)), held or {}))
    for anomaly in found:
        again = recompute(anomaly.formula)
        assert math.isclose(again, anomaly.formula.result, rel_tol=1e-6, abs_tol=1e-9)
        assert describe(anomaly)
        assert counterfactual(anomaly)
        assert 0 <= anomaly.score <= 1
        assert anomaly.type in detector.types
    return found


@pytest.mark.parametrize(
    ("syns", "done", "stated"), [(1000, 0, True), (999, 0, False), (1000, 200, True), (1000, 201, False)]
)
def test_syn_flood(syns: int, done: int, stated: bool) -> None:
    rows = [contact(OTHER, OUTSIDE, 80, syn_out=syns - done)]
    if done:
        rows.append(contact(INSIDE, OUTSIDE, 80, syn_out=done, handshake_count=done, succeeded=done))
    found = look(SynFlood(), contact_window(rows))
    assert bool(found) is stated


def test_a_spoofed_flood_is_told_from_one_of_few() -> None:
    spoofed = contact_window([contact(OTHER + n, OUTSIDE, 80, syn_out=1) for n in range(1500)])
    single = contact_window([contact(OTHER, OUTSIDE, 80, syn_out=1500)])
    assert look(SynFlood(), spoofed)[0].details["spread"].startswith("spoofed")
    assert look(SynFlood(), single)[0].details["spread"] == "not spoofed"
    assert look(SynFlood(), single)[0].clients == ("198.51.100.9",)


@pytest.mark.parametrize(
    ("size", "asked", "servers", "stated"),
    [
        (1_000_000, 0, 3, True),
        (999_999, 0, 3, False),
        (1_000_000, 100_000, 3, True),
        (1_000_000, 100_010, 3, False),
        (1_000_000, 0, 2, False),
    ],
)
def test_amplification(size: int, asked: int, servers: int, stated: bool) -> None:
    rows = [
        contact(INSIDE, OUTSIDE + n, 123, UDP, bytes_in=size // servers, bytes_out=asked // servers)
        for n in range(servers)
    ]
    rows[0][Flow.BYTES_IN] += size % servers
    rows[0][Flow.BYTES_OUT] += asked % servers
    assert bool(look(Amplification(), contact_window(rows))) is stated
    assert not look(Amplification(), contact_window([row | {Flow.SERVER_PORT: 443} for row in rows]))


@pytest.mark.parametrize(
    ("client", "packets", "answered", "stated"),
    [
        (OTHER, 100, 1_000_000, True),
        (OTHER, 99, 1_000_000, False),
        (OTHER, 100, 999_999, False),
        (INSIDE, 100, 1_000_000, False),
    ],
)
def test_a_server_that_is_used_to_flood_others(
    client: int, packets: int, answered: int, stated: bool
) -> None:
    row = contact(client, OUTSIDE, 53, UDP, bytes_in=answered, bytes_out=packets * 60)
    found = look(Amplification(), contact_window([row | {Flow.PACKETS_OUT: packets}]))
    assert [a.entity.value for a in found] == ["192.0.2.1"] * stated
    for one in found:
        assert "answered 1 MB from UDP port 53 (DNS) to 198.51.100.9" in describe(one)


def test_floods_beyond_the_most_severe_are_counted() -> None:
    """The first of them in order of addresses is among the weakest."""
    detector = SynFlood()
    rows = [contact(OTHER, OUTSIDE + n, 80, syn_out=1000 + 200 * n) for n in range(23)]
    found = look(detector, contact_window(rows))
    assert len(found) == 20
    assert min(one.observed for one in found) == 1600
    assert detector.unstated == 3


def test_guesses_beyond_the_most_severe_are_counted() -> None:
    detector = NetworkBruteForce()
    rows = [
        contact(OTHER + n, OUTSIDE, 22, succeeded=20, bytes_out=9, payload_out=9, payload_in=9)
        for n in range(21)
    ]
    assert len(look(detector, contact_window(rows))) == 20
    assert detector.unstated == 1


def test_a_broadcast_storm_is_a_flood_and_names_who_sends() -> None:
    rows = [
        contact(INSIDE + n, host("10.0.0.255"), 137, UDP, packets_out=40_000 - 10_000 * n) for n in range(2)
    ]
    (found,) = look(PacketFlood(), contact_window(rows))
    assert [one.value for one in found.contributions] == ["10.0.0.5", "10.0.0.6"]


@pytest.mark.parametrize(
    ("server", "pings", "size", "stated"),
    [
        (OUTSIDE, 600, 156, True),
        (OUTSIDE, 599, 156, False),
        (OUTSIDE, 600, 155, False),
        (host("10.9.9.9"), 600, 156, False),
    ],
)
def test_heavy_pings_in_logs_of_flows(server: int, pings: int, size: int, stated: bool) -> None:
    row = contact(
        INSIDE,
        server,
        0,
        ICMP,
        packets_out=pings,
        packets_in=pings,
        bytes_out=size * pings,
        bytes_in=size * pings,
    )
    found = look(Tunnel(), contact_window([row], known=Known.OUTCOME))
    assert [a.details["what"] for a in found] == ["heavy pings"] * stated
    for one in found:
        assert "1,200 pings of 156 bytes on average" in describe(one)
    # Where packets are seen, their sizes tell.
    assert not look(Tunnel(), contact_window([row]))


@pytest.mark.parametrize(
    ("questions", "size", "stated"), [(300, 156, True), (299, 156, False), (300, 155, False)]
)
def test_heavy_questions_in_logs_of_flows(questions: int, size: int, stated: bool) -> None:
    row = contact(INSIDE, OUTSIDE, 53, UDP, packets_out=questions, bytes_out=size * questions)
    found = look(Tunnel(), contact_window([row], known=Known.OUTCOME))
    assert [a.details["what"] for a in found] == ["heavy DNS"] * stated
    for one in found:
        assert "asked 192.0.2.1 300 DNS questions within 10 s in packets of 156 bytes" in describe(one)


def guesses(clients: int, number: int, first: int = 0) -> FlowWindow:
    """A window in which clients elsewhere each open two short connections to remote desktops."""
    rows = [
        contact(OTHER + first + n, OUTSIDE, 3389, succeeded=2, opened=2, bytes_out=2000, bytes_in=2000)
        for n in range(clients)
    ]
    return contact_window(rows, number)


@pytest.mark.parametrize(
    ("usual", "clients", "stated"), [(1, 20, True), (1, 19, False), (5, 24, False), (5, 25, True)]
)
def test_guessing_that_many_share(usual: int, clients: int, stated: bool) -> None:
    detector = NetworkBruteForce()
    assert not look(detector, guesses(clients, 0))
    for number in range(1, 60):
        assert not look(detector, guesses(usual, number))
    restored = NetworkBruteForce()
    restored.from_state(detector.to_state())
    # Of the beginning nobody knows what is usual; it is what was seen then that counts.
    for one in (detector, restored):
        assert not look(one, guesses(clients, 60))
    detector = NetworkBruteForce()
    for number in range(60):
        assert not look(detector, guesses(usual, number))
    found = look(detector, guesses(clients, 60))
    assert [a.entity.value for a in found] == ["192.0.2.1"] * stated
    for one in found:
        assert f"{clients} clients elsewhere opened {2 * clients} short connections to RDP" in describe(one)


@pytest.mark.parametrize(
    ("protocol", "packets", "back", "stated"),
    [
        (UDP, 50_000, 0, True),
        (UDP, 49_999, 0, False),
        (UDP, 50_000, 2_500, True),
        (UDP, 50_000, 2_501, False),
        (ICMP, 10_000, 0, True),
        (ICMP, 9_999, 0, False),
    ],
)
def test_packet_floods(protocol: int, packets: int, back: int, stated: bool) -> None:
    row = contact(OTHER, OUTSIDE, 4000, protocol, packets_out=packets, packets_in=back)
    assert bool(look(PacketFlood(), contact_window([row]))) is stated
    assert not look(PacketFlood(), contact_window([row | {Flow.SERVER_LOW: host("239.1.1.1")}]))


@pytest.mark.parametrize(("count", "stated"), [(999, False), (1000, True)])
def test_connection_flood(count: int, stated: bool) -> None:
    early = contact_window([contact(OTHER, OUTSIDE, 443, succeeded=600, opened=600)], 0)
    late = contact_window([contact(OTHER, OUTSIDE, 443, succeeded=count - 600, opened=count - 600)], 3)
    assert bool(look(ConnectionFlood(), early, late)) is stated


@pytest.mark.parametrize(
    ("queries", "long", "rare", "stated"),
    [(30, 30, 0, True), (29, 29, 0, False), (90, 30, 0, True), (91, 30, 0, False), (30, 0, 30, True)],
)
def test_dns_tunnel(queries: int, long: int, rare: int, stated: bool) -> None:
    row = contact(
        INSIDE, OUTSIDE, 53, UDP, dns_queries=queries, dns_long_names=long, dns_rare_types=rare,
        dns_name_bytes=60 * queries,
    )  # fmt: skip
    assert bool(look(Tunnel(), contact_window([row]))) is stated


@pytest.mark.parametrize(("each", "stated"), [(9, False), (10, True)])
def test_dns_over_tcp_tunnel(each: int, stated: bool) -> None:
    row = contact(INSIDE, OUTSIDE, 53, TCP, segments_out=each, segments_in=each + 5)
    assert bool(look(Tunnel(), contact_window([row]))) is stated


@pytest.mark.parametrize(
    ("changes", "pings", "size", "stated"),
    [(20, 100, 6400, True), (19, 50, 6400, False), (20, 101, 9999, False), (20, 100, 6399, False)],
)
def test_icmp_tunnel(changes: int, pings: int, size: int, stated: bool) -> None:
    row = contact(INSIDE, OUTSIDE, 0, ICMP, echo_sizes=changes, packets_out=pings, payload_out=size)
    assert bool(look(Tunnel(), contact_window([row]))) is stated


@pytest.mark.parametrize(
    ("count", "size", "port", "stated"),
    [
        (20, 20_000, 22, True),
        (19, 20_000, 22, False),
        (20, 20_001, 22, False),
        (20, 1000, 443, False),
        (20, 1000, 3389, True),
    ],
)
def test_brute_force(count: int, size: int, port: int, stated: bool) -> None:
    row = contact(
        OTHER,
        OUTSIDE,
        port,
        succeeded=count,
        opened=count,
        bytes_out=size * count,
        payload_out=9,
        payload_in=9,
    )
    assert bool(look(NetworkBruteForce(), contact_window([row]))) is stated


def beacon(detector: Beaconing, intervals: Sequence[float], server: int = OUTSIDE) -> list[Anomaly]:
    # Watched for days before it calls.
    found, now = look(detector, contact_window([], 0)), 1_000_000.0
    for interval in [0.0, *intervals]:
        now += interval
        number = int(now // 10)
        row = contact(INSIDE, server, 8443) | {
            Flow.BEGAN: round(now * SECOND),
            Flow.START: round(now * SECOND),
        }
        window = contact_window([row], number)
        window.contacts[:, [Flow.BEGAN, -1]] = round(now * SECOND)
        found += look(detector, window)
    return found


@pytest.mark.parametrize(
    ("intervals", "stated"),
    [
        ([360.0] * 20, True),
        ([360.0] * 19, False),
        ([359.0] * 20, False),
        ([360.0 * 0.86, 360.0 * 1.14] * 10 + [360.0], True),
        ([360.0 * 0.83, 360.0 * 1.17] * 12, False),
        ([360.0 * 0.72, 360.0 * 1.28] * 100, True),
        ([360.0 * 0.72, 360.0 * 1.28] * 99, False),
        ([360.0 * 0.68, 360.0 * 1.32] * 100, False),
    ],
    ids=[
        "regular for two hours",
        "too few",
        "too short",
        "varies by less than 15 %",
        "varies by more",
        "varies by less than 30 %, for very long",
        "not long enough for that",
        "varies by more than that",
    ],
)
def test_beaconing(intervals: list[float], stated: bool) -> None:
    assert bool(beacon(Beaconing(), intervals)) is stated
    assert not beacon(Beaconing(), intervals, server=host("10.9.9.9"))


def test_beacons_are_told_again_when_there_are_ten_times_as_many_calls() -> None:
    assert len(beacon(Beaconing(), [400.0] * 199)) == 1
    assert len(beacon(Beaconing(), [400.0] * 200)) == 2


@pytest.mark.parametrize(("others", "stated"), [(2, True), (3, False)])
def test_a_service_that_others_call_too_is_no_beacon_s(others: int, stated: bool) -> None:
    detector = Beaconing()
    for number in range(others):
        look(detector, contact_window([contact(OTHER_INSIDE + number, OUTSIDE, 8443)], 0))
    found = beacon(detector, [400.0] * 25)
    assert bool(found) is stated
    for one in found:
        assert "2 other hosts of the network called there" in describe(one)


def quiet(number: int, size: int = 1_000_000) -> FlowWindow:
    return contact_window([contact(INSIDE, OUTSIDE, 443, bytes_out=size, bytes_in=size)], number)


@pytest.mark.parametrize(("each", "stated"), [(80, False), (81, True)])
def test_guesses_in_logs_that_tell_of_packets_alone(each: int, stated: bool) -> None:
    row = contact(OTHER, OUTSIDE, 22, succeeded=20, opened=20, bytes_out=each * 100, bytes_in=each * 100)
    row |= {Flow.PACKETS_OUT: 100, Flow.PACKETS_IN: 100}
    assert bool(look(NetworkBruteForce(), contact_window([row]))) is stated


def upload(detector: HostHabits, number: int, size: int, back: int = 0) -> "list[Anomaly]":
    return look(
        detector,
        contact_window([contact(INSIDE, OUTSIDE, 443, bytes_out=size, bytes_in=back)], number),
    )


@pytest.mark.parametrize(
    ("size", "back", "windows", "stated"),
    [
        (1_000_000_000, 0, 30, True),
        (999_999_999, 0, 30, False),
        (1_000_000_000, 200_000_001, 30, False),
        (1_000_000_000, 0, 29, False),
    ],
)
def test_exfiltration(size: int, back: int, windows: int, stated: bool) -> None:
    detector = HostHabits()
    for number in range(windows):
        look(detector, quiet(number, 500_000))
    found = upload(detector, 99, size, back)
    assert [a.type for a in found] == [AnomalyType.DATA_EXFILTRATION] * stated


def test_an_upload_is_added_up_until_it_pauses_for_an_hour() -> None:
    detector = HostHabits()
    for number in range(40):
        look(detector, quiet(number, 500_000))
    found = [upload(detector, number, 80_000_000) for number in range(40, 60)]
    assert [bool(each) for each in found] == [False] * 12 + [True] + [False] * 7
    ((one,),) = filter(None, found)
    assert "sent 1.04 GB to" in describe(one)
    # What came more than an hour before is another upload.
    assert not upload(detector, 60 + 361, 999_000_000)


def test_what_a_host_always_sends_is_no_exfiltration() -> None:
    """Once it pauses, its largest upload is known: one that began when it was new is none."""
    detector = HostHabits()
    for number in range(80):
        assert not upload(detector, number, 60_000_000)
    assert not upload(detector, 80 + 2 * 360, 5 * 80 * 60_000_000 - 1)
    assert upload(detector, 80 + 4 * 360, 25 * 80 * 60_000_000)


def test_uploads_of_others_are_none_of_a_host_s_own() -> None:
    detector = HostHabits()
    for number in range(40):
        look(detector, quiet(number, 500_000))
        row = contact(OTHER_INSIDE, OUTSIDE, 443, bytes_out=60_000_000)
        assert not look(detector, contact_window([row], number))
    assert upload(detector, 40, 1_300_000_000)


@pytest.mark.parametrize(("windows", "stated"), [(1028, True), (1027, False)])
def test_new_destination(windows: int, stated: bool) -> None:
    """Laplace: after n windows without one, 1 in n + 2; the first thirty only teach."""
    detector = HostHabits()
    for number in range(windows):
        assert not look(detector, quiet(number))
    found = look(detector, contact_window([contact(INSIDE, OTHER, 443)], windows))
    assert [a.type for a in found] == [AnomalyType.NEW_DESTINATION] * stated
    assert not look(detector, contact_window([contact(INSIDE, OTHER + 1, 443)], windows + 1))


def served(days: float) -> HostHabits:
    """A host has answered others for so long, looked at once in ten minutes, and talked to nobody outside."""
    detector = HostHabits()
    for number in range(0, round(days * 8640) + 1, 60):
        row = contact(OTHER_INSIDE, INSIDE, 5432, packets_in=1)
        assert not look(detector, contact_window([row], number))
    return detector


@pytest.mark.parametrize(("days", "stated"), [(1.0, True), (0.99, False)])
def test_a_server_that_never_talked_to_anybody_outside(days: float, stated: bool) -> None:
    """All the windows since it was seen first are without a new destination; nothing at all was its largest upload."""
    number = round(days * 8640) + 1
    detector = served(days)
    restored = HostHabits()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        found = upload(one, number, 1_000_000_000)
        both = {AnomalyType.NEW_DESTINATION, AnomalyType.DATA_EXFILTRATION}
        assert {a.type for a in found} == (both if stated else set())
        for anomaly in found:
            assert describe(anomaly)
            assert anomaly.type is not AnomalyType.NEW_DESTINATION or anomaly.sample_count == number


def test_where_three_others_of_a_network_go_a_server_may_go_for_the_first_time() -> None:
    detector = served(1.0)
    rows = [contact(OTHER_INSIDE + n, OUTSIDE, 443) for n in range(1, 4)]
    assert not look(detector, contact_window(rows, 8641))
    assert not look(detector, contact_window([contact(INSIDE, OUTSIDE, 443)], 8642))


def test_another_clock_is_nothing_new_for_a_server() -> None:
    detector = served(1.0)
    assert not look(detector, contact_window([contact(INSIDE, OUTSIDE, 123)], 8641))
    assert look(detector, contact_window([contact(INSIDE, OUTSIDE + 1, 443)], 8642))


PAST = 1028
"""Windows without a leap after which the next is no likelier than 1 in 1,000: the first thirty only teach."""


def own(number: int, flows: int = 10, **counts: int) -> FlowWindow:
    return contact_window([contact(INSIDE, OUTSIDE, 443, opened=flows, **counts)], number)


@pytest.mark.parametrize(
    ("windows", "usual", "flows", "stated"),
    [
        (PAST, 10, 100, True),
        (PAST, 10, 99, False),
        (PAST - 1, 10, 100, False),
        (PAST, 40, 200, True),
        (PAST, 40, 199, False),
    ],
)
def test_a_leap_beyond_one_s_own_past(windows: int, usual: int, flows: int, stated: bool) -> None:
    detector = OwnPast()
    for number in range(windows):
        assert not look(detector, own(number, usual))
    found = look(detector, own(windows, flows))
    assert [a.details["what"] for a in found] == ["flows"] * stated
    if found:
        assert found[0].details["most"] == usual
        assert f"opened {flows} flows in 10 s, where {usual} was its most in {windows:,} windows" in describe(
            found[0]
        )
    # It goes on, and is told once.
    assert not look(detector, own(windows + 1, flows))


@pytest.mark.parametrize(
    ("what", "counts", "words"),
    [
        ("failed", {"failed": 20}, "had 20 flows fail"),
        ("bytes_in", {"bytes_in": 1_000_000_000}, "got 1 GB"),
        ("dns_queries", {"dns_queries": 100}, "asked 100 DNS questions"),
    ],
)
def test_what_else_may_leap(what: str, counts: dict[str, int], words: str) -> None:
    detector = OwnPast()
    for number in range(PAST):
        look(detector, own(number))
    [one] = look(detector, own(PAST, **counts))
    assert one.details["what"] == what
    assert words in describe(one)


def test_an_update_that_is_the_largest_download_so_far_is_no_leap() -> None:
    detector = OwnPast()
    for number in range(PAST):
        look(detector, own(number))
    assert not look(detector, own(PAST, bytes_in=999_999_999))


def test_hosts_are_counted_once_for_all_their_ports() -> None:
    detector = OwnPast()
    for number in range(PAST):
        look(detector, own(number))

    def hosts(many: int) -> list[dict[Flow, int]]:
        return [contact(INSIDE, OUTSIDE + n, port) for n in range(many) for port in (80, 443)]

    assert not look(detector, contact_window(hosts(19), PAST))
    [one] = look(detector, contact_window(hosts(20), PAST + 1))
    assert (one.details["what"], one.details["value"]) == ("hosts", 20)


def test_of_who_is_accused_no_leap_is_stated_or_learned() -> None:
    detector = OwnPast()
    for number in range(PAST):
        look(detector, own(number))
    for number in range(PAST, PAST + 30):
        window = own(number, 5000)
        view = NetworkView(window, (RecentWindow(window),), {}, accused={"10.0.0.5"})
        assert not detector.look(view)
    [one] = look(detector, own(PAST + 30, 5000))
    assert one.details["most"] == 10


def test_a_leap_is_usual_two_minutes_later_and_those_of_others_networks_have_no_past() -> None:
    detector = OwnPast()
    for number in range(PAST):
        look(detector, own(number))
        look(detector, contact_window([contact(OTHER, OUTSIDE, 443)], number))
    assert look(detector, own(PAST, 150))
    for number in range(PAST + 1, PAST + 14):
        assert not look(detector, own(number, 10))
    again = PAST + 4000
    for number in range(PAST + 14, again):
        assert not look(detector, own(number, 10))
    assert not look(detector, own(again, 749))
    assert look(detector, own(again + 1, 750))
    assert not look(detector, contact_window([contact(OTHER, OUTSIDE, 443, opened=100_000)], again + 2))


def ended(durations: Sequence[float]) -> "np.ndarray":
    rows = np.zeros((len(durations), ENDED_COLUMNS), dtype=np.int64)
    rows[:, Ended.PROTOCOL], rows[:, Ended.SUCCEEDED] = TCP, 1
    rows[:, Ended.DURATION] = np.array(durations) * 1e6
    return rows


def lasting(seconds: float, size: int = 5000) -> FlowWindow:
    return contact_window([contact(INSIDE, OUTSIDE, 22, duration=round(seconds * 1e6), bytes_out=size)], 1050)


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [(150.0, None), (150.1, Severity.MEDIUM), (200.0, Severity.MEDIUM), (200.1, Severity.HIGH)],
)
def test_long_lived_by_the_classic_rule(seconds: float, severity: Severity | None) -> None:
    detector = LongLived(classic=True)
    window = contact_window([], 1)
    taught = FlowWindow(
        1, window.start, window.end, window.contacts, ended([100.0] * 100), window.histogram, window.known
    )
    look(detector, taught)
    found = look(detector, lasting(seconds))
    assert [a.severity for a in found] == ([] if severity is None else [severity])
    assert not look(detector, lasting(seconds))
    assert look(LongLived(classic=True), lasting(1e6)) == []


def test_long_lived_waits_for_an_hour_otherwise_and_tells_idle_ones() -> None:
    detector = LongLived()
    window = contact_window([], 1)
    look(detector, FlowWindow(1, 0, 1, window.contacts, ended([1.0] * 100), window.histogram, window.known))
    assert not look(detector, lasting(3600))
    (found,) = look(detector, lasting(3601, size=999))
    assert found.details["idle"]
    assert "idle" in describe(found)


def staying(number: int, *talks: tuple[int, int, int]) -> FlowWindow:
    """Connections of two hours: client, server and port of each."""
    rows = [contact(*talk, duration=7200 * SECOND, bytes_out=5000) for talk in talks]
    return contact_window(rows, number)


def told_kinds(detector: LongLived, *windows: FlowWindow) -> list[list[int]]:
    return [[a.details["port"] for a in look(detector, window)] for window in windows]


def taught_durations() -> LongLived:
    detector, window = LongLived(), contact_window([], 1)
    look(detector, FlowWindow(1, 0, 1, window.contacts, ended([1.0] * 100), window.histogram, window.known))
    return detector


def test_connections_that_stay_everywhere_are_nothing_special_and_one_of_a_new_kind_is() -> None:
    detector = taught_durations()
    many = [(INSIDE + n, OUTSIDE + n, 443) for n in range(97)]
    # They stay in the same window: that they are many is known before the first is judged.
    assert told_kinds(detector, staying(1050, *many)) == [[]]
    # Of another direction, and another port; then often enough that it is the unlikely thing.
    assert told_kinds(
        detector, staying(1051, (INSIDE, INSIDE + 1, 443)), staying(1052, (INSIDE, OTHER, 22))
    ) == [
        [],
        [],
    ]
    more = [(INSIDE + n, OTHER, 443) for n in range(120)]
    restored = taught_durations()
    look(detector, staying(1053, *more))
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        (found,) = look(one, staying(1054, (INSIDE, OUTSIDE, 3333), (INSIDE + 1, OUTSIDE, 22)))
        assert found.details["port"] == 3333
        assert "Of 219 connections of 3 kinds that stayed before, none was to this port" in describe(found)


def test_one_or_two_that_stay_are_told_and_those_like_them_are_not() -> None:
    detector = taught_durations()
    first, same, other, third = (
        staying(1050 + n, (INSIDE + n, OUTSIDE, port)) for n, port in enumerate((22, 22, 23, 24))
    )
    assert told_kinds(detector, first, same, other, third) == [[22], [], [], []]


@pytest.mark.parametrize(
    ("count", "seconds", "sent", "answered", "stated"),
    [
        (50, 10, 50_000, 0, True),
        (49, 10, 49, 0, False),
        (50, 9.9, 50, 0, False),
        (50, 10, 50_001, 0, False),
        (50, 10, 50, 1, False),
    ],
)
def test_slowloris(count: int, seconds: float, sent: int, answered: int, stated: bool) -> None:
    row = contact(
        OTHER, OUTSIDE, 80, opened=count, succeeded=count, payload_out=sent, payload_in=answered,
        duration=round(seconds * 1e6), responded=answered,
    )  # fmt: skip
    assert bool(look(LongLived(), contact_window([row]))) is stated


def test_slow_connections_are_not_hidden_by_quick_ones() -> None:
    row = contact(
        OTHER, OUTSIDE, 80, opened=80, succeeded=80, payload_out=9_000, payload_in=90_000, duration=20_000_000,
        responded=30, response_count=3_000,
    )  # fmt: skip
    assert look(LongLived(), contact_window([row]))
    assert not look(LongLived(), contact_window([row | {Flow.RESPONDED: 31}]))


@pytest.mark.parametrize(
    ("again", "segments", "severity"),
    [
        (20, 1000, None),
        (21, 1000, Severity.MEDIUM),
        (50, 1000, Severity.MEDIUM),
        (51, 1000, Severity.HIGH),
        (500, 999, None),
    ],
)
def test_packet_loss(again: int, segments: int, severity: Severity | None) -> None:
    window = contact_window([contact(INSIDE, OUTSIDE, 443, segments_out=segments, retransmitted_out=again)])
    held = NetworkBaselines(10 * SECOND, 30).judge(measure(window), 0)
    found = look(PacketLoss(), window, held=held)
    assert [a.severity for a in found] == ([] if severity is None else [severity])


def taught(metric: NetworkMetric, values: Sequence[float], exposure: float | None) -> NetworkBaselines:
    baselines = NetworkBaselines(10 * SECOND, 30)
    for number, value in enumerate(values):
        one = Measure(
            value, value * exposure if exposure and metric.value.endswith("ratio") else value, exposure
        )
        baselines.learn(
            baselines.judge({metric: one}, number * 10 * SECOND), number * 10 * SECOND, frozenset()
        )
    return baselines


def held(
    baselines: NetworkBaselines, metric: NetworkMetric, value: float, exposure: float | None
) -> dict[NetworkMetric, Held]:
    one = Measure(value, value * exposure if exposure and metric.value.endswith("ratio") else value, exposure)
    return baselines.judge({metric: one}, 10**12)


WAVE = [1.0 + 0.1 * math.sin(n) for n in range(200)]


@pytest.mark.parametrize(
    ("times", "samples", "severity"),
    [(1.45, 100, None), (1.6, 100, Severity.MEDIUM), (2.2, 100, Severity.HIGH), (2.2, 19, None)],
)
def test_high_latency_by_the_classic_rule(times: float, samples: int, severity: Severity | None) -> None:
    baselines = taught(NetworkMetric.RTT, [0.05 * w for w in WAVE], 100)
    middle = held(baselines, NetworkMetric.RTT, 0.05, 100)[NetworkMetric.RTT].middle
    view = held(baselines, NetworkMetric.RTT, times * middle, samples)
    found = look(HighLatency(Budget(1.0, window_us=10 * SECOND), classic=True), contact_window([]), held=view)
    assert [a.severity for a in found] == ([] if severity is None else [severity])


@pytest.mark.parametrize(
    ("deviations", "severity"),
    [(1.9, None), (2.1, Severity.MEDIUM), (2.9, Severity.MEDIUM), (3.1, Severity.HIGH)],
)
def test_traffic_spike_by_the_classic_rule(deviations: float, severity: Severity | None) -> None:
    baselines = taught(NetworkMetric.BYTES, [1e6 * w for w in WAVE], None)
    usual = held(baselines, NetworkMetric.BYTES, 1e6, None)[NetworkMetric.BYTES]
    band = usual.judgement.band_of(0)
    stddev = (band.high - band.low) / (2 * 2.5758)
    view = held(baselines, NetworkMetric.BYTES, usual.middle + deviations * stddev, None)
    found = look(Volume(Budget(1.0, window_us=10 * SECOND), classic=True), contact_window([]), held=view)
    assert [a.severity for a in found] == ([] if severity is None else [severity])


def test_a_spike_takes_three_windows() -> None:
    baselines = taught(NetworkMetric.BYTES, [1e6 * w for w in WAVE], None)
    detector = Volume(Budget(1.0, window_us=10 * SECOND))
    assert not look(detector, contact_window([]), held=held(baselines, NetworkMetric.BYTES, 1.2e6, None))
    # However much two windows hold: it may be one file.
    for number in (1, 2):
        assert not look(
            detector, contact_window([], number), held=held(baselines, NetworkMetric.BYTES, 1e9, None)
        )
    (found,) = look(detector, contact_window([], 3), held=held(baselines, NetworkMetric.BYTES, 1e9, None))
    assert found.type is AnomalyType.TRAFFIC_SPIKE
    assert found.formula.result == found.details["surprise"] >= found.details["surprise_threshold"]


def test_silence_is_a_drop() -> None:
    baselines = taught(NetworkMetric.PACKETS, [round(1000 * w) for w in WAVE], None)
    view = held(baselines, NetworkMetric.PACKETS, 0, None)
    (found,) = look(Volume(Budget(1.0, window_us=10 * SECOND)), contact_window([]), held=view)
    assert (found.type, found.severity) == (AnomalyType.TRAFFIC_DROP, Severity.HIGH)


@pytest.mark.parametrize(
    ("share", "flows", "stated"), [(0.45, 200, True), (0.25, 200, False), (0.45, 99, False)]
)
def test_protocol_shift(share: float, flows: int, stated: bool) -> None:
    baselines = taught(NetworkMetric.UDP, [0.1 * w for w in WAVE], 200)
    view = held(baselines, NetworkMetric.UDP, share, flows)
    detector = ProtocolShift(Budget(1.0, window_us=10 * SECOND), classic=True)
    assert bool(look(detector, contact_window([]), held=view)) is stated


@pytest.mark.parametrize(("others", "stated"), [(0, True), (2, True), (3, False)])
def test_where_three_others_went_before_is_no_new_destination(others: int, stated: bool) -> None:
    """A day of updates takes every host to the same place; of two that go somewhere, both may have caught something."""
    detector = HostHabits()
    for number in range(1028):
        assert not look(detector, quiet(number))
    busy = [contact(INSIDE + 1 + n, OTHER, 443) for n in range(others)]
    if busy:
        # These are too new themselves to be judged.
        assert not look(detector, contact_window(busy, 1028))
    restored = HostHabits()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        found = look(one, contact_window([contact(INSIDE, OTHER, 443)], 1029))
        assert [a.type for a in found] == [AnomalyType.NEW_DESTINATION] * stated


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (Known.SEGMENTS, "The network carried 50 MB in 10 s"),
        (Known.FLAGS, "By the totals of its flows the network carried 50 MB in 10 s"),
    ],
)
def test_a_spike_of_flow_logs_says_that_totals_were_spread(known: Known, words: str) -> None:
    """Of a download of minutes a log tells the bytes of all of it."""
    baselines, detector, found = (
        NetworkBaselines(10 * SECOND, 30),
        Volume(Budget(1.0, window_us=10 * SECOND)),
        [],
    )
    for number in range(403):
        size = 50_000_000 if number >= 400 else 1_000_000 + 1_000 * (number % 7)
        one = contact_window([contact(INSIDE, OUTSIDE, 443, bytes_out=size)], number, known=known)
        held = baselines.judge(measure(one), one.start)
        found = look(detector, one, held=held)
        baselines.learn(held, one.start, frozenset())
        if found:
            break
    assert words in describe(found[0])
