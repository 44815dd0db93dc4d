"""A service's models survive it: killed at any turn, it writes the record that an undisturbed one writes."""

import json
from functools import cache
from pathlib import Path
from random import Random

import pytest

from tests.engine.test_learned import CRAWLER, crawl, mixed
from tests.live.lines import Clock, Lines
from vedette.cli.main import run
from vedette.config import Config
from vedette.engine.model_files import kept_models, roll_back
from vedette.live.kept_models import KeptModels
from vedette.live.live import Live
from vedette.schema.anomaly import Anomaly
from vedette.storage import open_live_store

SETTINGS = {"learned": {"warmup": 8000, "members": ["forest"]}}
SECOND = 1_000_000


@pytest.fixture(autouse=True)
def hourly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are fitted anew after an hour."""
    monkeypatch.setattr("vedette.engine.members._retrain", lambda _: 60)


@cache
def log() -> tuple[bytes, ...]:
    return tuple(mixed(crawl(95, 120) + crawl(150, 175)))


def begun(directory: Path, store: object, clock: Clock, size: int) -> Live:
    config = Config.model_validate(SETTINGS, strict=False)
    source = Lines(log(), [size] * 1000)
    return Live(config, [source], store, clock, models=KeptModels(directory / "models", 5))  # type: ignore[arg-type]


def serve(directory: Path, seed: int, *, crashes: int) -> list[Anomaly]:
    """Serve the log, killed at random turns; what the model stated."""
    chance, clock = Random(seed), Clock(1)
    for crash in range(crashes + 1):
        store = open_live_store(f"sqlite:///{directory / 'v.db'}")
        running = begun(directory, store, clock, chance.randrange(500, 3000))
        turns = chance.randrange(2, 9) if crash < crashes else 1 << 30
        while turns and running.turn():
            clock.now += chance.randrange(3 * SECOND)
            turns -= 1
        if crash == crashes:
            running.drain(clock.now + SECOND)
            found = [a for a in store.anomalies(limit=1000).items if a.detector == "forest"]
        running.close()
        store.close()
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Anomaly]]:
    directory = tmp_path_factory.mktemp("service")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vedette.engine.members._retrain", lambda _: 60)
        return directory, serve(directory, 0, crashes=0)


def _uses(directory: Path) -> bytes:
    return (directory / "models" / "forest" / "test" / "uses.json").read_bytes()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_service_writes_the_same_record(
    tmp_path: Path, undisturbed: tuple[Path, list[Anomaly]], seed: int
) -> None:
    found = serve(tmp_path, seed, crashes=4)
    assert [a.id for a in found] == [a.id for a in undisturbed[1]]
    assert _uses(tmp_path) == _uses(undisturbed[0])
    for directory in (tmp_path, undisturbed[0]):
        (kept,) = kept_models(directory / "models").values()
        assert [(m.number, m.current) for m in kept] == [(1, False), (2, True)]


def test_a_scan_with_the_record_finds_what_the_service_found(
    tmp_path: Path, undisturbed: tuple[Path, list[Anomaly]]
) -> None:
    path, config, found = tmp_path / "test.log", tmp_path / "vedette.yaml", tmp_path / "found.json"
    path.write_bytes(b"".join(log()))
    config.write_text(json.dumps(SETTINGS))
    models = str(undisturbed[0] / "models")
    asked = ["scan", str(path), "-q", "--config", str(config), "--models-from", models, "--json", str(found)]
    assert run(asked) == 1
    told = json.loads(found.read_bytes())
    again = [a["id"] for a in told["anomalies"] if a["detector"] == "forest"]
    assert sorted(again) == sorted(a.id for a in undisturbed[1]) != []
    assert {a.entity.value for a in undisturbed[1]} == {CRAWLER}
    assert [use["why"] for use in told["coverage"]["members"][0]["history"]] == ["warm-up", "schedule"]


def test_a_service_goes_back_to_an_older_model(tmp_path: Path) -> None:
    serve(tmp_path, 0, crashes=0)
    models = tmp_path / "models"
    assert roll_back(models, "forest", "test") == (2, 1)
    store, clock = open_live_store(f"sqlite:///{tmp_path / 'v.db'}"), Clock(1 << 50)
    running = begun(tmp_path, store, clock, 500)
    running.engine.advance(running.engine.windower.event_time.now + 2 * 60 * SECOND)
    running.commit()
    (status,) = running.engine.member_statuses()
    assert [use.why for use in status.history] == ["warm-up", "schedule", "rolled back"]
    assert status.history[2].model == status.history[0].model
    assert not (models / "forest" / "test" / "asked").exists()
    (kept,) = kept_models(models).values()
    assert [(m.number, m.current) for m in kept] == [(1, True), (2, False)]
    running.close()
    store.close()
