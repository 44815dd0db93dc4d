"""What a sensor writes of flows and of requests, scanned together."""

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Run, vedette

__all__ = ["vedette"]

CONN = "#separator \\x09\n#path\tconn\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\n"
HTTP = "#separator \\x09\n#path\thttp\n#fields\tts\tid.orig_h\tid.resp_h\tmethod\thost\turi\tstatus_code\n"
DNS = "#separator \\x09\n#path\tdns\n#fields\tts\tid.orig_h\tid.resp_h\tproto\tquery\n"
ATTACK = "/item?id=1' UNION SELECT password FROM users--"


def event(number: int, kind: str) -> str:
    at = f"2026-03-02T08:{number // 60:02d}:{number % 60:02d}.000000+0000"
    told = {
        "http": {"http": {"hostname": "shop.example", "url": ATTACK, "http_method": "GET", "status": 200}},
        "flow": {
            "flow": {
                "start": at, "end": at, "pkts_toserver": 5, "pkts_toclient": 4, "bytes_toserver": 500,
                "bytes_toclient": 900,
            }
        },
        "dns": {"dns": {"rrname": "shop.example"}},
    }  # fmt: skip
    common = {
        "timestamp": at, "flow_id": number, "event_type": kind, "src_ip": "203.0.113.5", "src_port": 1024 + number,
        "dest_ip": "10.0.0.80", "dest_port": 80, "proto": "TCP",
    }  # fmt: skip
    return json.dumps({**common, **told[kind]}) + "\n"


def test_an_eve_log_is_read_for_its_flows_and_for_its_requests(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "eve.json").write_text(
        "".join(event(n, kind) for n in range(60) for kind in ("http", "dns", "flow"))
    )
    done = vedette("scan", "eve.json", "--json", "found.json")
    assert done.returncode == 1, done.stderr
    document = json.loads((tmp_path / "found.json").read_text())
    covered = document["coverage"]
    assert (covered["flows"], covered["parsed"], covered["skipped"]) == (60, 60, {"other_event": 120})
    assert "sql_injection" in {anomaly["type"] for anomaly in document["anomalies"]}
    assert b"Most lines are no requests" not in done.stdout


@pytest.mark.parametrize("kernels", ["compile", "interpret"])
def test_a_line_of_an_eve_log_that_is_no_event_is_counted_once(
    vedette: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernels: str
) -> None:
    """Whoever reads the requests counts it; what should be a flow and is none, whoever reads those."""
    monkeypatch.setenv("VEDETTE_KERNELS", kernels)
    bad_flow = json.dumps({**json.loads(event(60, "flow")), "src_ip": "nowhere"}) + "\n"
    bad = '{"timestamp": \n' + "[1]\n" + '{"a": 1}\n' + bad_flow
    for kinds, counted in (
        (("http", "flow"), ({"bad_json": 1, "not_this_format": 2, "other_event": 61}, {"bad_flow": 1})),
        (("flow",), ({}, {"bad_flow": 4})),
    ):
        text = "".join(event(n, kind) for n in range(60) for kind in kinds) + bad
        (tmp_path / "eve.json").write_text(text)
        vedette("scan", "eve.json", "--json", "found.json")
        covered = json.loads((tmp_path / "found.json").read_text())["coverage"]
        assert (covered["skipped"], covered["packets_skipped"]) == counted


def test_a_pipe_of_both_is_read_for_its_flows_and_says_so(vedette: Run, tmp_path: Path) -> None:
    both = "".join(event(n, kind) for n in range(60) for kind in ("http", "flow"))
    done = vedette("scan", "-", "--json", "found.json", stdin=both.encode())
    covered = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert (covered["flows"], covered["parsed"]) == (60, 0)
    assert "its events of HTTP are not read" in covered["unread"][0]
    assert done.returncode == 0


def test_a_pipe_of_requests_alone_is_read_for_them(vedette: Run, tmp_path: Path) -> None:
    vedette("scan", "-", "--json", "found.json", stdin="".join(event(n, "http") for n in range(60)).encode())
    covered = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert (covered["flows"], covered["parsed"], covered["unread"]) == (0, 60, [])


def test_a_directory_of_zeek_s_logs_gives_flows_and_requests(vedette: Run, tmp_path: Path) -> None:
    folder = tmp_path / "current"
    folder.mkdir()
    times = [1_772_438_400 + n for n in range(60)]
    (folder / "conn.log").write_text(
        CONN + "".join(f"{at}.0\t203.0.113.5\t1024\t10.0.0.80\t80\ttcp\t0.5\n" for at in times)
    )
    (folder / "http.log").write_text(
        HTTP + "".join(f"{at}.0\t203.0.113.5\t10.0.0.80\tGET\tshop.example\t{ATTACK}\t200\n" for at in times)
    )
    (folder / "dns.log").write_text(DNS + f"{times[0]}.0\t203.0.113.5\t10.0.0.53\tudp\tshop.example\n")
    done = vedette("scan", "current", "--json", "found.json")
    document = json.loads((tmp_path / "found.json").read_text())
    covered = document["coverage"]
    assert (covered["flows"], covered["parsed"]) == (60, 60)
    assert {(a["type"], a["service"]) for a in document["anomalies"]} >= {("sql_injection", "shop.example")}
    assert b"dns.log" in done.stdout


def test_a_past_of_flows_teaches_nothing_about_requests_and_the_report_says_so(
    vedette: Run, tmp_path: Path
) -> None:
    (tmp_path / "conn.log").write_text(CONN + "1772438400.0\t203.0.113.5\t1024\t10.0.0.80\t80\ttcp\t0.5\n")
    (tmp_path / "http.log").write_text(
        HTTP + "1772438460.0\t203.0.113.5\t10.0.0.80\tGET\tshop.example\t/\t200\n"
    )
    done = vedette("scan", "http.log", "--baseline-from", "conn.log", "--json", "found.json")
    assert done.returncode == 0, done.stderr
    (said,) = json.loads((tmp_path / "found.json").read_text())["coverage"]["unread"]
    assert said == (
        "conn.log: nothing was learned from it (--baseline-from): it holds flows, and requests alone are scanned"
    )
