"""`vedette simulate` as a command."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from vedette.cli.simulate import simulate
from vedette.schema.errors import VedetteError
from vedette.simulate import INCIDENTS, Simulation

app = typer.Typer()
app.command()(simulate)


def _run(*arguments: str) -> bytes:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout_bytes


def test_the_log_goes_to_standard_output_unless_told_otherwise(tmp_path: Path) -> None:
    expected = b"".join(Simulation(minutes=2, rate=5, seed=8).chunks())
    assert _run("--minutes", "2", "--rate", "5", "--seed", "8") == expected
    file = tmp_path / "access.log"
    assert _run("--minutes", "2", "--rate", "5", "--seed", "8", "--output", str(file)) == b""
    assert file.read_bytes() == expected


def test_labels_and_line_labels_go_beside_the_log(tmp_path: Path) -> None:
    labels, lines = tmp_path / "labels.jsonl", tmp_path / "lines.jsonl"
    _run("--minutes", "5", "--rate", "5", "--inject", "xss@+1m+1m", "--inject", "sqli@+2m+1m",
         "--labels", str(labels), "--line-labels", str(lines))  # fmt: skip
    incidents = [json.loads(line) for line in labels.read_text().splitlines()]
    assert [i["incident"] for i in incidents] == ["xss", "sqli"]
    assert len(lines.read_text().splitlines()) == sum(i["requests"] for i in incidents)


def test_no_incidents_gives_the_same_traffic_calm() -> None:
    arguments = ("--minutes", "5", "--rate", "5")
    assert _run(*arguments, "--inject", "xss@+1m+1m", "--no-incidents") == _run(*arguments)


def test_a_start_without_a_zone_is_utc() -> None:
    assert b"[05/May/2026:10:0" in _run("--minutes", "1", "--rate", "5", "--start", "2026-05-05T10:00")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--start", "yesterday"), "--start 'yesterday': not a moment in ISO 8601"),
        (
            ("--output", "/nowhere/at/all.log"),
            "/nowhere/at/all.log: cannot be written: there is no such directory",
        ),
        (("--labels", "/nowhere/l.jsonl"), "/nowhere/l.jsonl: cannot be written: there is no such directory"),
        (("--inject", "ddos"), "--inject 'ddos': no start"),
    ],
)
def test_bad_arguments_are_refused_with_what_where_and_the_remedy(
    arguments: tuple[str, ...], says: str
) -> None:
    with pytest.raises(VedetteError) as caught:
        _run("--minutes", "1", *arguments)
    assert says in str(caught.value)


def test_where_the_labels_cannot_be_written_no_log_is(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    with pytest.raises(VedetteError, match="no such directory"):
        _run("--minutes", "1", "--output", str(log), "--line-labels", "/nowhere/lines.jsonl")
    assert not log.exists()


def test_every_incident_is_listed_with_what_a_log_shows_of_it() -> None:
    listed = _run("--list-incidents").decode().splitlines()
    assert [line.split()[0] for line in listed] == list(INCIDENTS)
    assert all(len(line) > 40 for line in listed)
