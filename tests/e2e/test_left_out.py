"""What was to be read and was not is told: in the report, in the document, and to who wants no report."""

import gzip
import json
from pathlib import Path

import pytest
from tests.e2e.conftest import Run

HEADER = (
    b"#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n"
)
CSV = b"ts,te,td,sa,da,sp,dp,pr,flg\n"
NO_DATA = b"2 123456789010 eni-0a1b - - - - - - - 1418530010 1418530070 - NODATA\n"
NFDUMP = b'{"type":"FLOW","proto":6,"src4_addr":"192.0.2.3","dst4_addr":"192.0.2.9","in_packets":12,"in_bytes":1776}'
GOOGLE = b'{"jsonPayload":{"bytes_sent":"9","connection":{"dest_ip":"192.0.2.9","protocol":6,"src_ip":"192.0.2.3"}}}'
AZURE = b'{"records": [\n{"properties": {"flows": [{"flows": [{"flowTuples": ["1763632800,192.0.2.3,192.0.2.9"]}]}]}}]}'
GOFLOW = b'{"type":"NETFLOW_V9","sampler_address":"192.0.2.1","bytes":1500,"src_addr":"192.0.2.3"}\n'
HUBBLE = b'{"flow":{"verdict":"FORWARDED","IP":{"source":"192.0.2.3"},"l4":{"TCP":{"source_port":5}}}}\n'
PCAP = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")


def test_files_of_a_directory_that_are_no_logs_are_named_with_why(
    vedette: Run, tmp_path: Path, sample: list[bytes]
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "access.log").write_bytes(b"".join(sample[:50]))
    (logs / "error.log").write_bytes(b"[error] open() failed\n")
    (logs / "access.log.1").write_bytes(b"this line is of no format\n" * 9)
    for number in range(3):
        (logs / f"shot{number}.png").write_bytes(b"\x89PNG")
    ended = vedette("scan", "logs", "--json", "found.json")
    assert ended.returncode == 0, ended.stderr
    left = {
        row["reason"]: row
        for row in json.loads((tmp_path / "found.json").read_text())["coverage"]["left_out"]
    }
    assert {row["first"]: row["files"] for row in left.values()} == {
        "logs/error.log": 1, "logs/shot0.png": 3, "logs/access.log.1": 1,
    }  # fmt: skip
    report = " ".join(ended.stdout.decode().split())
    assert "left out logs/error.log: an error log by its name; name it to read it" in report
    assert "logs/shot0.png and 2 more files: .png files are not taken for logs" in report
    assert "logs/access.log.1: no known log format" in report


@pytest.mark.parametrize("refused", [b"host app: started worker\n" * 60, bytes(range(256)) * 20])
@pytest.mark.parametrize("first", ["access.log", "app.log"])
def test_a_named_file_that_nobody_can_read_takes_no_other_along(
    vedette: Run, tmp_path: Path, sample: list[bytes], refused: bytes, first: str
) -> None:
    (tmp_path / "app.log").write_bytes(refused)
    other = "app.log" if first == "access.log" else "access.log"
    # Calm, nothing can be said of a log that was not read; what was found is found all the same.
    for lines, status in ((sample[:50], 2), (sample, 1)):
        (tmp_path / "access.log").write_bytes(b"".join(lines))
        ended = vedette("scan", first, other, "--json", "found.json")
        assert ended.returncode == status, ended.stderr
        coverage = json.loads((tmp_path / "found.json").read_text())["coverage"]
        assert coverage["parsed"] == len(lines)
        (why,) = coverage["unread"]
        assert why.startswith("app.log: ")
        assert " ".join(why.split()[:4]) in " ".join(ended.stdout.decode().split())
    ended = vedette("scan", "app.log", "app.log")
    assert ended.returncode == 2
    (line,) = ended.stderr.decode().splitlines()
    assert line.startswith("vedette: app.log: ")


def test_a_model_is_not_learned_from_less_than_what_was_named(
    vedette: Run, tmp_path: Path, sample: list[bytes]
) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample))
    (tmp_path / "app.log").write_bytes(b"host app: started worker\n" * 60)
    ended = vedette("train", "access.log", "app.log", "--models", "models")
    assert ended.returncode == 2
    assert "app.log: no known log format" in ended.stderr.decode()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--windows", "w.jsonl"], "--windows w.jsonl: is about captures and flow logs, and none is scanned"),
        (["--baselines", "b.json"], "--baselines b.json: is about captures and flow logs"),
        (["--format", "combined", "--log-format", "$remote_addr [$time_local]"], "describe the same thing twice"),
        (["--format", "nginx-json", "--field", "time=t"], "--format nginx-json and --field describe the same thing"),
    ],
)  # fmt: skip
def test_an_option_that_would_do_nothing_is_refused(
    vedette: Run, tmp_path: Path, sample: list[bytes], options: list[str], says: str
) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample[:20]))
    ended = vedette("scan", "access.log", *options)
    assert ended.returncode == 2
    (line,) = ended.stderr.decode().splitlines()
    assert says in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["scan", "access.log", "--html", "access.log"], "it is read, and would be replaced"),
        (["scan", "*.log", "--json", "link.json"], "it is read, and would be replaced"),
        (["scan", "access.log", "--json", "a", "--html", "./a"], "it is the place of two outputs"),
        (["metric", "access.log", "--csv", "access.log"], "it is read, and would be replaced"),
        (["inject", "access.log", "--json", "access.log"], "it is read, and would be replaced"),
        (["rules", "test", "access.log", "--when", "requests > 1", "--json", "access.log"], "it is read, and would"),
        (["evaluate", "access.log", "--labels", "l.jsonl", "--json", "l.jsonl"], "it is read, and would be replaced"),
    ],
)  # fmt: skip
def test_no_output_replaces_what_is_read_or_another_output(
    vedette: Run, tmp_path: Path, sample: list[bytes], arguments: list[str], says: str
) -> None:
    log = b"".join(sample[:20])
    (tmp_path / "access.log").write_bytes(log)
    (tmp_path / "l.jsonl").write_bytes(b"{}\n")
    (tmp_path / "link.json").symlink_to("access.log")
    ended = vedette(*arguments)
    assert ended.returncode == 2
    (line,) = ended.stderr.decode().splitlines()
    assert says in line
    assert (tmp_path / "access.log").read_bytes() == log
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("silent", [["-q"], ["--json", "-"]])
def test_what_was_not_read_is_told_on_standard_error_where_no_report_is(
    vedette: Run, tmp_path: Path, sample: list[bytes], silent: list[str]
) -> None:
    (tmp_path / "empty.log").touch()
    (tmp_path / "comments.log").write_bytes(b"#Software: IIS\n#Fields: date time\n\n")
    (tmp_path / "conn.log").write_bytes(HEADER)
    packed = gzip.compress(b"".join(sample[:1000]))
    (tmp_path / "cut.log.gz").write_bytes(packed[: len(packed) // 2])
    names = ["empty.log", "comments.log", "conn.log", "cut.log.gz"]
    ended = vedette("scan", *names, *silent)
    assert ended.returncode in (0, 1)
    told = ended.stderr.decode().splitlines()
    assert all(line.startswith("vedette: ") for line in told)
    assert sorted(line.split(": ")[1] for line in told) == sorted(names)
    assert any("cut.log.gz: not read to its end: the gzip data ends early" in line for line in told)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("flows.csv", CSV, "flows.csv: is empty: it holds a header and no packet or flow"),
        ("flows.csv", CSV + b"x,y\n" * 5, "flows.csv: none of 5 lines is a flow: one has a time (like "),
        ("eve.json", b'{"event_type":"dns","flow_id":2}\n', "eve.json: holds events and no flow: have Suricata write"),
        ("nfcapd.1", b"\x0c\xa5\x01\x00" + bytes(99), "nfcapd.1: looks like a file of nfdump; write it as text with"),
        ("conn.log", HEADER, "conn.log: is empty: it holds a header and no packet or flow"),
        ("flows.json", b"[\n" + NFDUMP + b"\n]\n", "flows.json: flows that nfdump wrote as JSON: write them with"),
        ("flows.ndjson", NFDUMP + b"\n", "flows.ndjson: flows that nfdump wrote as JSON: write them with `nfdump"),
        ("google.json", GOOGLE + b"\n", "google.json: flows of Google's VPC: not read as they are: rewrite them"),
        ("azure.json", AZURE, "azure.json: flows of Azure's networks: not read as they are: rewrite them"),
        ("goflow.json", GOFLOW * 3, "goflow.json: flows of GoFlow2: not read as they are: rewrite them"),
        ("hubble.json", HUBBLE * 3, "hubble.json: flows of Hubble: not read, as they tell neither packets nor bytes"),
        ("vpc.log", NO_DATA * 2, "vpc.log: holds no flow: 2 lines of spans without traffic or records, as NODATA and"),
        ("trace.pcap", PCAP, "trace.pcap: is empty: it holds a header and no packet or flow"),
        ("cut.pcap", PCAP + b"\1\2", "cut.pcap: nothing could be read: the last 2 bytes are the beginning"),
        (
            "huge.pcap",
            PCAP + b"\0" * 8 + b"\xff\xff\xff\x7f" * 2,
            "nothing could be read: a record says that it has 2,147,483,647 bytes, and none has more than 262,144",
        ),
        ("blank.log", b"\n \n" * 40, "blank.log: holds nothing but blank lines at its beginning"),
        ("iis.log", b"#Fields: date time\n", "iis.log: holds nothing but comments (#) at its beginning"),
        ("long.log", b'192.0.2.7 - - [02/Mar/2026:08:00:00 +0000] "GET /' + b"a" * 300_000, "longer than the 256 KiB"),
        (
            "odd.log",
            b'192.0.2.7 - - [02/Mrz/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n' * 1200,
            "odd.log: none of 1,200 lines is a request (1,200 bad time, the first odd.log:1: 192.0.2.7 - - [02/Mrz/",
        ),
    ],
)  # fmt: skip
def test_an_input_that_holds_nothing_is_no_calm_one(
    vedette: Run, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    ended = vedette("scan", name, "-q")
    assert ended.returncode == 2
    (line,) = ended.stderr.decode().splitlines()
    assert says in line


def test_requests_among_which_a_flow_stands_are_read(vedette: Run, tmp_path: Path) -> None:
    request = {
        "time": "2026-03-02T08:00:00Z",
        "remote_addr": "192.0.2.7",
        "request": "GET / HTTP/1.1",
        "status": 200,
    }
    line = json.dumps(request).encode() + b"\n"
    (tmp_path / "mixed.json").write_bytes(line * 20 + GOOGLE + b"\n" + line * 20)
    ended = vedette("scan", "mixed.json", "--json", "found.json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / "found.json").read_text())["coverage"]["parsed"] == 40


@pytest.mark.parametrize(
    "named", [["--format", "haproxy"], ["--log-format", '$remote_addr [$time_local] "$request"']]
)
def test_a_format_that_the_lines_do_not_fit_is_told_though_they_could_be_saved(
    vedette: Run, tmp_path: Path, sample: list[bytes], named: list[str]
) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample[:50]))
    ended = vedette("scan", "access.log", *named)
    assert ended.returncode == 0
    assert b"access.log: 0 % of its sample fits" in ended.stdout
    assert b"of its sample fits" not in vedette("scan", "access.log", "--format", "combined").stdout


def test_a_directory_of_other_logs_is_named_as_that(vedette: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("alternatives.log", "dpkg.log"):
        (tmp_path / "logs" / name).write_bytes(b"update-alternatives: run\n")
    ended = vedette("scan", "logs")
    assert ended.returncode == 2
    assert b"no access log among 2 files that could be one; the first, logs/alternatives.log:" in ended.stderr
