"""What several engines state becomes the same incidents, whichever of them is ahead."""

from hypothesis import given
from hypothesis import strategies as st
from tests.incidents.test_grouping import MINUTE, anomaly, group
from tests.incidents.test_regrouping import attack, flood, of_flows, scan

from vedette.incidents import grouping
from vedette.incidents.apart import Apart
from vedette.incidents.correlating import Correlator, Found, Spans
from vedette.incidents.grouping import GroupingSettings
from vedette.incidents.regrouping import regroup
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Change

SPANS = Spans(requests=MINUTE, flows=MINUTE // 6)
END = 400 * MINUTE
KINDS = st.sampled_from([AnomalyType.SQL_INJECTION, AnomalyType.ERROR_SPIKE, AnomalyType.DDOS_ATTACK])
CLIENTS = st.integers(1, 3).map(lambda last: f"192.0.2.{last}")
OF_REQUESTS = st.lists(
    st.builds(lambda kind, minute, client: anomaly(kind, minute, client=client), KINDS, st.integers(0, 90), CLIENTS),
    max_size=10,
    unique_by=lambda a: a.id,
)  # fmt: skip
OF_FLOWS = st.lists(
    st.one_of(
        st.builds(scan, st.integers(0, 90), CLIENTS),
        st.builds(lambda minute, client: flood(minute, (client, 0.9)), st.integers(0, 90), CLIENTS),
    ),
    max_size=10,
    unique_by=lambda a: a.id,
)


ATTACKS = st.lists(
    st.builds(
        lambda minute, client, service: anomaly(
            AnomalyType.SQL_INJECTION, minute, client=client, service=service, unit="hostile_requests"
        ),
        st.integers(0, 90),
        st.integers(1, 20).map(lambda last: f"192.0.2.{last}"),
        st.sampled_from(["shop", "intranet"]),
    ),
    max_size=20,
    unique_by=lambda a: a.id,
)
APART = st.builds(
    lambda most, inside: GroupingSettings(apart=Apart(most, (("intra*", inside),))),
    st.sampled_from([None, 0, 1, 5]),
    st.sampled_from([None, 1, 3]),
)


def followed(
    requests: list[Anomaly],
    flows: list[Anomaly],
    turns: list[tuple[int, int]],
    settings: GroupingSettings | None = None,
) -> Found:
    """Two engines that get on by so many minutes in each turn, and a restart at each."""
    correlator = Correlator(SPANS, settings)
    here, there = 0, 0
    whole = Found([], [], [])
    for more, others in [*turns, (END // MINUTE, END // MINUTE)]:
        before = here, there
        here, there = here + more, there + others
        correlator.add(a for a in requests if before[0] * MINUTE < a.end <= here * MINUTE)
        correlator.add(a for a in flows if before[1] * MINUTE < a.end <= there * MINUTE)
        correlator.group(min(here, there, END // MINUTE) * MINUTE)
        again = Correlator(SPANS, settings)
        again.from_state(correlator.to_state())
        correlator = again
        found = correlator.take()
        whole.anomalies.extend(found.anomalies)
        whole.incidents.extend(found.incidents)
        whole.notices.extend(found.notices)
    return whole


def last(found: Found) -> dict[str, Incident]:
    """Each incident as it stood last."""
    return {incident.id: incident for incident in found.incidents}


@given(
    st.one_of(OF_REQUESTS, ATTACKS),
    OF_FLOWS,
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
    APART,
)
def test_live_is_replay_whichever_engine_is_ahead(
    requests: list[Anomaly],
    flows: list[Anomaly],
    turns: list[tuple[int, int]],
    settings: GroupingSettings,
) -> None:
    found = followed(requests, flows, turns, settings)
    named, incidents = regroup([*requests, *flows], spans=SPANS, until=END, grouping=settings)
    assert sorted(found.anomalies, key=lambda a: (a.start, a.id)) == named
    assert last(found) == {incident.id: incident for incident in incidents}
    assert found.notices == followed(requests, flows, [], settings).notices


def test_one_engine_alone_has_the_incidents_that_it_makes_itself() -> None:
    stated = [attack(1), attack(3), attack(30, "192.0.2.8"), attack(31)]
    found = followed(stated, [], [(2, 2), (29, 90)])
    assert [i.anomaly_ids for i in last(found).values()] == [i.anomaly_ids for i in group(*stated)]


def test_what_is_of_an_earlier_window_is_waited_for() -> None:
    correlator = Correlator(SPANS)
    correlator.add([attack(3)])
    correlator.group(2 * MINUTE)
    assert not correlator.found
    correlator.add([scan(1)])
    correlator.group(4 * MINUTE)
    (incident,) = correlator.take().incidents
    assert incident.anomaly_ids == (scan(1).id, attack(3).id)


def test_who_hurries_does_not_wait_and_what_comes_later_joins() -> None:
    correlator = Correlator(SPANS)
    correlator.add([attack(3)], at=5)
    assert correlator.waits_since(4) < 0
    correlator.group(0, hurried=correlator.waits_since(5))
    (opened,) = correlator.take().notices
    assert opened.change is Change.OPENED
    correlator.add([scan(1)], at=90)
    correlator.group(4 * MINUTE)
    found = correlator.take()
    (incident,) = found.incidents
    assert incident.id == opened.incident.id
    assert incident.start == scan(1).start
    assert set(incident.anomaly_ids) == {scan(1).id, attack(3).id}
    assert found.anomalies[0].incident_id == incident.id


def test_hurry_closes_nothing() -> None:
    correlator = Correlator(SPANS)
    correlator.add([attack(3)])
    correlator.add([attack(300, "192.0.2.8")])
    correlator.group(4 * MINUTE, hurried=400 * MINUTE)
    assert {i.state for i in correlator.take().incidents} == {IncidentState.OPEN}
    # It has been quiet for long, and is not gone on with all the same.
    correlator.add([of_flows(attack(200))])
    correlator.group(4 * MINUTE, hurried=400 * MINUTE)
    assert len(correlator.take().incidents) == 1


def test_too_many_that_wait_are_grouped_at_once(monkeypatch: "object") -> None:
    from vedette.incidents import correlating

    monkeypatch.setattr(correlating, "MOST_WAITING", 3)  # type: ignore[attr-defined]
    correlator = Correlator(SPANS)
    correlator.add(attack(minute) for minute in range(5))
    assert len(correlator.take().anomalies) == 5


def test_incidents_of_engines_that_grouped_for_themselves_go_on() -> None:
    groupers = [grouping.Grouper(), grouping.Grouper()]
    own = [groupers[0].add(attack(1)), groupers[1].add(scan(1, "192.0.2.9"))]
    correlator = Correlator(SPANS)
    correlator.adopt([one.to_state() for one in groupers])
    correlator.add([attack(2), scan(2, "192.0.2.9")])
    correlator.group(5 * MINUTE)
    assert {a.incident_id for a in correlator.take().anomalies} == set(own)
