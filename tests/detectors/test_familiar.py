"""Whom a service knew by the day before."""

import numpy as np
import pytest

from vedette.detectors.statistical.familiar import MOST, Familiar
from vedette.schema.spans import DAY_US, HOUR_US
from vedette.schema.state import StateError
from vedette.windows.layout import CLIENT_COLUMNS
from vedette.windows.summary import ClientRows

MONDAY = 1_772_409_600_000_000
NET = 0xFFFF << 32


def clients(*hosts: int, service: int = 0) -> ClientRows:
    low = np.array([NET | host for host in hosts], dtype=np.uint64)
    k = len(hosts)
    sums = np.ones((k, CLIENT_COLUMNS), dtype=np.int64)
    return ClientRows(np.full(k, service, dtype=np.int32), np.zeros(k, dtype=np.uint64), low, sums)


def knows(memory: Familiar, host: int, time: int, service: int = 0) -> bool:
    return memory.knows(service, 0, NET | host, time)


def test_who_came_yesterday_is_known_and_who_came_today_is_not() -> None:
    memory = Familiar()
    memory.learn(MONDAY, clients(*range(100)))
    assert not any(knows(memory, host, MONDAY + HOUR_US) for host in range(100))
    assert all(knows(memory, host, MONDAY + DAY_US) for host in range(100))
    assert not any(knows(memory, host, MONDAY + DAY_US) for host in range(100, 200))
    assert not knows(memory, 7, MONDAY + DAY_US, service=1)


def test_after_two_weeks_without_him_nobody_is_known() -> None:
    memory = Familiar()
    memory.learn(MONDAY, clients(7))
    for day in range(1, 15):
        memory.learn(MONDAY + day * DAY_US, clients(8))
    assert not knows(memory, 7, MONDAY + 15 * DAY_US)
    assert knows(memory, 8, MONDAY + 15 * DAY_US)


def test_of_a_service_with_too_many_clients_nobody_is_said_to_be_known() -> None:
    memory = Familiar()
    memory.learn(MONDAY, clients(*range(6000)))
    assert not any(knows(memory, host, MONDAY + DAY_US) for host in range(0, 6000, 100))


def test_services_beyond_the_most_know_nobody() -> None:
    memory = Familiar()
    memory.learn(MONDAY, clients(7, service=MOST))
    assert not knows(memory, 7, MONDAY + DAY_US, service=MOST)


def test_what_is_remembered_is_kept() -> None:
    memory, again = Familiar(), Familiar()
    memory.learn(MONDAY, clients(1, 2, 3))
    again.from_state(memory.to_state())
    assert again.to_state() == memory.to_state()
    assert knows(again, 2, MONDAY + DAY_US)
    with pytest.raises(StateError):
        again.from_state(b"\0\x01")
