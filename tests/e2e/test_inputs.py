"""The same requests give the same findings, however their lines are kept."""

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import COMMAND, ENVIRONMENT, Run
from tests.patience import PATIENCE_S


def _document(vedette: Run, *arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    ended = vedette("scan", *arguments, "-q", "--json", "-", stdin=stdin)
    assert ended.returncode in (0, 1), ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    coverage = document["coverage"]
    assert coverage["lines"] == coverage["parsed"] + sum(coverage["skipped"].values())
    return document


def _found(document: dict[str, Any]) -> list[tuple[str, str, float]]:
    return sorted((a["type"], a["start"], a["observed"]) for a in document["anomalies"])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, sample: list[bytes]) -> dict[str, Any]:
    """What is found in the sample as one file of the name that the others have."""
    place = tmp_path_factory.mktemp("plain")
    (place / "access.log").write_bytes(b"".join(sample))
    done = subprocess.run(
        [*COMMAND, "scan", "access.log", "-q", "--json", "-"],
        cwd=place, capture_output=True, env=ENVIRONMENT, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    document: dict[str, Any] = json.loads(done.stdout)
    assert document["anomalies"]
    return document


def test_a_directory_of_rotated_files_is_read_in_order_of_time(
    vedette: Run, tmp_path: Path, sample: list[bytes], plain: dict[str, Any]
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "access.log.2.gz").write_bytes(gzip.compress(b"".join(sample[:1500])))
    (logs / "access.log.1").write_bytes(b"".join(sample[1500:3000]))
    (logs / "access.log").write_bytes(b"".join(sample[3000:]))
    document = _document(vedette, "logs")
    assert [Path(s["source"]).name for s in document["coverage"]["sources"]] == [
        "access.log.2.gz", "access.log.1", "access.log",
    ]  # fmt: skip
    assert _found(document) == _found(plain)


@pytest.mark.parametrize("kept", ["crlf", "no newline at the end", "cri", "kubernetes", "docker"])
def test_line_ends_and_wrappers_change_nothing(
    kept: str, vedette: Run, tmp_path: Path, sample: list[bytes], plain: dict[str, Any]
) -> None:
    stamp = b"2026-03-02T08:00:00.123456789Z "
    text = b"".join(sample)
    wrapped = {
        "crlf": text.replace(b"\n", b"\r\n"),
        "no newline at the end": text[:-1],
        "cri": b"".join(stamp + b"stdout F " + line for line in sample),
        "kubernetes": b"".join(stamp + line for line in sample),
        "docker": b"".join(
            json.dumps(
                {"log": line.decode(), "stream": "stdout", "time": stamp.decode().strip()},
                separators=(",", ":"),
            ).encode()
            + b"\n"
            for line in sample
        ),
    }[kept]
    (tmp_path / "access.log").write_bytes(wrapped)
    document = _document(vedette, "access.log")
    assert document["coverage"]["parsed"] == len(sample)
    assert _found(document) == _found(plain)


@pytest.mark.parametrize(
    "directive",
    [
        '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
            '"$http_user_agent"'
        ),
    ],
)
def test_the_server_s_own_directive_reads_the_log(
    directive: str, vedette: Run, tmp_path: Path, sample: list[bytes], plain: dict[str, Any]
) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample))
    assert _found(_document(vedette, "access.log", "--log-format", directive)) == _found(plain)


def test_two_logs_of_one_period_are_read_side_by_side(
    vedette: Run, tmp_path: Path, sample: list[bytes]
) -> None:
    (tmp_path / "a.log").write_bytes(b"".join(sample[::2]))
    (tmp_path / "b.log").write_bytes(b"".join(sample[1::2]))
    ended = vedette("scan", "a.log", "b.log", "-q", "--verdicts", "v.jsonl", "--all", "--json", "f.json")
    assert ended.returncode == 1, ended.stderr
    coverage = json.loads((tmp_path / "f.json").read_bytes())["coverage"]
    assert (coverage["parsed"], coverage.get("late", 0)) == (len(sample), 0)
    rows = [json.loads(line) for line in (tmp_path / "v.jsonl").read_bytes().splitlines()]
    assert {(row["source"], row["line"]) for row in rows} == {
        (source, line + 1)
        for source, n in (("a.log", sample[::2]), ("b.log", sample[1::2]))
        for line in range(len(n))
    }
    assert len(rows) == len(sample)


def test_a_log_that_ends_before_another_is_told_beside_the_drop(vedette: Run, tmp_path: Path) -> None:
    made = ("simulate", "--rate", "2", "--inject", "", "--format", "nginx-timed")
    assert vedette(*made, "--minutes", "150", "--seed", "1", "-o", "a.log").returncode == 0
    assert vedette(*made, "--minutes", "240", "--seed", "2", "-o", "b.log").returncode == 0
    document = _document(vedette, "a.log", "b.log")
    assert {a["service"] for a in document["anomalies"] if a["type"] == "traffic_drop"} == {"a"}
    (said,) = document["coverage"]["ended_early"]
    assert said.startswith("a.log ends 2026-")
    assert "a service that is down looks the same" in said


def test_mapped_json_is_read_in_the_zone_that_was_named(vedette: Run, tmp_path: Path) -> None:
    lines = [
        json.dumps(
            {"ts": f"2026-03-02T09:00:{n:02}", "verb": "GET", "u": f"/p{n % 7}", "resp": {"code": 200}}
        )
        for n in range(60)
    ]
    (tmp_path / "j.log").write_text("\n".join(lines))
    names = ("time=ts", "method=verb", "target=u", "status=resp.code")
    document = _document(
        vedette, "j.log", "--log-timezone", "+02:00", *(word for name in names for word in ("--field", name))
    )
    assert document["coverage"]["parsed"] == 60
    assert document["coverage"]["start"].startswith("2026-03-02T07:00:00")


def test_odd_lines_are_counted_and_cost_no_other_line(
    vedette: Run, tmp_path: Path, sample: list[bytes]
) -> None:
    lines = sample[:300]
    lines.insert(100, b"\0" * 50 + b"\n")
    lines.insert(200, b"\xff\xfe\x1b[31m garbage\n")
    lines.insert(250, lines[250].replace(b"GET /", b"GET /" + b"B" * 1_100_000))
    (tmp_path / "access.log").write_bytes(b"".join(lines))
    document = _document(vedette, "access.log")
    coverage = document["coverage"]
    assert (coverage["lines"], coverage["parsed"]) == (303, 301)
    assert coverage["capped"]["cut_lines"] == 1


def test_a_truncated_gzip_is_scanned_as_far_as_it_goes(
    vedette: Run, tmp_path: Path, sample: list[bytes]
) -> None:
    whole = gzip.compress(b"".join(sample))
    (tmp_path / "access.log.gz").write_bytes(whole[: len(whole) // 2])
    ended = vedette("scan", "access.log.gz", "--json", "f.json")
    assert ended.returncode in (0, 1), ended.stderr
    assert b"Not everything could be read" in ended.stdout
    coverage = json.loads((tmp_path / "f.json").read_bytes())["coverage"]
    assert 500 < coverage["parsed"] < len(sample)
    assert "incomplete" in coverage["sources"][0]["truncated"]


def test_older_logs_make_a_cold_log_judgeable_and_are_not_reported(
    vedette: Run, tmp_path: Path, sample: list[bytes]
) -> None:
    # The sample's errors begin after line 2,100.
    (tmp_path / "access.log.1").write_bytes(b"".join(sample[:1900]))
    (tmp_path / "access.log").write_bytes(b"".join(sample[1900:2600]))
    cold = _document(vedette, "access.log")
    warm = _document(vedette, "access.log", "--baseline-from", "access.log.*")
    assert (cold["coverage"]["windows"], cold["anomalies"]) == (0, [])
    assert warm["coverage"]["windows"] > 100
    assert warm["coverage"]["lines"] == 700
    assert {a["type"] for a in warm["anomalies"]} == {"error_spike"}
    assert all(a["end"] > warm["coverage"]["start"] for a in warm["anomalies"])


@pytest.mark.parametrize("copied", [True, False])
def test_history_that_is_the_scanned_log_itself_teaches_nothing(
    copied: bool, vedette: Run, tmp_path: Path, sample: list[bytes], plain: dict[str, Any]
) -> None:
    (tmp_path / "access.log").write_bytes(b"".join(sample))
    past = "access.log"
    if copied:
        (tmp_path / "old").mkdir()
        past = "old/access.log"
        (tmp_path / past).write_bytes(b"".join(sample))
    assert _found(_document(vedette, "access.log", "--baseline-from", past)) == _found(plain)
