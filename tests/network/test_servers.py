"""A service that answered and does not any more, and hosts that go to all others, are stated; the rest is not."""

import pytest

from tests.network.packets import contact_window, host
from tests.network.test_detectors import INSIDE, OUTSIDE, contact, look
from vedette.detectors.network.lateral import Lateral
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.detectors.network.servers import SilentServers
from vedette.detectors.network.view import NetworkView
from vedette.explain.words import describe
from vedette.incidents.grouping import Grouper
from vedette.schema.flows import Flow

FILES = host("10.0.1.20")
HOUR, DAY = 360, 8640


def asked(clients: int, failed: int, answered: int = 0, server: int = FILES) -> list[dict[Flow, int]]:
    """Connections of some clients to the file server, and those of one that is answered."""
    share, rest = divmod(failed, clients)
    rows = [contact(INSIDE + n, server, 445, failed=share + (n < rest)) for n in range(clients)]
    return rows + [contact(INSIDE + 99, server, 445, succeeded=answered)] * bool(answered)


def known(hours: float = 1.0, server: int = FILES) -> SilentServers:
    """A detector that saw the server answer for so long."""
    detector = SilentServers()
    for number in (0, round(hours * HOUR)):
        assert not look(detector, contact_window(asked(1, 0, 5, server), number))
    return detector


@pytest.mark.parametrize(
    ("clients", "failed", "answered", "stated"),
    [
        (3, 20, 0, True),
        (3, 19, 0, False),
        (2, 20, 0, False),
        (3, 20, 5, True),
        (3, 20, 6, False),
    ],
)
def test_a_server_that_does_not_answer_any_more(
    clients: int, failed: int, answered: int, *, stated: bool
) -> None:
    detector = known()
    restored = SilentServers()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        found = look(one, contact_window(asked(clients, failed, answered), HOUR + 12))
        assert bool(found) is stated
        for each in found:
            assert each.entity.value == "10.0.1.20"
            assert "port 445 of 10.0.1.20" in describe(each)
            assert f"of {clients} clients; it answered 130 s ago" in describe(each).replace(
                "2 min 10 s", "130 s"
            )


@pytest.mark.parametrize(("hours", "later", "stated"), [(0.9, 1, False), (1, DAY, True), (1, DAY + 1, False)])
def test_only_what_answered_for_an_hour_and_within_a_day_is_missed(
    hours: float, later: int, *, stated: bool
) -> None:
    found = look(known(hours), contact_window(asked(4, 40), round(hours * HOUR) + later))
    assert bool(found) is stated


def test_servers_elsewhere_and_those_that_are_flooded_are_told_by_others() -> None:
    assert not look(known(server=OUTSIDE), contact_window(asked(4, 40, server=OUTSIDE), HOUR + 1))
    window = contact_window(asked(4, 40), HOUR + 1)
    view = NetworkView(window, (RecentWindow(window),), {}, claimed={"10.0.1.20"})
    assert not known().look(view)


def test_an_incident_says_which_server_does_not_answer() -> None:
    (found,) = look(known(), contact_window(asked(3, 20), HOUR + 1))
    grouper = Grouper()
    grouper.add(found)
    (draft,) = grouper.drafts
    incident = draft.finish(closed=True)
    assert incident.title == "Error spike on 10.0.1.20"
    assert incident.advice == (
        "Look whether the service runs on the host, and whether the host and the way to it are up.",
    )


def visits(first: int, count: int, port: int = 445, **outcome: int) -> list[dict[Flow, int]]:
    return [
        contact(INSIDE, host(f"10.0.2.{first + n}"), port, **(outcome or {"succeeded": 1}))
        for n in range(count)
    ]


def watched() -> Lateral:
    detector = Lateral()
    assert not look(detector, contact_window(visits(1, 50), 0))
    return detector


def test_a_host_that_goes_to_ten_others_that_it_never_went_to() -> None:
    detector = watched()
    restored = Lateral()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        # Whom it knows is no matter; nor are those that it goes to hours later.
        assert not look(one, contact_window(visits(1, 50), DAY))
        assert not look(one, contact_window(visits(60, 5), DAY + 1))
        assert not look(one, contact_window(visits(65, 9, 5985), DAY + HOUR))
        (found,) = look(one, contact_window(visits(74, 1, 135), DAY + HOUR + 90))
        assert (found.observed, found.severity) == (10, "medium")
        assert "was answered by 10 hosts of the network for the first time" in describe(found)
        assert "at RPC, WinRM" in describe(found)
        assert not look(one, contact_window(visits(75, 9), DAY + HOUR + 91))
        assert [a.observed for a in look(one, contact_window(visits(84, 1), DAY + HOUR + 92))] == [20]


@pytest.mark.parametrize("rows", [visits(60, 40, 443), visits(60, 40, failed=1)], ids=["web", "in vain"])
def test_other_ports_and_what_is_not_answered_are_no_visits(rows: list[dict[Flow, int]]) -> None:
    assert not look(watched(), contact_window(rows, DAY))


def test_on_the_first_day_nobody_knows_who_goes_to_whom() -> None:
    detector = watched()
    assert not look(detector, contact_window(visits(60, 40), DAY - 1))
    assert look(detector, contact_window(visits(100, 10), DAY))
