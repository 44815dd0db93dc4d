"""Addresses that behave unlike the others are told once the network's manners are known, and not before."""

import random

import numpy as np
import pytest

from tests.network.packets import contact_window, host
from tests.network.test_detectors import UDP, contact, look
from vedette.baselines.budget import Budget
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.kinds import read_model, train_here
from vedette.detectors.learned.member_names import ADDRESS
from vedette.detectors.learned.phases import Phase
from vedette.detectors.learned.plan import Plan
from vedette.detectors.network.behaviour import AddressBehaviour
from vedette.detectors.network.manner_model import MOST_ROWS, MannerSample
from vedette.detectors.network.manners import MANNERS, address_table, matrix
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.detectors.network.view import NetworkView
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.flows import Flow
from vedette.schema.state import StateError
from vedette.windows.contacts import FlowWindow

SPAN = 10_000_000
HOSTS = 60
ODD = host("10.0.0.200")
Contact = dict[Flow, int]


def usual(number: int) -> list[Contact]:
    """A window in which sixty hosts browse, look names up, and now and then do more."""
    draw = random.Random(number)
    rows = []
    for client in range(HOSTS):
        who = host(f"10.0.0.{client + 1}")
        rows += [
            contact(who, host(f"192.0.2.{draw.randrange(1, 60)}"), 443, opened=draw.randrange(1, 5),
                    packets_out=draw.randrange(5, 60), packets_in=draw.randrange(5, 90),
                    bytes_out=draw.randrange(500, 9_000), bytes_in=draw.randrange(900, 90_000), succeeded=1)
            for _ in range(draw.randrange(1, 6))
        ]  # fmt: skip
        if draw.random() < 0.7:
            asked = draw.randrange(1, 6)
            rows.append(contact(who, host("10.0.0.53"), 53, UDP, opened=asked, packets_in=asked,
                                packets_out=asked, bytes_out=70 * asked, bytes_in=130 * asked,
                                dns_queries=asked, succeeded=asked))  # fmt: skip
    return rows


def odd() -> list[Contact]:
    """A host that sends much to many at odd ports, and is told of by no rule."""
    return [
        contact(ODD, host(f"198.51.100.{n}"), 6_000 + n, UDP, opened=9, packets_out=900, packets_in=1,
                bytes_out=1_200_000, bytes_in=60)
        for n in range(1, 60)
    ]  # fmt: skip


def detector(warmup: int = 1_000) -> AddressBehaviour:
    budget = Budget(1.0, window_us=SPAN)
    budget.share(1)
    return AddressBehaviour(budget, Plan(span=SPAN, trainer=train_here, warmup=warmup))


def window(number: int, *extra: Contact) -> FlowWindow:
    return contact_window([*usual(number), *extra], number)


def taught(windows: int = 110) -> AddressBehaviour:
    one = detector()
    for number in range(windows):
        assert not look(one, window(number))
    return one


def test_a_host_unlike_the_others_is_told_within_a_session_with_what_is_usual() -> None:
    one = taught()
    (status,) = one.statuses()
    assert status.phase == Phase.ENSEMBLE
    assert status.rows >= 1_000
    # Windows 120 to 149 are one session.
    found = [look(one, window(number, *(odd() if number >= 120 else []))) for number in range(110, 150)]
    stated = [each for each in found if each]
    assert stated
    (anomaly,) = stated[0]
    assert (anomaly.type, anomaly.entity.value) == (AnomalyType.BEHAVIORAL_ANOMALY, "10.0.0.200")
    assert anomaly.details["surprise"] >= anomaly.details["surprise_threshold"]
    assert sum(c.share for c in anomaly.contributions) <= 1.0 + 1e-9
    features = anomaly.details["features"]
    assert features
    # Among what isolates it is something that really is far from usual, told as people count.
    assert any(seen["value"] > 2 * seen["usual_high"] for seen in features.values())
    assert anomaly.details["windows"] > 1


def test_usual_windows_stay_silent() -> None:
    one = taught()
    assert not [a for number in range(110, 400) for a in look(one, window(number))]


def test_nothing_is_judged_without_enough() -> None:
    one = detector()
    found: list[Anomaly] = []
    for number in range(60):
        # Two hosts are too few to know manners from.
        rows = [row for row in usual(number) if row[Flow.CLIENT_LOW] in (host("10.0.0.1"), host("10.0.0.2"))]
        found += look(one, contact_window([*rows, *(odd() if number > 50 else [])], number))
    assert not found
    (status,) = one.statuses()
    assert status.phase == Phase.WARMUP
    assert status.wanted == 1_000


def test_who_was_told_of_already_is_neither_told_again_nor_learned_from() -> None:
    one = taught(40)
    for number in range(40, 60):
        view = NetworkView(
            window(number, *odd()), (RecentWindow(window(number, *odd())),), {}, accused={"10.0.0.200"}
        )
        assert not one.look(view)
    sample = MannerSample()
    sample.from_state(one._course.sample.to_state())
    assert not (sample.keys[:, 1] == ODD).any()


def test_it_goes_on_after_a_restart_as_if_there_had_been_none() -> None:
    undisturbed, stopped = detector(), detector()
    expected: list[list[Anomaly]] = []
    got: list[list[Anomaly]] = []
    for number in range(150):
        extra = odd() if number >= 120 else []
        expected.append(look(undisturbed, window(number, *extra)))
        if number % 17 == 9:
            later = detector()
            later._thresholds.from_state(stopped._thresholds.to_state())
            later.from_state(stopped.to_state())
            stopped = later
        got.append(look(stopped, window(number, *extra)))
    assert [[a.id for a in each] for each in got] == [[a.id for a in each] for each in expected]
    assert any(got)


def test_a_damaged_state_and_a_damaged_model_are_refused() -> None:
    one = taught()
    content = one.to_state()
    for cut in (0, 1, len(content) // 2, len(content) - 1):
        with pytest.raises(StateError):
            detector().from_state(content[:cut])
    model = one._course.model
    assert model is not None
    assert read_model(ADDRESS, model.to_bytes()).to_bytes() == model.to_bytes()
    for cut in (0, 10, len(model.to_bytes()) // 2):
        with pytest.raises(ModelError):
            read_model(ADDRESS, model.to_bytes()[:cut])


def test_the_sample_stays_bounded_and_keeps_the_whole_time() -> None:
    sample = MannerSample()
    keys = np.arange(2_000, dtype=np.int64).reshape(1_000, 2)
    for number in range(2_000):
        sample.add(number, keys, np.zeros((1_000, len(MANNERS)), dtype=np.float32))
        assert sample._held <= MOST_ROWS + 1_000
    sample.settle()
    assert len(sample.window) <= MOST_ROWS
    assert sample.window.min() < 100
    assert sample.window.max() > 1_900


def test_the_numbers_of_an_address() -> None:
    rows = [
        contact(ODD, host("10.0.0.1"), 80, opened=2, failed=1, bytes_out=100, packets_out=1),
        contact(ODD, host("192.0.2.1"), 80, opened=1, bytes_out=27, packets_out=0),
        contact(ODD, host("192.0.2.1"), 53, UDP, opened=1, dns_queries=1, packets_out=0),
        # Answers of a flow that began earlier make nobody a client of this window.
        contact(host("10.0.0.9"), host("192.0.2.1"), 80, opened=0),
    ]
    keys, table = address_table(contact_window(rows).contacts)
    assert keys.tolist() == [[0, ODD]]
    told = dict(zip((m.name for m in MANNERS), matrix(table)[0].tolist(), strict=True))
    assert told == pytest.approx(
        {
            "flows": np.log2(5), "servers": np.log2(3), "ports": np.log2(3), "bytes_out": 7.0, "bytes_in": 0.0,
            "packet_size": 7.0, "failed_ratio": 0.25, "reset_ratio": 0.0, "outside_ratio": 0.5, "udp_ratio": 0.25,
            "icmp_ratio": 0.0, "dns_queries": 1.0,
        }
    )  # fmt: skip
    assert address_table(contact_window([]).contacts)[0].shape == (0, 2)
