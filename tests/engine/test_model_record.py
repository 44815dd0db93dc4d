"""Models that a service made are kept and written down; a replay with the record says what the service said."""

import json
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.engine.running import LATENESS_US, batches
from tests.engine.test_learned import CRAWLER, crawl, mixed, unusual
from vedette.config import Config
from vedette.detectors.learned.kinds import train_here
from vedette.detectors.learned.training import Job, Training
from vedette.engine.build import build_engine
from vedette.engine.model_files import ModelFileError, kept_models, load_models, roll_back
from vedette.engine.model_record import Record, asked_for, uses_of, write_uses
from vedette.engine.teaching import Teaching
from vedette.engine.training import TrainingProcesses
from vedette.live.kept_models import KeptModels
from vedette.schema.findings import Findings
from vedette.schema.learned import ModelUse

MEMBERS = ["forest", "status_code"]
CONFIG = Config.model_validate({"learned": {"warmup": 8000, "members": MEMBERS}}, strict=False)
SPAN = 60_000_000


@pytest.fixture(autouse=True)
def hourly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models are fitted anew after an hour."""
    monkeypatch.setattr("vedette.engine.members._retrain", lambda _: 60)


@cache
def lines() -> tuple[bytes, ...]:
    return tuple(mixed(crawl(95, 120) + crawl(150, 175)))


def found(teaching: Teaching, each: int = 5000) -> Findings:
    engine = build_engine(CONFIG, lateness_us=LATENESS_US, teaching=teaching)
    for batch in batches(b"".join(lines()[i : i + each]) for i in range(0, len(lines()), each)):
        engine.process(batch)
    return engine.finish()


Kept = list[tuple[str, str, bytes]]


@pytest.fixture(scope="module")
def service() -> tuple[Kept, Findings]:
    """Models that a service put to work, and what it found."""
    kept: Kept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vedette.engine.members._retrain", lambda _: 60)
        return kept, found(Teaching(keep=lambda *model: kept.append(model)))


def written(directory: Path, service: tuple[Kept, Findings], most: int = 5) -> KeptModels:
    """Them on disk."""
    models = KeptModels(directory, most)
    for model in service[0]:
        models.keep(*model)
    models.write()
    models.settle(service[1].coverage.members)
    return models


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, service: tuple[Kept, Findings]) -> tuple[Path, Findings]:
    directory = tmp_path_factory.mktemp("models")
    written(directory, service)
    return directory, service[1]


def never(job: Job) -> Training:
    raise AssertionError(f"a model {job.member} is trained")


@pytest.mark.parametrize("each", [5000, 713])
def test_a_replay_with_the_record_trains_nothing_and_finds_the_same(
    record: tuple[Path, Findings], each: int
) -> None:
    directory, live = record
    again = found(Teaching(never, record=Record(directory)), each)
    assert again.anomalies == live.anomalies
    assert {a.entity.value for a in unusual(again)} == {CRAWLER}
    assert [m.history for m in again.coverage.members] == [m.history for m in live.coverage.members]
    assert [len(m.history) for m in live.coverage.members] == [2, 1]


def test_a_replay_without_it_trains_at_the_same_times(record: tuple[Path, Findings]) -> None:
    _, live = record
    again = found(Teaching(), 1009)
    assert [m.history for m in again.coverage.members] == [m.history for m in live.coverage.members]
    assert again.anomalies == live.anomalies


def test_each_model_is_listed_with_its_use(record: tuple[Path, Findings]) -> None:
    directory, live = record
    for status in live.coverage.members:
        kept = kept_models(directory)[status.service, status.member]
        assert [m.number for m in kept if m.current] == [len(kept)]
        assert [m.manifest.sha256[:16] for m in kept] == [use.model for use in status.history]


def test_what_is_no_longer_kept_judges_nothing_and_is_named(
    tmp_path: Path, service: tuple[Kept, Findings]
) -> None:
    written(tmp_path, service, most=1)
    live = service[1]
    assert [len(kept) for kept in kept_models(tmp_path).values()] == [1, 1]
    again = found(Teaching(never, record=Record(tmp_path)))
    first, second = live.coverage.members[0].history
    replayed = again.coverage.members[0]
    assert replayed.history == (second,)
    assert second.since is not None
    late = [a for a in unusual(live) if a.start > second.since]
    assert [a.start for a in unusual(again)] == [a.start for a in late]
    assert first.model not in {use.model for use in replayed.history}


def test_an_altered_model_or_list_is_refused(tmp_path: Path, service: tuple[Kept, Findings]) -> None:
    written(tmp_path, service)
    uses = tmp_path / "forest" / "test" / "uses.json"
    for path, said in (
        (tmp_path / "forest" / "test" / "0001.model", "its bytes are not those that were written"),
        (uses, "is not what was written|no record of models"),
    ):
        whole = path.read_bytes()
        altered = bytearray(whole)
        altered[len(altered) // 2] ^= 1
        path.write_bytes(altered)
        with pytest.raises(ModelFileError, match=said):
            Record(tmp_path).of("forest", SPAN)
        path.write_bytes(whole)
    told = json.loads(uses.read_bytes())
    told["uses"][0]["since"] += SPAN
    uses.write_text(json.dumps(told))
    with pytest.raises(ModelFileError, match="is not what was written"):
        Record(tmp_path).of("forest", SPAN)


def test_no_record_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="holds no record of models at work"):
        Record(tmp_path)


def test_what_was_rolled_back_is_taken_up_and_asked_for_no_more(
    tmp_path: Path, service: tuple[Kept, Findings]
) -> None:
    written(tmp_path, service)
    assert roll_back(tmp_path, "forest", "test") == (2, 1)
    assert set(asked_for(tmp_path, "forest", SPAN)) == {"test"}
    models = KeptModels(tmp_path, 5)
    findings = found(Teaching(keep=models.keep, asked=models.asked))
    models.write()
    models.settle(findings.coverage.members)
    uses = findings.coverage.members[0].history
    assert uses[0].why == "rolled back"
    assert uses[0].model == service[1].coverage.members[0].history[0].model
    assert not asked_for(tmp_path, "forest", SPAN)


def test_a_disk_that_takes_nothing_is_told_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, service: tuple[Kept, Findings]
) -> None:
    (tmp_path / "models").write_bytes(b"")
    models = written(tmp_path / "models", service)
    for _ in range(3):
        models.write()
        models.settle(service[1].coverage.members)
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "models are not kept, which will be tried again"
    ]
    (tmp_path / "models").unlink()
    models.write()
    models.settle(service[1].coverage.members)
    assert load_models(tmp_path / "models", "forest", SPAN)["test"].card.rows


def test_a_record_is_begun_where_the_models_were_lost(tmp_path: Path) -> None:
    use = ModelUse(None, "0123456789ab", "")
    write_uses(tmp_path / "models", "forest", "shop", [use])
    assert list(uses_of(tmp_path / "models", "forest", "shop").values()) == [use]


def test_a_second_training_that_is_killed_leaves_the_old_model_at_work(record: tuple[Path, Findings]) -> None:
    dies = "import os, signal, sys; sys.stdin.buffer.read(1); os.kill(os.getpid(), signal.SIGKILL)"
    processes = TrainingProcesses((sys.executable, "-c", dies), library=lambda _: "one")

    def only_the_first(job: Job) -> Training:
        return train_here(job) if job.running is None else processes(job)

    findings = found(Teaching(only_the_first))
    forest = findings.coverage.members[0]
    assert len(forest.history) == 1
    assert "no newer model (schedule): the training process ended with status -9" in forest.reason
    edge = record[1].coverage.members[0].history[1].since
    assert edge is not None
    before = [a for a in unusual(record[1]) if a.end <= edge]
    assert [a for a in unusual(findings) if a.end <= edge] == before != []
    assert {a.entity.value for a in unusual(findings) if a.end > edge} == {CRAWLER}
