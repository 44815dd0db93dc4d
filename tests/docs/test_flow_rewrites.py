"""The programs of jq that rewrite flow logs give flows that Vedette reads."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.docs.paste import environment
from tests.patience import PATIENCE_S

PAGE = (ROOT / "docs/how-to/flow-logs.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"`([a-z0-9-]+\.jq)`:\n\n```jq\n(.*?)```", PAGE, re.DOTALL))


def _google(reporter: str, **more: object) -> dict[str, object]:
    ends = {
        "src_ip": "203.0.113.9",
        "src_port": 51234,
        "dest_ip": "10.128.0.7",
        "dest_port": 443,
        "protocol": 6,
    }
    payload = {
        "connection": ends, "reporter": reporter, "packets_sent": "12", "bytes_sent": "11040",
        "start_time": "2025-11-20T10:00:00.123456789Z", "end_time": "2025-11-20T10:00:05Z",
    }  # fmt: skip
    return {"jsonPayload": payload | more, "timestamp": "2025-11-20T10:00:06Z"}


def _azure(*tuples: str) -> dict[str, object]:
    return {"records": [{"properties": {"flows": [{"rule": "r", "flows": [{"flowTuples": tuples}]}]}}]}


def _azure_vnet(*tuples: str) -> dict[str, object]:
    return {"records": [{"flowRecords": {"flows": [{"flowGroups": [{"rule": "r", "flowTuples": tuples}]}]}}]}


def _goflow(**more: object) -> dict[str, object]:
    flow = {
        "type": "NETFLOW_V9", "sampler_address": "192.0.2.1", "sampling_rate": 0, "src_addr": "203.0.113.9",
        "dst_addr": "10.0.0.4", "src_port": 51234, "dst_port": 443, "proto": "TCP", "packets": 3, "bytes": 1500,
        "time_flow_start_ns": 1763632799000000000, "time_flow_end_ns": 1763632800000000000, "tcp_flags": 27,
    }  # fmt: skip
    return flow | more


CASES: dict[str, tuple[list[dict[str, object]], list[str]]] = {
    "google-vpc.jq": (
        [
            _google("DEST"),
            _google("SRC", src_instance={"vm_name": "a"}),
            _google("DEST", src_instance={"vm_name": "a"}),
            {"httpRequest": {"status": 200}},
        ],
        ["1763632800 1763632805 203.0.113.9 10.128.0.7 51234 443 6 12 11040"] * 2,
    ),
    "azure.jq": (
        [
            _azure(
                "1763632800,203.0.113.9,10.0.0.4,35370,23,T,I,D,B,,,,",
                "1763632801,10.0.0.4,192.0.2.8,40000,53,U,O,A,B,,,,",
                "1763632802,10.0.0.4,192.0.2.8,40000,53,U,O,A,E,1,70,2,300",
                "1763632803,203.0.113.9,10.0.0.4,35371,443,T,I,A",
            ),
            _azure_vnet(
                "1763632804000,10.0.0.6,2001:db8::9,23956,443,6,O,B,NX,0,0,0,0",
                "1763632805000,10.0.0.6,2001:db8::9,23956,443,6,O,E,NX,5,900,0,0",
                "1763632806000,203.0.113.9,10.0.0.6,5,22,6,I,D,NX,1,60,0,0",
            ),
        ],
        [
            "1763632800 1763632800 203.0.113.9 10.0.0.4 35370 23 6 0 0 REJECT",
            "1763632802 1763632802 10.0.0.4 192.0.2.8 40000 53 17 1 70 ACCEPT",
            "1763632802 1763632802 192.0.2.8 10.0.0.4 53 40000 17 2 300 ACCEPT",
            "1763632803 1763632803 203.0.113.9 10.0.0.4 35371 443 6 0 0 ACCEPT",
            "1763632805 1763632805 10.0.0.6 2001:db8::9 23956 443 6 5 900 ACCEPT",
            "1763632806 1763632806 203.0.113.9 10.0.0.6 5 22 6 1 60 REJECT",
        ],
    ),
    "goflow2.jq": (
        [
            _goflow(),
            _goflow(sampling_rate=100, proto="UDP", tcp_flags=0, src_addr="2001:db8::1", dst_addr="2001:db8::2"),
            _goflow(type="SFLOW_5"),
            _goflow(proto=47, src_port=0, dst_port=0),
        ],
        [
            "1763632799 1763632800 203.0.113.9 10.0.0.4 51234 443 6 3 1500 27",
            "1763632799 1763632800 2001:db8::1 2001:db8::2 51234 443 17 300 150000 0",
            "1763632799 1763632800 203.0.113.9 10.0.0.4 0 0 47 3 1500 27",
        ],
    ),
}  # fmt: skip


def test_each_program_of_the_page_is_tried() -> None:
    assert set(PROGRAMS) == set(CASES)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is missing: apt install jq")
@pytest.mark.parametrize("name", CASES)
def test_flows_are_rewritten_so_that_they_are_read(name: str, tmp_path: Path) -> None:
    records, lines = CASES[name]
    (tmp_path / name).write_text(PROGRAMS[name], encoding="utf-8")
    (tmp_path / "flows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    written = subprocess.run(
        ["jq", "-n", "-r", "-f", name, "flows.jsonl"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert written.splitlines()[1:] == lines
    (tmp_path / "flows.txt").write_text(written)
    subprocess.run(
        [sys.executable, "-m", "vedette", "scan", "flows.txt", "--json", "found.json", "-q"],
        cwd=tmp_path,
        env=environment(),
        timeout=PATIENCE_S,
        check=True,
    )
    coverage = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert coverage["flows"] == len(lines), coverage
