"""Detectors of PyOD among the members: they learn on the way, state clients unlike the others, and go on."""

import pytest

from tests.engine.running import LATENESS_US
from tests.engine.test_learned import CRAWLER, crawl, feed, mixed
from vedette.config import Config, ConfigError
from vedette.engine.build import build_engine
from vedette.engine.engine import Engine
from vedette.engine.snapshot import restore, snapshot
from vedette.enrich.enrich import Enricher
from vedette.explain.formulas import recompute
from vedette.parsers.registry import by_name

SETTINGS = {"learned": {"warmup": 8000, "members": [], "extra": ["ECOD", "LOF"]}}


def engine() -> Engine:
    return build_engine(Config.model_validate(SETTINGS, strict=False), lateness_us=LATENESS_US)


def test_a_client_unlike_all_others_is_stated_and_a_restart_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("pyod")
    lines = mixed(crawl(140, 165))
    half = len(lines) * 2 // 3
    whole, enricher = engine(), Enricher()
    parser = by_name("combined").open("test.log")
    feed(whole, enricher, parser, lines[:half], 1)
    state = snapshot(whole, enricher)
    feed(whole, enricher, parser, lines[half:], half + 1)
    restarted, renewed = engine(), Enricher()
    assert restore(restarted, renewed, state).anew == []
    feed(restarted, renewed, parser, lines[half:], half + 1)
    findings, again = whole.finish(), restarted.finish()
    assert [(m.member, m.phase) for m in findings.coverage.members] == [
        ("ECOD", "ensemble"),
        ("LOF", "ensemble"),
    ]
    stated = [a for a in findings.anomalies if a.detector in ("ECOD", "LOF")]
    assert [a for a in again.anomalies if a.detector in ("ECOD", "LOF")] == stated
    assert {a.entity.value for a in stated} == {CRAWLER}
    assert "LOF" in {a.detector for a in stated}
    for anomaly in stated:
        assert recompute(anomaly.formula) == pytest.approx(anomaly.details["surprise"], rel=1e-6)
        assert anomaly.details["model"] == anomaly.detector
        assert [c.value for c in anomaly.contributions] == list(anomaly.details["features"]) != []
    # A library that scores otherwise: the model is not used, and says why; detection goes on.
    monkeypatch.setattr(
        "vedette.detectors.learned.outlier_model.np.allclose", lambda *_, **__: False, raising=True
    )
    third = engine()
    assert restore(third, Enricher(), state).anew == []
    for status in third.member_statuses():
        assert status.phase == "warmup"
        assert "the model at work before cannot be used: it scores otherwise" in status.reason


def test_without_pyod_all_else_works_and_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.engine.members.find_spec", lambda _: None)
    statuses = engine().member_statuses()
    assert [(s.member, s.phase) for s in statuses] == [("ECOD", "not installed"), ("LOF", "not installed")]
    assert statuses[0].reason == "ECOD: not installed (pyod): pip install 'vedette[pyod]'"


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"learned\.extra\[0\].*must be one of 'ECOD'.*'OCSVM'"):
        Config.load(None, environment={}, overrides={"learned.extra": ["AutoEncoder"]})
