"""What is said of exporters that do not do well, and of nobody else."""

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.live.lines import Clock
from tests.live.test_flows import Stream
from tests.network.datagrams import FIELDS4, NOW_S, UPTIME_MS, Record, a_set, line, record4, template
from vedette.config import Config
from vedette.live.flows import MOST_SHOWN
from vedette.live.live import Live
from vedette.storage import open_live_store

SECOND = 1_000_000
FLOW: Record = ("10.0.0.5", "192.0.2.1", 40_000, 443, 6, 0x1B, 12, 1_200)
FIRST = a_set(0, template(300, FIELDS4))


def v9(sets: Sequence[bytes], number: int, second: int) -> bytes:
    return struct.pack(">HHIIII", 9, len(sets), UPTIME_MS, NOW_S + second, number, 7) + b"".join(sets)


def flows(count: int, *, ago_s: int = 0) -> bytes:
    return a_set(300, record4(FLOW, last_ms=UPTIME_MS - 1_000 * (1 + ago_s)) * count)


def served(
    path: Path, datagrams: Sequence[bytes], *, at: int = NOW_S + 1, stream: str = "netflow:192.0.2.250"
) -> Live:
    """A service that took all datagrams in at once."""
    store = open_live_store(f"sqlite:///{path / 'v.db'}")
    clock = Clock(at * SECOND)
    running = Live(Config(), [Stream((line(*datagrams),), stream=stream, format="netflow")], store, clock)
    while running.turn():
        pass
    store.close()
    return running


@pytest.mark.parametrize(
    ("datagram", "looks"),
    [
        (b"\0\7" + bytes(60), "NetFlow v7"),
        (b"\0\0\0\4" + bytes(60), "sFlow v4"),
        (b"<13>Nov 22 07:00:00 host nginx: hello", "syslog"),
        (b"\0\5\0\1", "NetFlow v5 cut short"),
        (b"GET / HTTP/1.1", "47 45 54 20 ..."),
        (b"", "nothing at all"),
    ],
)
def test_a_sender_of_something_else_is_named_with_what_it_sends(
    tmp_path: Path, datagram: bytes, looks: str
) -> None:
    running = served(tmp_path, [datagram] * 4)
    (problem,) = running.flows.problems(running.clock())
    assert problem == (
        f"netflow:192.0.2.250: its last 4 datagrams cannot be read (they look like {looks}): "
        "have it send NetFlow v5 or v9, IPFIX or sFlow v5"
    )
    (shown,) = running.flows.streams
    assert (shown.received, shown.flows, shown.skipped) == (4, 0, {"bad_datagram": 4})


def test_records_before_their_template_are_told_until_it_comes(tmp_path: Path) -> None:
    before = [v9([flows(3)], number, number) for number in range(2)]
    running = served(tmp_path, before)
    (problem,) = running.flows.problems(running.clock())
    assert "before it sends its templates, 2 sets of records were not" in problem
    (tmp_path / "later").mkdir()
    later = served(tmp_path / "later", [*before, v9([FIRST, flows(3)], 2, 2)])
    assert later.flows.problems(later.clock()) == []
    (shown,) = later.flows.streams
    assert (shown.received, shown.flows, shown.skipped) == (3, 3, {"sets_without_template": 2})


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (-4_000, "its clock is 4,001 s behind the one here, or"),
        (4_000, "its clock is 3,999 s ahead of the one here, and"),
    ],
)
def test_a_wrong_clock_is_told_with_its_offset(tmp_path: Path, off: int, words: str) -> None:
    datagrams = [v9([FIRST, flows(10)], number, off) for number in range(40)]
    running = served(tmp_path, datagrams, at=NOW_S)
    (problem,) = running.flows.problems(running.clock())
    assert words in problem


def test_flows_that_come_too_late_are_told_with_what_to_set(tmp_path: Path) -> None:
    datagrams = [v9([FIRST, flows(1, ago_s=200 * (number % 2))], number, 0) for number in range(300)]
    running = served(tmp_path, datagrams)
    (problem,) = running.flows.problems(running.clock())
    assert problem == (
        "netflow:192.0.2.250: 150 of 300 flows began more than 60 s before others that came sooner, and count in part "
        "or not at all: set its inactive time-out to 15 s and its active one to 60 s, or raise windows.lateness_s"
    )
    assert running.flows.problems(running.clock() + 3600 * SECOND) == []


def test_nothing_is_said_of_one_that_does_well(tmp_path: Path) -> None:
    datagrams = [v9([FIRST, flows(5)], number, number // 10) for number in range(300)]
    running = served(tmp_path, datagrams, at=NOW_S + 30)
    assert running.flows.problems(running.clock()) == []
    (shown,) = running.flows.streams
    assert (shown.name, shown.format) == ("netflow:192.0.2.250", "netflow")
    assert (shown.received, shown.flows, shown.late, shown.skipped) == (300, 1_500, 0, {})
    assert shown.clock_s == -2.0


def test_no_more_streams_are_shown_than_a_person_reads(tmp_path: Path) -> None:
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        sources = []
        for number in range(MOST_SHOWN + 20):
            source = Stream(
                (line(v9([FIRST, flows(1)], 0, 0)),), stream=f"netflow:10.0.1.{number}", format="netflow"
            )
            source.name = f"source-{number}"
            sources.append(source)
        running = Live(Config(), sources, store, Clock(NOW_S * SECOND))
        while running.turn():
            pass
    assert len(running.flows.streams) == MOST_SHOWN
