"""Each simulated incident is found, soon and in the right place; the same traffic without it is silent."""

import pytest

from tests.engine.running import found_in, found_in_calm, overlapping, run
from tests.golden.incidents import INCIDENTS, INTRUSION, SILENT, Case
from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Severity
from vedette.schema.findings import Findings
from vedette.simulate import Simulation
from vedette.simulate.labels import Label

WINDOW_US = 60_000_000
ONE_WINDOW = 1
WITHIN = {
    # Two windows have to agree where one is not overwhelming ...
    "latency_spike": 2,
    "latency_spike_on_a_route": 3,
    "traffic_spike": 2,
    "ddos_slow": 2,
    # ... and a manner takes a while to show: 300 requests, or 15 missing routes at four requests a minute.
    "bot_activity": 2,
    "slow_scan": 5,
}
"""Windows from the start of an incident to the end of the one in which it is found."""


def _label(case: Case) -> Label:
    (label,) = case.simulation().blank_labels().incidents
    return label


def _about(anomaly: Anomaly, label: Label) -> bool:
    """Whether an anomaly is about what the incident is about, or about the service of it."""
    if label.service is not None and anomaly.service != label.service:
        return False
    if label.entity.kind is EntityKind.CLIENT and anomaly.entity.kind is EntityKind.CLIENT:
        return anomaly.entity.value == label.entity.value
    return anomaly.route in (None, label.route) or label.route is None


def _calm(case: Case) -> Findings:
    return found_in_calm(case.minutes, case.rate, case.format, case.services, case.seed)


@pytest.mark.parametrize("name", list(INCIDENTS))
def test_an_incident_is_found_within_its_windows(name: str) -> None:
    case = INCIDENTS[name]
    label = _label(case)
    found = [
        a
        for a in overlapping(found_in(name).anomalies, label.start, label.end)
        if a.type == case.type and _about(a, label)
    ]
    assert found, f"{name} was not found"
    delay = (min(a.end for a in found) - label.start) / WINDOW_US
    assert delay <= WITHIN.get(name, ONE_WINDOW)


@pytest.mark.parametrize("name", list(INCIDENTS))
def test_what_is_found_lies_within_the_incident_and_the_windows_right_after_it(name: str) -> None:
    label = _label(INCIDENTS[name])
    # A client's sums reach back ten minutes, sparse errors five windows.
    allowed = label.end + 11 * WINDOW_US
    strays = [
        a
        for a in found_in(name).anomalies
        if a.severity.rank >= Severity.MEDIUM.rank
        and (a.end <= label.start - 5 * WINDOW_US or a.start >= allowed)
    ]
    assert strays == []


@pytest.mark.parametrize("name", list(INCIDENTS))
def test_shares_are_parts_of_one_whole(name: str) -> None:
    for anomaly in found_in(name).anomalies:
        for dimension in ("route", "client", "value", "feature"):
            shares = [c.share for c in anomaly.contributions if c.dimension == dimension]
            assert sum(shares) <= 1 + 1e-9, anomaly.description


@pytest.mark.parametrize("name", list(INCIDENTS))
def test_one_incident_is_told_as_one(name: str) -> None:
    told = [i for i in found_in(name).incidents if i.severity.rank >= Severity.MEDIUM.rank]
    assert len(told) <= 1, [i.title for i in told]
    assert len(found_in(name).incidents) == 1, [i.title for i in found_in(name).incidents]


@pytest.mark.parametrize("name", list(INCIDENTS))
def test_the_same_traffic_without_the_incident_is_silent(name: str) -> None:
    case = INCIDENTS[name]
    alarms = [
        a.description
        for a in _calm(case).anomalies
        if a.severity.rank >= Severity.MEDIUM.rank or a.type == case.type
    ]
    assert alarms == []


@pytest.mark.parametrize("name", list(SILENT))
def test_what_happens_every_week_is_no_incident(name: str) -> None:
    assert [i.title for i in found_in(name).incidents] == []


def test_a_client_that_scans_breaks_in_and_downloads_is_one_incident() -> None:
    labels = INTRUSION.simulation().blank_labels().incidents
    findings = found_in("intrusion")
    (incident,) = findings.incidents
    wanted = {AnomalyType.SCANNER, AnomalyType.SQL_INJECTION, AnomalyType.DATA_EXFILTRATION}
    assert wanted <= set(incident.types)
    assert incident.severity is Severity.HIGH
    assert incident.start <= labels[0].start + WINDOW_US
    assert incident.end >= labels[-1].end - WINDOW_US
    assert {label.entity for label in labels} <= set(incident.entities)


@pytest.mark.parametrize("name", [name for name in INCIDENTS if name.startswith("ddos")])
def test_what_a_flood_takes_is_not_carried_off(name: str) -> None:
    assert AnomalyType.DATA_EXFILTRATION not in {a.type for a in found_in(name).anomalies}


def test_what_is_carried_off_behind_a_flood_is_told_with_who_took_it() -> None:
    made = Simulation(minutes=90, rate=8, seed=1, inject="ddos@+70m+5m,data_exfiltration@+70m+5m")
    found = run(made.chunks(), "combined").anomalies
    flood, taker = (
        {a.entity.value for a in found if a.type is kind and a.entity.kind is EntityKind.CLIENT}
        for kind in (AnomalyType.DDOS_ATTACK, AnomalyType.DATA_EXFILTRATION)
    )
    assert len(flood) == len(taker) == 1
    assert flood != taker


def test_windows_are_judged_in_calm_traffic_and_the_rest_is_called_insufficient() -> None:
    coverage = _calm(INCIDENTS["ddos"]).coverage
    assert coverage.windows > 1000
    assert coverage.insufficient_data > 0
    assert sum(coverage.insufficient_by.values()) == coverage.insufficient_data
