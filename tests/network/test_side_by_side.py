"""Inputs of the same time, read side by side."""

import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.conftest import Run, vedette
from tests.network.packets import ACK, BEGIN, SECOND, SYN, pcap, tcp
from vedette.replay.flow_lanes import Lane, Watchers, merged
from vedette.schema.flows import FLOW_COLUMNS, Flow, Flows, Known
from vedette.windows.flow_table import Passed

HEADER = "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\n"

__all__ = ["vedette"]


def lines(network: int, hours: int) -> list[str]:
    """A connection every ten seconds, from a network of its own."""
    draw = random.Random(network)
    return [
        f"{1_700_000_000 + 10 * n + draw.random():.6f}\t10.{network}.0.{draw.randrange(256)}\t"
        f"{draw.randrange(1024, 65536)}\t192.0.2.{draw.randrange(9)}\t443\ttcp\t{draw.random():.3f}\n"
        for n in range(360 * hours)
    ]


def windows_of(vedette: Run, folder: Path, *names: str) -> tuple[list[dict[str, object]], dict[str, object]]:
    done = vedette("scan", *names, "--json", "found.json", "--windows", "windows.jsonl")
    assert done.returncode <= 1, done.stderr
    document = json.loads((folder / "found.json").read_text())
    rows = [json.loads(line) for line in (folder / "windows.jsonl").read_text().splitlines()]
    return [{"at": row["window_start"], **row["metrics"]} for row in rows], document["coverage"]


def test_two_logs_of_the_same_hours_are_read_as_one(vedette: Run, tmp_path: Path) -> None:
    one, other = lines(1, 3), lines(2, 3)
    (tmp_path / "one.log").write_text(HEADER + "".join(one))
    (tmp_path / "other.log").write_text(HEADER + "".join(other))
    (tmp_path / "both.log").write_text(HEADER + "".join(sorted(one + other)))
    both, covered = windows_of(vedette, tmp_path, "one.log", "other.log")
    assert covered["late_flows"] == 0
    assert both == windows_of(vedette, tmp_path, "other.log", "one.log")[0]
    assert both == windows_of(vedette, tmp_path, "both.log")[0]


def test_two_captures_of_the_same_minutes_are_read_as_one(vedette: Run, tmp_path: Path) -> None:
    packets = [
        (BEGIN + 100_000 * n, tcp(f"10.0.{n % 2}.{n % 50 + 1}:{1024 + n}", "192.0.2.1:443", SYN, seq=n))
        for n in range(3000)
    ]
    (tmp_path / "both.pcap").write_bytes(pcap(packets, 101))
    for part, name in enumerate(("one.pcap", "other.pcap")):
        (tmp_path / name).write_bytes(pcap(packets[part::2], 101))
    both, covered = windows_of(vedette, tmp_path, "one.pcap", "other.pcap")
    assert covered["late_flows"] == 0
    assert both == windows_of(vedette, tmp_path, "both.pcap")[0]


@pytest.mark.parametrize("hours", [1, 3])
def test_logs_of_one_hour_each_are_read_in_the_order_of_time(
    vedette: Run, tmp_path: Path, hours: int
) -> None:
    whole = lines(1, hours)
    (tmp_path / "whole.log").write_text(HEADER + "".join(whole))
    # Named so that none comes in its turn.
    names = [f"{hours - hour}.log" for hour in range(hours)]
    for hour, name in enumerate(names):
        (tmp_path / name).write_text(HEADER + "".join(whole[360 * hour : 360 * (hour + 1)]))
    apart, covered = windows_of(vedette, tmp_path, *sorted(names))
    assert [source["source"] for source in covered["sources"]] == sorted(names)  # type: ignore[attr-defined]
    assert apart == windows_of(vedette, tmp_path, "whole.log")[0]


def test_a_clock_that_is_years_ahead_in_one_line_makes_no_other_late(vedette: Run, tmp_path: Path) -> None:
    held = lines(1, 1)
    held.insert(20, held[20].replace("17000", "27000", 1))
    (tmp_path / "rogue.log").write_text(HEADER + "".join(held))
    _, covered = windows_of(vedette, tmp_path, "rogue.log")
    assert covered["late_flows"] == 0


@given(st.data())
def test_the_order_of_rows_depends_on_no_batch(data: st.DataObject) -> None:
    lanes = data.draw(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=12), min_size=1, max_size=4))
    begins = [min(times) for times in lanes]

    def told(cut: bool) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        made = []
        for number, times in enumerate(lanes):
            table = np.zeros((len(times), FLOW_COLUMNS), dtype=np.int64)
            table[:, Flow.NUMBER], table[:, Flow.CLIENT_LOW] = np.arange(len(times)), number
            flows = Flows(table, Known(0))
            whole = Passed(0, flows, flows, None, reached=np.maximum.accumulate(np.array(times)))
            ends = sorted(data.draw(st.sets(st.integers(1, len(times))))) if cut else []
            edges = [0, *(end for end in ends if end < len(times)), len(times)]
            parts = [whole.cut(a, b) for a, b in pairwise(edges)]
            made.append(Lane(begins[number], iter(parts)))
        for passed in merged(made):
            assert passed.ended.table is passed.parts.table
            found += [(int(row[Flow.CLIENT_LOW]), int(row[Flow.NUMBER])) for row in passed.parts.table]
        return found

    assert told(cut=True) == told(cut=False)


PACKETS = HEADER.replace("duration", "orig_pkts\tresp_pkts")


def busy(network: int, seconds: range, each: int) -> list[str]:
    """So many connections in each second, with about twenty packets each."""
    draw = random.Random(network)
    return [
        f"{1_700_000_000 + second + n / each:.6f}\t10.{network}.0.{draw.randrange(30)}\t"
        f"{draw.randrange(1024, 65536)}\t192.0.2.{draw.randrange(9)}\t443\t{'tcp' if network == 1 else 'udp'}\t"
        f"{draw.randrange(8, 13)}\t{draw.randrange(8, 13)}\n"
        for second in seconds
        for n in range(each)
    ]


def found(vedette: Run, folder: Path, **logs: list[str]) -> tuple[list[dict[str, object]], list[str]]:
    for name, held in logs.items():
        (folder / name).write_text(PACKETS + "".join(held))
    done = vedette("scan", *logs, "--json", "found.json")
    assert done.returncode <= 1, done.stderr
    document = json.loads((folder / "found.json").read_text())
    return document["anomalies"], document["coverage"]["ended_early"]


def test_a_log_that_ends_before_the_others_is_no_drop_and_is_told(vedette: Run, tmp_path: Path) -> None:
    one, other = busy(1, range(3600), 1), busy(2, range(2400), 4)
    assert found(vedette, tmp_path, one=one, other=other) == (
        [],
        ["other ends 2023-11-14 22:53:10 UTC, before others: less traffic from then on is no drop"],
    )
    together = sorted(one + other)
    anomalies, early = found(vedette, tmp_path, both=together)
    assert {a["type"] for a in anomalies} >= {"traffic_drop"}
    assert early == []


def test_a_drop_in_what_goes_on_is_told_all_the_same(vedette: Run, tmp_path: Path) -> None:
    one, other = busy(1, range(4800), 3), busy(2, range(2400), 4)
    quiet = [line for line in one if not 3600 <= float(line.split("\t")[0]) - 1_700_000_000 < 4200]
    anomalies, _ = found(vedette, tmp_path, one=quiet, other=other)
    assert [a["type"] for a in anomalies if str(a["start"]) < "2023-11-14T23:13"] == []
    assert {a["type"] for a in anomalies} == {"traffic_drop"}


def test_logs_that_follow_one_another_are_one_that_watches(vedette: Run, tmp_path: Path) -> None:
    first, second = busy(1, range(2400), 4), busy(1, range(2400, 4800), 4)
    quiet = [line for line in second if not 1000 <= float(line.split("\t")[0]) - 1_700_002_400 < 1600]
    anomalies, early = found(vedette, tmp_path, first=first, second=quiet)
    assert {a["type"] for a in anomalies} == {"traffic_drop"}
    assert early == []


def test_what_is_still_seen_is_told_by_what_each_input_carried() -> None:
    def lane(first: int, reached: int, packets: int) -> Lane:
        return Lane(first, iter(()), "", first, reached, packets)

    long, short, heir = lane(0, 1000, 1000), lane(0, 400, 1200), lane(390, 500, 110)
    watchers = Watchers([long, short])
    assert watchers.share(0) == 1.0
    watchers.ended(short)
    assert (watchers.share(390), watchers.share(400)) == (1.0, 0.25)
    assert list(watchers.early()) == [("", 400)]
    followed = Watchers([long, short, heir])
    followed.ended(short)
    assert followed.share(400) == 1.0
    followed.ended(heir)
    assert followed.share(500) == 0.5


def talk(number: int) -> list[tuple[int, bytes]]:
    """A connection of a minute: an opening, a question and an answer each second, and an end."""
    ends = f"10.0.0.{number % 40 + 1}:{20_000 + number}", "192.0.2.1:443"
    at, asked, told = BEGIN + 700_000 * number, 100 * number, 5_000_000 + 100 * number
    packets = [
        (at, tcp(*ends, SYN, seq=asked)),
        (at + 10_000, tcp(ends[1], ends[0], SYN | ACK, seq=told, ack=asked + 1)),
        (at + 20_000, tcp(*ends, ACK, seq=asked + 1, ack=told + 1)),
    ]
    for second in range(60):
        begin = at + SECOND * (second + 1)
        packets += [
            (begin, tcp(*ends, ACK, b"?" * 40, seq=asked + 1 + 40 * second, ack=told + 1 + 90 * second)),
            (
                begin + 30_000,
                tcp(
                    ends[1], ends[0], ACK, b"!" * 90, seq=told + 1 + 90 * second, ack=asked + 41 + 40 * second
                ),
            ),
        ]
    return packets


@pytest.mark.parametrize(
    "names",
    [
        ("trace.pcap", "trace.pcap1", "trace.pcap2"),
        ("trace.pcap1", "trace.pcap2", "trace.pcap0"),
        ("eth0-20260302T0800.pcap", "eth0-20260302T0801.pcap", "eth0-20260302T0802.pcap"),
    ],
)
def test_rotated_captures_are_one(vedette: Run, tmp_path: Path, names: tuple[str, ...]) -> None:
    packets = sorted(packet for number in range(200) for packet in talk(number))
    (tmp_path / "whole").write_bytes(pcap(packets, 101))
    third = len(packets) // 3
    for part, name in enumerate(names):
        held = packets[part * third : (part + 1) * third if part < 2 else None]
        (tmp_path / name).write_bytes(pcap(held, 101))
    whole, at_once = windows_of(vedette, tmp_path, "whole")
    parts, covered = windows_of(vedette, tmp_path, *sorted(names))
    assert at_once["flows"] == covered["flows"] == 200
    assert parts == whole
    assert [source["source"] for source in covered["sources"]] == sorted(names)  # type: ignore[attr-defined]


def test_captures_of_two_places_that_overlap_are_two(vedette: Run, tmp_path: Path) -> None:
    packets = sorted(packet for number in range(40) for packet in talk(number))
    (tmp_path / "tap1.pcap").write_bytes(pcap(packets, 101))
    (tmp_path / "tap2.pcap").write_bytes(pcap(packets[200:], 101))
    _, covered = windows_of(vedette, tmp_path, "tap1.pcap", "tap2.pcap")
    assert covered["flows"] > 40  # type: ignore[operator]
