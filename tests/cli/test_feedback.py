"""`vedette feedback` as a command."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S

from vedette.cli.main import run
from vedette.config.exceptions import read_exceptions
from vedette.report.json import load_findings
from vedette.schema.findings import Findings


def _scan(place: Path, *arguments: str) -> Findings:
    command = [sys.executable, "-m", "vedette", "scan", "--sample", "-q", *arguments, "--json", "again.json"]
    subprocess.run(command, cwd=place, check=False, timeout=PATIENCE_S)
    return load_findings(str(place / "again.json"))


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what a scan of the sample found, as a document and in a store."""
    place = tmp_path_factory.mktemp("feedback")
    _scan(place, "--store", "sqlite:///s.db")
    return place


@pytest.fixture
def place(scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.json").write_bytes((scanned / "again.json").read_bytes())
    return tmp_path


def _one(place: Path, kind: str) -> str:
    return next(a.id for a in load_findings(str(place / "f.json")).anomalies if a.type.value == kind)


@pytest.mark.parametrize("kind", ["error_spike", "sql_injection", "brute_force"])
def test_what_was_called_false_is_silent_the_next_time_and_counted(
    place: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    false = _one(place, kind)
    assert run(["feedback", false, "--false-alarm", "--json", "f.json", "--reason", "our own"]) == 0
    out = capsys.readouterr().out
    assert "Added to exceptions.yaml; say `exceptions: exceptions.yaml` in the configuration" in out
    exceptions = read_exceptions(place / "exceptions.yaml")
    assert {each.anomaly for each in exceptions} == {false}
    assert {each.reason for each in exceptions} == {"our own"}
    today = datetime.now(UTC).date()
    assert all(timedelta(days=89) <= each.expires - today <= timedelta(days=90) for each in exceptions)

    (place / "vedette.yaml").write_text("exceptions: exceptions.yaml\n")
    before = load_findings(str(place / "f.json"))
    after = _scan(place, "--config", "vedette.yaml")
    kept = {a.id for a in after.anomalies}
    # Of many requests only some lines are kept, which the exceptions are made from.
    if kind != "sql_injection":
        assert false not in kept
    assert kept <= {a.id for a in before.anomalies}
    left_out = sum(row.requests + row.anomalies for row in after.coverage.silenced)
    assert left_out > 0
    foretold = {line.split()[0] for line in out.splitlines() if line.startswith("  a")}
    assert foretold.isdisjoint(kept)


def test_a_dry_run_writes_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["feedback", _one(place, "error_spike"), "--false-alarm", "--json", "f.json"]
    assert run([*arguments, "--dry-run"]) == 0
    assert "Nothing was written." in capsys.readouterr().out
    assert not (place / "exceptions.yaml").exists()


def test_of_many_exceptions_some_are_shown_and_all_where_they_are_not_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["feedback", _one(place, "sql_injection"), "--false-alarm", "--json", "f.json"]
    assert run([*arguments, "--dry-run"]) == 0
    many = capsys.readouterr().out.count("  - id: ")
    assert many > 3
    (place / "exceptions.yaml").write_text("exceptions: []\n")
    assert run(arguments) == 2
    assert capsys.readouterr().out.count("  - id: ") == many
    (place / "exceptions.yaml").unlink()
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert out.count("  - id: ") == 3
    assert f"  # and {many - 3} more exception" in out
    assert len(read_exceptions(place / "exceptions.yaml")) == many


def test_a_store_serves_as_well(place: Path, scanned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = f"sqlite:///{scanned}/s.db"
    assert run(["feedback", _one(place, "brute_force"), "--false-alarm", "--store", store, "--any-time"]) == 0
    (exception,) = read_exceptions(place / "exceptions.yaml")
    assert exception.when is None
    assert "It would" in capsys.readouterr().out


def test_the_file_is_added_to_and_what_people_wrote_stays(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = _one(place, "error_spike"), _one(place, "brute_force")
    assert run(["feedback", first, "--false-alarm", "--json", "f.json"]) == 0
    file = place / "exceptions.yaml"
    file.write_text(file.read_text() + "  # Mind the shop.\n")
    assert run(["feedback", second, "--false-alarm", "--json", "f.json"]) == 0
    assert "# Mind the shop." in file.read_text()
    assert [each.anomaly for each in read_exceptions(file)] == [first, second]
    assert run(["feedback", second, "--false-alarm", "--json", "f.json"]) == 0
    assert "stands in exceptions.yaml already" in capsys.readouterr().out
    assert len(read_exceptions(file)) == 2

    assert run(["feedback"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 2
    assert "error_spike by errors.ratio about" in listed[0]


def test_a_file_of_another_shape_is_left_alone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = place / "exceptions.yaml"
    file.write_text("exceptions: []\n")
    assert run(["feedback", _one(place, "error_spike"), "--false-alarm", "--json", "f.json"]) == 2
    assert "add the lines above by hand" in capsys.readouterr().err
    assert file.read_text() == "exceptions: []\n"


_WINDOW = "service: s, type: xss, detector: d, entity: {kind: client, value: x}, expires: 2027-01-01"
_REQUEST = "service: s, type: xss, rule: r, route: /, place: path, expires: 2027-01-01"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("exceptions:\n  - {id: a}\n", "exceptions[0].service: must be given"),
        (f"exceptions:\n  - {{id: a, {_REQUEST}, when: Mon 09:00-10:00}}\n", "and not of both"),
        (
            f"exceptions:\n  - {{id: a, {_WINDOW}, when: Mon 10:00-09:00}}\n",
            "must be a day and whole hours of it",
        ),
        (f"exceptions:\n  - {{id: a, {_WINDOW}, place: path}}\n", "and not of both"),
    ],
)
def test_a_wrong_file_is_refused_where_it_is_wrong(
    place: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    (place / "exceptions.yaml").write_text(text)
    assert run(["feedback"]) == 2
    err = capsys.readouterr().err
    assert "exceptions.yaml:2" in err
    assert says in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a1", "--json", "f.json"], "--false-alarm"),
        (["a1", "--false-alarm"], "either --json FILE or --store URL"),
        (["nothing", "--false-alarm", "--json", "f.json"], "no anomaly in f.json"),
        (["a", "--false-alarm", "--json", "f.json"], "give more of it"),
        (["a1", "--false-alarm", "--json", "f.json", "--expires", "soon"], "must be days or weeks"),
    ],
)
def test_what_cannot_be_done_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(["feedback", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_missing_file_that_the_configuration_names_is_an_error(place: Path) -> None:
    (place / "vedette.yaml").write_text("exceptions: nowhere.yaml\n")
    command = [sys.executable, "-m", "vedette", "scan", "--sample", "--config", "vedette.yaml"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert "nowhere.yaml: no such file" in done.stderr
    assert done.stderr.count("\n") == 1
