"""Engines that judge another's windows say what they would have said alone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.engine.running import LATENESS_US, batches
from tests.golden.incidents import INCIDENTS, Case
from vedette.config import Config
from vedette.engine.build import build_engine
from vedette.schema.findings import Findings

CASE = INCIDENTS["error_spike"]
SETTINGS = [{"alarm.budget": "1/hour"}, {"alarm.mode": "threshold", "alarm.threshold_z": 2.5}]


def alone(case: Case, config: Config, *, past: bool) -> Findings:
    engine = build_engine(config, lateness_us=LATENESS_US)
    _feed(engine, case, past=past)
    return engine.finish()


def _feed(engine, case, *, past):
    every = list(batches(case.simulation().chunks(), case.format))
    if past:
        calm = case.calm()
        earlier = replace(calm, start=calm.start - timedelta(minutes=calm.minutes))
        with engine.learning():
            for batch in batches(earlier.chunks(), case.format):
                engine.process(batch)
    for batch in every:
        engine.process(batch)


@pytest.mark.parametrize("past", [False, True], ids=["at once", "after learning"])
def test_a_follower_finds_what_it_would_have_found_alone(past: bool) -> None:
    configs = [Config.load(overrides=overrides) for overrides in SETTINGS]
    leader = build_engine(Config(), lateness_us=LATENESS_US)
    followers = [build_engine(config, lateness_us=LATENESS_US, leader=leader) for config in configs]
    _feed(leader, CASE, past=past)
    led = leader.finish()
    assert led.anomalies == alone(CASE, Config(), past=past).anomalies
    for config, follower in zip(configs, followers, strict=True):
        found, wanted = follower.conclude(), alone(CASE, config, past=past)
        assert found.anomalies == wanted.anomalies
        assert found.incidents == wanted.incidents
        assert found.coverage.budget == wanted.coverage.budget
    # More routes pass a lower threshold, and are told with the service.
    assert followers[0].conclude().anomalies != led.anomalies
