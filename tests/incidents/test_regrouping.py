"""What captures show of a client and what logs do are one incident."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.incidents.test_grouping import MINUTE, anomaly, group

from vedette.incidents.correlating import Spans
from vedette.incidents.regrouping import regroup
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind, Severity

SPANS = Spans(requests=MINUTE, flows=MINUTE)


def of_flows(one: Anomaly) -> Anomaly:
    return msgspec.structs.replace(one, id=f"{one.id}f", service="network", detector="network.test")


def scan(minute: int, client: str = "192.0.2.7") -> Anomaly:
    return of_flows(anomaly(AnomalyType.PORT_SCAN, minute, client=client))


def attack(minute: int, client: str = "192.0.2.7", severity: Severity = Severity.HIGH) -> Anomaly:
    return anomaly(AnomalyType.SQL_INJECTION, minute, client=client, severity=severity)


def flood(minute: int, carrier: tuple[str, float] | None, host: str = "198.51.100.2") -> Anomaly:
    one = of_flows(anomaly(AnomalyType.DDOS_ATTACK, minute, carrier=carrier))
    return msgspec.structs.replace(one, entity=Entity(EntityKind.HOST, host))


def incidents_of(*anomalies: Anomaly) -> "list[tuple[str, ...]]":
    named, incidents = regroup(anomalies, spans=SPANS, until=0)
    assert {a.incident_id for a in named} == {i.id for i in incidents}
    return [i.anomaly_ids for i in incidents]


def test_a_clients_port_scan_and_its_attack_on_a_site_are_one_incident_with_both_services() -> None:
    named, (incident,) = regroup([attack(3), scan(1)], spans=SPANS, until=0)
    assert incident.services == ("network", "shop")
    assert incident.anomaly_ids == (scan(1).id, attack(3).id)
    assert [a.incident_id for a in named] == [incident.id, incident.id]
    # What flows rest on are packets.
    assert incident.requests == attack(3).evidence_total


def test_other_clients_and_later_times_stay_apart() -> None:
    assert len(incidents_of(scan(1), attack(3, "192.0.2.8"))) == 2
    assert len(incidents_of(scan(1), attack(40))) == 2


@pytest.mark.parametrize("share", [0.9, 0.1])
def test_disturbances_that_one_client_mostly_carries_are_one_incident_across_flows_and_requests(
    share: float,
) -> None:
    carrier = ("192.0.2.7", share)
    spike = anomaly(AnomalyType.TRAFFIC_SPIKE, 2, carrier=carrier)
    wanted = 1 if share > 0.5 else 2
    assert len(incidents_of(flood(1, carrier), spike)) == wanted
    assert len(incidents_of(flood(3, carrier), spike)) == wanted
    assert len(incidents_of(flood(1, carrier), attack(2))) == wanted
    assert len(incidents_of(flood(3, carrier), attack(2))) == wanted


def test_disturbances_of_two_services_stay_two_whoever_carries_them() -> None:
    carrier = ("192.0.2.7", 0.9)
    one, other = (anomaly(AnomalyType.TRAFFIC_SPIKE, 1, service=name, carrier=carrier) for name in ("a", "b"))
    assert len(incidents_of(one, other)) == 2


def test_an_ipv6_address_is_its_network() -> None:
    assert len(incidents_of(scan(1, "2001:db8:1:2::77"), attack(2, "2001:db8:1:2::/64"))) == 1
    assert len(incidents_of(scan(1, "2001:db8:1:3::77"), attack(2, "2001:db8:1:2::/64"))) == 2
    assert len(incidents_of(scan(1, "name:0123456789abcdef"), attack(2, "name:0123456789abcdef"))) == 1


KINDS = st.sampled_from([AnomalyType.SQL_INJECTION, AnomalyType.ERROR_SPIKE, AnomalyType.DDOS_ATTACK])
STATED = st.lists(
    st.builds(
        lambda kind, minute, last: anomaly(kind, minute, client=f"192.0.2.{last}"),
        KINDS, st.integers(0, 90), st.integers(1, 3),
    ),
    max_size=12,
    unique_by=lambda a: a.id,
)  # fmt: skip


@given(STATED, st.randoms())
def test_one_engines_anomalies_are_grouped_as_it_grouped_them_in_whatever_order_they_come(
    stated: "list[Anomaly]", random: "object"
) -> None:
    from vedette.incidents.grouping import stating_order

    expected = group(*sorted(stated, key=lambda a: (a.end, stating_order(a))))
    random.shuffle(stated)  # type: ignore[attr-defined]
    _, incidents = regroup(stated, spans=SPANS, until=0)
    assert sorted(i.anomaly_ids for i in incidents) == sorted(i.anomaly_ids for i in expected)
