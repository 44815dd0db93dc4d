"""What the outputs of one scan say, and that they say the same."""

import json
import re
import sqlite3
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Run

CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def log(tmp_path: Path, sample: list[bytes]) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(b"".join(sample))
    return path


def test_verdicts_mark_the_rows_that_the_anomalies_rest_on(
    vedette: Run, log: Path, tmp_path: Path, sample: list[bytes]
) -> None:
    ended = vedette("scan", log.name, "-q", "--json", "f.json", "--verdicts", "v.jsonl", "--all")
    assert ended.returncode == 1, ended.stderr
    rows = _rows(tmp_path / "v.jsonl")
    assert [row["line"] for row in rows] == list(range(1, len(sample) + 1))
    anomalies = json.loads((tmp_path / "f.json").read_bytes())["anomalies"]
    # What a verdict names was stated, and what was stated of single requests is named.
    marked = {kind for row in rows if row["is_anomaly"] for kind in row["types"]}
    assert {"brute_force", "sql_injection", "scanner"} <= marked
    guesses = [a for a in anomalies if a["type"] == "brute_force"]
    guesser = guesses[0]["entity"]["value"].encode()
    first = min(datetime.fromisoformat(a["start"]) for a in guesses)
    last = max(datetime.fromisoformat(a["end"]) for a in guesses)
    for row, line in zip(rows, sample, strict=True):
        stamp = re.search(rb"\[([^]]+)\]", line)
        assert stamp is not None
        when = datetime.strptime(stamp[1].decode(), "%d/%b/%Y:%H:%M:%S %z")
        by_guesser = line.startswith(guesser + b" ") and first <= when < last
        assert ("brute_force" in row["types"]) == by_guesser, line
    for anomaly in anomalies:
        for evidence in anomaly["evidence"]:
            assert (
                anomaly["type"] in rows[evidence["line"] - 1]["types"] or anomaly["detector"] != "signatures"
            )


def test_verdicts_without_all_are_the_anomalous_ones_of_all(vedette: Run, log: Path, tmp_path: Path) -> None:
    assert vedette("scan", log.name, "-q", "--verdicts", "all.jsonl", "--all").returncode == 1
    assert vedette("scan", log.name, "-q", "--verdicts", "some.jsonl").returncode == 1
    every = _rows(tmp_path / "all.jsonl")
    assert _rows(tmp_path / "some.jsonl") == [row for row in every if row["is_anomaly"]]
    assert 0 < sum(row["is_anomaly"] for row in every) < len(every) / 2


def test_a_filtered_request_has_no_verdict(vedette: Run, log: Path, tmp_path: Path) -> None:
    ended = vedette(
        "scan",
        log.name,
        "-q",
        "--verdicts",
        "v.jsonl",
        "--all",
        "--json",
        "f.json",
        "--since",
        "2026-03-02T09:00",
    )
    assert ended.returncode in (0, 1), ended.stderr
    coverage = json.loads((tmp_path / "f.json").read_bytes())["coverage"]
    assert len(_rows(tmp_path / "v.jsonl")) == coverage["parsed"] - coverage["filtered"]
    assert coverage["start"] >= "2026-03-02T09:00"
    assert coverage["filtered"] > 0
    assert coverage["learned"] == coverage["filtered"]


def test_a_store_keeps_a_scan_once_however_often_it_is_made(vedette: Run, log: Path, tmp_path: Path) -> None:
    def kept() -> Counter[str]:
        assert vedette("scan", log.name, "-q", "--store", "sqlite:///kept.db").returncode == 1
        with sqlite3.connect(tmp_path / "kept.db") as database:
            tables = [
                name for (name,) in database.execute("select name from sqlite_master where type = 'table'")
            ]
            return Counter({t: database.execute(f"select count(*) from {t}").fetchone()[0] for t in tables})

    once = kept()
    assert once["anomalies"] > 0
    assert once["window_blocks"] > 0
    assert kept() == once


def test_each_anomaly_can_be_explained(vedette: Run, log: Path, tmp_path: Path) -> None:
    assert vedette("scan", log.name, "-q", "--json", "f.json").returncode == 1
    for anomaly in json.loads((tmp_path / "f.json").read_bytes())["anomalies"][:3]:
        ended = vedette("explain", anomaly["id"], "--json", "f.json")
        assert ended.returncode == 0, ended.stderr
        assert anomaly["id"].encode() in ended.stdout


@pytest.mark.parametrize(
    "env",
    [
        {"COLUMNS": "60"},
        {"COLUMNS": "20"},
        {"COLUMNS": "1"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"NO_COLOR": "1"},
        {"TERM": "dumb"},
    ],
)
def test_the_report_suits_any_terminal(
    env: dict[str, str], vedette: Run, log: Path, sample: list[bytes]
) -> None:
    log.write_bytes(b"".join(sample[2600:]))
    ended = vedette("scan", log.name, "--no-progress", env=env)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr == b""
    assert not CONTROL.search(ended.stdout)
    if env.get("PYTHONIOENCODING") == "ascii":
        assert ended.stdout.isascii()
    if (columns := int(env.get("COLUMNS", "0"))) >= 60:
        assert max(len(line) for line in ended.stdout.decode().splitlines()) <= columns


def test_quiet_says_nothing_and_top_tells_how_many_are_left(vedette: Run, log: Path) -> None:
    quiet = vedette("scan", log.name, "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (1, b"", b"")
    told = vedette("scan", log.name, "--top", "1").stdout
    assert re.search(rb"\d+ more incidents?, the worst", told)


def test_evidence_shows_where_it_stands_at_80_columns(
    vedette: Run, tmp_path: Path, sample: list[bytes]
) -> None:
    place = tmp_path / "a-directory-with-a-long-name" / "and-another-one-below-it"
    place.mkdir(parents=True)
    (place / "access.log").write_bytes(b"".join(sample[2600:]))
    told = vedette("scan", str(place / "access.log"), env={"COLUMNS": "80"}).stdout
    assert re.search(rb"access\.log:\d+\b", told)
