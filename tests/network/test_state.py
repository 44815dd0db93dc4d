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
from vedette.schema.state import StateError
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
                running = engine()
                assert restore_network(running, state) is None
                assert network_state(running) == state
        return running.finish()

    for every in (1, 5):
        found = disturbed(every)
        assert found.anomalies == expected.anomalies
        assert found.incidents == expected.incidents
        assert found.coverage.windows == expected.coverage.windows


def test_a_state_of_other_windows_is_not_taken_over() -> None:
    other = build_network(Config.load(overrides={"network.span_s": 60}), lateness_us=0)
    reason = restore_network(other, network_state(engine()))
    assert reason is not None
    assert "windows of 10 s" in reason
    assert "windows of 60 s" in reason


def test_a_damaged_state_is_refused() -> None:
    state = network_state(engine())
    for damaged in (b"", state[:-3], b"\0" + msgspec.msgpack.encode({"rests_on": 1})):
        with pytest.raises(StateError):
            restore_network(engine(), damaged)


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
