"""A service takes what was found as it goes; nothing is lost or told twice, and nothing piles up."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.test_snapshot import Service, log, undisturbed
from vedette.incidents.correlating import Correlator, Found, Spans
from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Change, Notice

SPANS = Spans(requests=60_000_000, flows=10_000_000)


def live(sizes: Sequence[int], *, restarts: bool = False) -> tuple[Service, list[Found]]:
    """Feed the log in batches of so many lines, taking what is found after each, and at the end."""
    service, at, found = Service(), 0, []
    correlator = Correlator(SPANS)
    for size in [*sizes, len(log())]:
        service.feed(log()[at : at + size])
        at += size
        found.append(take(service, correlator))
        if restarts:
            service, kept = service.reborn(), correlator.to_state()
            correlator = Correlator(SPANS)
            correlator.from_state(kept)
    # Far enough for every incident but the background's to close.
    end = undisturbed().coverage.end
    assert end is not None
    service.engine.advance(end + 3600_000_000)
    found.append(take(service, correlator))
    return service, found


def take(service: Service, correlator: Correlator) -> Found:
    """What is new, as a service without flows groups it."""
    correlator.add(service.engine.take_stated())
    correlator.group(service.engine.windower.event_time.open_from * SPANS.requests)
    return correlator.take()


def anomalies(found: Sequence[Found]) -> list[Anomaly]:
    """All anomalies."""
    return [anomaly for one in found for anomaly in one.anomalies]


def incidents(found: Sequence[Found]) -> dict[str, Incident]:
    """Each incident as it stood last."""
    return {incident.id: incident for one in found for incident in one.incidents}


def notices(found: Sequence[Found]) -> list[Notice]:
    """All notices, in order."""
    return [notice for one in found for notice in one.notices]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=8), st.booleans())
def test_however_often_it_is_taken_the_same_is_found_and_told(sizes: list[int], restarts: bool) -> None:
    _, found = live(sizes, restarts=restarts)
    _, whole = live([])
    assert anomalies(found) == anomalies(whole)
    assert incidents(found) == incidents(whole)
    assert notices(found) == notices(whole)


def test_a_service_finds_what_a_scan_finds() -> None:
    _, found = live([500] * 20)
    scanned = undisturbed()
    # The hour of silence after the log is the service's alone.
    until = max(a.end for a in scanned.anomalies)
    assert [a for a in anomalies(found) if a.end <= until] == sorted(
        scanned.anomalies, key=lambda a: anomalies(found).index(a)
    )
    told = incidents(found)
    for incident in scanned.incidents:
        assert set(incident.anomaly_ids) <= set(told[incident.id].anomaly_ids)


def test_each_incident_opens_once_grows_or_widens_in_order_and_closes_once() -> None:
    _, found = live([700] * 15)
    by_incident: dict[str, list[Notice]] = {}
    for notice in notices(found):
        by_incident.setdefault(notice.incident.id, []).append(notice)
    assert len(by_incident) >= 4
    assert any(n.change is Change.WIDENED for ns in by_incident.values() for n in ns)
    for mine in by_incident.values():
        changes = [notice.change for notice in mine]
        assert changes[0] is Change.OPENED
        assert Change.OPENED not in changes[1:]
        assert Change.CLOSED not in changes[:-1]
        told = [notice for notice in mine if notice.change is not Change.CLOSED]
        for before, after in pairwise(told):
            grown = after.incident.severity.rank - before.incident.severity.rank
            assert grown > 0 if after.change is Change.WORSE else grown == 0
            assert set(before.incident.services) <= set(after.incident.services)
            assert set(before.incident.types) <= set(after.incident.types)
        assert (mine[-1].change is Change.CLOSED) is (mine[-1].incident.state is IncidentState.CLOSED)
    assert len({notice.id for notice in notices(found)}) == len(notices(found))
    stated = {anomaly.id: anomaly for anomaly in anomalies(found)}
    for notice in notices(found):
        assert notice.anomaly_id is not None
        assert notice.description == stated[notice.anomaly_id].description


def test_what_was_taken_is_not_kept() -> None:
    service, _ = live([500] * 20)
    assert service.engine.take_stated() == []
    assert service.engine.finish().anomalies == []


def test_the_budget_is_accounted_for_as_if_nothing_had_been_taken() -> None:
    taken, _ = live([500] * 20)
    kept = Service()
    kept.feed(log())
    end = undisturbed().coverage.end
    assert end is not None
    kept.engine.advance(end + 3600_000_000)
    assert taken.engine.spent == kept.engine.spent > 0
    assert taken.engine.conclude().coverage.spending == kept.engine.conclude().coverage.spending
