"""What a live service keeps of flows is what an undisturbed one keeps, whenever it was killed."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.lines import Clock, Lines, run_for
from tests.network.datagrams import FIELDS4, NOW_S, UPTIME_MS, Record, a_set, line, record4, template
from tests.network.packets import BEGIN, SYN, decoded, pcap, tcp
from tests.network.test_state import passed as of_traffic
from vedette.config import Config
from vedette.engine.build_network import build_network
from vedette.engine.teaching import Teaching
from vedette.live.flow_intake import FlowIntake
from vedette.live.flows import LiveFlows
from vedette.live.live import Live
from vedette.sources.source import Delivery
from vedette.storage import open_live_store
from vedette.windows.flow_table import FlowTable
from vedette.windows.passed_lines import from_line, to_lines

SECOND = 1_000_000
ZEEK = b"""#separator \\x09
#path\tconn
#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\torig_pkts\tresp_pkts
"""


@dataclass
class Stream(Lines):
    """Lines of a stream with a name and a format."""

    stream: str = "netflow:192.0.2.250"
    format: str | None = None

    def take(self, room: int) -> Sequence[Delivery]:
        """See `Source`."""
        return [
            Delivery(self.stream, one.lines, one.position, one.first_line, None, self.format)
            for one in super().take(room)
        ]

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        return [self.stream] if self.at < len(self.lines) else []


def datagram(records: Sequence[Record], second: int, sequence: int, first: bytes = b"") -> bytes:
    body = first + a_set(300, b"".join(record4(record) for record in records))
    return struct.pack(">HHIIII", 9, 1, UPTIME_MS, NOW_S + second, sequence, 7) + body


@cache
def exported() -> tuple[bytes, ...]:
    """Fifty minutes of an exporter that told its template once; from the 40th on, somebody tries ports."""
    draw, lines = Random(11), []
    for number in range(1500):
        second = 2 * number
        records: list[Record] = [
            (f"10.0.0.{draw.randrange(1, 30)}", "192.0.2.80", draw.randrange(33_000, 60_000), 443, 6, 0x1B,
             draw.randrange(5, 30), draw.randrange(400, 90_000))
            for _ in range(draw.randrange(1, 8))
        ]  # fmt: skip
        if 2400 <= second < 2460:
            records += [
                ("198.51.100.7", "10.0.0.2", 40_000, 1 + 20 * (number - 1200) + n, 6, 2, 1, 60)
                for n in range(20)
            ]
        first = b"" if number else a_set(0, template(300, FIELDS4))
        lines.append(line(datagram(records, second, number, first)))
    return tuple(lines)


def serve(
    path: Path, seed: int, lines: tuple[bytes, ...], *, crashes: int, form: str | None = "netflow"
) -> bytes:
    """Serve lines, killed at random turns; what was kept in the end."""
    chance, clock = Random(seed), Clock(1)
    requests = flows = 0
    for crash in range(crashes + 1):
        store = open_live_store(f"sqlite:///{path}")
        source = Stream(lines, [chance.randrange(1, 300) for _ in range(40)], format=form)
        running = Live(Config(), [source], store, clock)
        run_for(running, clock, chance, chance.randrange(8) if crash < crashes else None)
        if crash == crashes:
            found = msgspec.json.encode(
                (
                    store.anomalies(limit=1000).items,
                    store.incidents(limit=1000).items,
                    sorted(notice.id for notice in store.untold(1 << 60, 1000)),
                )
            )
        requests += running.intake.tally.lines
        flows += running.flows.intake.tally.lines
        store.close()
    assert flows
    assert not requests
    return found


@cache
def undisturbed() -> bytes:
    with TemporaryDirectory() as directory:
        return serve(Path(directory) / "v.db", 0, exported(), crashes=0)


def test_a_scan_is_found_in_what_an_exporter_sends() -> None:
    anomalies, incidents, notices = msgspec.json.decode(undisturbed())
    assert {(a["type"], a["entity"]["value"]) for a in anomalies} == {("port_scan", "198.51.100.7")}
    assert len(incidents) == 1
    assert notices


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), crashes=st.integers(0, 6))
def test_killing_changes_nothing(seed: int, crashes: int) -> None:
    with TemporaryDirectory() as directory:
        assert serve(Path(directory) / "v.db", seed, exported(), crashes=crashes) == undisturbed()


def test_an_exporter_that_sends_now_and_then_is_waited_for_while_it_is_silent() -> None:
    flows = LiveFlows(Config(), Teaching())
    for second in range(40 * 30):
        at = (NOW_S + second) * SECOND
        if second % 40 == 0:
            # Of flows that were last seen up to 35 s before.
            sent = [
                line(datagram([("10.0.0.3", "192.0.2.80", 40_000 + second, 443, 6, 0x1B, 9, 900)],
                              second - back, second, b"" if second else a_set(0, template(300, FIELDS4))))
                for back in (35, 0)
            ]  # fmt: skip
            delivery = Delivery("netflow:192.0.2.250", b"".join(sent), b"", 1, None, "netflow")
            assert flows.intake.takes(delivery)
            flows.take(delivery, at, caught_up=True)
        flows.follow(at)
    assert flows.intake.tally.flows == 60
    assert flows.engine.windower.late == 0
    assert flows.engine.windower.closed > (NOW_S + 40 * 27) * SECOND


def conn_log() -> tuple[bytes, ...]:
    lines = [ZEEK]
    for second in range(900):
        lines.append(b"%d.0\t10.0.0.5\t40000\t192.0.2.80\t443\ttcp\t0.5\tSF\t9\t9\n" % (NOW_S + second))
        if 300 <= second < 360:
            lines += [
                b"%d.5\t198.51.100.7\t4000\t10.0.0.2\t%d\ttcp\t-\tS0\t1\t0\n"
                % (NOW_S + second, 1 + 5 * (second - 300) + n)
                for n in range(5)
            ]
    return tuple(lines)


def test_a_flow_log_that_grows_is_read_as_one(tmp_path: Path) -> None:
    for crashes in (0, 4):
        found = serve(tmp_path / f"{crashes}.db", 3, conn_log(), crashes=crashes, form=None)
        anomalies, *_ = msgspec.json.decode(found)
        assert {(a["type"], a["entity"]["value"]) for a in anomalies} == {("port_scan", "198.51.100.7")}


def test_an_eve_log_is_of_flows_unless_it_is_said_to_be_of_requests() -> None:
    line = b'{"timestamp":"2026-03-02T08:00:00.0+0000","flow_id":1,"event_type":"http","src_ip":"10.0.0.5"}\n'
    assert FlowIntake().takes(Delivery("eve.json", line, b""))
    assert not FlowIntake().takes(Delivery("eve-http.json", line, b"", format="suricata-http-json"))


def test_a_log_that_goes_on_without_a_column_is_counted_and_ends_nothing() -> None:
    intake = FlowIntake()
    fine = "ts,td,sa,da,sp,dp,pr,flg\n2023-11-14 22:13:20,1.0,10.0.0.1,192.0.2.1,5000,443,TCP,.....S.\n"
    for text, flows in ((fine, 1), (fine.replace(",pr", ",xy"), 1), (fine, 2)):
        delivery = Delivery("flows.csv", text.encode(), b"")
        assert intake.takes(delivery)
        intake.take(delivery)
        assert intake.tally.flows >= flows


def test_windows_of_an_interface_are_judged_when_the_next_one_is_told_as_a_scan_judges_them() -> None:
    handed = of_traffic()
    scan = build_network(Config(), lateness_us=0)
    for one in handed:
        scan.process(one)
    live = LiveFlows(Config(), Teaching())
    for one in handed:
        at = one.start + 10_500_000
        for text in to_lines(one):
            delivery = Delivery("capture:eth0", text, b"", 1, None, "flow-parts")
            assert live.intake.takes(delivery)
            live.take(delivery, at, caught_up=True)
            live.follow(at)
            assert live.engine.windower.closed in (one.start, 0)
    assert live.engine.windower.late == scan.windower.late == 0
    live.engine.advance(handed[-1].start + 20 * SECOND)
    scan.advance(handed[-1].start + 20 * SECOND)
    found = live.engine.stated.take()
    assert found == scan.stated.take()
    assert "port_scan" in {anomaly.type.value for anomaly in found}


def test_what_a_table_hands_out_survives_as_lines() -> None:
    rows, _ = decoded(
        pcap(
            [(BEGIN + 9_000 * n, tcp("198.51.100.9:4000", f"10.0.0.2:{n + 1}", SYN)) for n in range(6000)],
            101,
        )
    )
    table = FlowTable()
    for passed in [*table.add(rows), *table.finish()]:
        again = [from_line(one) for one in to_lines(passed)]
        assert sum(len(one.parts) for one in again) == len(passed.parts)
        assert sum(len(one.ended) for one in again) == len(passed.ended)
        told = [one.histogram for one in again if one.histogram is not None]
        assert len(told) <= 1
        assert not told or (passed.histogram is not None and (told[0] == passed.histogram).all())
