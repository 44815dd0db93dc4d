"""What is stated of flows names packets that Wireshark finds by number, and lines of flow logs."""

import gzip
import io
import json
import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

import dpkt
import numpy as np
import pytest
from msgspec.structs import replace

from tests.e2e.conftest import Run, vedette
from tests.network.packets import BEGIN, SYN, Frame, ethernet, pcap, pcapng, tcp
from tests.network.test_flow_verdicts import stated
from vedette.engine.flow_evidence import FlowEvidence, Seen
from vedette.schema.anomaly import AnomalyType, Entity, EntityKind, Evidence

__all__ = ["vedette"]

SPAN = 10_000_000

SCANNER, TARGET = "198.51.100.7", "192.0.2.1"
ARP: Frame = (BEGIN, bytes(12) + b"\x08\x06" + bytes(28))


def scan(first: int = 1) -> list[Frame]:
    """Two hundred ports asked for, and what is no IP before and between them."""
    frames = [
        (BEGIN + n * 10_000, ethernet(tcp(f"{SCANNER}:{40_000 + n}", f"{TARGET}:{first + n}", SYN)))
        for n in range(200)
    ]
    return [ARP, *(one for frame in frames for one in (frame, (frame[0], ARP[1])))]


def found(vedette: Run, folder: Path, *names: str, evidence: int = 3) -> list[dict]:
    (folder / "vedette.yaml").write_text(f"limits: {{evidence: {evidence}}}\n")
    vedette("scan", *names, "--json", "found.json", "--config", "vedette.yaml", "-q")
    anomalies = json.loads((folder / "found.json").read_text())["anomalies"]
    assert anomalies
    return anomalies


def frame(capture: bytes, number: int) -> tuple[str, str, int, int]:
    """Ends of a packet by its number from 1, as dpkt reads the capture."""
    reader = dpkt.pcapng.Reader if capture[:4] == b"\x0a\x0d\x0d\x0a" else dpkt.pcap.Reader
    frames = [bytes(content) for _, content in reader(io.BytesIO(capture))]
    packet = dpkt.ethernet.Ethernet(frames[number - 1]).data
    return str(ip_address(packet.src)), str(ip_address(packet.dst)), packet.data.sport, packet.data.dport


@pytest.mark.parametrize("form", ["pcap", "pcapng", "gz"])
def test_each_conversation_shown_has_the_number_of_its_first_packet(
    vedette: Run, tmp_path: Path, form: str
) -> None:
    capture = pcapng(scan()) if form == "pcapng" else pcap(scan())
    name = "trace.pcap.gz" if form == "gz" else f"trace.{form}"
    (tmp_path / name).write_bytes(gzip.compress(capture) if form == "gz" else capture)
    for anomaly in found(vedette, tmp_path, name):
        talks = anomaly["details"]["conversations"]
        shown = [frame(capture, one["line"]) for one in anomaly["evidence"]]
        assert {(client, server, port) for client, server, _, port in shown} == {
            (one["client"], one["server"], one["server_port"]) for one in talks
        }
        assert [one["source"] for one in anomaly["evidence"]] == [name] * len(talks)
        for one, (client, server, source, port) in zip(anomaly["evidence"], shown, strict=True):
            assert one["text"].startswith(
                f"frame {one['line']}: TCP {client}:{source} > {server}:{port} SYN, "
            )


def test_explain_shows_them_and_says_of_how_many(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan()))
    [first, *_] = found(vedette, tmp_path, "trace.pcap", evidence=2)
    assert len(first["evidence"]) == 2
    shown = vedette("explain", first["id"], "--json", "found.json").stdout.decode()
    words = " ".join(shown.split())
    for one in first["evidence"]:
        assert f"trace.pcap:{one['line']}: {one['text']}" in words
    whole = first["details"]["conversations_in_all"]
    assert f"the first of each of 2 of {whole} conversations in the window" in words


def test_none_are_looked_up_where_none_are_wanted(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan()))
    assert not any(one["evidence"] for one in found(vedette, tmp_path, "trace.pcap", evidence=0))


def test_of_several_captures_each_packet_is_named_in_its_own(vedette: Run, tmp_path: Path) -> None:
    half = len(scan()) // 2
    (tmp_path / "a.pcap").write_bytes(pcap(scan()[:half]))
    (tmp_path / "b.pcap").write_bytes(pcap(scan()[half:]))
    captures = {name: (tmp_path / name).read_bytes() for name in ("a.pcap", "b.pcap")}
    for anomaly in found(vedette, tmp_path, "a.pcap", "b.pcap", evidence=20):
        for one in anomaly["evidence"]:
            client, server, source, port = frame(captures[one["source"]], one["line"])
            assert (client, server) == (SCANNER, TARGET)
            assert f"{client}:{source} > {server}:{port}" in one["text"]


def conn_log(rows: Iterable[tuple[float, str, int, str, int]]) -> str:
    fields = ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "conn_state"]
    return "\n".join(["#separator \\x09", "#path\tconn", "\t".join(["#fields", *fields]), ""]) + "".join(
        f"{at:.6f}\tC{number}\t{client}\t{source}\t{server}\t{port}\ttcp\tS0\n"
        for number, (at, client, source, server, port) in enumerate(rows)
    )


ROWS = [(BEGIN / 1e6 + n / 100, SCANNER, 40_000 + n, TARGET, n + 1) for n in range(200)]


@pytest.mark.parametrize("with_lines", ["", "that are no flows", "of another header"])
def test_a_flow_log_s_lines_are_named_with_their_uid(vedette: Run, tmp_path: Path, with_lines: str) -> None:
    lines = conn_log(ROWS).splitlines()
    if with_lines == "that are no flows":
        lines[50:50], lines[20:20] = ["nonsense", ""], ["# comment"]
    elif with_lines:
        # As where two logs were joined, and the second has a field more.
        lines[4:4] = [*lines[:2], lines[2].replace("\tuid\t", "\tuid\tdepth\t")]
        lines[7:] = [re.sub(r"\tC\d+", r"\g<0>\t1", line) for line in lines[7:]]
    (tmp_path / "conn.log").write_text("\n".join(lines) + "\n")
    for anomaly in found(vedette, tmp_path, "conn.log"):
        assert len(anomaly["evidence"]) == len(anomaly["details"]["conversations"]) == 3
        for one in anomaly["evidence"]:
            assert lines[one["line"] - 1].replace("\t", "\\t") == one["text"]
            assert re.search(r"\\tC\d+\\t(1\\t)?198\.51\.100\.7\\t", one["text"])


def test_a_json_flow_log_s_lines_are_named(vedette: Run, tmp_path: Path) -> None:
    lines = [
        json.dumps({"ts": at, "uid": f"C{port}", "id.orig_h": client, "id.orig_p": source, "id.resp_h": server,
                    "id.resp_p": port, "proto": "tcp", "conn_state": "S0"})
        for at, client, source, server, port in ROWS
    ]  # fmt: skip
    (tmp_path / "conn.json").write_text("\n".join(["{}", *lines]) + "\n")
    for anomaly in found(vedette, tmp_path, "conn.json"):
        assert anomaly["evidence"]
        for one in anomaly["evidence"]:
            assert lines[one["line"] - 2] == one["text"]


def test_of_the_whole_network_the_window_s_first_and_last_are_named() -> None:
    about = stated(AnomalyType.TRAFFIC_SPIKE, 7, 1)
    whole = replace(about, entity=Entity(EntityKind.SERVICE, "network"))
    wanted = FlowEvidence([whole], SPAN)
    begin = whole.end - SPAN
    # Out of order, in two goes, and with packets of the windows around it.
    for times in ([begin - 1, begin + 7, begin + 3], [begin + 9, begin + 8, whole.end]):
        wanted.look(
            np.array(times),
            (),
            lambda row, times=times: Seen(times[row], Evidence("trace", times[row] - begin, "")),
        )
    assert [one.line for one in wanted.told(whole).evidence] == [3, 9]
