"""`vedette scan` on captures and flow logs, as a user runs it."""

import gzip
import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Run, vedette
from tests.network.packets import ACK, BEGIN, SYN, Frame, pcap, pcapng, tcp
from tests.network.test_flow_logs import ZEEK

__all__ = ["vedette"]


def scan() -> list[Frame]:
    return [
        (BEGIN + 50_000 * n, tcp("198.51.100.7:40000", f"192.0.2.1:{n + 1}", SYN, seq=n)) for n in range(300)
    ]


def attack() -> list[Frame]:
    text = b"GET /?id=1%27+union+select+1,2,3--+ HTTP/1.1\r\nHost: shop\r\nUser-Agent: x\r\n\r\n"
    return [(BEGIN + 400 * 50_000, tcp("198.51.100.7:4001", "192.0.2.1:80", ACK, text, seq=5))]


@pytest.mark.parametrize("make", [pcap, pcapng, lambda frames, link: gzip.compress(pcap(frames, link))])
def test_a_capture_is_scanned_for_scans_and_for_attacks_in_its_http(
    vedette: Run, tmp_path: Path, make: "type"
) -> None:
    (tmp_path / "trace.bin").write_bytes(make(scan() + attack(), 101))
    done = vedette(
        "scan", "trace.bin", "--json", "found.json", "--windows", "w.jsonl", "--baselines", "b.json"
    )
    assert done.returncode == 1, done.stderr
    document = json.loads((tmp_path / "found.json").read_text())
    types = {a["type"] for a in document["anomalies"]}
    assert {"port_scan", "sql_injection"} <= types
    assert document["coverage"]["packets"] == 301
    assert document["coverage"]["flows"] == 301
    windows = [json.loads(line) for line in (tmp_path / "w.jsonl").read_text().splitlines()]
    assert sum(w["metrics"]["packets"] for w in windows) == 301
    assert sum(w["anomaly_count"] for w in windows) == sum(
        a["service"] == "network" for a in document["anomalies"]
    )
    assert all(a["message"] and a["type"] == "port_scan" for w in windows for a in w["anomalies"])
    assert json.loads((tmp_path / "b.json").read_text())["packets"]["max"] > 0
    assert b"port scan" in done.stdout.lower()


def test_flow_logs_and_captures_are_read_side_by_side(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_text(ZEEK)
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    done = vedette("scan", "trace.pcap", "conn.log", "--json", "-")
    document = json.loads(done.stdout)
    assert document["coverage"]["flows"] == 303
    assert [s["format"] for s in document["coverage"]["sources"]] == ["pcap", "zeek-conn"]


def test_what_cannot_be_read_is_told_in_a_line_and_the_rest_is_read(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "wifi.pcap").write_bytes(pcap([], 105))
    (tmp_path / "cut.pcap").write_bytes(pcap(scan(), 101)[:-7])
    done = vedette("scan", "wifi.pcap", "cut.pcap", "--json", "found.json")
    assert done.returncode == 1
    coverage = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert coverage["packets"] == 299
    assert "beginning of a packet" in coverage["sources"][0]["truncated"]
    (line,) = coverage["unread"]
    assert "link type 105 (IEEE 802.11)" in line
    assert b"wifi.pcap" in done.stdout
    alone = vedette("scan", "wifi.pcap")
    assert alone.returncode == 2
    assert len(alone.stderr.splitlines()) == 1


def test_findings_of_flows_are_kept_in_a_store(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    assert vedette("scan", "trace.pcap", "--store", "sqlite:///v.db", "-q").returncode == 1
    assert (tmp_path / "v.db").stat().st_size > 0
