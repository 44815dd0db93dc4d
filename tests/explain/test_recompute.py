"""Whatever is stated can be done again from what was written of it."""

import math
from pathlib import Path

import pytest

from tests.engine.running import CASES, found_in
from vedette.explain.formulas import recompute
from vedette.explain.words import counterfactual, describe
from vedette.report.json import load_findings, write_json
from vedette.schema.anomaly import Anomaly, Formula


@pytest.fixture(scope="module", params=list(CASES))
def read_back(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Anomaly]:
    """A golden case's anomalies, written as JSON and read again."""
    path: Path = tmp_path_factory.mktemp("json") / "findings.json"
    write_json(found_in(request.param), str(path))
    return list(load_findings(str(path)).anomalies)


def test_every_result_is_what_its_formula_gives(read_back: list[Anomaly]) -> None:
    for anomaly in read_back:
        again = recompute(anomaly.formula)
        assert math.isclose(again, anomaly.formula.result, rel_tol=1e-6, abs_tol=1e-9), anomaly


def test_every_sentence_follows_from_the_fields(read_back: list[Anomaly]) -> None:
    for anomaly in read_back:
        assert describe(anomaly) == anomaly.description
        assert counterfactual(anomaly) == anomaly.counterfactual


def test_the_threshold_is_as_rare_as_what_may_be_stated(read_back: list[Anomaly]) -> None:
    for anomaly in read_back:
        name, inputs = anomaly.formula.name, anomaly.formula.inputs
        if not name.startswith(("count_", "ratio_")):
            continue
        low = name.endswith("_low")
        line = anomaly.threshold * inputs.get("exposure", 1.0)
        at = recompute(
            Formula(name, {**inputs, "value": math.floor(line) if low else math.ceil(line - 1e-9)}, 0.0)
        )
        assert at >= anomaly.details["surprise_threshold"]
        assert (anomaly.observed <= anomaly.threshold) if low else (anomaly.observed >= anomaly.threshold)
        assert f"Not stated {'above' if low else 'below'} " in anomaly.counterfactual


def test_every_score_follows_from_the_fields(read_back: list[Anomaly]) -> None:
    for anomaly in read_back:
        assert math.isclose(score(anomaly), anomaly.score, rel_tol=1e-6)
        assert 0.0 <= anomaly.score <= 1.0


def score(anomaly: Anomaly) -> float:
    """The score as `docs/explanation/how-it-decides.md` defines it."""
    if anomaly.unit == "hostile_requests":
        return anomaly.formula.result
    if "surprise" in anomaly.details:
        surprise, threshold = anomaly.details["surprise"], anomaly.details["surprise_threshold"]
        return float(surprise / (surprise + threshold))
    if anomaly.formula.name == "share":
        details = anomaly.details
        limit = anomaly.threshold * details["requests_threshold"]
        return float(details["client_requests"] / (details["client_requests"] + limit))
    return anomaly.observed / (anomaly.observed + anomaly.threshold)
