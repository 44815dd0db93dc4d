"""Models of how addresses behave are kept, listed, rolled back and followed as those of clients are."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random

import pytest

from tests.live.lines import Clock
from tests.live.test_flows import SECOND, Stream
from vedette.cli.main import run
from vedette.config import Config
from vedette.detectors.learned.member_names import ADDRESS
from vedette.detectors.network.view import NETWORK
from vedette.engine.model_files import kept_models, roll_back
from vedette.live.kept_models import KeptModels
from vedette.live.live import Live
from vedette.storage import open_live_store

HEADER = b"""#separator \\x09
#path\tconn
#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tduration\tconn_state\torig_pkts\torig_ip_bytes\tresp_pkts\t\
resp_ip_bytes
"""
BEGIN_S = 1_700_000_000
WINDOWS = 150
SETTINGS: Mapping[str, object] = {"learned": {"warmup": 3000, "members": []}}


@cache
def conn_log(seed: int = 1, windows: int = WINDOWS) -> tuple[bytes, ...]:
    """Thirty hosts that browse and look names up."""
    draw, lines = Random(seed), []
    for window in range(windows):
        for client in range(30):
            when = BEGIN_S + 10 * window + draw.randrange(10)
            kinds = draw.choices([b"443\ttcp", b"80\ttcp", b"53\tudp", b"8443\ttcp"], k=draw.randrange(1, 4))
            lines += [
                b"%d.%d\t10.0.0.%d\t%d\t192.0.2.%d\t%s\t0.5\t%s\t%d\t%d\t%d\t%d\n"
                % (when, draw.randrange(10), client + 1, draw.randrange(2_000, 60_000), draw.randrange(1, 60), kind,
                   draw.choice([b"SF", b"SF", b"SF", b"S0"]), draw.randrange(5, 60), draw.randrange(500, 9_000),
                   draw.randrange(5, 90), draw.randrange(900, 90_000))
                for kind in kinds
            ]  # fmt: skip
    return HEADER, *sorted(lines)


def begun(directory: Path, store: object, clock: Clock, size: int) -> Live:
    config = Config.model_validate(SETTINGS, strict=False)
    source = Stream(conn_log(), [size] * 1000, stream="conn.log", format=None)
    return Live(config, [source], store, clock, models=KeptModels(directory / "models", 5))  # type: ignore[arg-type]


def serve(directory: Path, seed: int, *, crashes: int) -> Path:
    """Serve the log, killed at random turns; where models are kept."""
    chance, clock = Random(seed), Clock(1)
    for crash in range(crashes + 1):
        with open_live_store(f"sqlite:///{directory / 'v.db'}") as store:
            running = begun(directory, store, clock, chance.randrange(500, 3000))
            turns = chance.randrange(2, 6) if crash < crashes else 1 << 30
            while turns and running.turn():
                clock.now += chance.randrange(3 * SECOND)
                turns -= 1
            if crash == crashes:
                running.drain(clock.now + SECOND)
            running.close()
    return directory / "models"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serve(tmp_path_factory.mktemp("service"), 0, crashes=0)


def uses(models: Path) -> bytes:
    return (models / ADDRESS / NETWORK / "uses.json").read_bytes()


def test_a_service_keeps_its_model_and_lists_it(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list", str(kept)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("* network address 0001, ")
    assert line.endswith("(warm-up)")


def test_a_killed_service_writes_the_same_record(kept: Path, tmp_path: Path) -> None:
    models = serve(tmp_path, 1, crashes=3)
    assert uses(models) == uses(kept)
    (model,) = kept_models(models)[NETWORK, ADDRESS]
    assert model.current


def test_a_scan_follows_the_record(kept: Path, tmp_path: Path) -> None:
    path, config, found = tmp_path / "conn.log", tmp_path / "vedette.yaml", tmp_path / "found.json"
    path.write_bytes(b"".join(conn_log()))
    config.write_text(json.dumps(SETTINGS))
    run(["scan", str(path), "-q", "--config", str(config), "--models-from", str(kept), "--json", str(found)])
    (member,) = json.loads(found.read_bytes())["coverage"]["members"]
    (use,) = member["history"]
    (recorded,) = json.loads(uses(kept))["uses"]
    assert (member["phase"], use["model"], use["why"]) == ("ensemble", recorded["model"], "warm-up")


def test_a_service_goes_back_to_another_model(tmp_path: Path) -> None:
    models = serve(tmp_path, 0, crashes=0)
    other = tmp_path / "conn.log"
    other.write_bytes(b"".join(conn_log(2)))
    assert run(["train", str(other), "--models", str(models), "--no-progress"]) == 0
    assert roll_back(models, ADDRESS, NETWORK, 2) == (2, 2)
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        running = begun(tmp_path, store, Clock(1), 500)
        source = Stream(conn_log(2, 200)[-3000:], [3000], stream="conn.log", format=None)
        source.open(None)
        for delivery in source.take(0):
            assert running.flows.intake.takes(delivery)
            running.flows.take(delivery, 1, caught_up=True)
        running.flows.engine.advance((BEGIN_S + 10 * 200) * SECOND)
        running.commit()
        (status,) = running.flows.engine.member_statuses()
        running.close()
    assert [use.why for use in status.history] == ["warm-up", "rolled back"]
    assert not (models / ADDRESS / NETWORK / "asked").exists()


def test_models_are_trained_from_flow_logs_and_judge_the_next_scan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, models, found = tmp_path / "conn.log", tmp_path / "models", tmp_path / "found.json"
    path.write_bytes(b"".join(conn_log()))
    for number in ("0001", "0002"):
        assert run(["train", str(path), "--models", str(models), "--no-progress"]) == 0
        assert f"network: model address {number}, from" in capsys.readouterr().out
    assert run(["models", "rollback", str(models), "network", "--member", "address"]) == 0
    assert capsys.readouterr().out == "network: model address 0001 is at work instead of 0002\n"
    config = tmp_path / "vedette.yaml"
    config.write_text(f"learned: {{models: {models}}}\n")
    run(["scan", str(path), "-q", "--config", str(config), "--json", str(found)])
    (member,) = json.loads(found.read_bytes())["coverage"]["members"]
    assert (member["member"], member["phase"], member["since"]) == (ADDRESS, "ensemble", None)
    config.write_text(f"learned: {{models: {models}}}\nnetwork: {{span_s: 60}}\n")
    assert run(["scan", str(path), "-q", "--config", str(config)]) == 2
    assert "was trained on windows of 10 s, and network.span_s is 60: train again" in capsys.readouterr().err
