"""Flow logs of Amazon's VPC: whose side a record is, what came of it, and lines that lost their header."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.network.packets import host
from vedette.parsers.flows.flow_logs import FlowLog, FlowLogError, is_flow_log
from vedette.parsers.flows.flow_problems import FlowProblem
from vedette.parsers.flows.vpc import FIELDS
from vedette.schema.chunk import Chunk
from vedette.schema.flows import Flow, Known

HEADER = " ".join(FIELDS) + "\n"
WITH_FLAGS = "start end srcaddr dstaddr srcport dstport protocol packets bytes action tcp-flags\n"
CLIENT, SERVER = "172.31.16.139 172.31.16.21 40641 22", "172.31.16.21 172.31.16.139 22 40641"


def line(ends: str = CLIENT, sizes: str = "20 4249", *, protocol: int = 6, verdict: str = "ACCEPT") -> str:
    return f"2 123456789010 eni-1235b8ca {ends} {protocol} {sizes} 1418530010 1418530070 {verdict} OK\n"


def read(text: str) -> tuple[FlowLog, NDArray[np.int64], dict[FlowProblem, int]]:
    chunk = Chunk.of(text.encode())
    log = FlowLog("vpc.log", chunk)
    flows, problems, lines = log.parse(chunk)
    assert lines == text.count("\n")
    return log, flows.table, problems


def test_both_directions_belong_to_the_client() -> None:
    log, table, problems = read(HEADER + line() + line(SERVER, "18 9000"))
    assert (log.format, problems) == ("aws-vpc", {FlowProblem.COMMENT: 1})
    assert table[:, Flow.CLIENT_LOW].tolist() == [host("172.31.16.139")] * 2
    assert table[:, Flow.SERVER_PORT].tolist() == [22, 22]
    assert table[:, [Flow.PACKETS_OUT, Flow.PACKETS_IN]].tolist() == [[20, 0], [0, 18]]
    assert table[:, [Flow.BYTES_OUT, Flow.BYTES_IN]].tolist() == [[4249, 0], [0, 9000]]
    assert table[:, Flow.START].tolist() == [1418530010_000000] * 2
    assert table[:, Flow.DURATION].tolist() == [60_000000] * 2
    assert table[:, Flow.OPENED].tolist() == [1, 0]
    assert table[:, Flow.SUCCEEDED].tolist() == [1, 0]
    assert log.tells == Known.OUTCOME


@pytest.mark.parametrize(
    ("ends", "sizes", "verdict", "failed", "succeeded"),
    [
        (CLIENT, "20 4249", "ACCEPT", 0, 1),
        (CLIENT, "1 60", "REJECT", 1, 0),
        (CLIENT, "9 4000", "REJECT", 1, 0),
        # Nothing but SYNs: asked once, asked again, as nmap asks, over IPv6.
        (CLIENT, "1 60", "ACCEPT", 1, 0),
        (CLIENT, "7 420", "ACCEPT", 1, 0),
        (CLIENT, "1 44", "ACCEPT", 1, 0),
        ("2001:db8::1 2001:db8::2 40641 22", "2 160", "ACCEPT", 1, 0),
        # Signs of life of a connection that stands, or what may be either.
        (CLIENT, "1 52", "ACCEPT", 0, 0),
        (CLIENT, "2 80", "ACCEPT", 0, 0),
        ("2001:db8::1 2001:db8::2 40641 22", "1 60", "ACCEPT", 0, 0),
        (CLIENT, "8 480", "ACCEPT", 0, 1),
    ],
)
def test_outcomes_are_told_by_verdicts_and_sizes(
    ends: str, sizes: str, verdict: str, failed: int, succeeded: int
) -> None:
    _, table, _ = read(HEADER + line(ends, sizes, verdict=verdict))
    assert table[0, [Flow.FAILED, Flow.SUCCEEDED]].tolist() == [failed, succeeded]


def test_what_was_rejected_was_asked_by_its_source_whatever_its_port() -> None:
    _, table, _ = read(HEADER + line("198.51.100.7 172.31.16.139 443 40641", "1 60", verdict="REJECT"))
    assert table[0, Flow.CLIENT_LOW] == host("198.51.100.7")
    assert table[0, [Flow.OPENED, Flow.FAILED]].tolist() == [1, 1]


def test_an_answer_by_udp_is_its_client_s_success() -> None:
    _, table, _ = read(HEADER + line("10.0.0.2 10.0.0.9 53 50001", "1 90", protocol=17))
    assert table[0, [Flow.SERVER_PORT, Flow.SUCCEEDED, Flow.OPENED]].tolist() == [53, 1, 0]


def test_flags_tell_who_began_and_who_ended() -> None:
    rows = ["1418530010 1418530070 10.0.0.5 10.0.0.9 40000 8080 6 9 2000 ACCEPT 3",
            "1418530010 1418530070 10.0.0.9 10.0.0.5 8080 40000 6 9 2000 ACCEPT 19",
            "1418530070 1418530130 10.0.0.5 10.0.0.9 40001 8080 6 9 2000 ACCEPT 0",
            "1418530070 1418530130 10.0.0.5 10.0.0.9 40002 8080 6 1 60 ACCEPT 2"]  # fmt: skip
    log, table, _ = read(WITH_FLAGS + "".join(row + "\n" for row in rows))
    assert log.tells == Known.FLAGS | Known.OUTCOME
    wanted = [Flow.SYN_OUT, Flow.SYN_IN, Flow.OPENED, Flow.SUCCEEDED, Flow.FAILED, Flow.CLOSED]
    assert table[:, wanted].tolist() == [
        [1, 0, 1, 1, 0, 1],
        [0, 1, 0, 0, 0, 1],
        [0, 0, 0, 0, 0, 0],
        [1, 0, 1, 0, 1, 0],
    ]


@pytest.mark.parametrize(
    "before", ["", "2026-03-02T08:00:00.000Z ", "2026-03-02T08:00:00Z eni-1235b8ca-all "]
)
def test_lines_of_the_default_fields_need_no_header(before: str) -> None:
    text = "".join(before + each for each in (line(), line(SERVER), line(sizes="1 60")))
    assert is_flow_log(text.encode())
    log, table, problems = read(text)
    assert (log.format, len(table), problems) == ("aws-vpc", 3, {})
    assert FlowLog.named("vpc.log", log.format, log.header).parse(Chunk.of(text.encode()))[
        0
    ].table.tolist() == (table.tolist())


def test_spans_without_traffic_are_no_bad_lines() -> None:
    empty = "2 123456789010 eni-1235b8ca - - - - - - - 1418530010 1418530070 - NODATA\n"
    skipped = empty.replace("NODATA", "SKIPDATA")
    for header in (HEADER, ""):
        _, table, problems = read(header + empty + line() + skipped + line().replace("172.31.16.21", "x"))
        assert len(table) == 1
        problems.pop(FlowProblem.COMMENT, None)
        assert problems == {FlowProblem.NO_DATA: 2, FlowProblem.BAD_FLOW: 1}


def test_a_log_that_lacks_a_time_says_what_to_ask_for() -> None:
    with pytest.raises(FlowLogError, match=r"without column 'start'.*\$\{start\} \$\{end\}"):
        read(WITH_FLAGS.replace("start ", "") + "x\n")


def test_commas_are_taken_as_well() -> None:
    _, table, _ = read(
        WITH_FLAGS.replace(" ", ",") + "1418530010,1418530070,10.0.0.5,10.0.0.9,4,80,6,9,2000,ACCEPT,3\n"
    )
    assert table[0, [Flow.PACKETS_OUT, Flow.SUCCEEDED]].tolist() == [9, 1]


@given(st.text(alphabet="2 -.aeni0:ACEPTROKJNDS\n", max_size=300))
def test_whatever_is_written_is_read_or_counted(rest: str) -> None:
    text = HEADER + line() + rest + "\n"
    _, table, problems = read(text)
    assert len(table) + sum(problems.values()) == text.count("\n")


def test_nprobe_tells_both_directions_and_milliseconds() -> None:
    text = (
        "FLOW_START_MILLISECONDS|FLOW_END_MILLISECONDS|IPV4_SRC_ADDR|L4_SRC_PORT|IPV4_DST_ADDR|L4_DST_PORT|PROTOCOL|"
        "IN_BYTES|IN_PKTS|OUT_BYTES|OUT_PKTS|CLIENT_TCP_FLAGS\n"
        "1424242193040|1424242194540|10.0.0.5|40000|10.0.0.9|80|6|5000|9|130|7|27\n"
    )
    log, table, _ = read(text)
    assert (log.format, log.tells) == ("nprobe-csv", Known.FLAGS | Known.OUTCOME)
    wanted = [Flow.START, Flow.DURATION, Flow.BYTES_OUT, Flow.BYTES_IN, Flow.SUCCEEDED, Flow.SYN_OUT]
    assert table[0, wanted].tolist() == [1424242193040_000, 1_500_000, 5000, 130, 1, 1]
