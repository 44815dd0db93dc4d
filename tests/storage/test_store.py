"""What is saved is found again, once."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.things import MINUTE, anomaly, baseline, incident, run, window
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind, Severity
from vedette.schema.findings import Coverage, Findings
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.records import BaselineRecord
from vedette.storage import (
    AnomalyFilter,
    IncidentFilter,
    Store,
    StoreError,
    StoreProblem,
    WindowFilter,
    open_store,
)

EVERY_STORE = True


def findings(anomalies: list[Anomaly], incidents: list[Incident] | None = None) -> Findings:
    return Findings(anomalies, incidents or [], Coverage())


def test_an_anomaly_comes_back_as_it_was(store: Store) -> None:
    store.save(findings([anomaly(1)]))
    assert store.anomaly("a0001") == anomaly(1)
    assert store.anomaly("a0002") is None


def test_an_incident_comes_back_as_it_was(store: Store) -> None:
    store.save(findings([], [incident(1)]))
    assert store.incident("i1") == incident(1)
    assert store.incident("i2") is None


def test_of_an_incident_that_comes_twice_the_last_counts(store: Store) -> None:
    store.save(findings([], [incident(1, services=("shop", "blog")), incident(1, services=("blog",))]))
    assert store.incident("i1") == incident(1, services=("blog",))
    assert store.incidents(IncidentFilter(service="shop")).items == []
    assert len(store.incidents(IncidentFilter(service="blog")).items) == 1


def test_windows_baselines_and_runs_come_back_as_they_were(store: Store) -> None:
    assert store.save_windows([window(1), window(2, route="/cart")]) == 2
    assert store.save_baselines([baseline("errors")]) == 1
    store.save(findings([]), run(1))
    assert store.windows(WindowFilter(service="shop")).items == [window(1)]
    assert store.windows(WindowFilter(service="shop", route="/cart")).items == [window(2, route="/cart")]
    assert store.baselines().items == [baseline("errors")]
    assert store.runs().items == [run(1)]


def test_saving_the_same_twice_changes_nothing(store: Store) -> None:
    for _ in range(2):
        store.save(findings([anomaly(1), anomaly(2)], [incident(1)]), run(1))
        store.save_windows([window(1), window(1)])
        store.save_baselines([baseline("errors")])
    assert len(store.anomalies().items) == 2
    assert len(store.incidents().items) == 1
    assert len(store.incidents(IncidentFilter(service="shop")).items) == 1
    assert len(store.windows(WindowFilter(service="shop")).items) == 1
    assert len(store.baselines().items) == 1
    assert len(store.runs().items) == 1


def test_what_is_saved_again_replaces_what_was(store: Store) -> None:
    store.save(findings([anomaly(1)], [incident(1, services=("shop", "blog"))]))
    store.save(findings([anomaly(1, score=0.5)], [incident(1, services=("shop",), state=IncidentState.OPEN)]))
    store.save_windows([window(1)])
    store.save_windows([window(1, requests=7)])
    (found,) = store.anomalies().items
    assert found.score == 0.5
    assert store.incidents(IncidentFilter(service="blog")).items == []
    assert store.incidents(IncidentFilter(state=IncidentState.OPEN)).items[0].services == ("shop",)
    assert store.windows(WindowFilter(service="shop")).items[0].requests == 7


def test_it_is_still_there_after_closing(url: str) -> None:
    with open_store(url) as store:
        store.save(findings([anomaly(1)]))
    with open_store(url, create=False) as store:
        assert store.anomaly("a0001") == anomaly(1)


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (AnomalyFilter(), ["a0004", "a0003", "a0002", "a0001"]),
        (AnomalyFilter(types=[AnomalyType.XSS, AnomalyType.SCANNER]), ["a0003", "a0002"]),
        (AnomalyFilter(min_severity=Severity.HIGH), ["a0004", "a0001"]),
        (AnomalyFilter(severities=[Severity.LOW, Severity.HIGH]), ["a0002", "a0001"]),
        (AnomalyFilter(service="blog"), ["a0003"]),
        (AnomalyFilter(service="shop", route="/cart"), ["a0004", "a0001"]),
        (AnomalyFilter(entity=Entity(EntityKind.CLIENT, "192.0.2.1")), ["a0002"]),
        (AnomalyFilter(incident_id="i2"), ["a0003"]),
        (AnomalyFilter(since=3 * MINUTE), ["a0004", "a0003"]),
        (AnomalyFilter(until=3 * MINUTE), ["a0002", "a0001"]),
        (AnomalyFilter(since=2 * MINUTE + 1, until=3 * MINUTE), ["a0002"]),
        (AnomalyFilter(service="shop", types=[AnomalyType.XSS]), []),
    ],
)
def test_anomalies_are_chosen_by_every_condition(store: Store, chosen: AnomalyFilter, ids: list[str]) -> None:
    store.save(
        findings(
            [
                anomaly(1),
                anomaly(
                    2,
                    type=AnomalyType.SCANNER,
                    severity=Severity.LOW,
                    route=None,
                    entity=Entity(EntityKind.CLIENT, "192.0.2.1"),
                ),
                anomaly(3, type=AnomalyType.XSS, severity=Severity.MEDIUM, service="blog", incident_id="i2"),
                anomaly(4, severity=Severity.CRITICAL),
            ]
        )
    )
    assert [found.id for found in store.anomalies(chosen).items] == ids


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (IncidentFilter(), ["i3", "i2", "i1"]),
        (IncidentFilter(min_severity=Severity.CRITICAL), ["i2"]),
        (IncidentFilter(service="blog"), ["i3", "i2"]),
        (IncidentFilter(state=IncidentState.OPEN), ["i3"]),
        (IncidentFilter(since=4 * MINUTE), ["i3"]),
        (IncidentFilter(until=2 * MINUTE), ["i1"]),
    ],
)
def test_incidents_are_chosen_by_every_condition(
    store: Store, chosen: IncidentFilter, ids: list[str]
) -> None:
    store.save(
        findings(
            [],
            [
                incident(1),
                incident(2, severity=Severity.CRITICAL, services=("shop", "blog")),
                incident(3, services=("blog", "blog"), state=IncidentState.OPEN),
            ],
        )
    )
    assert [found.id for found in store.incidents(chosen).items] == ids


def test_windows_are_chosen_by_the_time_they_overlap(store: Store) -> None:
    store.save_windows(window(number) for number in range(10))
    chosen = WindowFilter(service="shop", since=3 * MINUTE + 1, until=5 * MINUTE)
    assert [row.start // MINUTE for row in store.windows(chosen).items] == [3, 4]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(starts=st.lists(st.integers(0, 4), max_size=12), limit=st.integers(1, 5))
def test_pages_hold_everything_once_in_order(store: Store, starts: list[int], limit: int) -> None:
    store.save(findings([anomaly(n, start=start) for n, start in enumerate(starts)]))
    known = len(store.anomalies(limit=1000).items)
    found: list[Anomaly] = []
    cursor = None
    while True:
        page = store.anomalies(limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.cursor
        if cursor is None:
            break
    keys = [(item.start, item.id) for item in found]
    assert keys == sorted(keys, reverse=True)
    assert len({item.id for item in found}) == len(found) == known


def test_what_is_saved_while_paging_is_not_repeated(store: Store) -> None:
    store.save(findings([anomaly(n) for n in range(4)]))
    first = store.anomalies(limit=2)
    store.save(findings([anomaly(n) for n in range(4, 8)]))
    second = store.anomalies(limit=2, cursor=first.cursor)
    assert [found.id for found in second.items] == ["a0001", "a0000"]
    assert second.cursor is None


def test_baselines_are_paged_by_all_their_keys(store: Store) -> None:
    rows = [
        baseline(m, season=s, route=r) for m in "ab" for s in ("all", "hour-of-day 1") for r in (None, "/x")
    ]
    store.save_baselines(rows)
    found: list[BaselineRecord] = []
    cursor = None
    while page := store.baselines("shop", limit=3, cursor=cursor):
        found += page.items
        if (cursor := page.cursor) is None:
            break
    assert len(found) == 8
    assert set(found) == set(rows)
    assert store.baselines("blog").items == []


@pytest.mark.parametrize("cursor", ["", "x", "WzFd", "!!!", "bnVsbA", "WzEsMl0", "\udcff"])
def test_a_cursor_from_elsewhere_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(StoreError, match="is not one that this list gave; begin without a cursor") as caught:
        store.anomalies(cursor=cursor)
    assert caught.value.problem is StoreProblem.BAD_CURSOR


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_bounds(store: Store, limit: int) -> None:
    with pytest.raises(ValueError, match=f"limit = {limit}: must be from 1 to 1000"):
        store.anomalies(limit=limit)


def test_more_rows_than_a_batch_are_saved(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sql", "mongo"):
        monkeypatch.setattr(f"vedette.storage.{module}.BATCH_ROWS", 100)
    assert store.save_windows(window(number) for number in range(203)) == 203
    assert len(store.windows(WindowFilter(service="shop"), limit=1000).items) == 203
    assert store.save_baselines(baseline(f"m{number}") for number in range(203)) == 203
    assert len(store.baselines(limit=1000).items) == 203


def test_findings_are_saved_all_or_none(store: Store) -> None:
    broken = anomaly(2, details={"not": object()})
    with pytest.raises(TypeError):
        store.save(findings([anomaly(1), broken], [incident(1)]), run(1))
    assert store.anomalies().items == []
    assert store.incidents().items == []
    assert store.runs().items == []


def test_hostile_text_is_only_text(store: Store) -> None:
    name = "x'); DROP TABLE anomalies; --\0\x1b[31m"
    store.save(findings([anomaly(1, service=name)]))
    assert [found.service for found in store.anomalies(AnomalyFilter(service=name)).items] == [name]


def test_text_that_is_no_unicode_is_spelled_out(store: Store) -> None:
    name = "\ud800/\udcff"
    store.save(findings([anomaly(1, service=name, details={name: [name]})], [incident(1, services=(name,))]))
    store.save_windows([window(1, service=name), window(1, service="shop", route=name)])
    spelled = r"\ud800/\udcff"
    (found,) = store.anomalies(AnomalyFilter(service=name)).items
    assert found == anomaly(1, service=spelled, details={spelled: [spelled]})
    assert store.incidents(IncidentFilter(service=name)).items == [incident(1, services=(spelled,))]
    assert store.windows(WindowFilter(service=name)).items == [window(1, service=spelled)]
    assert store.windows(WindowFilter(service="shop", route=spelled)).items == [window(1, route=spelled)]


@pytest.mark.parametrize("name", ["\0", "\1\0\1", "ü\U0001f600", "", "x" * 300, "%s ?", "'\\"])
def test_any_name_finds_its_own(store: Store, name: str) -> None:
    store.save(findings([anomaly(1, service=name, route=name), anomaly(2)], [incident(1, services=(name,))]))
    store.save_windows([window(1, service=name), window(1, service=name, route=name + "!"), window(2)])
    store.save_baselines([baseline("errors", service=name, route=name + "!"), baseline("errors")])
    chosen = AnomalyFilter(service=name, route=name, entity=Entity(EntityKind.ROUTE, "/cart"))
    assert [found.id for found in store.anomalies(chosen).items] == ["a0001"]
    assert store.incidents(IncidentFilter(service=name)).items == [incident(1, services=(name,))]
    assert store.windows(WindowFilter(service=name)).items == [window(1, service=name)]
    of_route = WindowFilter(service=name, route=name + "!")
    assert store.windows(of_route).items == [window(1, service=name, route=name + "!")]
    assert store.baselines(name).items == [baseline("errors", service=name, route=name + "!")]
    page = store.baselines(limit=1)
    found = page.items + store.baselines(limit=1, cursor=page.cursor).items
    assert {row.service for row in found} == {name, "shop"}
    assert [row.service for row in found] == sorted([name, "shop"])
