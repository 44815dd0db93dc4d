"""Flow logs of every kind say the same of the same flow; what is no flow is counted."""

import json
import random
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.network.packets import host
from vedette.parsers.flows.flow_json import JsonFlows
from vedette.parsers.flows.flow_json_lines import OUTCOMES
from vedette.parsers.flows.flow_layouts import Role
from vedette.parsers.flows.flow_logs import FlowLog, FlowLogError, is_flow_log
from vedette.parsers.flows.flow_problems import FlowProblem
from vedette.schema.chunk import Chunk
from vedette.schema.flows import Flow, Flows, Known

ZEEK = (
    "#separator \\x09\n#path\tconn\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes"
    "\tconn_state\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n"
    "1700000000.250000\tC1\t10.0.0.5\t4000\t192.0.2.9\t443\ttcp\tssl\t1.500000\t100\t2000\tSF\t6\t400\t5\t2300\n"
    "1700000001.000000\tC2\t2001:db8::5\t4001\t2001:db8:ffff::9\t53\tudp\tdns\t-\t-\t-\tS0\t1\t60\t0\t0\n"
    "1700000002.000000\tC3\t10.0.0.5\t4002\t192.0.2.9\t22\ttcp\t-\t-\t-\t-\tREJ\t1\t60\t1\t40\n"
)
ZEEK_JSON = "".join(
    json.dumps(row) + "\n"
    for row in (
        {
            "ts": 1700000000.25, "uid": "C1", "id.orig_h": "10.0.0.5", "id.orig_p": 4000, "id.resp_h": "192.0.2.9",
            "id.resp_p": 443, "proto": "tcp", "duration": 1.5, "orig_bytes": 100, "resp_bytes": 2000,
            "conn_state": "SF", "orig_pkts": 6, "orig_ip_bytes": 400, "resp_pkts": 5, "resp_ip_bytes": 2300,
        },
        {
            "ts": 1700000001.0, "uid": "C2", "id.orig_h": "2001:db8::5", "id.orig_p": 4001,
            "id.resp_h": "2001:db8:ffff::9", "id.resp_p": 53, "proto": "udp", "conn_state": "S0", "orig_pkts": 1,
            "orig_ip_bytes": 60, "resp_pkts": 0, "resp_ip_bytes": 0,
        },
        {
            "ts": 1700000002.0, "uid": "C3", "id.orig_h": "10.0.0.5", "id.orig_p": 4002, "id.resp_h": "192.0.2.9",
            "id.resp_p": 22, "proto": "tcp", "conn_state": "REJ", "orig_pkts": 1, "orig_ip_bytes": 60,
            "resp_pkts": 1, "resp_ip_bytes": 40,
        },
    )
)  # fmt: skip
EVE = "".join(
    json.dumps(row) + "\n"
    for row in (
        {"timestamp": "x", "flow_id": 1, "event_type": "alert", "src_ip": "10.0.0.5"},
        {
            "timestamp": "2023-11-14T22:13:22.0+0000", "flow_id": 2, "event_type": "flow", "src_ip": "10.0.0.5",
            "src_port": 4000, "dest_ip": "192.0.2.9", "dest_port": 443, "proto": "TCP",
            "flow": {"start": "2023-11-14T22:13:20.250000+00:00", "end": "2023-11-14T22:13:21.750000+00:00",
                     "pkts_toserver": 6, "pkts_toclient": 5, "bytes_toserver": 400, "bytes_toclient": 2300},
            "tcp": {"syn": True, "fin": True, "ack": True},
        },
    )
)  # fmt: skip
NFDUMP = (
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt\n"
    "2023-11-14 22:13:20.250,2023-11-14 22:13:21.750,1.500,10.0.0.5,192.0.2.9,4000,443,TCP,...AP.SF,0,0,6,400,5,2300\n"
    "Summary\n"
)
CIC = (
    "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Total Fwd Packet,Total Bwd packets,"
    "Total Length of Fwd Packet,Total Length of Bwd Packet,SYN Flag Count,FIN Flag Count,RST Flag Count\n"
    "x,10.0.0.5,4000,192.0.2.9,443,6,2023-11-14 22:13:20.250000,1500000,6,5,400,2300,2,2,0\n"
)
CIC_SHORT = (
    "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,"
    "TotLen Fwd Pkts,TotLen Bwd Pkts,FIN Flag Cnt,SYN Flag Cnt,RST Flag Cnt,Label\n"
    "x,10.0.0.5,4000,192.0.2.9,443,6,14/11/2023 22:13:20.250,1500000,6,5,400,2300,2,2,0,Benign\n"
)
ARGUS = (
    "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,Label\n"
    "2023/11/14 22:13:20.250000,1.500000,tcp,10.0.0.5,4000,   ->,192.0.2.9,443,FSPA_FSPA,0,0,11,2700,400,flow=From\n"
)


def read(text: str) -> tuple[Flows, dict[FlowProblem, int]]:
    chunk = Chunk.of(text.encode())
    flows, problems, _ = FlowLog("test.log", chunk).parse(chunk)
    return flows, problems


@pytest.mark.parametrize(
    "text",
    [ZEEK, ZEEK_JSON, EVE, NFDUMP, CIC, CIC_SHORT, ARGUS],
    ids=["zeek", "zeek json", "eve", "nfdump", "cic", "cic of 2018", "argus"],
)
def test_the_same_flow_in_every_log(text: str) -> None:
    flows, _ = read(text)
    row = flows.table[0]
    expected = {
        Flow.START: 1_700_000_000_250_000,
        Flow.END: 1_700_000_001_750_000,
        Flow.BEGAN: 1_700_000_000_250_000,
        Flow.DURATION: 1_500_000,
        Flow.CLIENT_HIGH: 0,
        Flow.CLIENT_LOW: host("10.0.0.5"),
        Flow.SERVER_LOW: host("192.0.2.9"),
        Flow.CLIENT_PORT: 4000,
        Flow.SERVER_PORT: 443,
        Flow.PROTOCOL: 6,
        Flow.PACKETS_OUT: 6,
        Flow.PACKETS_IN: 5,
        Flow.BYTES_OUT: 400,
        Flow.BYTES_IN: 2300,
        Flow.SYN_OUT: 1,
        Flow.OPENED: 1,
    }
    assert {column: int(row[column]) for column in expected} == expected
    assert is_flow_log(text.encode())


def test_zeek_s_two_forms_agree_on_every_flow() -> None:
    tabs, objects = read(ZEEK)[0].table, read(ZEEK_JSON)[0].table
    assert np.array_equal(tabs, objects)
    assert tabs[:, Flow.FAILED].tolist() == [0, 0, 1]
    assert tabs[:, Flow.SUCCEEDED].tolist() == [1, 0, 0]


@pytest.mark.parametrize("state", [*OUTCOMES, "", "-", "other", "a longer word"])
@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmp", "unknown_transport"])
def test_every_outcome_is_the_same_in_both_forms_of_zeek(state: str, protocol: str) -> None:
    names = (*_COLUMNS, "resp_pkts")
    told = dict(zip(_COLUMNS, zeek_rows(_COLUMNS, 0, 1).rstrip().split("\t"), strict=True))
    told |= {"conn_state": state, "proto": protocol, "resp_pkts": "3"}
    text = zeek_header(names) + "\t".join(told[name] for name in names) + "\n"
    counts = ("id.orig_p", "id.resp_p", "ts", "duration", "orig_bytes", "resp_bytes", "resp_pkts")
    line = json.dumps({name: float(value) if name == "ts" else json.loads(value) if name in counts else value
                       for name, value in told.items()})  # fmt: skip
    flows = [read(text)[0], read(line)[0]]
    flows += [
        JsonFlows("zeek-conn-json", by_line=one).parse(Chunk.of(line.encode()))[0] for one in (False, True)
    ]
    rows = [one.table[0].tolist() for one in flows]
    assert rows.count(rows[0]) == len(rows)
    said = {column for column in range(Flow.SYN_OUT, Flow.RESET_IN + 1) if rows[0][column]}
    if protocol == "tcp":
        said |= {column for column in (Flow.SUCCEEDED, Flow.FAILED) if rows[0][column]}
        assert said == set(OUTCOMES.get(state, ()))
    else:
        assert not said
        assert rows[0][Flow.SUCCEEDED] == 1


def test_json_without_states_does_not_tell_outcomes_however_it_is_gone_on_with() -> None:
    lines = [json.loads(line) for line in ZEEK_JSON.splitlines()]
    without = "".join(
        json.dumps({name: value for name, value in line.items() if name != "conn_state"}) + "\n"
        for line in lines
    )
    chunk = Chunk.of(without.encode())
    log = FlowLog("conn.log", chunk)
    again = FlowLog.named("conn.log", log.format, log.header)
    for one in (log, again):
        flows = one.parse(chunk)[0]
        assert flows.known == one.tells == Known(0)
        assert not flows.table[:, [Flow.SYN_OUT, Flow.FAILED]].any()
    told = FlowLog("conn.log", Chunk.of(ZEEK_JSON.encode()))
    for one in (told, FlowLog.named("conn.log", told.format, told.header)):
        assert one.parse(chunk)[0].known == one.tells == Known.FLAGS | Known.OUTCOME


@st.composite
def json_lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A kind of log, and lines of it."""
    count = st.integers(0, 1 << 40)
    zeek = st.fixed_dictionaries(
        {
            "ts": st.floats(0, 4e9) | st.sampled_from(("2023-11-14T22:13:20.250000+0000", "2023-11-14T22:13:20Z")),
            "id.orig_h": st.ip_addresses().map(str), "id.resp_h": st.ip_addresses().map(str),
            "id.orig_p": st.integers(0, 65_535), "id.resp_p": st.integers(0, 65_535),
            "proto": st.sampled_from(("tcp", "udp", "icmp", "other")),
            "conn_state": st.sampled_from((*OUTCOMES, "", "other")),
        },
        optional={"duration": st.floats(-1, 1e5), "orig_bytes": count, "resp_bytes": count, "resp_pkts": count,
                  "orig_ip_bytes": count, "resp_ip_bytes": count},
    )  # fmt: skip
    moment = st.datetimes().map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.%f").zfill(26) + "+0000")
    eve = st.fixed_dictionaries(
        {
            "event_type": st.sampled_from(("flow", "flow", "flow", "dns")), "flow_id": count,
            "src_ip": st.ip_addresses().map(str), "dest_ip": st.ip_addresses().map(str),
            "proto": st.sampled_from(("TCP", "UDP", "IPv6-ICMP", "x")),
            "flow": st.fixed_dictionaries(
                {"start": moment}, optional={"end": moment, "pkts_toserver": count, "pkts_toclient": st.integers(-1, 3)}
            ),
        },
        optional={"src_port": st.integers(0, 65_535), "dest_port": st.integers(0, 65_535),
                  "tcp": st.fixed_dictionaries({}, optional={f: st.booleans() for f in ("syn", "fin", "rst", "ack")})},
    )  # fmt: skip
    name, line = draw(st.sampled_from((("zeek-conn-json", zeek), ("suricata-eve", eve))))
    return name, [json.dumps(row) for row in draw(st.lists(line, max_size=12))]


def escaped(line: str) -> str:
    """The same line with an address written so that the kernel leaves the line to the decoder."""
    return re.sub(r'("id.orig_h"|"src_ip"): "(.)', lambda found: f'{found[1]}: "\\u{ord(found[2]):04x}', line)


def json_flows(name: str, lines: Iterable[str]) -> tuple[np.ndarray, int]:
    flows, bad, _ = JsonFlows(name).parse(Chunk.of("\n".join(lines).encode()))
    return flows.table, bad


@given(json_lines())
def test_lines_that_the_kernel_reads_say_what_a_decoder_says(kind_and_lines: tuple[str, list[str]]) -> None:
    name, lines = kind_and_lines
    table, bad = json_flows(name, lines)
    by_itself, also_bad = json_flows(name, map(escaped, lines))
    assert bad == also_bad
    assert np.array_equal(table, by_itself)


@pytest.mark.parametrize(
    "changed",
    [
        {"ts": "2023-11-14T22:13:20.250000+0130"},
        {"ts": "2023-02-29T22:13:20Z"},
        {"ts": "2023-11-14T22:13:20.5Z"},
        {"ts": 1e300},
        {"ts": -1.0},
        {"duration": 0.1 + 0.2},
        {"duration": 1.2345675},
        {"duration": -2},
        {"id.orig_h": "010.0.0.5"},
        {"id.orig_h": "fe80::1%eth0"},
        {"id.orig_h": "::ffff:192.0.2.1"},
        {"id.orig_h": 5},
        {"id.resp_p": "443"},
        {"orig_pkts": 1.0},
        {"orig_pkts": 1.5},
        {"orig_pkts": 1 << 70},
        {"proto": "TCP"},
        {"conn_state": "RSTOS0"},
        {"history": 'an \u20ac, " and a \\'},
    ],
    ids=str,
)
def test_what_is_written_unusually_is_read_as_a_decoder_reads_it(changed: dict[str, object]) -> None:
    lines = [json.dumps({**json.loads(line), **changed}) for line in ZEEK_JSON.splitlines()]
    table, bad = json_flows("zeek-conn-json", lines)
    by_itself, also_bad = json_flows("zeek-conn-json", map(escaped, lines))
    assert bad == also_bad
    assert np.array_equal(table, by_itself)


def test_events_that_are_no_flows_are_passed_over_and_broken_ones_counted() -> None:
    lines = [
        *EVE.splitlines(),
        "",
        '{"event_type": "flow", "flow_id": 3}',
        '{"event_type": "flow", "flow',
        "[]",
    ]
    table, bad = json_flows("suricata-eve", lines)
    assert len(table) == 1
    assert bad == 3


@given(
    json_lines(),
    st.lists(
        st.tuples(
            st.integers(0, 13),
            st.integers(0, 400),
            st.sampled_from(
                (
                    "",
                    "\n",
                    " ",
                    "{",
                    "[" * 70,
                    '"',
                    "\\",
                    "\r",
                    "\ufeff",
                    "-",
                    "0",
                    "\0",
                    "\u00e9",
                    "null",
                    '"-"',
                    '"0"',
                    '""',
                )
            ),
            st.integers(0, 30),
        ),
        max_size=8,
    ),
    st.integers(1, 2),
)
def test_interpreted_lines_are_decoded_to_what_kernels_read(
    kind_and_lines: tuple[str, list[str]], changes: list[tuple[int, int, str, int]], first_line: int
) -> None:
    name, lines = kind_and_lines
    for number, at, put, cut in changes:
        if number < len(lines):
            lines[number] = lines[number][:at] + put + lines[number][at + cut :]
    told = []
    for by_line in (False, True):
        log = JsonFlows(name, by_line=by_line)
        chunk = Chunk.of("\n".join(lines).encode(), first_line=first_line)
        for _ in range(2):
            flows, bad, count = log.parse(chunk)
            text = chunk.buffer[: chunk.length].tobytes()
            told.append(
                (flows.table.tolist(), bad, count, [text.count(b"\n", 0, at) for at in log.begins.tolist()])
            )
    assert told[:2] == told[2:]


@given(st.ip_addresses())
def test_every_address_is_read_as_python_reads_it(one: "object") -> None:
    text = ZEEK.splitlines(keepends=True)
    line = text[3].replace("10.0.0.5", str(one))
    flows, problems = read("".join([*text[:3], line]))
    assert problems == {FlowProblem.COMMENT: 3}
    number = int(one) | (0xFFFF << 32 if one.version == 4 else 0)  # type: ignore[attr-defined, call-overload]
    found = int(flows.table[0, Flow.CLIENT_HIGH]) % (1 << 64) << 64 | int(flows.table[0, Flow.CLIENT_LOW]) % (
        1 << 64
    )
    assert found == number


def test_what_is_no_flow_is_counted() -> None:
    flows, problems = read(ZEEK + "\nnonsense\n1700000000.1\tC\tnot an address\t1\t192.0.2.1\t1\ttcp\n")
    assert len(flows) == 3
    assert problems == {FlowProblem.COMMENT: 3, FlowProblem.BLANK: 1, FlowProblem.BAD_FLOW: 2}


def test_a_missing_column_is_named() -> None:
    with pytest.raises(FlowLogError, match=r"x\.log: a zeek-conn log without column 'id\.resp_p': needed to"):
        FlowLog("x.log", Chunk.of(ZEEK.replace("\tid.resp_p", "\tother", 1).encode()))


def test_several_missing_columns_are_named_together() -> None:
    names = "Src IP,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,SYN Flag Cnt,Label"
    with pytest.raises(
        FlowLogError, match=r"columns 'timestamp', 'dst ip' or 'destination ip', .* with addresses$"
    ):
        FlowLog("x.csv", Chunk.of(f"{names}\n10.0.0.5,1,2,3,0,Benign\n".encode()))


@pytest.mark.parametrize(
    "names",
    [
        " Destination Port, Flow Duration, Total Fwd Packets, Total Backward Packets, SYN Flag Count, Label",
        "Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,Tot Bwd Pkts,TotLen Fwd Pkts,TotLen Bwd Pkts",
    ],
    ids=["2017", "2018"],
)
def test_of_flows_without_addresses_just_that_is_said(names: str) -> None:
    """As in the copies of CIC's data sets that are made for machine learning."""
    head = f"{names}\n80,1,2,3,0,BENIGN\n".encode()
    assert is_flow_log(head)
    with pytest.raises(
        FlowLogError, match=r"without addresses: flows without them cannot be judged, .* addresses$"
    ):
        FlowLog("x.csv", Chunk.of(head))


def argus(
    state: str, *, arrow: str = "->", protocol: str = "tcp", size: str = "5,300,200"
) -> NDArray[np.int64]:
    text = ARGUS.replace("FSPA_FSPA", state).replace("   ->", arrow).replace(",tcp,", f",{protocol},")
    flows, problems = read(text.replace("11,2700,400", size))
    assert problems == {FlowProblem.COMMENT: 1}
    row: NDArray[np.int64] = flows.table[0]
    return row


@pytest.mark.parametrize(
    ("state", "opened", "failed", "succeeded"),
    [
        ("FSPA_FSPA", 1, 0, 1),
        ("FSRPA_FSPA", 1, 0, 1),
        ("S_RA", 1, 1, 0),
        ("S_", 1, 1, 0),
        ("SR_SA", 1, 1, 0),
        ("SA_S", 1, 0, 1),
        # A part of one that began in a record before.
        ("PA_PA", 0, 0, 0),
        ("REQ", 1, 1, 0),
        ("CON", 1, 0, 1),
        ("FIN", 1, 0, 1),
        ("RST", 1, 0, 1),
        ("", 0, 0, 0),
        ("~~", 0, 0, 0),
    ],
)
def test_argus_tells_outcomes_by_flags_or_words(state: str, opened: int, failed: int, succeeded: int) -> None:
    row = argus(state)
    assert [int(row[at]) for at in (Flow.OPENED, Flow.FAILED, Flow.SUCCEEDED)] == [opened, failed, succeeded]
    assert row[Flow.LONGEST_GAP] == 0


@pytest.mark.parametrize("arrow", ["<-", "<?", "  <-"])
def test_an_arrow_to_the_left_has_the_destination_ask(arrow: str) -> None:
    row = argus("SA_S", arrow=arrow, size="6,1000,900")
    assert (row[Flow.CLIENT_LOW], row[Flow.SERVER_LOW]) == (host("192.0.2.9"), host("10.0.0.5"))
    assert (row[Flow.CLIENT_PORT], row[Flow.SERVER_PORT]) == (443, 4000)
    assert (row[Flow.BYTES_OUT], row[Flow.BYTES_IN]) == (100, 900)
    assert row[Flow.SYN_OUT] == 1
    assert row[Flow.FAILED] == 1


@pytest.mark.parametrize("arrow", ["->", "<->", "<?>", "?>", "who", ""])
def test_any_other_has_the_source_ask(arrow: str) -> None:
    assert argus("CON", arrow=arrow, protocol="udp")[Flow.CLIENT_LOW] == host("10.0.0.5")


@pytest.mark.parametrize(
    ("size", "packets", "told"),
    [
        ("5,300,200", (3, 2), (200, 100)),
        ("1,60,60", (1, 0), (60, 0)),
        ("1,60,0", (0, 1), (0, 60)),
        ("2,300,200", (1, 1), (200, 100)),
        # Less in all than of one side.
        ("2,100,200", (2, 0), (200, 0)),
    ],
)
def test_argus_totals_are_parted_by_direction(
    size: str, packets: tuple[int, int], told: tuple[int, int]
) -> None:
    row = argus("CON", protocol="udp", size=size)
    assert (row[Flow.PACKETS_OUT], row[Flow.PACKETS_IN]) == packets
    assert (row[Flow.BYTES_OUT], row[Flow.BYTES_IN]) == told
    assert row[Flow.SUCCEEDED] == (packets[1] > 0)
    assert row[Flow.OPENED] == 1


def test_argus_packets_of_each_direction_are_taken_where_they_are_told() -> None:
    text = ARGUS.replace("TotPkts,", "TotPkts,SrcPkts,").replace(",11,2700", ",11,9,2700")
    row = read(text)[0].table[0]
    assert (row[Flow.PACKETS_OUT], row[Flow.PACKETS_IN]) == (9, 2)


def test_argus_writes_ports_of_icmp_as_types() -> None:
    text = ARGUS.replace(",tcp,", ",icmp,").replace(",4000,", ",0x0303,").replace(",443,", ",0x0f2a,")
    flows, _ = read(text.replace("FSPA_FSPA", "URP"))
    assert len(flows) == 1
    assert flows.table[0, Flow.PROTOCOL] == 1
    assert flows.table[0, Flow.SYN_OUT] == 0


def test_without_states_argus_tells_no_outcomes() -> None:
    flows, _ = read(ARGUS.replace("State,", "").replace("FSPA_FSPA,", ""))
    row = flows.table[0]
    assert not flows.known & (Known.OUTCOME | Known.FLAGS)
    assert (row[Flow.OPENED], row[Flow.SYN_OUT], row[Flow.FAILED]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("03/07/2017 08:55:58", "2017-07-03T08:55:58"),
        ("3/7/2017 8:55", "2017-07-03T08:55:00"),
        ("03/07/2017 08:55:58 PM", "2017-07-03T20:55:58"),
        ("03/07/2017 12:00:01 am", "2017-07-03T00:00:01"),
        ("03/07/2017 12:00:01 PM", "2017-07-03T12:00:01"),
        ("2017/07/03 12:00:01", "2017-07-03T12:00:01"),
        ("29/02/2016 23:59:59", "2016-02-29T23:59:59"),
        ("1499072158.000", "2017-07-03T08:55:58"),
        ("1499072158", "2017-07-03T08:55:58"),
        ("1499072158000", None),
        ("149907215", None),
        ("03/07/2017 13:00:00 PM", None),
        ("03/07/2017 00:00:00 AM", None),
        ("07/14/2017 08:55:58", None),
        ("003/07/2017 08:55:58", None),
        ("03/07/17 08:55:58", None),
        ("03-07-2017 08:55:58", None),
        ("2017-07.03 08:55:58", None),
    ],
)
def test_times_as_cicflowmeter_writes_them(text: str, expected: str | None) -> None:
    flows, problems = read(CIC.replace("2023-11-14 22:13:20.250000", text))
    if expected is None:
        assert problems == {FlowProblem.BAD_FLOW: 1, FlowProblem.COMMENT: 1}
    else:
        moment = datetime.fromisoformat(f"{expected}+00:00")
        assert flows.table[:, Flow.START].tolist() == [int(moment.timestamp()) * 1_000_000]
        assert problems == {FlowProblem.COMMENT: 1}


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("", 0), ("Z", 0), ("z", 0), (" UTC", 0), (" gmt", 0), ("+00:00", 0), ("+02:00", 2), ("+0200", 2), (" +02", 2),
        ("-05:30", -5.5), (" -0530", -5.5), ("+14:00", 14),
        (" CEST", None), ("+2", None), ("+02:0", None), ("+02:00x", None), ("+24:00", None), ("+02:60", None),
        ("+", None), ("?", None), ("+02:", None), ("+020", None), (" UTCX", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("time", ["2017-07-03T08:55:58.250000", "03/07/2017 08:55:58 AM"])
def test_a_zone_behind_a_time_counts_and_one_that_is_not_known_is_no_time(
    time: str, zone: str, hours: float | None
) -> None:
    """A time whose zone is passed over would put a flow beside others of hours ago."""
    flows, problems = read(CIC.replace("2023-11-14 22:13:20.250000", time + zone))
    if hours is None:
        assert problems == {FlowProblem.BAD_FLOW: 1, FlowProblem.COMMENT: 1}
        return
    moment = datetime.fromisoformat("2017-07-03T08:55:58+00:00") - timedelta(hours=hours)
    micros = 250_000 if "." in time else 0
    assert flows.table[:, Flow.START].tolist() == [int(moment.timestamp()) * 1_000_000 + micros]
    assert problems == {FlowProblem.COMMENT: 1}


def nfdump(rows: Iterable[tuple[str, str, str, str]]) -> str:
    """Records of one direction: both ends with their ports, the protocol, flags."""
    lines = []
    for source, target, protocol, flags in rows:
        (near, port), (far, other) = source.rsplit(":", 1), target.rsplit(":", 1)
        lines.append(
            f"2023-11-14 22:13:20,2023-11-14 22:13:21,1.0,{near},{far},{port},{other},{protocol},{flags},0,0,3,300,0,0"
        )
    return "\n".join([NFDUMP.splitlines()[0], *lines, ""])


def test_both_records_of_a_connection_are_one_flow_of_its_client() -> None:
    client, server = "10.0.0.5:51000", "192.0.2.9:443"
    flows, _ = read(nfdump([(client, server, "TCP", "...AP.SF"), (server, client, "TCP", "...AP.SF")]))
    assert flows.known == Known.FLAGS | Known.OUTCOME
    there, back = flows.table
    for row in (there, back):
        assert (row[Flow.CLIENT_LOW], row[Flow.CLIENT_PORT], row[Flow.SERVER_PORT]) == (
            host("10.0.0.5"),
            51000,
            443,
        )
    counts = [
        Flow.OPENED,
        Flow.SUCCEEDED,
        Flow.SYN_OUT,
        Flow.SYN_IN,
        Flow.PACKETS_OUT,
        Flow.PACKETS_IN,
        Flow.FAILED,
    ]
    assert there[counts].tolist() == [1, 1, 1, 0, 3, 0, 0]
    assert back[counts].tolist() == [0, 0, 0, 1, 0, 3, 0]


def test_a_syn_alone_comes_from_who_asks_whatever_its_port() -> None:
    flows, _ = read(nfdump([("10.0.0.66:53", "192.0.2.9:40000", "TCP", "......S.")]))
    row = flows.table[0]
    assert (row[Flow.CLIENT_LOW], row[Flow.SERVER_PORT]) == (host("10.0.0.66"), 40000)
    assert (row[Flow.OPENED], row[Flow.SYN_OUT], row[Flow.FAILED]) == (1, 1, 1)


def test_answers_without_connections_are_of_the_client_that_asked() -> None:
    flows, _ = read(nfdump([("10.0.0.5:51000", "192.0.2.53:53", "UDP", "........"),
                            ("192.0.2.53:53", "10.0.0.5:51000", "UDP", "........")]))  # fmt: skip
    assert flows.table[:, Flow.SERVER_PORT].tolist() == [53, 53]
    assert flows.table[:, Flow.OPENED].tolist() == [1, 0]
    assert flows.table[:, Flow.SUCCEEDED].tolist() == [0, 1]


@pytest.mark.parametrize(
    "flags", ["UAPRSF", "......S.", "...A.R..", "........", "lower", "12345678", "...AP.SF"]
)
def test_letters_of_flags_are_those_of_the_protocol(flags: str) -> None:
    flows, _ = read(nfdump([("10.0.0.5:51000", "192.0.2.9:443", "TCP", flags)]))
    row = flows.table[0]
    for letter, column in (("S", Flow.SYN_OUT), ("F", Flow.FIN_OUT), ("R", Flow.RESET_OUT)):
        assert row[column] == int(letter in flags)
    assert row[Flow.FAILED] == int("S" in flags and "A" not in flags)


def test_what_nfdump_prints_for_people_is_refused_with_what_to_do() -> None:
    printed = (
        b"Date first seen          Duration Proto      Src IP Addr:Port          Dst IP Addr:Port   Packets\n"
    )
    assert is_flow_log(printed)
    with pytest.raises(FlowLogError, match="nfdump -r FILE -o csv"):
        FlowLog("flows.txt", Chunk.of(printed))


def test_a_json_conn_log_is_told_by_any_field_that_only_it_has() -> None:
    """Zeek leaves out of JSON what it does not know, and administrators what they do not want."""
    line = b'{"ts":1,"id.orig_h":"10.0.0.1","id.resp_h":"192.0.2.1","proto":"tcp","orig_pkts":1}\n'
    assert is_flow_log(line)
    assert not is_flow_log(line.replace(b"orig_pkts", b"rtt"))


def test_another_log_is_none() -> None:
    assert not is_flow_log(b'192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] "GET / HTTP/1.1" 200 5\n')
    assert not is_flow_log(
        b"#separator \\x09\n#path\thttp\n#fields\tts\tid.orig_h\tid.resp_h\tid.resp_p\tproto\n"
    )
    with pytest.raises(FlowLogError, match="no flow log"):
        FlowLog("x.log", Chunk.of(b"a,b\n1,2\n"))


@pytest.mark.parametrize("text", [ZEEK, ZEEK_JSON, EVE, NFDUMP, CIC, CIC_SHORT, ARGUS])
def test_hurt_lines_never_raise(text: str) -> None:
    draw = random.Random(7)
    whole = text.encode()
    head = Chunk.of(whole)
    body = whole.index(b"\n", whole.rfind(b"#fields") + 1) if b"#fields" in whole else 0
    for _ in range(200):
        hurt = bytearray(whole)
        for _ in range(draw.randint(1, 6)):
            hurt[draw.randrange(body, len(hurt))] = draw.randrange(256)
        log = FlowLog("x", head)
        flows, _, _ = log.parse(Chunk.of(bytes(hurt[: draw.randint(1, len(hurt))])))
        assert (flows.table[:, Flow.PACKETS_OUT] >= 0).all()


def test_roles_are_what_the_kernel_takes_them_for() -> None:
    """The kernel knows roles by number; each column of each layout is read above."""
    assert [role.value for role in Role] == list(range(len(Role)))


_COLUMNS = (
    "ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "duration", "orig_bytes", "resp_bytes",
    "conn_state",
)  # fmt: skip


def zeek_header(names: Iterable[str], path: str = "conn", separator: str = "\t") -> str:
    return (
        f"#separator \\x{ord(separator):02x}\n#set_separator{separator},\n#path{separator}{path}\n"
        f"{separator.join(('#fields', *names))}\n"
    )


def zeek_rows(names: Iterable[str], begin: int, end: int, separator: str = "\t") -> str:
    told = {
        "uid": "C1", "id.orig_h": "10.0.0.5", "id.orig_p": "40000", "id.resp_h": "192.0.2.1", "id.resp_p": "443",
        "proto": "tcp", "duration": "1.5", "orig_bytes": "100", "resp_bytes": "900", "conn_state": "SF", "vlan": "7",
    }  # fmt: skip
    lines = ({**told, "ts": f"{1_700_000_000 + number}.0"} for number in range(begin, end))
    return "".join(separator.join(line[name] for name in names) + "\n" for line in lines)


def starts(flows: Flows) -> list[int]:
    return [start // 1_000_000 - 1_700_000_000 for start in flows.table[:, Flow.START].tolist()]


@pytest.mark.parametrize("separator", [",", "|", ";", " "])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_zeek_logs_may_have_another_separator_and_other_line_ends(separator: str, ending: str) -> None:
    text = zeek_header(_COLUMNS, separator=separator) + zeek_rows(_COLUMNS, 0, 3, separator)
    flows, problems = read(text.replace("\n", ending))
    assert starts(flows) == [0, 1, 2]
    assert flows.table[:, [Flow.SERVER_PORT, Flow.BYTES_OUT, Flow.BYTES_IN]].tolist() == [[443, 100, 900]] * 3
    assert problems == {FlowProblem.COMMENT: 4}


def test_a_separator_that_cannot_be_is_no_flow_log() -> None:
    for said in ("\\x0a", "\\x61", "ab", "", "\\xzz", "\\x2e"):
        text = zeek_header(_COLUMNS).replace("\\x09", said) + zeek_rows(_COLUMNS, 0, 3)
        assert not is_flow_log(text.encode())


@given(st.data())
def test_a_header_in_the_middle_holds_for_what_follows_it(data: st.DataObject) -> None:
    """Rotated logs that were put together, whose columns changed; and other logs between them. Cut anywhere."""
    text, expected, foreign, at = "", [], 0, 0
    first = True
    for _ in range(data.draw(st.integers(1, 6))):
        count = data.draw(st.integers(0, 4))
        if not first and data.draw(st.booleans()):
            text += zeek_header(
                ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "q"], "dns"
            )
            text += "1700000000.0\tC\t10.0.0.1\t5353\t192.0.2.53\t53\tudp\tx\n" * count
            foreign += count
            continue
        first = False
        names = data.draw(st.permutations([*_COLUMNS, "vlan"]))
        text += zeek_header(names) + zeek_rows(names, at, at + count) + "#close\tx\n"
        expected += range(at, at + count)
        at += count
    lines = text.encode().splitlines(keepends=True)
    cuts = sorted(data.draw(st.sets(st.integers(4, len(lines)), max_size=4)))
    log = FlowLog("conn.log", Chunk.of(text.encode()))
    found, others, numbers = [], 0, []
    for begin, end in zip([0, *cuts], [*cuts, len(lines)], strict=True):
        if data.draw(st.booleans()):
            log = FlowLog.named("conn.log", log.format, log.header)
        flows, problems, count = log.parse(Chunk.of(b"".join(lines[begin:end])))
        assert count == end - begin
        found += starts(flows)
        numbers += [(flow[Flow.SERVER_PORT], flow[Flow.BYTES_IN]) for flow in flows.table.tolist()]
        others += problems.get(FlowProblem.OTHER_LOG, 0)
        assert FlowProblem.BAD_FLOW not in problems
    assert found == expected
    assert set(numbers) <= {(443, 900)}
    assert others == foreign


@pytest.mark.parametrize("piece", [1, 2, 3, 100])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_nfdump_writes_below_its_flows_is_no_bad_flow(piece: int, end: str) -> None:
    """Whatever pieces the lines come in; what only looks like it is a bad flow as ever."""
    summary = ["Summary", "flows,bytes,packets,avg_bps,avg_pps,avg_bpp", "1,2700,11,14400,7,245"]
    lines = [
        *NFDUMP.splitlines()[:2],
        *summary,
        NFDUMP.splitlines()[1],
        *summary,
        "Summary",
        "Summary of May",
        "5,6",
    ]
    written = [line + end for line in lines]
    log = FlowLog("nfdump.csv", Chunk.of("".join(written).encode()))
    flows, told = 0, dict.fromkeys(FlowProblem, 0)
    for begin in range(0, len(written), piece):
        found, problems, _ = log.parse(Chunk.of("".join(written[begin : begin + piece]).encode()))
        flows += len(found)
        for problem, count in problems.items():
            told[problem] += count
    assert flows == 2
    assert {problem: count for problem, count in told.items() if count} == {
        FlowProblem.COMMENT: 1,
        FlowProblem.SUMMARY: 7,
        FlowProblem.BAD_FLOW: 2,
    }
