"""Features of a user's own are computed as they are written, checked, part of the model, and named in explanations."""

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.detectors.learned.made import SPAN, job, people, sample

from vedette.config import Config, ConfigError
from vedette.detectors.learned.card import ModelError
from vedette.detectors.learned.client_training import fit_client_model
from vedette.detectors.learned.explaining import contributions, seen_values
from vedette.detectors.learned.features import CLIENT_FEATURES, ClientTable, FeatureError, matrix
from vedette.detectors.learned.kinds import kind_of
from vedette.detectors.learned.model import BehaviourModel, ClientModel, read_client_model
from vedette.detectors.learned.own_feature import OwnFeature
from vedette.detectors.learned.own_features import COLUMNS, all_features, own_feature
from vedette.detectors.learned.training import Refused
from vedette.engine.build import build_engine
from vedette.expression.client_measures import CLIENT_MEASURES
from vedette.expression.grammar import parse_number
from vedette.expression.quantities import units
from vedette.windows.layout import CLIENT_COLUMNS, Client

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "features.md"
WEIGHT = OwnFeature(
    "bytes_per_page", "bytes", "how heavy its pages are", "bytes_out / (requests - static_files)"
)
DENIED = OwnFeature("denied", "ratio", "requests refused", "(status_401 + status_403) / requests")


def table(sums: np.ndarray, minutes: float = 1.0) -> ClientTable:
    return ClientTable(sums, np.zeros(len(sums), dtype=np.int64), ((len(sums), np.zeros(63)),), minutes)


def sums(**columns: int) -> np.ndarray:
    made = np.zeros((1, CLIENT_COLUMNS), dtype=np.int64)
    for name, value in columns.items():
        made[:, Client[name.upper()]] = value
    return made


def config(**feature: str) -> Config:
    given = {"name": "mine", "unit": "number", "doc": "what", "expression": "writes * 2"} | feature
    return Config.load(None, environment={}, overrides={"learned.features": [given]})


def test_every_measure_can_be_computed() -> None:
    assert set(COLUMNS) == set(CLIENT_MEASURES)
    one = table(people(np.random.default_rng(1), 5))
    for name, column in COLUMNS.items():
        assert column(one).shape == (5,), name


def test_a_feature_is_what_its_expression_says() -> None:
    of = sums(requests=10, assets=6, bytes_out=8_000, status_401=1, status_403=2)
    assert own_feature(WEIGHT).column(table(of)) == pytest.approx(np.log1p(2_000.0))
    assert own_feature(DENIED).column(table(of)) == pytest.approx(0.3)
    assert (own_feature(WEIGHT).unit, own_feature(DENIED).unit) == ("ln(1 + bytes)", "ratio")
    pace = OwnFeature("pace", "per_second", "requests a second while active", "requests / active_time")
    assert own_feature(pace).column(table(sums(requests=30, seconds=0b111), 2.0)) == pytest.approx(
        np.log1p(5.0)
    )


def test_what_is_not_known_is_nothing() -> None:
    assert own_feature(WEIGHT).column(table(sums(requests=6, assets=6, bytes_out=8_000))).tolist() == [0.0]


@given(
    st.lists(st.sampled_from(sorted(CLIENT_MEASURES)), min_size=2, max_size=6),
    st.lists(st.sampled_from("*/"), min_size=5, max_size=5),
    st.lists(st.integers(0, 2**62), min_size=CLIENT_COLUMNS, max_size=CLIENT_COLUMNS),
)
def test_any_product_of_any_numbers_can_be_given_to_a_model(
    names: list[str], signs: list[str], row: list[int]
) -> None:
    text = names[0] + "".join(f" {sign} {name}" for sign, name in zip(signs, names[1:], strict=False))
    for unit in ("number", "ratio", "bytes", "seconds", "per_second", "bytes_per_second"):
        own = OwnFeature("mine", unit, "any", text)
        _, _, measured = parse_number(text, CLIENT_MEASURES)
        if unit not in units(measured):
            with pytest.raises(FeatureError, match="must be"):
                own_feature(own)
            continue
        feature = own_feature(own)
        assert np.isfinite(matrix([feature], table(np.array([row], dtype=np.int64)))).all()


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        ({"expression": "bytes_out + requests"}, "`bytes_out` is a size in bytes, `requests` is a count"),
        ({"expression": "requests +"}, "here stands the end, where a number"),
        (
            {"expression": "latency_p95"},
            "there is no measure `latency_p95`; there are requests, static_files",
        ),
        ({"expression": "rotues"}, "did you mean `routes`?"),
        (
            {"expression": "requests > 3"},
            "`>` does not follow here: an expression of a feature is one number",
        ),
        ({"expression": "3 * 4"}, "is always the same: name a measure"),
        ({"expression": "__import__"}, "there is no measure `__import__`"),
        ({"expression": "(" * 50 + "requests" + ")" * 50}, "nested more than 20 deep"),
        ({"unit": "seconds"}, "`writes * 2` is a count, and its unit seconds: must be number"),
        ({"unit": "furlongs"}, "must be one of 'number'"),
        ({"name": "Two Words"}, "must be lower-case letters, digits and _"),
        ({"doc": ""}, "learned.features[0].doc"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_remedy(feature: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        config(**feature)
    assert "learned.features[0]" in str(caught.value)


def test_a_name_can_be_given_once_only() -> None:
    with pytest.raises(FeatureError, match=r"learned\.features: feature requests: there is one of that name"):
        build_engine(config(name="requests"), lateness_us=0)
    twice = [{"name": "a", "unit": "number", "doc": "what", "expression": "writes"}] * 2
    with pytest.raises(ConfigError, match="two features are named 'a'"):
        Config.load(None, environment={}, overrides={"learned.features": twice})


def fitted(*own: OwnFeature) -> ClientModel:
    made = fit_client_model(msgspec.structs.replace(job(sample(windows=200)), features=own))
    assert isinstance(made, ClientModel)
    return made


def test_a_model_looks_at_them_and_names_them() -> None:
    model = fitted(WEIGHT, DENIED)
    assert model.card.names[-2:] == ("bytes_per_page", "denied")
    odd = people(np.random.default_rng(5), 1)
    odd[:, Client.BYTES_OUT] *= 1_000
    row = model.rows(odd, 1_000_100 * SPAN)[0]
    shown = contributions(model.card.names, model.adds(row, 1))
    assert "bytes_per_page" in {c.value for c in shown[:2]}
    told = seen_values(model, row, shown)["bytes_per_page"]
    assert (told["unit"], told["meaning"]) == ("ln(1 + bytes)", "how heavy its pages are")
    pages = int((odd[:, Client.REQUESTS] - odd[:, Client.ASSETS])[0])
    assert told["value"] == pytest.approx(np.log1p(odd[0, Client.BYTES_OUT] / pages), rel=1e-6)
    again = read_client_model(model.to_bytes())
    assert (again.rows(odd, SPAN) == model.rows(odd, SPAN)).all()
    assert kind_of("forest").features(again) == (WEIGHT, DENIED)


def test_a_model_without_them_stays_as_it_was() -> None:
    assert fitted().to_bytes() == fitted().to_bytes()
    assert fitted().card.own == ()
    assert fitted().card.names == tuple(f.name for f in CLIENT_FEATURES)[: len(fitted().card.names)]


def test_a_model_file_with_a_broken_expression_is_refused() -> None:
    model = fitted(DENIED)
    for wrong in ("requests / ", "open", "status_401"):
        own = (msgspec.structs.replace(DENIED, expression=wrong),)
        content = ClientModel(
            msgspec.structs.replace(model.card, own=own), model.forest, model.rarity
        ).to_bytes()
        with pytest.raises(ModelError, match="feature denied: "):
            read_client_model(content)


def test_a_job_with_a_broken_expression_gives_no_model() -> None:
    made = fit_client_model(msgspec.structs.replace(job(), features=(OwnFeature("a", "number", "b", "1 +"),)))
    assert isinstance(made, Refused | BehaviourModel)
    assert isinstance(made, Refused)
    assert made.reason.startswith("feature a: column")


def test_the_page_tells_of_all_features_and_measures() -> None:
    page = PAGE.read_text()
    for feature in CLIENT_FEATURES:
        assert f"| `{feature.name}` | {feature.unit} | {feature.doc} |" in page
    for measure in CLIENT_MEASURES.values():
        assert f"| `{measure.name}` | {measure.unit} | {measure.meaning} |" in page
    assert len(all_features((WEIGHT,))) == len(CLIENT_FEATURES) + 1
