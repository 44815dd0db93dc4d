"""Detectors of PyOD pass the checks of all models; their files hold no code, and what does not fit is refused."""

import pickle
import re
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from tests.detectors.learned.made import SPAN, crawlers, job, people, sample

from vedette.config.learned import ExtraName
from vedette.detectors.learned.archive import write_archive
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.features import FeatureError
from vedette.detectors.learned.kinds import kind_of, train
from vedette.detectors.learned.member_names import OUTLIERS
from vedette.detectors.learned.outlier_model import OutlierModel, read_outliers
from vedette.detectors.learned.sample import Sample
from vedette.detectors.learned.training import Job, Refused
from vedette.windows.layout import Client

pytest.importorskip("pyod")
TIME = 1_000_100 * SPAN
every = pytest.mark.parametrize("name", OUTLIERS)


def of(name: str, made: Sample | None = None, seed: int = 1) -> Any:
    return train(Job(name, "shop", (sample(windows=200) if made is None else made).to_state(), SPAN, seed))


@cache
def model(name: str) -> OutlierModel:
    made = of(name)
    assert isinstance(made, OutlierModel), made
    return made


def test_the_configuration_names_all_there_are() -> None:
    assert tuple(name.value for name in ExtraName) == OUTLIERS


@every
def test_crawlers_are_odder_than_people(name: str) -> None:
    draw = np.random.default_rng(9)
    usual = model(name).surprise(model(name).rows(people(draw, 200), TIME))
    odd = model(name).surprise(model(name).rows(crawlers(draw, 20), TIME))
    assert np.median(usual) < 1.0
    assert odd.min() > np.quantile(usual, 0.95)


@every
def test_the_same_job_gives_the_same_bytes_and_a_model_read_again_judges_the_same(name: str) -> None:
    content = model(name).to_bytes()
    again = of(name)
    assert isinstance(again, OutlierModel)
    assert again.to_bytes() == content
    read = kind_of(name).read(content)
    assert isinstance(read, OutlierModel)
    rows = read.rows(people(np.random.default_rng(3), 70), TIME)
    assert (read.score(rows) == model(name).score(rows)).all()
    assert read.card == model(name).card


@every
def test_any_row_has_a_score_and_what_is_no_number_is_named(name: str) -> None:
    sums = crawlers(np.random.default_rng(1), 3)
    sums[:, Client.BYTES_OUT] = 2**62
    sums[:, Client.AGENT_KINDS] = 31
    rows = model(name).rows(sums, TIME)
    assert np.isfinite(model(name).surprise(rows)).all()
    assert model(name).surprise(rows[:1]).shape == (1,)
    assert model(name).surprise(rows[:0]).shape == (0,)
    rows[1, 2] = np.nan
    with pytest.raises(FeatureError, match=re.escape(f"feature {model(name).card.names[2]}: row 1 is nan")):
        model(name).score(rows)


@every
def test_others_in_the_window_hardly_change_a_score(name: str) -> None:
    """Exactly nothing where a detector judges rows one by one; a rank or two where it ranks them together."""
    rows = model(name).rows(people(np.random.default_rng(4), 40), TIME)
    alone = np.concatenate([model(name).surprise(rows[n : n + 1]) for n in range(len(rows))])
    together = model(name).surprise(rows)
    # 0.3 is a factor of two in how rare it is said to be.
    assert np.abs(together - alone).max() < (0.3 if name in ("ECOD", "COPOD") else 1e-9)


def test_a_line_near_a_row_says_what_sets_it_apart() -> None:
    row = model("ECOD").rows(crawlers(np.random.default_rng(1), 1), TIME)[0]
    adds = model("ECOD").adds(row, 7)
    assert (adds == model("ECOD").adds(row, 7)).all()
    assert adds.max() > 0
    assert adds[model("ECOD").card.names.index("active_seconds")] > np.median(adds)


def test_too_little_is_refused_as_of_any_model() -> None:
    made = of("ECOD", Sample())
    assert made == Refused("0 windows of clients: 256 are needed")


def test_clients_that_are_all_alike_are_refused() -> None:
    alike = sample()
    alike.sums[:] = alike.sums[0]
    made = of("KNN", alike)
    assert isinstance(made, Refused)
    assert "never change" in made.reason


def test_pickles_altered_bytes_and_models_of_others_are_refused() -> None:
    with pytest.raises(ModelError, match="pickle"):
        read_outliers("ECOD", pickle.dumps({"model": 1}))
    known = model("ECOD")
    content = known.to_bytes()
    altered = bytearray(content)
    altered[len(altered) // 2] ^= 0x10
    with pytest.raises(ModelError):
        read_outliers("ECOD", bytes(altered))
    with pytest.raises(ModelError, match="a model 'ECOD': must be HBOS"):
        read_outliers("HBOS", content)
    rows = known.outliers.rows.copy()
    rows[0] += 1
    with pytest.raises(ModelError, match="scores otherwise than when it was written"):
        read_outliers("ECOD", write_archive(known.card, {"rows": rows, "rarity": known.rarity}))
    with pytest.raises(ModelError, match="1 rows: must be 2 to"):
        read_outliers("ECOD", write_archive(known.card, {"rows": rows[:1], "rarity": known.rarity}))
    card = replace(known.card, names=("nonsense", *known.card.names[1:]))
    strange = write_archive(card, {"rows": rows, "rarity": known.rarity})
    with pytest.raises(ModelError, match="feature nonsense: there is none"):
        read_outliers("ECOD", strange)


def test_without_pyod_it_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    content = model("ECOD").to_bytes()
    monkeypatch.setattr("vedette.detectors.learned.outlier_model.find_spec", lambda _: None)
    said = "ECOD: PyOD is not installed: pip install 'vedette[pyod]'"
    assert of("ECOD") == Refused(said)
    with pytest.raises(ModelError, match=re.escape(said)):
        read_outliers("ECOD", content)


def test_other_members_do_not_import_it() -> None:
    assert job().member == "forest"
    import subprocess

    code = "import sys, vedette.engine.build; raise SystemExit(any(n.partition('.')[0] == 'pyod' for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
