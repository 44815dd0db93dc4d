"""An engine says what it expects next of a service."""

import numpy as np
import pytest

from tests.engine.running import batches, build
from vedette.simulate.simulation import Simulation

HOURS = 5


@pytest.fixture(scope="module")
def engine():  # type: ignore[no-untyped-def]
    simulation = Simulation(minutes=HOURS * 60, rate=3.0, format="nginx-timed", seed=5)
    engine = build()
    for batch in batches(simulation.chunks(), "nginx-timed"):
        engine.process(batch)
    return engine


def name_of(engine) -> str:  # type: ignore[no-untyped-def]
    name: str = engine.book[engine.book.services[0]].service
    return name


def test_the_next_hour_has_a_band_for_each_metric(engine) -> None:  # type: ignore[no-untyped-def]
    found = {record.metric: record for record in engine.forecast(name_of(engine), 3_600_000_000)}
    assert set(found) == {"requests", "error_ratio", "latency_p95_seconds", "bytes_out", "distinct_clients"}
    for record in found.values():
        assert len(record.start) == len(record.expected) == 60
        lower, middle, upper = (np.array(part) for part in (record.lower, record.expected, record.upper))
        assert (lower <= middle).all()
        assert (middle <= upper).all()
        assert (lower >= 0.0).all()
        # What is further ahead is no surer.
        assert (upper - lower)[-1] >= (upper - lower)[0]
    requests = found["requests"]
    assert 90 < np.mean(requests.expected) < 400
    assert np.diff(requests.start).tolist() == [60_000_000] * 59
    assert max(found["error_ratio"].upper) <= 1.0


def test_a_long_horizon_is_told_in_fewer_windows(engine) -> None:  # type: ignore[no-untyped-def]
    (record, *_) = engine.forecast(name_of(engine), 24 * 3_600_000_000)
    assert len(record.start) == 240
    assert np.unique(np.diff(record.start)).tolist() == [6 * 60_000_000]


def test_nothing_is_known_of_a_service_that_never_was(engine) -> None:  # type: ignore[no-untyped-def]
    assert engine.forecast("nobody", 3_600_000_000) == []


def test_looking_ahead_changes_nothing(engine) -> None:  # type: ignore[no-untyped-def]
    before = engine.metrics.to_state()
    engine.forecast(name_of(engine), 3_600_000_000)
    assert engine.metrics.to_state() == before
