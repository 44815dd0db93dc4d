"""`vedette inject` as a command."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.patience import PATIENCE_S

from vedette.cli.main import run
from vedette.inject.menu import MENU
from vedette.simulate import Simulation


def _inject(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    place = cwd / "tmp"
    place.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "vedette", "inject", *arguments],
        cwd=cwd,
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hours in two files, the older one rotated and compressed, with durations."""
    place = tmp_path_factory.mktemp("logs")
    text = b"".join(Simulation(minutes=240, rate=2, format="nginx-timed", seed=3).chunks())
    half = text.index(b"\n", len(text) // 2) + 1
    (place / "shop.log.1.gz").write_bytes(gzip.compress(text[:half]))
    (place / "shop.log").write_bytes(text[half:])
    return place


@pytest.fixture(scope="module")
def card(logs: Path) -> dict:
    before = {path.name: path.read_bytes() for path in logs.iterdir() if path.is_file()}
    done = _inject("shop.log", "shop.log.1.gz", "--times", "1", "--json", "card.json", cwd=logs)
    assert done.returncode == 0, done.stderr
    card = json.loads((logs / "card.json").read_text())
    (logs / "card.json").unlink()
    assert {path.name: path.read_bytes() for path in logs.iterdir() if path.is_file()} == before
    assert list((logs / "tmp").iterdir()) == []
    return {**card, "printed": done.stdout}


def test_every_incident_of_the_menu_is_put_in_and_told(card: dict) -> None:
    assert [row["name"] for row in card["incidents"]] == [kind.name for kind in MENU]
    assert card["not_possible"] == []
    for row in card["incidents"]:
        own = [each for each in card["each"] if each["name"] == row["name"]]
        assert len(own) == row["injected"] == 1
        assert row["found"] == sum(each["found"] for each in own)
        assert all(each["lines"] > 0 for each in own)
        assert f"{row['name']} " in card["printed"]


def test_what_is_plain_is_found_and_calm_traffic_is_left_in_peace(card: dict) -> None:
    # Not all: two requests a second leave little to see of an error burst or a drop.
    found = {row["name"] for row in card["incidents"] if row["found"]}
    assert found >= {"flood_by_one", "scan", "sql_injection", "credential_stuffing", "exfiltration"}
    for each in card["each"]:
        assert (each["delay_s"] is not None) == each["found"]
        if each["found"]:
            assert 0 < each["delay_s"] <= 22 * 60
    assert card["untouched"]["incidents"] == 0
    assert card["untouched"]["service_days"] == pytest.approx(4 / 24, rel=0.02)


def test_the_same_seed_gives_the_same_card(logs: Path) -> None:
    arguments = ("shop.log", "--times", "1", "--only", "scan", "--only", "drop", "--json", "-")
    first, second = (_inject(*arguments, cwd=logs).stdout for _ in range(2))
    assert json.loads(first) == json.loads(second)
    other = _inject(*arguments, "--seed", "9", cwd=logs).stdout
    assert json.loads(other)["each"] != json.loads(first)["each"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "quake"], "no such incident: one of"),
        (["--service", "blog"], "no request is to a service of that name"),
        (["--only", "slow_dependency"], "the log records no durations"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = _inject("--sample", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_short_log_and_standard_input_are_refused(tmp_path: Path) -> None:
    short = tmp_path / "short.log"
    short.write_bytes(b"".join(Simulation(minutes=20, rate=3).chunks()))
    assert "20 minutes of log are too few" in _inject("short.log", cwd=tmp_path).stderr
    assert "standard input cannot be read twice" in _inject("-", cwd=tmp_path).stderr


def test_the_menu_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inject", "--list-incidents"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [k.name for k in MENU]
