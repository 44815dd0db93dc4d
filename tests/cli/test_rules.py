"""`vedette rules` as a command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S

from vedette.cli.main import run
from vedette.expression.measures import MEASURES

RULES = """rules:
  - name: many-errors
    when: error_rate > 5 % and requests > 20 for 2 windows
    severity: high
    message: Call the on-call.
  - name: slow
    when: latency_p95 > 500 ms for 5 min
    enabled: false
  - name: rare
    when: requests < 10 for 4 windows
  - name: elsewhere
    when: requests > 1
    services: [another]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vedette.yaml"
    path.write_text(RULES)
    return path


def _test(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the kernels' mode is chosen once."""
    command = [sys.executable, "-m", "vedette", "rules", "test", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def test_a_test_tells_of_each_rule_how_often_when_and_on_what(file: Path, tmp_path: Path) -> None:
    done = _test("--sample", "--config", str(file), "--json", "trial.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads((tmp_path / "trial.json").read_text())
    rules = {rule["name"]: rule for rule in document["rules"]}
    errors = rules["many-errors"]
    assert errors["fired"] == len(errors["firings"]) > 0
    assert sum(f["windows"] - 1 for f in errors["firings"]) == errors["stated"]
    for firing in errors["firings"]:
        assert firing["service"] == "sample"
        assert f"{firing['start'][:10]} {firing['start'][11:16]} to" in done.stdout
    assert f"would have fired {errors['fired']} times" in done.stdout
    # The sample has no durations; a rule that is not switched on is tested all the same.
    assert rules["slow"]["unknown"] == rules["slow"]["windows"] > 0
    assert "it is not known whether it holds" in done.stdout
    assert rules["rare"]["fired"] == 0 < rules["rare"]["longest_run"] < 4
    assert f"at most {rules['rare']['longest_run']} in a row; it asks for 4" in done.stdout
    assert "no service or route of the log is one that it is about" in done.stdout


def test_a_rule_can_be_tried_without_a_file(tmp_path: Path) -> None:
    done = _test("--sample", "--when", "errors > 1", "--route", "/p/*", "--json", "-", cwd=tmp_path)
    (rule,) = json.loads(done.stdout)["rules"]
    assert rule["fired"] > 0
    assert {f["route"] for f in rule["firings"]} == {"/p/{}"}


def test_a_scan_applies_the_rules_that_are_enabled(file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vedette", "scan", "--sample", "--config", str(file), "--json", "f.json"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert "Rule many-errors on sample" in done.stdout
    anomalies = json.loads((tmp_path / "f.json").read_text())["anomalies"]
    assert {a["detector"] for a in anomalies if a["detector"].startswith("rules.")} == {"rules.many-errors"}


def test_a_wrong_rule_is_pointed_at_where_it_stands(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RULES.replace("error_rate", "error_rat"))
    assert run(["rules", "check", str(file)]) == 2
    out, err = capsys.readouterr()
    title, shown, carets, problem = err.splitlines()
    assert title == f"{file}:3: many-errors"
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "error_rat"
    assert "did you mean `error_rate`?" in problem
    assert "rare" in out


def test_a_wrong_rule_is_told_in_one_line_elsewhere(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(RULES.replace("error_rate", "error_rat"))
    assert run(["config", "check", str(file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vedette: {file}:3: rules[0].when = ")
    assert "column 1: there is no measure `error_rat`; did you mean `error_rate`?" in line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (RULES.replace("rare", "slow"), "two rules are named 'slow'"),
        (RULES.replace("name: rare", "name: Rare"), "must be lower-case letters"),
        (RULES.replace("requests > 1\n", "top_client_share > 5 %\n    routes: ['*']\n"), "of services only"),
        ("rules:\n" + "  - {name: a, when: errors > 1}\n" * 101, "at most 100"),
    ],
)
def test_rules_that_do_not_fit_are_refused(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    file.write_text(text)
    assert run(["rules", "check", str(file)]) == 2
    assert problem in capsys.readouterr().err


def test_good_rules_are_shown_as_understood(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "check", str(file)]) == 0
    assert f"{file}: usable" in capsys.readouterr().out
    assert run(["rules", "list", str(file)]) == 0
    listed = capsys.readouterr().out
    assert "slow (not enabled), medium, on services as a whole\n  latency_p95 > 500 ms for 5 min" in listed
    assert run(["rules", "check", "--when", "errors > 1"]) == 0


def test_every_measure_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "metrics"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()[: len(MEASURES)]] == list(MEASURES)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["test", "--sample"], "no rule to test"),
        (["test"], "give a log to read"),
        (["test", "--sample", "--service", "x"], "--when"),
        (["check"], "give either a configuration FILE or one rule"),
        (["test", "--sample", "--when", "errors > 1 s"], "cannot be compared"),
    ],
)
def test_what_cannot_be_done_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    assert run(["rules", *arguments]) == 2
    assert problem in capsys.readouterr().err
