"""An engine for flows that is stopped and started again says what an undisturbed one says."""

import random

import msgspec
import pytest

from tests.network.packets import ACK, BEGIN, SECOND, SYN, Frame, decoded, pcap, tcp, udp
from vedette.config import Config
from vedette.engine.build_network import build_network
from vedette.engine.network import NetworkEngine
from vedette.engine.network_state import network_state, restore_network
from vedette.schema.findings import Findings
from vedette.schema.flows import Flow
from vedette.windows.flow_table import FlowTable, Passed


def traffic() -> list[Frame]:
    """Ten minutes: conversations, a slow scan of hosts, a fast one of ports, tunnelled questions, beacons."""
    draw, packets = random.Random(7), []
    for _ in range(600):
        time = BEGIN + draw.randrange(600 * SECOND)
        client, server = f"10.0.0.{draw.randrange(1, 9)}:{draw.randrange(2000, 9000)}", "192.0.2.80:80"
        packets += [
            (time, tcp(client, server, SYN, seq=1)),
            (time + 900, tcp(server, client, SYN | ACK, seq=1, ack=2)),
            (time + 1800, tcp(client, server, ACK, b"x" * draw.randrange(90), seq=2, ack=2)),
        ]
    packets += [(BEGIN + 20 * n * SECOND, tcp("198.51.100.7:4000", f"10.0.1.{n}:22", SYN)) for n in range(30)]
    packets += [
        (BEGIN + 300 * SECOND + 9_000 * n, tcp("198.51.100.9:4000", f"10.0.0.2:{n + 1}", SYN))
        for n in range(400)
    ]
    packets += [(BEGIN + 7 * n * SECOND, udp("10.0.0.3:9", "192.0.2.9:4500", b"b" * 40)) for n in range(80)]
    return sorted(packets, key=lambda frame: frame[0])


def passed() -> list[Passed]:
    rows, _ = decoded(pcap(traffic(), 101))
    table = FlowTable()
    return [*table.add(rows), *table.finish()]


def engine() -> NetworkEngine:
    return build_network(Config.load(), lateness_us=0)


def test_a_state_taken_at_any_time_changes_nothing() -> None:
    undisturbed = engine()
    for one in passed():
        undisturbed.process(one)
    expected = undisturbed.finish()
    assert {a.type.value for a in expected.anomalies} >= {"port_scan"}

    def disturbed(every: int) -> Findings:
        running = engine()
        for number, one in enumerate(passed()):
            running.process(one)
            if number % every == 0:
                state = network_state(running)
                running, anew = restore_network(engine, state)
                assert not anew
                assert network_state(running) == state
        return running.finish()

    for every in (1, 5):
        found = disturbed(every)
        assert found.anomalies == expected.anomalies
        assert found.incidents == expected.incidents
        assert found.coverage.windows == expected.coverage.windows


def test_a_state_of_other_windows_is_not_taken_over() -> None:
    def other() -> NetworkEngine:
        return build_network(Config.load(overrides={"network.span_s": 60}), lateness_us=0)

    _, (anew,) = restore_network(other, network_state(engine()))
    assert "windows of 10 s" in anew.reason
    assert "windows of 60 s" in anew.reason


def test_what_is_no_state_of_this_format_is_lost_as_a_whole_and_said() -> None:
    state = network_state(engine())
    kept = msgspec.msgpack.decode(state[1:])
    later = b"\0" + msgspec.msgpack.encode({**kept, "format": 9, "version": "7.1"})
    damaged = (b"", state[:-3], b"\0" + msgspec.msgpack.encode({"rests_on": 1}), later)
    for content in damaged:
        made, (anew,) = restore_network(engine, content)
        assert anew.part == "flows"
        assert "all that was learned of flows is learned anew" in anew.reason
        assert network_state(made) == state
    assert "Vedette 7.1 wrote it in format 9, and this one reads 1" in anew.reason


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("windower", "open windows of flows"),
        ("baselines", "baselines of flows"),
        ("thresholds", "thresholds of flows"),
        ("statements", "statements of flows"),
    ],
)
def test_a_part_that_cannot_be_read_is_lost_alone(name: str, part: str) -> None:
    running = engine()
    for one in passed():
        running.process(one)
    state = msgspec.msgpack.decode(network_state(running)[1:])
    made, (anew,) = restore_network(engine, b"\0" + msgspec.msgpack.encode({**state, name: b"\0\x91\x01"}))
    assert anew.part == part
    assert "wrote it otherwise" in anew.reason
    again = msgspec.msgpack.decode(network_state(made)[1:])
    lost = {name, "recent"} if name == "windower" else {name}
    assert {key for key in again if again[key] != state[key]} == lost
    # What is closed stays closed.
    assert made.windower.closed > 0


def test_event_time_is_what_is_said_where_flows_do_not_tell_it() -> None:
    running = build_network(Config.load(), lateness_us=0, own_clock=False)
    handed = passed()
    for one in handed:
        running.process(one)
    assert not running.coverage.insufficient_data
    newest = max(int(one.parts.column(Flow.START).max()) for one in handed if len(one.parts))
    running.advance(newest)
    assert running.windower.closed == newest // (10 * SECOND) * 10 * SECOND
    assert running.stated.waiting
