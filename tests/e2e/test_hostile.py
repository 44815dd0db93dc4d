"""Whatever bytes a log holds: a clear end, nothing lost in the counts, nothing that steers a terminal."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.e2e.conftest import Run

from vedette.cli.main import run

STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
LINE = b'%s - - [02/Mar/2026:%s +0000] "%s" %s 5 "%s" "%s"\n'

texts = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"GET / HTTP/1.1",
            b"GET /?q=%27%20OR%201=1--\x1b[2J HTTP/1.1",
            b"GET /../../etc/passwd\x1b]0;title\x07 HTTP/1.1",
            b"\x16\x03\x01\x02",
            "sqlmap\u202e\u200b/1.0".encode(),
            b"${jndi:ldap://x/a}\r\x9b2J",
            b"-",
            b"",
        ]
    ),
)
clocks = st.sampled_from([b"08:00:00", b"08:00:59", b"23:59:60", b"99:99:99", b"07:00:00", b""])
numbers = st.sampled_from([b"200", b"404", b"500", b"-", b"99999999999999999999", b"2\x000"])
clients = st.sampled_from(
    [b"192.0.2.1", b"2001:db8::1", b"host.example", b"-", b"\x1b[31m", b"::ffff:192.0.2.1"]
)
requests = st.builds(lambda *parts: LINE % parts, clients, clocks, texts, numbers, texts, texts)
logs = st.lists(st.one_of(requests, requests, requests, st.binary(max_size=80), st.just(b"\n")), max_size=30)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=300), logs.map(b"".join)),
    st.sampled_from(["auto", "combined", "envoy-json"]),
)
def test_any_bytes_end_in_a_report_or_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], log: bytes, form: str
) -> None:
    (tmp_path / "access.log").write_bytes(log)
    found, page = tmp_path / "f.json", tmp_path / "r.html"
    found.unlink(missing_ok=True)
    verdicts = tmp_path / "v.jsonl"
    arguments = [
        "--format",
        form,
        "--json",
        str(found),
        "--html",
        str(page),
        "--verdicts",
        str(verdicts),
        "--all",
    ]
    status = run(["scan", str(tmp_path / "access.log"), *arguments])
    told = capsys.readouterr()
    assert status in (0, 1, 2), told.err
    assert not STEERS.search(told.out + told.err.rstrip("\n"))
    if status == 2:
        assert told.err.count("\n") == 1
        assert told.out == ""
        assert not found.exists()
        return
    assert told.err == ""
    coverage = json.loads(found.read_bytes())["coverage"]
    assert coverage["lines"] == coverage["parsed"] + sum(coverage["skipped"].values())
    assert len(verdicts.read_bytes().splitlines()) == coverage["parsed"]
    assert not STEERS.search(page.read_text().replace("\t", ""))


def test_a_client_s_escape_sequences_reach_no_terminal(vedette: Run, tmp_path: Path) -> None:
    attack = LINE % (
        b"192.0.2.9",
        b"08:00:01",
        b"GET /?id=1%27%20UNION%20SELECT%20password%20FROM%20users--\x1b[2J\x1b]0;owned\x07 HTTP/1.1",
        b"200",
        b"\x1b[31m",
        "sqlmap/1.8\u202e\x9b2J".encode(),
    )
    (tmp_path / "\x1b[31mred.log").write_bytes(attack * 40 + b"\x1b[31mgarbage\n" * 5)
    ended = vedette("scan", "\x1b[31mred.log")
    assert ended.returncode == 1, ended.stderr
    assert not STEERS.search(ended.stdout.decode())
    assert b"UNION" in ended.stdout
