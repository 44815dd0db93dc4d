"""What earlier versions remembered goes on; what they did not know begins anew."""

import pytest

from tests.engine.running import batches, build
from tests.golden.incidents import INCIDENTS
from vedette.engine.engine import Engine
from vedette.schema.state import decode, encode


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = build()
    for batch in batches(INCIDENTS["error_spike"].calm().chunks()):
        engine.process(batch)
    return engine


def test_baselines_without_refusals_are_taken(engine: Engine) -> None:
    parts = decode(engine.metrics.to_state(), list[bytes], "baselines")
    fresh = build().metrics
    fresh.from_state(encode(parts[:-1]))
    again = decode(fresh.to_state(), list[bytes], "baselines")
    assert again[:-1] == parts[:-1]
    assert again[-1] != parts[-1]


@pytest.mark.parametrize("name", ["latency.p95", "combination"])
def test_a_detector_that_remembered_less_is_taken(engine: Engine, name: str) -> None:
    (learned,) = (one for one in engine.detectors if one.name == name)
    (fresh,) = (one for one in build().detectors if one.name == name)
    parts = decode(learned.to_state(), list[bytes], "memory")
    fresh.from_state(encode(parts[:-1]))
    assert decode(fresh.to_state(), list[bytes], "memory")[:-1] == parts[:-1]
