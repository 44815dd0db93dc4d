"""Windows of flows merge, say the same for any batches, and judge nothing by what they taught."""

import random
from pathlib import Path

import numpy as np
import pytest

from tests.network.packets import (
    ACK,
    BEGIN,
    SECOND,
    SYN,
    Frame,
    contact_window,
    decoded,
    pcap,
    tcp,
    udp,
    windows,
)
from vedette.config import Config
from vedette.engine.build_network import build_network
from vedette.schema.anomaly import AnomalyType
from vedette.schema.findings import Findings
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known
from vedette.windows.contacts import FlowWindow
from vedette.windows.flow_record import record
from vedette.windows.flow_table import FlowTable
from vedette.windows.flow_windower import FlowWindower


def traffic(seed: int, seconds: int = 60) -> list[Frame]:
    draw = random.Random(seed)
    packets: list[Frame] = []
    for _ in range(300):
        time = BEGIN + draw.randrange(seconds * SECOND)
        client, server = (
            f"10.0.0.{draw.randrange(1, 9)}:{draw.randrange(2000, 2400)}",
            f"192.0.2.{draw.randrange(1, 9)}:80",
        )
        flags, payload = draw.choice([SYN, ACK]), b"x" * draw.randrange(50)
        packets.append((time, tcp(client, server, flags, payload, seq=draw.randrange(9))))
        packets.append((time + 5, udp(client, "192.0.2.53:53", b"q" * draw.randrange(9))))
    return sorted(packets, key=lambda frame: frame[0])


def same(one: FlowWindow, other: FlowWindow) -> bool:
    return (
        one.number == other.number
        and np.array_equal(one.contacts, other.contacts)
        and np.array_equal(one.histogram, other.histogram)
    )


def test_windows_merge_in_any_order() -> None:
    a, b, c = (windows(traffic(seed)) for seed in (1, 2, 3))
    for one, two, three in zip(a, b, c, strict=False):
        assert same(one.merge(two), two.merge(one))
        assert same(one.merge(two).merge(three), one.merge(two.merge(three)))
        merged = record(one.merge(two))
        assert merged["packets"] == record(one)["packets"] + record(two)["packets"]
        assert merged["syn"] == record(one)["syn"] + record(two)["syn"]


def test_windows_of_different_times_do_not_merge() -> None:
    first, second, *_ = windows(traffic(1))
    with pytest.raises(ValueError, match="only equal ones merge"):
        first.merge(second)


def test_a_full_table_of_contacts_counts_whom_it_no_longer_tells_apart() -> None:
    rows, _ = decoded(
        pcap([(BEGIN + n, udp(f"10.1.{n >> 8}.{n & 255}:1", "192.0.2.1:9")) for n in range(900)], 101)
    )
    table, windower = FlowTable(), FlowWindower(10 * SECOND, 0, room=100)
    for passed in [*table.add(rows), *table.finish()]:
        windower.add(passed.parts, passed.ended, passed.start, passed.histogram)
    (window,) = windower.close(everything=True)
    assert 100 <= len(window.contacts) <= 101
    assert windower.left_out >= 800
    assert record(window)["packets"] == 900


def test_flows_without_a_byte_have_no_entropy_and_no_talker() -> None:
    """As CICFlowMeter writes them."""
    measures = record(
        contact_window([{Flow.CLIENT_LOW: 7, Flow.OPENED: 1}, {Flow.CLIENT_LOW: 8, Flow.OPENED: 1}])
    )
    assert measures["sources"] == 2
    assert measures["source_entropy_bits"] == 0.0
    assert measures["top_talker_bytes_ratio"] is None


def flows_of(number: int, clients: int) -> Flows:
    """Flows of a window, each of another client."""
    table = np.zeros((clients, FLOW_COLUMNS), dtype=np.int64)
    table[:, Flow.START] = table[:, Flow.END] = number * 10 * SECOND
    table[:, Flow.CLIENT_LOW] = np.arange(clients) + 1
    table[:, Flow.OPENED] = 1
    return Flows(table, Known(-1))


def test_windows_that_wait_for_late_flows_close_early_rather_than_lose_clients() -> None:
    windower, closed = FlowWindower(10 * SECOND, 300 * SECOND, room=100), []
    for number in range(20):
        flows = flows_of(number, 40)
        windower.add(flows, flows, None, None)
        closed += windower.close()
    assert closed
    late = flows_of(0, 3)
    windower.add(late, late, None, None)
    closed += windower.close(everything=True)
    assert windower.left_out == 0
    assert windower.late == 3
    assert [(one.number, len(one.contacts)) for one in closed] == [(number, 40) for number in range(20)]


def test_windows_with_room_wait_for_what_is_late() -> None:
    windower = FlowWindower(10 * SECOND, 300 * SECOND, room=100)
    for number in (*range(20), 0):
        flows = flows_of(number, 5)
        windower.add(flows, flows, None, None)
        assert not list(windower.close())
    assert windower.late == 0


def run(packets: list[Frame], step: int) -> Findings:
    rows, _ = decoded(pcap(packets, 101))
    engine = build_network(Config.load(), lateness_us=0)
    table = FlowTable()
    for at in range(0, len(rows), step):
        for passed in table.add(rows[at : at + step]):
            engine.process(passed)
    for passed in table.finish():
        engine.process(passed)
    return engine.finish()


def scan(begin: int) -> list[Frame]:
    return [
        (begin + 50_000 * n, tcp("198.51.100.7:40000", f"192.0.2.1:{n + 1}", SYN, seq=n)) for n in range(300)
    ]


def test_batches_of_any_size_give_the_same_findings() -> None:
    packets = sorted(traffic(4, 120) + scan(BEGIN + 60 * SECOND), key=lambda frame: frame[0])
    expected = run(packets, 100_000)
    assert {a.type for a in expected.anomalies} == {AnomalyType.PORT_SCAN}
    for step in (1, 37):
        found = run(packets, step)
        assert found.anomalies == expected.anomalies
        assert found.incidents == expected.incidents


def test_an_anomaly_is_of_an_incident_and_names_its_host() -> None:
    found = run(scan(BEGIN), 1000)
    (incident,) = found.incidents
    assert {a.incident_id for a in found.anomalies} == {incident.id}
    assert "198.51.100.7" in incident.title
    assert found.coverage.budget is not None


def test_the_end_of_a_capture_fails_nobody(tmp_path: Path) -> None:
    """A SYN two seconds before the end was not refused: nobody waited for the answer."""
    packets = [(BEGIN + 100_000 * n, tcp("10.0.0.1:4000", f"192.0.2.{n + 1}:80", SYN)) for n in range(20)]
    assert not run(packets, 1000).anomalies
