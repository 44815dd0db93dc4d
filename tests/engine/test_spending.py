"""The account of the budget: what was promised, what was spent, by detector and by service."""

import pytest

from tests.engine.running import batches, build, found_in
from tests.golden.incidents import INCIDENTS
from vedette.baselines.formulas import normal_deviations, normal_tail
from vedette.config import Config

WEEK_US = 7 * 24 * 3600 * 1_000_000


def test_what_was_spent_is_what_was_stated() -> None:
    findings = found_in("error_spike")
    budgeted = [a for a in findings.anomalies if "surprise" in a.details]
    assert budgeted
    stated = {line.detector: line.alarms for line in findings.coverage.budget}
    assert sum(stated.values()) == len(budgeted)
    for anomaly in budgeted:
        assert stated[anomaly.detector] > 0
    (row,) = findings.coverage.spending
    assert row.spent == len({a.incident_id for a in budgeted})
    assert findings.coverage.start is not None
    assert findings.coverage.end is not None
    assert row.weeks == (findings.coverage.end - findings.coverage.start) / WEEK_US
    assert row.allowed == pytest.approx(row.per_week * row.weeks)
    for line in findings.coverage.budget:
        assert normal_tail(line.threshold_z) == pytest.approx(line.threshold)


def test_a_z_score_promises_nothing() -> None:
    case = INCIDENTS["error_spike"]
    engine = build(Config.load(overrides={"alarm.mode": "threshold"}))
    for batch in batches(case.simulation().chunks(), case.format):
        engine.process(batch)
    coverage = engine.finish().coverage
    assert (coverage.budget, coverage.spending) == ([], [])


def test_every_service_has_the_budget() -> None:
    case = INCIDENTS["error_spike"]
    simulation = case.simulation()
    several = type(simulation)(minutes=60, rate=20, services=3, format="vhost_combined", seed=3)
    engine = build()
    for batch in batches(several.chunks(), "vhost_combined"):
        engine.process(batch)
    findings = engine.finish()
    assert len(findings.coverage.spending) >= 3
    assert engine.thresholds.services == len(findings.coverage.spending)  # type: ignore[attr-defined]
    assert {row.per_week for row in findings.coverage.spending} == {1.0}


@pytest.mark.parametrize("z", [-3.0, 0.0, 1.0, 2.326, 6.0, 19.9, 20.1, 37.0])
def test_deviations_undo_the_normal_tail(z: float) -> None:
    assert normal_deviations(normal_tail(z)) == pytest.approx(z, abs=1e-6)
