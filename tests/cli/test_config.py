"""`vedette config` as a command."""

import json
from pathlib import Path

import pytest

from vedette.cli.main import run
from vedette.config import Config
from vedette.config.yaml_lines import read_yaml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "vedette.yaml"
    path.write_text(
        "windows:\n  span_s: 30\nbaselines:\n  holidays: [2026-12-25]\ninput:\n  services:\n    - name: 'on'\n"
    )
    return path


def test_a_good_file_is_called_usable(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: usable\n"


def test_a_file_is_named_as_for_other_commands_too_and_only_once(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["config", "check", "--config", str(file)]) == 0
    assert run(["config", "show", "-c", str(file)]) == 0
    assert "span_s: 30" in capsys.readouterr().out
    assert run(["config", "show", "-c", str(file), "other.yaml"]) == 2
    assert f"name one file: other.yaml or {file}" in capsys.readouterr().err
    assert run(["config", "check"]) == 2
    assert "which configuration?" in capsys.readouterr().err


def test_files_that_are_named_and_not_here_are_noted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(
        "server: {tls: {cert_file: /nonexistent/cert.pem, key_file: /nonexistent/key.pem}}\n"
        "alerts:\n  channels:\n    slack: [{name: s, url_file: /nonexistent/url}]\n"
    )
    assert run(["config", "check", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{file}: usable\n"
    note = (
        "alerts.channels.slack[0].url_file = /nonexistent/url: cannot be read on this machine: No such file"
    )
    assert f"vedette: note: {file}: {note}" in err
    assert len(err.splitlines()) == 3


@pytest.mark.parametrize("url", ["mysql://u:pass@h/d", "sqlite://v.db", "vedette.db", "sqlite://"])
def test_a_store_that_is_none_is_refused_without_its_password(
    url: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f'store:\n  url: "{url}"\n')
    assert run(["config", "check", str(file)]) == 2
    err = capsys.readouterr().err
    assert f"{file}:2: store.url = " in err
    assert "must be sqlite:///vedette.db (three slashes" in err
    assert "pass" not in err


def test_every_problem_of_a_file_is_told_in_its_own_line(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("windows:\n  span: 3\n  span_s: 0\n")
    assert run(["config", "check", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first.startswith(f"vedette: {file}:2: windows.span: no such key; did you mean 'span_s'?")
    assert second.startswith(f"vedette: {file}:3: windows.span_s = 0: must be at least 1")


def test_a_key_in_the_wrong_place_is_told_its_own(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("budget: 1/day\nserver:\n  span_s: 3\n")
    assert run(["config", "check", str(file)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(
        f"vedette: {file}:1: budget: no such key; it stands in another place: alarm.budget"
    )
    assert second.startswith(f"vedette: {file}:3: server.span_s: no such key; it stands in another place: ")
    assert "windows.span_s" in second


def test_what_is_shown_reads_back_as_the_same_configuration(
    file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEDETTE_OUTPUT__TOP", "3")
    assert run(["config", "show", str(file)]) == 0
    again = tmp_path / "again.yaml"
    again.write_text(capsys.readouterr().out)
    assert Config.load(again) == Config.load(file, environment={"VEDETTE_OUTPUT__TOP": "3"})


def test_a_value_that_was_given_is_shown_with_its_origin(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VEDETTE_OUTPUT__TOP", "3")
    run(["config", "show", str(file)])
    lines = capsys.readouterr().out.splitlines()
    remarks = {line.split(":")[0].strip(): line.split("  # ")[1] for line in lines if "  # " in line}
    assert remarks == {
        "span_s": f"{file}:2",
        "holidays": f"{file}:4",
        "services": f"{file}:6",
        "top": "VEDETTE_OUTPUT__TOP",
    }


def test_origins_can_be_asked_for_and_left_out(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--origin", str(file)]) == 0
    told = capsys.readouterr().out
    assert f"# {file}:2" in told
    assert run(["config", "show", "--no-origin", str(file)]) == 0
    plain = capsys.readouterr().out
    assert plain == "".join(line.partition("  # ")[0].rstrip() + "\n" for line in told.splitlines())


def test_every_key_is_shown_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show"]) == 0
    assert read_yaml(capsys.readouterr().out).value == Config().model_dump(mode="json")


def test_the_schema_knows_every_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == 0
    assert set(json.loads(capsys.readouterr().out)["properties"]) == set(Config.model_fields)
