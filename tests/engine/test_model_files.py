"""Models on disk are what was written, or are refused; older ones can be put to work again."""

import pickle
from pathlib import Path

import pytest

from tests.detectors.learned.made import SPAN, job, sample
from tests.detectors.learned.walked import fitted, needs_transformer
from tests.engine.running import LATENESS_US
from vedette.config import Config
from vedette.detectors.learned.kinds import train
from vedette.detectors.learned.model import ClientModel
from vedette.detectors.learned.sequence_model import SequenceModel
from vedette.engine.build import build_engine
from vedette.engine.model_files import (
    ModelFileError,
    kept_models,
    load_models,
    roll_back,
    save_model,
)


@pytest.fixture(scope="module")
def models() -> tuple[ClientModel, ClientModel]:
    """Two of one service."""
    first, second = train(job()), train(job(sample(seed=2), seed=2))
    assert isinstance(first, ClientModel)
    assert isinstance(second, ClientModel)
    return first, second


@pytest.fixture
def directory(tmp_path: Path, models: tuple[ClientModel, ClientModel]) -> Path:
    for model in models:
        save_model(tmp_path, "forest", model)
    return tmp_path


def test_the_latest_is_at_work_and_the_older_stays(
    directory: Path, models: tuple[ClientModel, ClientModel]
) -> None:
    assert load_models(directory, "forest", SPAN)["shop"].card == models[1].card
    assert [(m.number, m.current) for m in kept_models(directory)["shop", "forest"]] == [
        (1, False),
        (2, True),
    ]


def test_an_older_one_can_be_put_to_work(directory: Path, models: tuple[ClientModel, ClientModel]) -> None:
    assert roll_back(directory, "forest", "shop") == (2, 1)
    assert load_models(directory, "forest", SPAN)["shop"].card == models[0].card
    with pytest.raises(ModelFileError, match="no model older than the current one"):
        roll_back(directory, "forest", "shop")


def test_a_changed_byte_is_refused(directory: Path) -> None:
    path = directory / "forest" / "shop" / "0002.model"
    content = bytearray(path.read_bytes())
    for place in (10, len(content) // 2, len(content) - 5):
        altered = content.copy()
        altered[place] ^= 1
        path.write_bytes(altered)
        with pytest.raises(ModelFileError, match="its bytes are not those that were written"):
            load_models(directory, "forest", SPAN)


def test_a_pickle_is_refused_as_such(directory: Path) -> None:
    (directory / "forest" / "shop" / "0002.model").write_bytes(pickle.dumps([1]))
    with pytest.raises(ModelFileError, match="a pickle, which can run code"):
        load_models(directory, "forest", SPAN)


def test_windows_of_another_length_are_refused(directory: Path) -> None:
    with pytest.raises(ModelFileError, match=r"was trained on windows of 60 s, and windows\.span_s is 30"):
        load_models(directory, "forest", SPAN // 2)


def test_a_service_may_be_called_anything(tmp_path: Path, models: tuple[ClientModel, ClientModel]) -> None:
    from dataclasses import replace

    from msgspec.structs import replace as with_

    for name in ("../../etc", ".", "a/b", "\x00\n", "x" * 500):
        save_model(tmp_path, "forest", replace(models[0], card=with_(models[0].card, service=name)))
    assert len(load_models(tmp_path, "forest", SPAN)) == 5
    assert all(path.parent.parent == tmp_path / "forest" for path in tmp_path.rglob("*.model"))


def test_an_engine_judges_by_them_from_the_beginning(directory: Path) -> None:
    config = Config.model_validate({"learned": {"models": str(directory)}}, strict=False)
    engine = build_engine(config, lateness_us=LATENESS_US)
    (status,) = engine.member_statuses()
    assert (status.service, status.phase, status.since) == ("shop", "ensemble", None)


@needs_transformer
def test_models_of_one_service_lie_side_by_side(
    directory: Path, models: tuple[ClientModel, ClientModel]
) -> None:
    """Each member has its own, with the network inside; a changed byte of it is refused."""
    order = fitted()
    assert isinstance(order, SequenceModel)
    assert save_model(directory, "transformer", order) == 1
    assert set(kept_models(directory)) == {("shop", "forest"), ("shop", "transformer")}
    assert load_models(directory, "forest", SPAN)["shop"].card == models[1].card
    (read,) = load_models(directory, "transformer", SPAN).values()
    assert read.to_bytes() == order.to_bytes()
    config = Config.model_validate(
        {"learned": {"models": str(directory), "members": ["forest", "transformer"]}}, strict=False
    )
    statuses = build_engine(config, lateness_us=LATENESS_US).member_statuses()
    assert [(s.member, s.phase, s.vocabulary > 0) for s in statuses] == [
        ("forest", "ensemble", False),
        ("transformer", "ensemble", True),
    ]
    path = directory / "transformer" / "shop" / "0001.model"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="its bytes are not those that were written"):
        load_models(directory, "transformer", SPAN)
