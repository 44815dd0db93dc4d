"""Programs that log into databases all day guess nothing."""

import pytest

from tests.network.packets import contact_window, host
from tests.network.test_detectors import INSIDE, OUTSIDE, contact, look
from vedette.detectors.network.brute_force import NetworkBruteForce
from vedette.schema.anomaly import Anomaly
from vedette.schema.flows import Flow
from vedette.schema.state import decode, encode
from vedette.windows.contacts import FlowWindow

DATABASE = host("10.0.4.10")


def logins(number: int, *counts: int, client: int = INSIDE, port: int = 5432, size: int = 4000) -> FlowWindow:
    """A window in which a client logs into as many hosts as there are counts, so often into each."""
    rows = [
        contact(
            client, DATABASE + n, port, succeeded=count, opened=count, bytes_out=size * count // 2,
            bytes_in=size * count // 2, payload_out=9, payload_in=9,
        )
        for n, count in enumerate(counts)
    ]  # fmt: skip
    return contact_window(rows, number)


def usual(count: int, *, client: int = INSIDE, port: int = 5432) -> tuple[NetworkBruteForce, list[Anomaly]]:
    """Ten minutes of a program that logs in so often in each window."""
    detector, found = NetworkBruteForce(), []
    for number in range(60):
        found += look(detector, logins(number, count, client=client, port=port))
    return detector, found


@pytest.mark.parametrize(
    ("most", "now", "stated"), [(4, 20, True), (5, 24, False), (30, 149, False), (30, 150, True)]
)
def test_a_program_that_logs_into_a_database_is_held_against_its_own_most(
    most: int, now: int, stated: bool
) -> None:
    detector, found = usual(most)
    assert not found
    restored = NetworkBruteForce()
    restored.from_state(detector.to_state())
    for one in (detector, restored):
        assert bool(look(one, logins(60, now))) is stated


def test_states_of_earlier_versions_know_of_no_programs() -> None:
    detector, _ = usual(5)
    since, ports, _ = decode(detector.to_state(), list, "state")
    restored = NetworkBruteForce()
    restored.from_state(encode([since, ports]))
    assert look(restored, logins(60, 20))


@pytest.mark.parametrize(("client", "port"), [(OUTSIDE, 5432), (INSIDE, 22)])
def test_nobody_else_has_a_habit_of_logging_in(client: int, port: int) -> None:
    _, found = usual(20, client=client, port=port)
    assert len(found) == 60


def test_an_unknown_port_is_logged_into_by_nobody() -> None:
    window = logins(0, 30, 30)
    window.contacts[:, Flow.SERVER_PORT] = 8443
    assert not look(NetworkBruteForce(), window)
