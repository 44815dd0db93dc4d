"""`vedette scan` on captures and flow logs, as a user runs it."""

import bz2
import gzip
import json
import lzma
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Run, vedette
from tests.network.packets import ACK, BEGIN, RST, SYN, Frame, pcap, pcapng, tcp
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
    # Who scans and attacks is one incident, whichever path saw it.
    (incident,) = (i for i in document["incidents"] if "port_scan" in i["types"])
    assert "sql_injection" in incident["types"]
    assert {"network", "shop"} <= set(incident["services"])
    named = {a["incident_id"] for a in document["anomalies"] if a["type"] in ("port_scan", "sql_injection")}
    assert named == {incident["id"]}


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


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [("empty.pcap", b"", "is empty"), ("noise.pcap", bytes(range(256)) * 9, "looks like binary data")],
)
def test_an_empty_or_binary_file_beside_a_capture_does_not_end_the_scan(
    vedette: Run, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    done = vedette("scan", name, "trace.pcap", "--json", "found.json")
    assert done.returncode == 1, done.stderr
    (line,) = json.loads((tmp_path / "found.json").read_text())["coverage"]["unread"]
    assert line.startswith(f"{name}: {why}")
    alone = vedette("scan", name)
    assert (alone.returncode, len(alone.stderr.splitlines())) == (2, 1)


def test_a_capture_that_cannot_be_read_does_not_hide_what_a_log_beside_it_says(
    vedette: Run, tmp_path: Path
) -> None:
    (tmp_path / "wifi.pcap").write_bytes(pcap([], 105))
    (tmp_path / "empty.pcap").write_bytes(b"")
    line = '192.0.2.1 - - [07/Jul/2026:10:00:00 +0000] "GET /?id=1%27+union+select+1,2,3--+ HTTP/1.1" 200 9 "-" "x"\n'
    (tmp_path / "access.log").write_text(line)
    document = found(vedette, tmp_path, "wifi.pcap", "access.log")
    assert "sql_injection" in {a["type"] for a in document["anomalies"]}  # type: ignore[attr-defined]
    assert "link type 105" in document["coverage"]["unread"][0]  # type: ignore[index]
    neither = vedette("scan", "wifi.pcap", "empty.pcap")
    assert neither.returncode == 2
    assert neither.stderr.startswith(b"vedette: wifi.pcap: link type 105")


def test_a_capture_and_a_log_of_the_same_client_are_one_incident(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    when = datetime.fromtimestamp(BEGIN // 1_000_000 + 20, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    line = '{} - - [{}] "GET /?id=1%27+union+select+1,2,3-- HTTP/1.1" 200 9 "-" "x"\n'
    (tmp_path / "access.log").write_text("".join(line.format(f"198.51.100.{n}", when) for n in (7, 8)))
    done = vedette("scan", "trace.pcap", "access.log", "--json", "found.json")
    assert done.returncode == 1, done.stderr
    incidents = json.loads((tmp_path / "found.json").read_text())["incidents"]
    assert [sorted(i["services"]) for i in incidents if "port_scan" in i["types"]] == [["access", "network"]]
    assert len([i for i in incidents if "sql_injection" in i["types"]]) == 2


def test_findings_of_flows_are_kept_in_a_store(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    assert vedette("scan", "trace.pcap", "--store", "sqlite:///v.db", "-q").returncode == 1
    assert (tmp_path / "v.db").stat().st_size > 0


def quiet(seconds: int, begin: int = BEGIN) -> list[Frame]:
    """A connection a second."""
    frames: list[Frame] = []
    for n in range(seconds):
        client, time = f"10.0.0.5:{2000 + n}", begin + n * 1_000_000
        frames += [
            (time, tcp(client, "192.0.2.1:443", SYN, seq=1)),
            (time + 900, tcp("192.0.2.1:443", client, SYN | ACK, seq=1, ack=2)),
            (time + 1800, tcp(client, "192.0.2.1:443", ACK, b"x" * 50, seq=2, ack=2)),
        ]
    return frames


def moment(time: int) -> str:
    return datetime.fromtimestamp(time // 1_000_000, UTC).isoformat()


def found(vedette: Run, tmp_path: Path, *words: str, stdin: bytes | None = None) -> "dict[str, object]":
    done = vedette(
        "scan", *words, "--json", "found.json", "-q", **({} if stdin is None else {"stdin": stdin})
    )
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, object] = json.loads((tmp_path / "found.json").read_text())
    return document


def without_evidence(document: dict[str, Any]) -> list[dict[str, object]]:
    """What is found where packets and lines cannot be looked up once more."""
    return [{**one, "evidence": []} for one in document["anomalies"]]


def test_a_capture_is_read_from_standard_input(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    expected = found(vedette, tmp_path, "trace.pcap")
    piped = found(vedette, tmp_path, "-", stdin=pcap(scan(), 101))
    assert piped["anomalies"] == without_evidence(expected) != expected["anomalies"]
    assert expected["anomalies"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
@pytest.mark.parametrize("name", ["trace.pcap", "conn.log"])
def test_what_comes_compressed_through_a_pipe_is_told_by_what_is_in_it(
    vedette: Run, tmp_path: Path, pack: "Callable[[bytes], bytes]", name: str
) -> None:
    content = pcap(scan(), 101) if name == "trace.pcap" else ZEEK.encode()
    (tmp_path / name).write_bytes(content)
    expected = found(vedette, tmp_path, name)
    for piped in (content, pack(content)):
        got = found(vedette, tmp_path, "-", stdin=piped)
        assert got["anomalies"] == without_evidence(expected)
        assert got["coverage"]["flows"] == expected["coverage"]["flows"] > 0  # type: ignore[index]


@pytest.mark.parametrize("name", ["trace.pcap", "conn.log", "access.log"])
def test_a_named_pipe_is_read_once_and_whole(vedette: Run, tmp_path: Path, name: str) -> None:
    lines = b"".join(
        b'192.0.2.%d - - [01/Mar/2025:00:%02d:%02d +0000] "GET / HTTP/1.1" 200 9 "-" "x"\n' % (n % 250, n // 60, n % 60)
        for n in range(3_000)
    )  # fmt: skip
    content = {"trace.pcap": pcap(scan(), 101), "conn.log": ZEEK.encode(), "access.log": lines}[name]
    os.mkfifo(tmp_path / name)
    writer = threading.Thread(target=(tmp_path / name).write_bytes, args=(content,))
    writer.start()
    coverage = found(vedette, tmp_path, name)["coverage"]
    writer.join()
    (source,) = coverage["sources"]  # type: ignore[index]
    assert source["parsed"] == {"trace.pcap": 300, "conn.log": 3, "access.log": 3_000}[name]


def test_windows_are_read_from_standard_input(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(quiet(60), 101))
    found(vedette, tmp_path, "trace.pcap", "--windows", "w.jsonl")
    lines = (tmp_path / "w.jsonl").read_bytes()
    got = found(vedette, tmp_path, "-", stdin=lines)
    assert got["coverage"]["sources"][0]["parsed"] == len(lines.splitlines())  # type: ignore[index]


def test_what_came_before_since_is_learned_from_and_what_comes_after_until_left_out(
    vedette: Run, tmp_path: Path
) -> None:
    begin = BEGIN + 100 * 1_000_000
    late = [(time + 100 * 1_000_000, frame) for time, frame in scan()]
    frames = sorted(quiet(400) + late, key=lambda frame: frame[0])
    (tmp_path / "trace.pcap").write_bytes(pcap(frames, 101))
    whole = found(vedette, tmp_path, "trace.pcap")
    assert len(whole["anomalies"]) >= 1  # type: ignore[arg-type]
    after = found(vedette, tmp_path, "trace.pcap", "--since", moment(begin + 60 * 1_000_000))
    assert after["anomalies"] == []
    assert after["coverage"]["learned"] > 400  # type: ignore[index]
    before = found(vedette, tmp_path, "trace.pcap", "--until", moment(begin))
    assert before["anomalies"] == []
    assert before["coverage"]["filtered"] == len(frames) - 300  # type: ignore[index]


def test_older_captures_say_what_is_normal(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "old.pcap").write_bytes(pcap(quiet(400), 101))
    (tmp_path / "new.pcap").write_bytes(pcap(quiet(60, BEGIN + 1000 * 1_000_000), 101))
    alone = found(vedette, tmp_path, "new.pcap")["coverage"]
    taught = found(vedette, tmp_path, "new.pcap", "--baseline-from", "old.pcap")["coverage"]
    assert alone["windows"] == 0  # type: ignore[index]
    assert taught["windows"] > 0  # type: ignore[index]
    assert taught["learned"] == 400  # type: ignore[index]
    assert found(vedette, tmp_path, "old.pcap", "--baseline-from", "new.pcap")["coverage"]["too_new"] > 0  # type: ignore[index]


def test_windows_that_were_written_are_read_again(vedette: Run, tmp_path: Path) -> None:
    busy = [
        (
            BEGIN + 500 * 1_000_000 + n * 4_000,
            tcp("10.0.0.5:2000", "192.0.2.1:443", ACK, b"x" * 1400, seq=n * 1400),
        )
        for n in range(9_000)
    ]
    frames = sorted(quiet(560) + busy, key=lambda frame: frame[0])
    (tmp_path / "trace.pcap").write_bytes(pcap(frames, 101))
    whole = found(vedette, tmp_path, "trace.pcap", "--windows", "w.jsonl")
    told = {
        (a["type"], a["start"], a["observed"])
        for a in whole["anomalies"]
        if a["detector"] == "network.volume"
    }  # type: ignore[attr-defined]
    assert told
    (tmp_path / "w.jsonl").write_bytes((tmp_path / "w.jsonl").read_bytes() + b"\n{}\nnothing\n")
    again = found(vedette, tmp_path, "w.jsonl")
    assert {(a["type"], a["start"], a["observed"]) for a in again["anomalies"]} == told  # type: ignore[attr-defined]
    assert again["coverage"]["packets_skipped"] == {"bad_window": 2, "blank": 1}  # type: ignore[index]
    assert again["coverage"]["sources"][0]["format"] == "flow-windows"  # type: ignore[index]
    assert again["coverage"]["windows"] == whole["coverage"]["windows"]  # type: ignore[index]


def test_windows_are_the_past_of_windows_and_of_captures(vedette: Run, tmp_path: Path) -> None:
    """Of what is scanned, the last window is seen in part, however it is read: what is missing is no drop."""
    (tmp_path / "old.pcap").write_bytes(pcap(quiet(600), 101))
    (tmp_path / "new.pcap").write_bytes(pcap(quiet(43, BEGIN + 1_000 * 1_000_000), 101))
    for name in ("old", "new"):
        found(vedette, tmp_path, f"{name}.pcap", "--windows", f"{name}.jsonl")
    told = [
        found(vedette, tmp_path, f"new.{scanned}", "--baseline-from", f"old.{past}")
        for scanned in ("pcap", "jsonl") for past in ("pcap", "jsonl")
    ]  # fmt: skip
    for one in told:
        assert one["anomalies"] == []
        assert one["coverage"]["learned"] == 600  # type: ignore[index]
        assert one["coverage"]["windows"] == told[0]["coverage"]["windows"]  # type: ignore[index]
        assert one["coverage"]["insufficient_data"] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "b.json",
            b'{\n  "packets": {"mean": 3.0}\n}\n',
            "nothing was learned from it (--baseline-from): it is no ",
        ),
        (
            "cut.pcap",
            pcap(scan(), 101)[:10],
            "a capture cut within its header (10 of 24 bytes) (--baseline-from)",
        ),
        ("none.pcap", pcap([], 101), "holds no packet or flow (--baseline-from)"),
    ],
)
def test_a_past_that_teaches_nothing_is_named(
    vedette: Run, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    (tmp_path / name).write_bytes(content)
    done = vedette("scan", "trace.pcap", "--baseline-from", name)
    assert done.returncode == 1
    assert f"{name}: {why}" in " ".join(done.stdout.decode().split())


@pytest.mark.parametrize(("option", "at", "skipped"), [("--until", -60, 300), ("--since", 3600, 0)])
def test_a_capture_of_another_time_than_asked_for_is_not_called_clean(
    vedette: Run, tmp_path: Path, option: str, at: int, skipped: int
) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    when = moment(BEGIN + at * 1_000_000)
    done = vedette("scan", "trace.pcap", option, when, "--json", "found.json")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.decode().split())
    assert said.startswith("Nothing was judged: the filter left none of 300 ")
    assert f"trace.pcap: no flow of the time that {option} asked for: they are of " in said
    coverage = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert coverage["packets_skipped"].get("packet_after_until", 0) == skipped
    assert (coverage["flows"], coverage["flows_early"]) == ((0, 0) if skipped else (300, 300))


def test_flows_of_a_log_after_until_are_counted_as_such(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_text(ZEEK)
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    done = vedette("scan", "conn.log", "trace.pcap", "--until", "1990-01-01", "--json", "found.json")
    assert done.returncode == 0, done.stderr
    coverage = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert coverage["flows"] == 0
    assert coverage["packets_skipped"]["packet_after_until"] == 300
    assert coverage["packets_skipped"]["flow_after_until"] == 3


def test_lines_of_flow_logs_are_not_subtracted_from_packets(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_text(ZEEK)
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    said = " ".join(vedette("scan", "conn.log", "trace.pcap").stdout.decode().split())
    assert "packets 300 read, 300 in 303 flows" in said


def test_windows_that_are_read_again_are_told_as_windows(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(quiet(60), 101))
    assert vedette("scan", "trace.pcap", "--windows", "w.jsonl", "-q").returncode == 0
    said = " ".join(vedette("scan", "w.jsonl").stdout.decode().split())
    assert said.startswith(
        "No attack was found in the flows. Whether their volume and times are normal is not known."
    )
    assert "request" not in said
    windows = len((tmp_path / "w.jsonl").read_text().splitlines())
    assert f"{windows} windows, " in said


def test_a_service_that_is_asked_for_leaves_out_what_flows_say(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan() + attack(), 101))
    document: Any = found(vedette, tmp_path, "trace.pcap", "--service", "shop")
    assert {a["service"] for a in document["anomalies"]} == {"shop"}
    (line,) = document["coverage"]["unread"]
    assert line.startswith(
        "1 incident of service network left out, as --service asks for shop: add --service network"
    )
    document = found(vedette, tmp_path, "trace.pcap", "--service", "network")
    assert {a["service"] for a in document["anomalies"]} == {"network"}


def test_of_flows_alone_there_is_no_service_but_the_network(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "trace.pcap").write_bytes(pcap(scan(), 101))
    done = vedette("scan", "trace.pcap", "--service", "shop")
    assert done.returncode == 2
    assert done.stderr.startswith(
        b"vedette: --service shop: no request is to a service of that name, as flows alone"
    )
    assert vedette("scan", "trace.pcap", "--service", "network", "-q").returncode == 1


_COLUMNS = (
    "ts id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state"
    " orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes"
)
_DNS_LOG = (
    "#separator \\x09\n#path\tdns\n#fields\tts\tid.orig_h\tquery\n1767607200.1\t10.0.0.2\texample.com\n"
)


def conn_log(order: Callable[[list[str]], list[str]]) -> str:
    """Half an hour of quiet flows, and a port scan in the middle, in an order."""
    lines = []
    for number in range(3_600):
        scans = 1_800 <= number < 1_900
        client, server = ("10.0.0.66", "10.0.0.9") if scans else (f"10.0.0.{number % 9 + 2}", "192.0.2.7")
        port, state = (number - 1_700, "REJ") if scans else (443, "SF")
        fields = f"{1_767_607_200 + number / 2:.6f} {client} 40000 {server} {port} tcp - 0.2 90 80 {state} 4 300 4 280"
        lines.append("\t".join(fields.split()))
    names = "\t".join(["#fields", *_COLUMNS.split()])
    return "\n".join(["#separator \\x09", "#path\tconn", names, *order(lines)]) + "\n"


def as_json(lines: list[str]) -> str:
    """The same as JSON lines."""
    names = lines[2].split("\t")[1:]
    rows = (dict(zip(names, line.split("\t"), strict=True)) for line in lines[3:])
    text = {"id.orig_h", "id.resp_h", "proto", "conn_state"}
    return "".join(
        json.dumps({n: v if n in text else json.loads(v) for n, v in row.items() if v != "-"}) + "\n"
        for row in rows
    )


def _two_halves(lines: list[str]) -> list[str]:
    return lines[len(lines) // 2 :] + lines[: len(lines) // 2]


def test_a_flow_log_that_is_not_in_order_says_what_it_says_in_order(vedette: Run, tmp_path: Path) -> None:
    def told(order: Callable[[list[str]], list[str]]) -> tuple[object, ...]:
        (tmp_path / "conn.log").write_text(conn_log(order))
        out = ["--json", "found.json", "--verdicts", "found.jsonl", "--windows", "found.windows"]
        assert vedette("scan", "conn.log", *out).returncode == 1
        document = json.loads((tmp_path / "found.json").read_text())
        assert document["coverage"]["late_flows"] == 0
        return (
            [(a["id"], a["type"], a["observed"]) for a in document["anomalies"]],
            (tmp_path / "found.windows").read_text(),
            len((tmp_path / "found.jsonl").read_text().splitlines()),
        )

    in_order = told(list)
    orders = {"joined": _two_halves, "reversed": lambda lines: lines[::-1], "sorted": sorted}
    for name, order in orders.items():
        assert told(order) == in_order, name


def test_flows_that_are_shuffled_over_days_are_put_in_order(vedette: Run, tmp_path: Path) -> None:
    head, lines = conn_log(list).splitlines()[:3], []
    for number in range(60):
        # To and fro over four days.
        at = 1_767_607_200 + number * 37 % 60 * 5_760
        fields = f"{at} 10.0.0.{number + 2} 40000 192.0.2.7 443 tcp - 0.2 90 80 SF 4 300 4 280"
        lines += ["\t".join(fields.split())] * 4
    (tmp_path / "conn.log").write_text("\n".join([*head, *lines, ""]))
    assert vedette("scan", "conn.log", "--json", "found.json").returncode == 0
    coverage = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert (coverage["flows"], coverage["late_flows"]) == (240, 0)


def test_more_lateness_is_not_advised_where_there_is_none(vedette: Run, tmp_path: Path) -> None:
    lines = conn_log(_two_halves).splitlines(keepends=True)
    late = lines[1_900].replace("17676", "17674")
    (tmp_path / "conn.log").write_text("".join([*lines, late]))
    done = vedette("scan", "conn.log", "--lateness", "86400")
    text = " ".join(done.stdout.decode().split())
    assert "came too late for their windows: sort the log by the time when they began" in text
    assert "--lateness" not in text


def test_flows_that_are_too_late_are_told_beside_the_headline(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "conn.log").write_text(conn_log(_two_halves))
    done = vedette("scan", "conn.log", "--lateness", "10")
    assert "Not everything could be looked at: 1,800 of 3,600 flows" in " ".join(done.stdout.decode().split())
    assert b"--lateness" in done.stdout


@pytest.mark.parametrize("named", [["logs"], ["logs/conn.log", "logs/dns.log"]], ids=["directory", "names"])
def test_the_other_logs_of_zeek_do_not_keep_its_flows_from_being_read(
    vedette: Run, tmp_path: Path, named: list[str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "conn.log").write_text(conn_log(list))
    (tmp_path / "logs" / "dns.log").write_text(_DNS_LOG)
    done = vedette("scan", *named, "--json", "found.json")
    assert done.returncode == 1, done.stderr
    document = json.loads((tmp_path / "found.json").read_text())
    assert {a["type"] for a in document["anomalies"]} == {"port_scan"}
    told = [*document["coverage"]["unread"], *(row["reason"] for row in document["coverage"]["left_out"])]
    assert any("another of Zeek's logs" in line for line in told)


def test_another_of_zeeks_logs_alone_is_told_in_a_line_what_is_read(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "dns.log").write_text(_DNS_LOG)
    done = vedette("scan", "dns.log")
    assert done.returncode == 2
    assert b"dns.log: is another of Zeek's logs than conn.log" in done.stderr


def test_more_of_a_scan_is_no_less_severe(vedette: Run, tmp_path: Path) -> None:
    refused = [
        frame
        for n in range(200)
        for frame in (
            (BEGIN + 20_000 * n, tcp("198.51.100.7:40000", f"192.0.2.1:{n + 1}", SYN, seq=n)),
            (BEGIN + 20_000 * n + 90, tcp(f"192.0.2.1:{n + 1}", "198.51.100.7:40000", RST | ACK, ack=n + 1)),
        )
    ]
    severities = []
    for frames in (refused[:80], refused):
        (tmp_path / "trace.pcap").write_bytes(pcap(frames, 101))
        document = json.loads(vedette("scan", "trace.pcap", "--json", "-").stdout)
        severities.append([a["severity"] for a in document["anomalies"] if a["type"] == "port_scan"])
    # A stranger who is answered nothing is the weather, and no more than medium, however often he asks.
    assert severities == [["low"], ["medium"]]


def test_a_conn_log_without_its_header_says_what_it_says_with_it(vedette: Run, tmp_path: Path) -> None:
    rows = conn_log(list).splitlines()[3:]
    names = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state "
    names += "local_orig local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes"
    lines = []
    for row in rows:
        values = row.split("\t")
        lines.append("\t".join([values[0], "C1", *values[1:11], "T", "F", "0", "-", *values[11:]]))
    fields = "\t".join(["#fields", *names.split()])

    def told(head: list[str]) -> tuple[object, ...]:
        (tmp_path / "conn.log").write_text("\n".join([*head, *lines, ""]))
        assert vedette("scan", "conn.log", "--json", "found.json").returncode == 1
        document = json.loads((tmp_path / "found.json").read_text())
        return document["coverage"]["flows"], [a["description"] for a in document["anomalies"]]

    whole = told(["#separator \\x09", "#path\tconn", fields])
    cuts = {"all of it": [], "within a line": [lines[0][25:]], "down to its fields": [fields]}
    for cut, head in cuts.items():
        assert told(head) == whole, cut


def test_a_conn_log_without_states_says_that_scans_cannot_be_judged(vedette: Run, tmp_path: Path) -> None:
    # Up to a few minutes before the scan.
    text = "".join(conn_log(list).splitlines(keepends=True)[:1_000])
    place = text.splitlines()[2].split("\t").index("conn_state")
    without = []
    for line in text.splitlines():
        fields = line.split("\t")
        at = place if line.startswith("#fields") else place - 1
        without.append("\t".join(fields[:at] + fields[at + 1 :]) if len(fields) > place - 1 else line)
    for name, lines in (("with.log", text.splitlines()), ("without.log", without)):
        (tmp_path / name).write_text("\n".join([*lines, ""]))
        (tmp_path / f"json-{name}").write_text(as_json(lines))
    for form in ("", "json-"):
        told = [
            json.loads(vedette("scan", form + name, "--json", "-").stdout)
            for name in ("with.log", "without.log")
        ]
        assert told[0]["coverage"]["untold"] == ["segments", "times", "content"]
        assert told[1]["coverage"]["untold"] == ["flags", "outcome", "segments", "times", "content"]
        report = " ".join(vedette("scan", f"{form}without.log").stdout.decode().split())
        assert (
            "unjudged SYN floods, scans by their SYNs, guessed passwords, slow scans, packet loss" in report
        )


def test_what_a_directory_of_flows_holds_besides_is_named(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "conn.log").write_text(conn_log(list))
    (tmp_path / "logs" / "trace.pcap").write_bytes(pcap(scan(), 101))
    done = vedette("scan", "logs", "--json", "found.json")
    coverage = json.loads((tmp_path / "found.json").read_text())["coverage"]
    assert [(row["first"], row["files"]) for row in coverage["left_out"]] == [("logs/trace.pcap", 1)]
    assert b"name it to read it" in b" ".join(done.stdout.split())


def test_a_past_of_flows_that_is_no_past_is_told_as_flows(vedette: Run, tmp_path: Path) -> None:
    lines = conn_log(list).splitlines(keepends=True)
    (tmp_path / "scanned.log").write_text("".join(lines[:1_000]))
    (tmp_path / "newer.log").write_text("".join([*lines[:3], *lines[1_000:1_500]]))
    done = vedette("scan", "scanned.log", "--baseline-from", "newer.log")
    assert "none of its 500 packets or flows is older" in " ".join(done.stdout.decode().split())


def test_a_server_that_answers_one_client_often_is_no_scanner_of_its_ports(
    vedette: Run, tmp_path: Path
) -> None:
    """nfdump tells each direction by itself; who scans is found whatever port it scans from."""
    names = "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt"
    moment = "2023-11-14 22:13:20,2023-11-14 22:13:21,1.0"
    proxied = [
        f"{moment},{ends},TCP,...AP.SF,0,0,5,900,0,0"
        for n in range(300)
        for ends in (f"10.0.0.5,192.0.2.9,{33000 + n},443", f"192.0.2.9,10.0.0.5,443,{33000 + n}")
    ]
    scanned = [f"{moment},10.0.0.66,192.0.2.9,53,{40000 + n},TCP,......S.,0,0,1,44,0,0" for n in range(300)]
    (tmp_path / "quiet.csv").write_text("\n".join([names, *proxied, ""]))
    (tmp_path / "scan.csv").write_text("\n".join([names, *proxied, *scanned, ""]))
    assert found(vedette, tmp_path, "quiet.csv")["anomalies"] == []
    told = found(vedette, tmp_path, "scan.csv")["anomalies"]
    assert {(one["type"], one["entity"]["value"]) for one in told} == {("port_scan", "10.0.0.66")}  # type: ignore[attr-defined]


def test_a_connection_that_stays_is_shown_by_its_own_line(vedette: Run, tmp_path: Path) -> None:
    names = "\t".join(["#fields", *_COLUMNS.split()])
    lines = [f"{1_767_600_000 + n}\t10.0.0.5\t{2000 + n}\t192.0.2.7\t443\ttcp\t-\t0.2\t90\t80\tSF\t4\t300\t4\t280"
             for n in range(9_000)]  # fmt: skip
    stays = "1767600500\t10.0.0.5\t1999\t192.0.2.8\t22\ttcp\t-\t8000\t900\t800\tSF\t40\t3000\t40\t2800"
    lines.insert(8_600, stays)
    (tmp_path / "conn.log").write_text("\n".join(["#separator \\x09", "#path\tconn", names, *lines, ""]))
    [one] = found(vedette, tmp_path, "conn.log")["anomalies"]  # type: ignore[misc]
    assert one["type"] == "long_lived_connection"
    assert " lasted 2 h " in one["description"]
    assert [(talk["server"], talk["server_port"]) for talk in one["details"]["conversations"]] == [
        ("192.0.2.8", 22)
    ]
    assert [line["text"] for line in one["evidence"]] == [stays.replace("\t", "\\t")]
