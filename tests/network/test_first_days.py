"""What nobody can know in the first hours of a log waits, or is held against what the network does as a whole."""

from collections.abc import Sequence

import msgspec
import pytest

from tests.network.packets import SECOND, contact_window
from tests.network.test_detectors import (
    INSIDE,
    OTHER,
    OTHER_INSIDE,
    OUTSIDE,
    TCP,
    UDP,
    WAVE,
    contact,
    held,
    look,
    quiet,
    staying,
    taught,
    taught_durations,
    told_kinds,
    upload,
)
from vedette.baselines.budget import Budget
from vedette.detectors.network.beaconing import Beaconing
from vedette.detectors.network.carried import Carried
from vedette.detectors.network.hosts import HostHabits
from vedette.detectors.network.metrics import NetworkMetric
from vedette.detectors.network.port_scan import PortScan
from vedette.detectors.network.protocols import ProtocolShift
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.detectors.network.tunnels import Tunnel
from vedette.detectors.network.view import NetworkDetector, NetworkView
from vedette.detectors.network.volume import Volume
from vedette.explain.words import describe
from vedette.incidents.grouping import Grouper
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind
from vedette.schema.flows import Flow, Known
from vedette.windows.contacts import FlowWindow

DAY = 8640
"""Windows."""


def last(detector: NetworkDetector, window: FlowWindow) -> list[Anomaly]:
    """What is stated in the last window of an input."""
    return detector.look(NetworkView(window, (RecentWindow(window),), {}, whole=False))


def called_at_first(detector: Beaconing, callers: int) -> None:
    """A program calls by the clock for three hours of the first day; so many other hosts call there later."""
    look(detector, contact_window([], 100_000 - 10))
    assert not _calls(detector, [600.0] * 20)
    for number in range(callers):
        look(detector, contact_window([contact(OTHER_INSIDE + number, OUTSIDE, 8443)], 102_000))


def _calls(detector: Beaconing, intervals: Sequence[float]) -> list[Anomaly]:
    found, now = [], 1_000_000.0
    for interval in [0.0, *intervals]:
        now += interval
        window = contact_window([contact(INSIDE, OUTSIDE, 8443)], int(now // 10))
        window.contacts[:, [Flow.BEGAN, -1]] = round(now * SECOND)
        found += look(detector, window)
    return found


@pytest.mark.parametrize(("callers", "stated"), [(2, True), (3, False)])
@pytest.mark.parametrize("ends", [False, True])
def test_calls_by_the_clock_of_the_first_day_wait_for_who_else_calls_there(
    callers: int, *, ends: bool, stated: bool
) -> None:
    detector = Beaconing()
    called_at_first(detector, callers)
    restored = Beaconing()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        if ends:
            found = last(one, contact_window([], 103_000))
        else:
            assert not look(one, contact_window([], 100_000 - 11 + DAY))
            found = look(one, contact_window([], 100_000 - 10 + DAY))
        assert bool(found) is stated
        for each in found:
            assert "called 192.0.2.1 at port 8443 21 times" in describe(each)
            assert "and 2 other hosts of the network called there" in describe(each)
        assert not look(one, contact_window([], 100_000 + DAY))


def test_connections_that_stay_in_the_first_hours_wait_for_those_like_them() -> None:
    """Of a hundred of a pool, one is the first to have lasted for an hour."""
    detector = taught_durations()
    pool = [(INSIDE + n, OUTSIDE, 5432) for n in range(3)]
    assert told_kinds(detector, staying(400, *pool[:1]), staying(401, *pool[1:])) == [[], []]
    assert told_kinds(detector, contact_window([], 721)) == [[]]


@pytest.mark.parametrize("ends", [False, True])
def test_the_only_connection_that_stayed_in_the_first_hours_is_told_when_they_are_over(*, ends: bool) -> None:
    detector = taught_durations()
    assert told_kinds(detector, staying(400, (INSIDE, OUTSIDE, 3333))) == [[]]
    again = taught_durations()
    again.from_state(detector.to_state())
    for one in (detector, again):
        (found,) = last(one, contact_window([], 500)) if ends else look(one, contact_window([], 721))
        assert found.details["port"] == 3333
        assert found.end == (501 if ends else 722) * 10 * SECOND


@pytest.mark.parametrize(
    ("windows", "size", "stated"),
    [(1027, 2_000_000_000, False), (1027, 4_000_000_000, True), (1028, 2_000_000_000, True)],
)
def test_a_host_that_is_hardly_known_is_held_against_the_backups_of_others(
    windows: int, size: int, stated: bool
) -> None:
    """Another host had sent 3 GB at once, hours before; as nobody knew it then, none was stated of that."""
    detector = HostHabits()
    look(detector, contact_window([contact(OTHER_INSIDE, OUTSIDE, 443, bytes_out=3_000_000_000)], 0))
    for number in range(1000, 1000 + windows):
        look(detector, quiet(number, 500_000))
    found = upload(detector, 1000 + windows, size)
    assert bool(found) is stated
    for one in found:
        whose = "the largest of any host here" if windows == 1027 else "its largest upload"
        assert whose in describe(one)


def spikes(*millions: float) -> list[bool]:
    """Whether a spike is stated in each of some windows in a row of so many bytes, where a million are usual."""
    baselines = taught(NetworkMetric.BYTES, [1e6 * w for w in WAVE], None)
    detector = Volume(Budget(1.0, window_us=10 * SECOND))
    return [
        bool(
            look(detector, contact_window([], n), held=held(baselines, NetworkMetric.BYTES, 1e6 * size, None))
        )
        for n, size in enumerate(millions)
    ]


def test_two_windows_may_hold_one_file_and_three_in_a_row_are_a_spike() -> None:
    assert spikes(1, 1000, 1, 1000, 1) == [False] * 5
    assert spikes(1, 1000, 1000, 1) == [False] * 4
    assert spikes(1, 1000, 1000, 1000, 1000) == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("server", "accused", "stated"),
    [(OUTSIDE, set(), True), (OTHER_INSIDE, set(), False), (OUTSIDE, {"10.0.0.5"}, False)],
    ids=["outwards", "a copy within", "of who is accused"],
)
def test_a_spike_that_something_else_explains_is_none(
    server: int, accused: set[str], *, stated: bool
) -> None:
    baselines = taught(NetworkMetric.BYTES, [1e6 * w for w in WAVE], None)
    detector, found = Volume(Budget(1.0, window_us=10 * SECOND)), []
    rows = [
        contact(INSIDE, server, 445, bytes_out=10**9),
        contact(OTHER_INSIDE, OUTSIDE, 443, bytes_in=10**6),
    ]
    for number in range(4):
        window = contact_window(rows, number)
        usual = held(baselines, NetworkMetric.BYTES, 1.001e9, None)
        found += detector.look(NetworkView(window, (RecentWindow(window),), usual, accused=accused))
    assert bool(found) is stated


def test_as_much_as_a_network_ever_carried_is_no_spike_until_its_hours_are_known() -> None:
    hour, carried = 3600 * SECOND, Carried()
    for number, size in enumerate([1, 9, 5, 1, 1]):
        carried.note(number * 10 * SECOND, size, size)
    assert carried.most(50 * SECOND) == 0
    carried.note(2 * hour, 1, 1)
    carried.note(4 * hour, 1, 1)
    # Two windows in a row: of 9 and 5 the less; of 1 and 1 both.
    assert (carried.most(5 * hour), round(carried.least(5 * hour))) == (5, 1)
    again = Carried()
    again.from_state(carried.to_state())
    assert (again.most(5 * hour), again.last) == (5, 1)
    assert again.is_young(72 * hour - 1)
    assert not again.is_young(72 * hour)


@pytest.mark.parametrize(("accused", "stated"), [(set(), True), ({"10.0.0.5"}, False), ({"10.9.9.9"}, True)])
def test_a_shift_of_protocols_that_is_somebody_s_scan_is_told_as_that(
    accused: set[str], *, stated: bool
) -> None:
    baselines = taught(NetworkMetric.UDP, [0.1 * w for w in WAVE], 200)
    rows = [
        contact(INSIDE, OUTSIDE, 53, UDP, opened=200),
        contact(OTHER_INSIDE, OUTSIDE, 443, TCP, opened=180),
        contact(OTHER_INSIDE, OUTSIDE, 53, UDP, opened=20),
    ]
    window = contact_window(rows)
    view = NetworkView(
        window, (RecentWindow(window),), held(baselines, NetworkMetric.UDP, 0.55, 400), accused=accused
    )
    assert bool(ProtocolShift(Budget(1.0, window_us=10 * SECOND), classic=True).look(view)) is stated


def test_strangers_are_one_incident_and_where_hosts_within_go_is_another() -> None:
    grouper, strangers = Grouper(), PortScan()
    for n in range(3):
        rows = [contact(OTHER + n, OUTSIDE, port, failed=1, syn_out=1) for port in range(1, 13)]
        (found,) = look(strangers, contact_window(rows, 30 * n))
        grouper.add(found)
        news = msgspec.structs.replace(
            found,
            id=f"a{n}",
            type=AnomalyType.NEW_DESTINATION,
            entity=Entity(EntityKind.CLIENT, f"10.0.0.{n}"),
            clients=(f"10.0.0.{n}",),
        )
        grouper.add(news)
    weather, hosts = (draft.finish(closed=True) for draft in grouper.drafts)
    assert (weather.title, weather.severity) == ("Background probing of network by 3 clients", "low")
    assert weather.summary.startswith("Few connections each from 3 clients, none of it unusual")
    assert hosts.title == "New destination on network by 10.0.0.0 and 2 more"


def questions(client: int, server: int, count: int) -> dict[Flow, int]:
    return contact(client, server, 53, UDP, packets_out=count, bytes_out=200 * count)


def told_of(*rows: dict[Flow, int]) -> dict[str, list[str] | None]:
    found = look(Tunnel(), contact_window(list(rows), known=Known.OUTCOME))
    for one in found:
        assert ("passed them on to" in describe(one)) is ("onward" in one.details)
    return {one.entity.value: one.details.get("onward") for one in found}


def test_a_tunnel_through_a_resolver_is_its_client_s_and_names_where_it_leads() -> None:
    asked, passed_on = questions(INSIDE, OTHER_INSIDE, 400), questions(OTHER_INSIDE, OTHER, 400)
    assert told_of(asked, passed_on) == {"10.0.0.5": ["198.51.100.9"]}
    # What a resolver asks by itself, and more than that, is its own.
    assert told_of(passed_on) == {"10.0.0.20": None}
    assert told_of(asked, questions(OTHER_INSIDE, OTHER, 801)) == {"10.0.0.5": None, "10.0.0.20": None}


def test_who_asks_each_other_hides_nothing() -> None:
    there, back = questions(INSIDE, OTHER, 400), questions(OTHER, INSIDE, 400)
    assert set(told_of(there, back)) == {"10.0.0.5", "198.51.100.9"}
    third = questions(OTHER, OTHER_INSIDE, 400), questions(OTHER_INSIDE, INSIDE, 400)
    assert len(told_of(there, *third)) == 3
