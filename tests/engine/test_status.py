"""How an engine says that it is doing."""

from tests.engine.test_snapshot import Service, log, undisturbed
from vedette.config import Config
from vedette.engine.status import engine_status
from vedette.schema.status import EngineStatus


def status(service: Service) -> EngineStatus:
    """Of a service's engine."""
    return engine_status(service.engine)


def test_before_the_first_line_nothing_is_known() -> None:
    found = status(Service())
    assert (found.logs_processed, found.windows_closed, found.event_time, found.closed_until) == (
        0,
        0,
        None,
        None,
    )
    assert found.services == ()


def test_what_was_taken_in_is_counted_by_service_and_over_restarts() -> None:
    service = Service()
    service.feed(log()[:3000])
    service = service.reborn()
    service.feed(log()[3000:])
    found = status(service)
    assert found.logs_processed == len(log())
    assert sum(each.logs_processed for each in found.services) == len(log())
    assert len(found.services) >= 2
    assert found.event_time is not None
    assert found.closed_until is not None
    assert found.event_time - 120_000_000 <= found.closed_until <= found.event_time
    assert 55 <= found.windows_closed <= 60


def test_a_young_baseline_says_what_it_waits_for() -> None:
    service = Service()
    service.feed(log()[: len(log()) // 4])
    young = status(service)
    for each in young.services:
        requests = next(one for one in each.baselines if one.metric == "requests")
        assert not requests.ready
        assert requests.windows < requests.needed == 30
        assert requests.reason == f"{requests.windows} of the 30 windows that it needs have been learned"
        latency = next(one for one in each.baselines if one.metric == "latency_p95_seconds")
        assert latency.reason == "no window so far has told this metric"
    service.feed(log()[len(log()) // 4 :])
    old = status(service)
    assert old.baselines_ready > young.baselines_ready
    for each in old.services:
        requests = next(one for one in each.baselines if one.metric == "requests")
        assert (requests.ready, requests.reason) == (True, "")
        assert 0 < requests.routes_ready <= requests.routes


def test_the_budget_and_the_bounds_are_those_of_the_findings() -> None:
    service = Service(Config.model_validate({"limits": {"routes": 16}}, strict=False))
    service.feed(log())
    scanned = service.engine.finish().coverage
    assert status(service).capped == scanned.capped != {}
    full = Service()
    full.feed(log())
    spent = {each.service: each.spending.spent for each in status(full).services if each.spending is not None}
    assert sum(spent.values()) > 0
    assert spent == {line.service: line.spent for line in undisturbed().coverage.spending}


def test_asking_changes_nothing() -> None:
    service = Service()
    service.feed(log()[:5000])
    before = service.state()
    status(service)
    assert service.state() == before
