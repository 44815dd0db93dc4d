"""A line is told the same alone, among others, and in a scan."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.lines import Clock
from tests.patience import PATIENCE_S
from vedette.config import Config
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.choosing import enricher
from vedette.engine.line_judge import LineJudge
from vedette.engine.line_verdicts import FEW
from vedette.live.inbox import HURRY_BYTES, Inbox
from vedette.parsers.log_format import log_format
from vedette.parsers.registry import formats
from vedette.parsers.sniff import sniff
from vedette.sources.journal import Journal, JournalError

NOON = 1_772_452_800_000_000
ATTACKS = [
    "/a/../../etc/passwd",
    "/s?q=1'+union+select+password+from+users--",
    "/s?q=<script>alert(1)</script>",
    "/.env",
    "/x?u=${jndi:ldap://198.51.100.1/a}",
]
HARMLESS = ["/", "/shop?q=shoes", "/a?b=?c", "/?", "/a?", "*", "/search?q=o'reilly", "/%D0%BF?q=%22"]


class FullJournal(Journal):
    """Takes nothing: what is judged is not learned from here."""

    def __init__(self) -> None:
        """It has no directory."""

    def append(self, *_: Any, **__: Any) -> None:
        raise JournalError("full", full=True)


@cache
def scanner() -> SignatureScanner:
    return SignatureScanner.cached()


def fresh() -> Inbox:
    """Has read nothing yet; knows a format with the addresses that requests were forwarded for, too."""
    forwarding = log_format(
        '$remote_addr [$time_local] "$request" $status $request_time "$http_x_forwarded_for"'
    )
    known = [*formats(), forwarding]
    judge = LineJudge(scanner(), lambda sample: sniff(sample, known), enricher(Config()))
    return Inbox(FullJournal(), judge, Clock(NOON))


@cache
def inbox() -> Inbox:
    return fresh()


TEXT = st.one_of(
    st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=12).map(str.encode),
    st.binary(max_size=8).map(lambda text: text.replace(b"\n", b"").replace(b"\r", b"")),
)
SECONDS = st.integers(-62_135_596_800, 253_402_300_799)
"""Of the years 1 to 9999."""


@st.composite
def combined(draw: st.DrawFn) -> bytes:
    target = draw(st.one_of(st.sampled_from([*ATTACKS, *HARMLESS]).map(str.encode), TEXT))
    agent = draw(st.one_of(st.sampled_from([b"-", b"curl/8.0", b"sqlmap/1.7"]), TEXT))
    status = draw(st.sampled_from([b"200", b"503", b"-", b"0"]))
    size = draw(st.sampled_from([b"0", b"-", b"9223372036854775807"]))
    time = draw(st.sampled_from([b"02/Mar/2026:09:10:00 +0000", b"29/Feb/1904:23:59:59 -0930"]))
    return b'192.0.2.7 - - [%b] "GET %b HTTP/1.1" %b %b "-" "%b"' % (time, target, status, size, agent)


@st.composite
def forwarded(draw: st.DrawFn) -> bytes:
    peer = draw(st.sampled_from([b"10.0.0.1", b"2001:db8::9", b"gate.example"]))
    by = draw(st.sampled_from([b"-", b"203.0.113.5", b"2001:db8:1:2:3:4:5:6", b"unknown"]))
    took = draw(st.sampled_from([b"0.123", b"-", b"3600.5", b"0.000"]))
    line = b'%b [02/Mar/2026:09:10:00 +0000] "GET / HTTP/1.1" 200 %b "%b"'
    return line % (peer, took, by)


@st.composite
def traefik(draw: st.DrawFn) -> bytes:
    row = {
        "ClientHost": "192.0.2.9",
        "StartUTC": draw(st.sampled_from(["2026-03-02T09:10:00.123456Z", "1969-12-31T23:59:59.5Z"])),
        "RequestMethod": "GET",
        "RequestPath": draw(
            st.one_of(st.sampled_from([*ATTACKS, *HARMLESS]), st.text(max_size=12), st.just("/" + "x" * 5000))
        ),
        "DownstreamStatus": 200,
        "Duration": draw(st.integers(0, 10**12)),
        "RouterName": draw(st.text(max_size=5)),
    }
    return json.dumps(row).encode()


LINES = st.one_of(combined(), combined(), forwarded(), traefik(), st.just(b"not a log"), TEXT.filter(len))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(LINES, st.sampled_from([None, None, "s"])), min_size=FEW + 1, max_size=40))
def test_lines_written_together_are_written_as_one_by_one(rows: list[tuple[bytes, str | None]]) -> None:
    lines, sessions = [line for line, _ in rows], [session for _, session in rows]
    # What a line is read as may depend on those before it.
    together = fresh().detect_all(lines, sessions, processed=41, phase="warmup")
    each = fresh().detect(lines, sessions, processed=41, phase="warmup")
    assert together.answers == [msgspec.json.encode(said) for said in each]
    joined = fresh().detect_all(lines, sessions, b",\n", processed=41, phase="warmup")
    assert b",\n".join(joined.answers) == b",\n".join(together.answers)
    assert together.anomalies == sum(said.is_anomaly for said in each)
    assert together.unread == sum(said.details["log_data"] is None for said in each)


@settings(max_examples=100, deadline=None)
@given(st.lists(combined(), min_size=FEW + 1, max_size=20))
def test_a_line_alone_is_answered_as_among_others(lines: list[bytes]) -> None:
    inbox().detect(lines[:1], [None], processed=0, phase="ensemble")
    nothing = [None] * len(lines)
    together = inbox().detect_all(lines, nothing, processed=6, phase="ensemble")
    for number, (line, told) in enumerate(zip(lines, together.answers, strict=True)):
        (found,) = inbox().detect([line], [None], processed=6 + number, phase="ensemble")
        assert told == msgspec.json.encode(found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999), min_size=1, max_size=20))
def test_times_are_written_as_numpy_writes_them(times: list[int]) -> None:
    import numpy as np

    from vedette.kernels.text.json_rows import TIME, WIDEST, write_rows

    nothing = np.zeros(1, dtype=np.int64)
    time = np.array(times, dtype=np.int64)
    out, past = np.zeros(WIDEST * len(times), dtype=np.uint8), np.zeros(len(times), dtype=np.int64)
    kinds = np.array([TIME], dtype=np.int64)
    row = write_rows(kinds, nothing, time.reshape(-1, 1), out[:0], nothing, nothing, out, past)
    written = out[:row].tobytes()
    expected = [f'"{text}Z"' for text in np.datetime_as_string(time.view("M8[us]")).tolist()]
    assert written.decode() == "".join(expected)


@pytest.mark.slow
def test_a_scan_says_the_same_of_each_line(tmp_path: Path) -> None:
    agents = ["curl/8.0", "sqlmap/1.7", "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0"]
    lines = [
        f'192.0.2.{n % 250} - - [02/Mar/2026:09:10:{n % 60:02} +0000] "GET {target} HTTP/1.1" 200 12 "-" "{agent}"'
        for n, (target, agent) in enumerate((t, a) for t in [*ATTACKS, *HARMLESS] * 5 for a in agents)
    ]
    (tmp_path / "a.log").write_text("".join(f"{line}\n" for line in lines))
    command = [sys.executable, "-m", "vedette", "scan", "a.log", "-q", "--verdicts", "v", "--all"]
    subprocess.run(command, cwd=tmp_path, check=False, timeout=PATIENCE_S, capture_output=True)
    scanned = [json.loads(line) for line in (tmp_path / "v").read_text().splitlines()]
    told = inbox().detect_all(
        [line.encode() for line in lines], [None] * len(lines), processed=0, phase="waiting"
    )
    assert len(scanned) == len(lines)
    for verdict, answer in zip(scanned, map(json.loads, map(bytes, told.answers)), strict=True):
        rules = answer["details"]["rule_based"]
        if set(verdict["types"]) == set(rules["attack_types"]):
            assert verdict["is_anomaly"] == answer["is_anomaly"]
            assert verdict["score"] == pytest.approx(answer["anomaly_score"], abs=6e-5)
        else:
            # What a scan says more, it says of the windows that lines lie in.
            assert set(verdict["types"]) > set(rules["attack_types"])
            assert verdict["is_anomaly"] >= answer["is_anomaly"]
    assert told.anomalies >= 100


def test_many_lines_are_taken_in_at_once_and_few_when_it_suits(tmp_path: Path) -> None:
    """What was searched a moment ago is still known when the lines are learned from."""
    hurries: list[int] = []
    journal = Journal(tmp_path / "journal", Clock(NOON))
    judge = LineJudge(scanner(), lambda sample: sniff(sample, formats()), enricher(Config()))
    inbox = Inbox(journal, judge, Clock(NOON), hurry=lambda: hurries.append(1))
    line = b'198.51.100.7 - - [02/Mar/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.0"'
    lines = [line] * 1000
    for many in range(1, 40):
        inbox.detect_all(lines, [None] * len(lines), processed=0, phase="warmup")
        waiting = many * len(lines) * (len(line) + 1)
        assert len(hurries) == (waiting >= HURRY_BYTES)
    inbox.settle()
    inbox.detect_all(lines, [None] * len(lines), processed=0, phase="warmup")
    assert len(hurries) == 1
    journal.close()
