import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.incidents.apart import Apart
from vedette.incidents.draft import Draft
from vedette.incidents.grouping import KNOCKS, Grouper, GroupingSettings
from vedette.incidents.kept_draft import KeptDraft
from vedette.schema.anomaly import (
    Anomaly,
    AnomalyType,
    Band,
    Contribution,
    Entity,
    EntityKind,
    Evidence,
    Formula,
    Severity,
)
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.state import encode

MINUTE = 60_000_000


def anomaly(
    kind: AnomalyType,
    minute: int,
    *,
    client: str | None = None,
    service: str = "shop",
    route: str | None = None,
    severity: Severity = Severity.MEDIUM,
    carrier: tuple[str, float] | None = None,
    score: float = 0.7,
    unit: str = "requests",
) -> Anomaly:
    entity = Entity(EntityKind.CLIENT, client) if client else Entity(EntityKind.SERVICE, service)
    return Anomaly(
        id=f"a{kind}{minute}{client}{service}{route}",
        type=kind,
        severity=severity,
        score=score,
        start=minute * MINUTE,
        end=(minute + 1) * MINUTE,
        service=service,
        route=route,
        entity=entity,
        detector="test",
        observed=10.0,
        expected=Band(0, 1, 2),
        threshold=2.0,
        sample_count=50,
        unit=unit,
        formula=Formula("count", {"count": 10.0}, 10.0),
        description=f"{kind} happened.",
        contributions=(Contribution("client", *carrier),) if carrier else (),
        evidence_total=10,
    )


def group(*anomalies: Anomaly, apart: Apart | None = None) -> list[Incident]:
    grouper = Grouper(GroupingSettings(apart=apart or Apart()))
    done: list[Incident] = []
    for one in anomalies:
        done += [draft.finish(closed=True) for draft in grouper.close(one.start)]
        grouper.add(one)
    return done + [draft.finish(closed=False) for draft in grouper.drafts]


def test_one_clients_scan_attack_and_download_are_one_incident() -> None:
    incidents = group(
        anomaly(AnomalyType.SCANNER, 1, client="192.0.2.7"),
        anomaly(AnomalyType.SQL_INJECTION, 3, client="192.0.2.7", severity=Severity.HIGH),
        anomaly(AnomalyType.DATA_EXFILTRATION, 9, client="192.0.2.7", service="api"),
    )
    assert len(incidents) == 1
    assert incidents[0].types[0] is AnomalyType.SQL_INJECTION
    assert incidents[0].services == ("api", "shop")
    assert incidents[0].requests == 30
    assert "192.0.2.7" in incidents[0].title


def test_two_clients_are_two_incidents() -> None:
    incidents = group(
        anomaly(AnomalyType.SQL_INJECTION, 1, client="192.0.2.7"),
        anomaly(AnomalyType.SQL_INJECTION, 1, client="192.0.2.8"),
    )
    assert len(incidents) == 2


@pytest.mark.parametrize(
    ("first", "neighbour", "stranger"),
    [
        ("192.0.2.7", "192.0.2.200", "192.0.3.7"),
        ("2001:db8:1:2::/64", "2001:db8:1:3::/64", "2001:db8:2:2::/64"),
        ("scraper-1.example", "scraper-1.example", "scraper-2.example"),
    ],
)
def test_neighbours_that_are_odd_in_one_way_are_one_incident(
    first: str, neighbour: str, stranger: str
) -> None:
    odd = AnomalyType.BEHAVIORAL_ANOMALY
    (one,) = group(anomaly(odd, 1, client=first), anomaly(odd, 5, client=neighbour))
    assert {entity.value for entity in one.entities} == {first, neighbour}
    for other in (
        anomaly(odd, 5, client=stranger),
        anomaly(odd, 5, client=neighbour, service="api"),
        anomaly(AnomalyType.BOT_ACTIVITY, 5, client=neighbour),
        anomaly(AnomalyType.SQL_INJECTION, 5, client=neighbour),
        anomaly(odd, 60, client=neighbour),
    ):
        same = neighbour == first and other.entity.value == first and other.start < 60 * MINUTE
        assert len(group(anomaly(odd, 1, client=first), other)) == (1 if same else 2)


def test_machines_beside_each_other_that_take_much_are_one_incident() -> None:
    taken = AnomalyType.DATA_EXFILTRATION
    builds = [anomaly(taken, 4 * n, client=f"10.9.0.{n}") for n in range(5)]
    house, stranger = group(*builds, anomaly(taken, 21, client="192.0.2.7"))
    assert len(house.entities) == 5
    assert stranger.entities[0].value == "192.0.2.7"


UNLIKE = AnomalyType.BEHAVIORAL_ANOMALY


def aimed_attack(minute: int, route: str | None = None) -> Anomaly:
    client = f"192.0.{minute}.1"
    return anomaly(AnomalyType.SQL_INJECTION, minute, client=client, unit="hostile_requests", route=route)


def test_attacks_of_many_on_what_visitors_use_are_one_incident_and_no_part_of_the_weather_or_a_crowd() -> (
    None
):
    attack = aimed_attack
    aimed = [attack(minute, route="/deals") for minute in range(200, 400, 20)]
    others = [attack(minute) for minute in range(0, 200, 20)]
    weather = [
        anomaly(AnomalyType.SENSITIVE_FILE, minute, client=f"192.1.{minute}.1", severity=Severity.LOW)
        for minute in range(0, 400, 40)
    ]
    every = sorted([*aimed, *others, *weather], key=lambda a: a.start)
    (incident,) = (i for i in group(*every) if "/deals" in i.title)
    # Five of the others were told, so that the first two are of the crowd.
    assert incident.title == "SQL injection on shop /deals by 192.0.240.1 and 7 more"
    (incident,) = (
        i for i in group(*sorted([*aimed, *weather], key=lambda a: a.start)) if "/deals" in i.title
    )
    assert len(incident.anomaly_ids) == 10
    later = attack(399 + 62, route="/deals")
    elsewhere = attack(399, route="/tasks")
    assert len(group(*aimed, elsewhere, later)) == 3


def test_strangers_who_try_what_visitors_use_are_of_the_crowd_until_somebody_insists() -> None:
    strangers = [aimed_attack(minute, f"/{minute}") for minute in range(0, 3000, 100)]
    crowd = group(*strangers)
    assert len(crowd) == 6
    insisting = [aimed_attack(3000 + 20 * n, "/deals") for n in range(9)]
    *_, last = group(*strangers, *insisting)
    assert last.title == "SQL injection on shop /deals by 192.0.3040.1 and 6 more"
    grouper = Grouper(GroupingSettings())
    for one in (*strangers, *insisting[:2]):
        grouper.add(one)
    kept = Grouper(GroupingSettings())
    kept.from_state(grouper.to_state())
    assert kept.add(insisting[2]) == grouper.add(insisting[2]) == last.id


def test_clients_unlike_what_clients_were_while_something_happens_to_all_are_part_of_it() -> None:
    swarm = [anomaly(UNLIKE, 5 + n, client=f"192.0.{n}.1", severity=Severity.LOW) for n in range(20)]
    spike = [anomaly(AnomalyType.TRAFFIC_SPIKE, minute) for minute in range(0, 26, 5)]
    (incident,) = group(*sorted([*spike, *swarm], key=lambda a: a.start))
    assert incident.title == "Traffic spike and unusual client on shop"
    swarm = [anomaly(UNLIKE, 5 + n, client=f"192.0.{n}.1") for n in range(20)]
    (incident,) = group(*sorted([*spike, *swarm], key=lambda a: a.start))
    assert incident.title == "Unusual client and traffic spike on shop"
    elsewhere = anomaly(UNLIKE, 6, client="192.0.99.1", service="blog", severity=Severity.LOW)
    severe = anomaly(UNLIKE, 6, client="192.0.98.1", severity=Severity.HIGH)
    every = sorted([*spike, *swarm, elsewhere, severe], key=lambda a: a.start)
    assert len(group(*every)) == 3


def test_a_client_unlike_others_is_told_apart_from_what_somebody_else_carries() -> None:
    spike = anomaly(AnomalyType.TRAFFIC_SPIKE, 0, carrier=("203.0.113.9", 0.9))
    assert len(group(spike, anomaly(UNLIKE, 1, client="192.0.2.1", severity=Severity.LOW))) == 2


def test_of_clients_unlike_others_at_once_the_first_two_are_told_apart() -> None:
    swarm = [anomaly(UNLIKE, n, client=f"192.0.{n}.1", severity=Severity.LOW) for n in range(9)]
    assert [i.title for i in group(*swarm)] == [
        "Unusual client on shop by 192.0.0.1",
        "Unusual client on shop by 192.0.1.1 and 7 more",
    ]
    assert len(group(*(anomaly(UNLIKE, 60 * n, client=f"192.0.{n}.1") for n in range(9)))) == 9


def test_disturbances_of_one_service_are_one_incident_and_of_two_services_two() -> None:
    shop = [
        anomaly(AnomalyType.ERROR_SPIKE, 1),
        anomaly(AnomalyType.ERROR_SPIKE, 1, route="/pay"),
        anomaly(AnomalyType.LATENCY_SPIKE, 2),
    ]
    assert len(group(*shop)) == 1
    assert len(group(*shop, anomaly(AnomalyType.ERROR_SPIKE, 9, service="api"))) == 2


@pytest.mark.parametrize(("share", "count"), [(0.9, 1), (0.1, 2)])
def test_a_disturbance_joins_the_client_that_carries_it(share: float, count: int) -> None:
    incidents = group(
        anomaly(AnomalyType.SQL_INJECTION, 1, client="192.0.2.7"),
        anomaly(AnomalyType.ERROR_SPIKE, 2, carrier=("192.0.2.7", share)),
    )
    assert len(incidents) == count
    other_order = group(
        anomaly(AnomalyType.ERROR_SPIKE, 1, carrier=("192.0.2.7", share)),
        anomaly(AnomalyType.SQL_INJECTION, 2, client="192.0.2.7"),
    )
    assert len(other_order) == count


@pytest.mark.parametrize(
    ("disturbs", "count"), [(AnomalyType.TRAFFIC_SPIKE, 1), (AnomalyType.DATA_EXFILTRATION, 2)]
)
def test_metrics_that_do_not_go_together_are_of_what_made_one_of_them_odd_whoever_carries_it(
    disturbs: AnomalyType, count: int
) -> None:
    incidents = group(
        anomaly(AnomalyType.BRUTE_FORCE, 1, client="192.0.2.7"),
        anomaly(disturbs, 2, carrier=("192.0.2.7", 0.9)),
        anomaly(AnomalyType.UNUSUAL_PATTERN, 4),
    )
    assert len(incidents) == count


@pytest.mark.parametrize(
    ("begins", "kind", "route", "severity", "incidents"),
    [
        (200, AnomalyType.ERROR_SPIKE, "/form", Severity.HIGH, 2),
        (50, AnomalyType.ERROR_SPIKE, "/form", Severity.HIGH, 1),
        (200, AnomalyType.LATENCY_SPIKE, "/form", Severity.HIGH, 1),
        (200, AnomalyType.ERROR_SPIKE, None, Severity.HIGH, 1),
        (200, AnomalyType.ERROR_SPIKE, "/", Severity.HIGH, 1),
        (200, AnomalyType.ERROR_SPIKE, "/form", Severity.LOW, 1),
    ],
    ids=["another", "soon", "the same type", "of the service", "the same route", "slight"],
)
def test_another_trouble_of_another_route_is_not_hidden_in_what_has_gone_on_for_hours(
    begins: int, kind: AnomalyType, route: str | None, severity: Severity, incidents: int
) -> None:
    def slow(minute: int) -> Anomaly:
        return of_route(anomaly(AnomalyType.LATENCY_SPIKE, minute, route="/"))

    def fails(minute: int) -> Anomaly:
        return of_route(anomaly(kind, minute, route=route, severity=severity))

    def of_route(one: Anomaly) -> Anomaly:
        place = Entity(EntityKind.ROUTE, f"shop {one.route}") if one.route else one.entity
        return msgspec.structs.replace(one, entity=place)

    grouper = Grouper()
    of_slow = {grouper.add(slow(minute)) for minute in range(begins)}
    of_failing = {
        grouper.add(one) for minute in range(begins, begins + 9) for one in (slow(minute), fails(minute))
    }
    assert len(of_slow) == 1
    assert of_slow <= of_failing
    assert len(of_failing) == incidents


def test_attack_and_disturbance_together_weigh_more_than_either() -> None:
    (incident,) = group(
        anomaly(AnomalyType.SQL_INJECTION, 1, client="192.0.2.7"),
        anomaly(AnomalyType.ERROR_SPIKE, 2, carrier=("192.0.2.7", 0.9)),
    )
    assert incident.severity is Severity.HIGH


def test_low_probes_of_many_clients_are_one_background_incident() -> None:
    probes = [
        anomaly(AnomalyType.SENSITIVE_FILE, 30 * i, client=f"192.0.2.{i}", severity=Severity.LOW)
        for i in range(20)
    ]
    (incident,) = group(*probes)
    assert incident.title == "Background probing of shop by 20 clients"
    assert incident.severity is Severity.LOW


def probe(minute: int, what: str, client: str = "192.0.2.7") -> Anomaly:
    one = anomaly(
        AnomalyType.SENSITIVE_FILE, minute, client=client, severity=Severity.LOW, unit="hostile_requests"
    )
    return msgspec.structs.replace(one, evidence=(Evidence("log", minute, "", matched=what),))


def weather() -> list[Anomaly]:
    return [probe(2 * n, "/.env", f"203.0.113.{n}") for n in range(60)]


def grouped(*probes: Anomaly) -> list[Incident]:
    return group(*sorted([*weather(), *probes], key=lambda one: one.start))


def test_who_tries_one_thing_after_the_other_is_told_apart_from_the_weather() -> None:
    own, background = grouped(*(probe(4 * n + 1, f"/{n}.bak") for n in range(25)))
    assert background.title == "Background probing of shop by 61 clients"
    assert own.entities[0].value == "192.0.2.7"
    assert own.start == (4 * (KNOCKS - 1) + 1) * MINUTE
    assert len(own.anomaly_ids) == 25 - KNOCKS + 1


@pytest.mark.parametrize("apart", [(4, "/server-status"), (7, "/{}.bak")], ids=["the same", "seldom"])
def test_who_asks_for_one_thing_only_or_seldom_is_weather(apart: tuple[int, str]) -> None:
    minutes, what = apart
    assert len(grouped(*(probe(minutes * n + 1, what.format(n)) for n in range(100 // minutes)))) == 1


def of_sites(probes: list[Anomaly], sites: int) -> list[Anomaly]:
    return [msgspec.structs.replace(p, service=f"site{n % sites}") for n, p in enumerate(probes)]


def test_strangers_who_probe_several_services_are_one_incident_that_says_where() -> None:
    (incident,) = group(*of_sites(weather(), 4))
    assert incident.title == "Background probing of 4 services by 60 clients"
    assert incident.services == ("site0", "site1", "site2", "site3")
    assert incident.severity is Severity.LOW
    assert incident.summary.endswith(
        "Of the probes of 4 services, most were of site0 (150), site1 (150) and site2 (150)."
    ), incident.summary


def test_what_is_odd_of_one_service_is_not_of_the_weather_of_others() -> None:
    odd = anomaly(
        AnomalyType.ABNORMAL_REQUEST,
        9,
        client="192.0.2.9",
        service="elsewhere",
        severity=Severity.LOW,
        unit="abnormal_requests",
    )
    background, own = group(probe(8, "/.env"), odd)
    assert (background.services, own.services) == (("shop",), ("elsewhere",))


def test_who_finds_something_or_goes_on_at_one_service_is_told_apart_from_the_weather_of_all() -> None:
    found = msgspec.structs.replace(probe(31, "/.git/config"), severity=Severity.HIGH, service="site1")
    goes_on = [
        msgspec.structs.replace(probe(4 * n + 1, f"/{n}.bak", "192.0.2.8"), service="site2")
        for n in range(15)
    ]
    every = sorted([*of_sites(weather(), 4), found, *goes_on], key=lambda one: one.start)
    clients = {i.entities[0].value: i for i in group(*every) if len(i.services) == 1}
    assert clients["192.0.2.7"].severity is Severity.HIGH
    assert len(clients["192.0.2.8"].anomaly_ids) == 15 - KNOCKS + 1


def test_what_was_probed_where_is_kept() -> None:
    first, again, whole = Grouper(), Grouper(), Grouper()
    probes = of_sites(weather(), 3)
    for one in probes[:30]:
        first.add(one)
    again.from_state(first.to_state())
    for one in probes[30:]:
        again.add(one)
    for one in probes:
        whole.add(one)
    assert [d.finish(closed=False) for d in again.drafts] == [d.finish(closed=False) for d in whole.drafts]


def test_what_somebody_tried_is_kept() -> None:
    first, again = Grouper(), Grouper()
    for n in range(KNOCKS - 1):
        background = first.add(probe(n, f"/{n}.bak", "192.0.2.8"))
        first.add(probe(n, "/.env", f"203.0.113.{n}"))
    again.from_state(first.to_state())
    assert again.add(probe(KNOCKS, "/last.bak", "192.0.2.8")) != background


def attack(
    minute: int, client: str | None, severity: Severity = Severity.MEDIUM, service: str = "shop"
) -> Anomaly:
    kind = AnomalyType.SQL_INJECTION
    return anomaly(kind, minute, client=client, severity=severity, service=service, unit="hostile_requests")


def attacks(minutes: range, service: str = "shop") -> list[Anomaly]:
    """Each of another client."""
    return [attack(m, f"192.0.2.{n}", service=service) for n, m in enumerate(minutes)]


def test_attackers_beyond_the_first_five_of_a_month_are_one_incident() -> None:
    *first, crowd = group(*attacks(range(0, 40 * 30, 30)))
    assert [i.title for i in first] == [f"SQL injection on shop by 192.0.2.{n}" for n in range(5)]
    assert crowd.title == "SQL injection on shop by 35 clients"
    assert crowd.severity is Severity.MEDIUM
    assert crowd.summary.startswith(
        "5 attacks in 30 days were told one by one; these, which are no more severe, are told together:"
    )
    assert "SQL injection (350)" in crowd.summary


def test_attackers_that_no_log_names_are_counted_alike() -> None:
    *first, crowd = group(*(attack(30 * n, None) for n in range(12)))
    assert [i.title for i in first] == ["SQL injection on shop"] * 5
    assert (crowd.title, len(crowd.anomaly_ids)) == ("SQL injection on shop", 7)


def test_who_attacks_severely_or_does_something_else_is_told_apart_from_the_crowd() -> None:
    one = "192.0.2.30"
    guesses = anomaly(AnomalyType.BRUTE_FORCE, 243, client="192.0.2.31", severity=Severity.HIGH)
    story = [
        *attacks(range(0, 240, 30)),
        attack(240, one),
        attack(241, one, Severity.HIGH),
        attack(242, one),
        attack(242, "192.0.2.31"),
        guesses,
    ]
    *_, crowd, severe, guessing = group(*story)
    assert (crowd.title, len(crowd.anomaly_ids)) == ("SQL injection on shop by 5 clients", 5)
    assert (severe.severity, severe.anomaly_ids) == (Severity.HIGH, (story[-4].id, story[-3].id))
    assert guessing.anomaly_ids == (guesses.id,)


def test_guesses_of_passwords_are_of_the_crowd_until_they_are_many() -> None:
    def guesses(minute: int, severity: Severity) -> Anomaly:
        return anomaly(
            AnomalyType.BRUTE_FORCE,
            minute,
            client=f"192.0.2.{minute}",
            severity=severity,
            unit="failed_logins",
        )

    slight = [guesses(m, Severity.MEDIUM) for m in range(0, 200, 20)]
    *first, crowd, many = group(*slight, guesses(200, Severity.HIGH))
    assert [i.title for i in first] == [
        f"Password guessing on shop by 192.0.2.{m}" for m in range(0, 100, 20)
    ]
    assert crowd.title == "Password guessing on shop by 5 clients"
    assert "told together: password guessing. The worst" in crowd.summary
    assert many.title == "Password guessing on shop by 192.0.2.200"


def test_a_crowds_clients_take_their_slight_probes_with_them_and_nobody_elses() -> None:
    probes = [attack(220, f"192.0.2.{n}", Severity.LOW) for n in (6, 200)]
    *_, crowd, background = group(*attacks(range(0, 211, 30)), *probes)
    assert probes[0].id in crowd.anomaly_ids
    assert background.anomaly_ids == (probes[1].id,)


def test_a_crowd_is_over_after_a_week_and_after_a_month_attackers_are_told_one_by_one_again() -> None:
    day = 24 * 60
    story = [*attacks(range(0, 240, 30)), attack(9 * day, "192.0.2.50"), attack(40 * day, "192.0.2.51")]
    *_, crowd, again, alone = group(*story)
    assert (crowd.state, len(crowd.anomaly_ids)) == (IncidentState.CLOSED, 3)
    assert again.summary.startswith("5 attacks in 30 days were told one by one; these")
    assert alone.summary == "sql_injection happened."


def test_a_crowd_is_of_one_service() -> None:
    incidents = group(*attacks(range(0, 240, 30)), attack(240, "192.0.2.7", service="api"))
    assert incidents[-1].services == ("api",)
    assert incidents[-1].title == "SQL injection on api by 192.0.2.7"


def told(apart: Apart, count: int = 12, service: str = "shop") -> tuple[list[str], str]:
    """Titles of what so many attackers make, and the last one's summary."""
    incidents = group(*attacks(range(0, 30 * count, 30), service), apart=apart)
    return [incident.title for incident in incidents], incidents[-1].summary


def test_how_many_attackers_are_told_apart_can_be_said() -> None:
    titles, summary = told(Apart(2))
    assert titles[1:] == ["SQL injection on shop by 192.0.2.1", "SQL injection on shop by 10 clients"]
    assert summary.startswith("2 attacks in 30 days were told one by one; these")
    titles, summary = told(Apart(1), 2)
    assert titles[1:] == ["SQL injection on shop by 1 client"]
    assert summary.startswith("1 attack in 30 days was told one by one; these")


def test_nobody_is_told_apart_where_none_is_to_be() -> None:
    titles, summary = told(Apart(0))
    assert titles == ["SQL injection on shop by 12 clients"]
    assert summary.startswith(
        "Attacks that are not severe are told together here: SQL injection (120). The worst:"
    )


def test_everybody_is_told_apart_where_all_are_to_be() -> None:
    titles, _ = told(Apart(None), 40)
    assert titles == [f"SQL injection on shop by 192.0.2.{n}" for n in range(40)]


def test_a_service_inside_may_have_every_attacker_told_apart_and_the_one_outside_not() -> None:
    apart = Apart(1, (("intra*", None), ("*", 3)))
    assert len(told(apart, 12, "intranet")[0]) == 12
    assert len(told(apart, 12, "shop")[0]) == 4


def continued(before: Apart, after: Apart, ids: range = range(20)) -> list[Draft]:
    """What is open after half of the attackers came under one setting, and half under another."""
    story = attacks(range(0, 30 * len(ids), 30))
    first = Grouper(GroupingSettings(apart=before))
    for one in story[: len(story) // 2]:
        first.add(one)
    then = Grouper(GroupingSettings(apart=after))
    then.from_state(first.to_state())
    for one in story[len(story) // 2 :]:
        then.add(one)
    return then.drafts


@pytest.mark.parametrize("after", [Apart(None), Apart(15), Apart(100)])
def test_a_crowd_takes_nobody_new_once_more_are_to_be_told_apart(after: Apart) -> None:
    drafts = continued(Apart(), after)
    crowd = drafts[5]
    assert (len(crowd.anomalies), crowd.finish(closed=False).summary[:9]) == (5, "5 attacks")
    assert len(drafts) == 16


def test_a_crowd_goes_on_where_fewer_are_to_be_told_apart_and_as_many_count_as_were() -> None:
    assert len(continued(Apart(7), Apart(2))) == 8
    assert len(continued(Apart(15), Apart(10))) == 11


def test_a_crowd_that_is_wanted_no_more_is_over_as_others_are() -> None:
    story = attacks(range(12))
    first, then = Grouper(), Grouper(GroupingSettings(apart=Apart(None)))
    for one in story:
        first.add(one)
    then.from_state(first.to_state())
    then.close(30 * MINUTE)
    assert then.drafts == []
    assert len(first.drafts) == 6
    first.close(30 * MINUTE)
    assert len(first.drafts) == 1


def test_where_attacks_are_counted_is_kept() -> None:
    story = attacks(range(0, 600, 30))
    straight, before = Grouper(), Grouper()
    ids = [straight.add(one) for one in story]
    assert ids[:4] == [before.add(one) for one in story[:4]]
    after = Grouper()
    after.from_state(before.to_state())
    assert ids[4:] == [after.add(one) for one in story[4:]]


def test_a_state_from_before_attacks_were_counted_is_taken_over() -> None:
    grouper = Grouper()
    one = anomaly(AnomalyType.ERROR_SPIKE, 1)
    grouper.add(one)
    older = Grouper()
    older.from_state(encode((0, [KeptDraft.of(draft) for draft in grouper.drafts])))
    assert older.add(anomaly(AnomalyType.ERROR_SPIKE, 2)) == grouper.add(anomaly(AnomalyType.ERROR_SPIKE, 2))


def test_a_quiet_incident_closes_and_the_next_one_is_new() -> None:
    incidents = group(anomaly(AnomalyType.ERROR_SPIKE, 1), anomaly(AnomalyType.ERROR_SPIKE, 60))
    assert [i.state for i in incidents] == [IncidentState.CLOSED, IncidentState.OPEN]
    assert len({i.id for i in incidents}) == 2


def test_the_same_anomalies_give_the_same_ids() -> None:
    story = [anomaly(AnomalyType.ERROR_SPIKE, m) for m in (1, 2, 3)]
    assert group(*story) == group(*story)


def test_every_type_has_a_name_and_an_incident_has_advice() -> None:
    for kind in AnomalyType:
        (incident,) = group(anomaly(kind, 1, client="192.0.2.1"))
        assert incident.title
        assert incident.advice
        assert incident.summary


class _LooksAtAll(Grouper):
    def _near(self, *_of_what: object) -> list[Draft]:
        return list(self._open)


@given(
    st.lists(
        st.builds(
            anomaly,
            st.sampled_from(
                [
                    AnomalyType.SCANNER,
                    AnomalyType.ERROR_SPIKE,
                    AnomalyType.DDOS_ATTACK,
                    AnomalyType.UNUSUAL_PATTERN,
                    AnomalyType.BRUTE_FORCE,
                ]
            ),
            st.integers(0, 40),
            client=st.sampled_from([None, *(f"192.0.2.{n}" for n in range(1, 9))]),
            unit=st.sampled_from(["requests", "hostile_requests"]),
            service=st.sampled_from(["shop", "api"]),
            severity=st.sampled_from([Severity.LOW, Severity.MEDIUM, Severity.HIGH]),
            carrier=st.sampled_from([None, ("192.0.2.1", 0.9), ("192.0.2.2", 0.2)]),
        ),
        max_size=25,
    )
)
def test_no_incident_is_passed_over_that_would_take_an_anomaly(given: list[Anomaly]) -> None:
    looks, looks_at_all = Grouper(), _LooksAtAll()
    for one in sorted(given, key=lambda a: a.start):
        assert looks.add(one) == looks_at_all.add(one)


def test_troubles_of_several_services_that_begin_together_are_one() -> None:
    grouper = Grouper()
    errors, slow = AnomalyType.ERROR_SPIKE, AnomalyType.LATENCY_SPIKE
    first = grouper.add(anomaly(errors, 10, service="payments", severity=Severity.HIGH))
    assert grouper.add(anomaly(slow, 14, service="orders", route="/orders")) == first
    assert grouper.add(anomaly(errors, 24, service="orders")) == first
    incident = grouper.drafts[0].finish(closed=False)
    assert incident.title == "Error spike and latency spike on payments and 1 more service"
    assert incident.services == ("orders", "payments")


def test_troubles_of_several_services_that_begin_one_after_the_other_are_told_apart() -> None:
    grouper = Grouper()
    first = grouper.add(anomaly(AnomalyType.ERROR_SPIKE, 10, service="payments"))
    assert grouper.add(anomaly(AnomalyType.ERROR_SPIKE, 17, service="orders")) != first


def test_jobs_of_several_services_on_the_hour_are_told_apart() -> None:
    grouper = Grouper()
    first = grouper.add(anomaly(AnomalyType.TRAFFIC_SPIKE, 10, service="payments"))
    assert grouper.add(anomaly(AnomalyType.TRAFFIC_SPIKE, 10, service="orders")) != first
