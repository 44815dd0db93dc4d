"""Models are trained from logs, kept, listed, shown, rolled back, and judge the next scan."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from tests.network.packets import ACK, PUSH, SECOND, Frame, ethernet, pcap, tcp

from vedette.cli.main import run
from vedette.simulate import Simulation


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "shop.log"
    path.write_bytes(b"".join(Simulation(minutes=180, rate=2, seed=5, inject="").chunks()))
    return path


def test_from_logs_to_a_scan(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = str(tmp_path / "models")
    for number in ("0001", "0002"):
        assert run(["train", str(log), "--models", models, "--no-progress"]) == 0
        assert f"shop: model forest {number}, from" in capsys.readouterr().out
    assert run(["models", "rollback", models, "shop"]) == 0
    assert capsys.readouterr().out == "shop: model forest 0001 is at work instead of 0002\n"
    assert run(["models", "list", models]) == 0
    assert [line.partition(",")[0] for line in capsys.readouterr().out.splitlines()] == [
        "* shop forest 0001",
        "  shop forest 0002",
        "  shop status_code 0001",
        "* shop status_code 0002",
    ]
    assert run(["models", "show", models, "shop"]) == 0
    assert json.loads(capsys.readouterr().out)["card"]["service"] == "shop"
    config, found = tmp_path / "vedette.yaml", tmp_path / "found.json"
    config.write_text(f"learned: {{models: {models}}}\n")
    for place in (["--models", models], ["--config", str(config)]):
        assert run(["models", "list", *place]) == 0
        assert capsys.readouterr().out.startswith("* shop forest 0001")
        assert run(["models", "show", "shop", *place]) == 0
        assert json.loads(capsys.readouterr().out)["card"]["service"] == "shop"
    assert run(["models", "rollback", "shop", "--number", "2", "--models", models]) == 0
    assert run(["models", "rollback", models, "shop"]) == 0
    assert "0001 is at work instead of 0002" in capsys.readouterr().out
    assert run(["scan", str(log), "-q", "--config", str(config), "--json", str(found)]) == 0
    member, floods, times, status = json.loads(found.read_bytes())["coverage"]["members"]
    assert (member["phase"], member["since"]) == ("ensemble", None)
    assert floods["member"] == "ddos"
    assert (status["member"], status["phase"]) == ("status_code", "ensemble")
    assert (times["member"], times["phase"]) == ("response_time", "warmup")


def captured(lines: bytes) -> bytes:
    """The requests of a log in Combined format, and their answers, as packets."""
    frames: list[Frame] = []
    for number, line in enumerate(lines.splitlines()):
        if (found := COMBINED.match(line)) is None:
            continue
        at = int(datetime.strptime(found["at"].decode(), "%d/%b/%Y:%H:%M:%S %z").timestamp()) * SECOND
        client, server = f"{found['client'].decode()}:{20_000 + number % 40_000}", "192.0.2.1:80"
        asked = b"%b HTTP/1.1\r\nHost: shop\r\nUser-Agent: %b\r\n\r\n" % (found["asked"], found["agent"])
        told = b"HTTP/1.1 %b OK\r\nContent-Length: 0\r\n\r\n" % found["status"]
        for there, text, seq, ack in ((True, asked, 1, 1), (False, told, 1, 1 + len(asked))):
            ends = (client, server) if there else (server, client)
            frames.append(
                (at + (not there) * 30_000, ethernet(tcp(*ends, ACK | PUSH, text, seq=seq, ack=ack)))
            )
    return pcap(sorted(frames))


COMBINED = re.compile(
    rb'(?P<client>[\d.]+) \S+ \S+ \[(?P<at>[^]]+)\] "(?P<asked>[A-Z]+ \S+) HTTP/[\d.]+" (?P<status>\d+) '
    rb'.*"(?P<agent>[^"]*)"'
)


def test_requests_inside_captures_are_learned_from(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, models = tmp_path / "trace.pcap", str(tmp_path / "models")
    path.write_bytes(captured(log.read_bytes()))
    assert run(["train", str(path), "--models", models, "--no-progress"]) == 0
    told = capsys.readouterr().out
    assert "shop: model forest 0001, from" in told
    assert "network: " in told


def test_too_little_says_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "small.log"
    path.write_bytes(b"".join(Simulation(minutes=10, rate=1, seed=5, inject="").chunks()))
    assert run(["train", str(path), "--models", str(tmp_path), "--no-progress"]) == 1
    assert "windows of clients: 256 are needed" in capsys.readouterr().out


def test_a_directory_without_models_is_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "list", str(tmp_path)]) == 0
    assert "there are no models; vedette train" in capsys.readouterr().out


def test_a_model_that_is_not_there_is_answered_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, models = tmp_path / "windows.csv", str(tmp_path / "models")
    head = (
        "timestamp,pod_shortname,total_requests,unique_ips,max_requests_per_ip,avg_requests_per_ip,error_rate,"
        "avg_response_time,label\n"
    )
    rows = []
    for n in range(240):
        day, flood = n // 60, n % 2
        many = 900 + n % 7 * 40 if flood else 20 + n % 9
        at = f"2024-12-{day + 1:02}T{n % 60 // 3:02}:{n % 3 * 20:02}:00Z"
        rows.append(f"{at},shop,{many},{4 + n % 3},{many // 2},{many / 4},0.0{n % 5},0.1,{flood}\n")
    table.write_text(head + "".join(rows))
    assert run(["train", "ddos", str(table), "--models", models]) == 0
    capsys.readouterr()
    assert run(["models", "show", models, "ddos"]) == 2
    assert "vedette models show DIR '*' --member ddos" in capsys.readouterr().err
    assert run(["models", "show", models, "*"]) == 2
    assert "of it there is ddos" in capsys.readouterr().err


def test_no_models_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list", str(tmp_path / "none")]) == 2
    assert "no such directory: write one with vedette train" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list"], "say where models are kept: DIR, --models DIR, or learned.models"),
        (["show", "shop"], "say where models are kept: DIR, --models DIR, or learned.models"),
        (["show", "."], ". is a directory: name the service behind it"),
        (["list", "a", "--models", "b"], "two directories: a and --models b: give one"),
        (["rollback", "a", "b", "c"], "3 words: at most two, a directory and a service"),
    ],
)
def test_where_models_are_kept_is_said_once(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", *words]) == 2
    assert said in capsys.readouterr().err
