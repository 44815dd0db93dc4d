"""The admin API tells what was found, and notes what people say of it."""

from typing import Any

import pytest

from tests.report.made import MINUTE, START, anomaly
from tests.server.doubles import House
from vedette.schema.anomaly import AnomalyType, Severity

PATH = "/admin/api/ai/anomalies"


def furnished() -> House:
    house = House()
    house.store.found = [
        anomaly(
            number,
            type=AnomalyType.ERROR_SPIKE if number % 2 else AnomalyType.SQL_INJECTION,
            severity=Severity.CRITICAL if number < 3 else Severity.LOW,
            service="shop" if number < 5 else "blog",
            start=START + number * MINUTE,
            end=START + (number + 1) * MINUTE,
        )
        for number in range(6)
    ]
    return house


async def numbers(house: House, query: str) -> list[int]:
    async with house.client() as client:
        answer = await client.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["count"] == len(answer.json()["anomalies"])
    return [int(a["id"][1:], 16) for a in answer.json()["anomalies"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [5, 4, 3, 2, 1, 0]),
        ("service=shop", [4, 3, 2, 1, 0]),
        ("type=sql_injection", [4, 2, 0]),
        ("type=sql_injection,error_spike&limit=2", [5, 4]),
        ("severity=critical", [2, 1, 0]),
        ("severity=critical,low&service=blog", [5]),
        ("min_severity=high", [2, 1, 0]),
        ("endpoint=/nowhere", []),
        ("resolved=true", []),
        ("resolved=false&service=blog", [5]),
        ("start_time=2026-03-02T08:04:30Z", [5, 4]),
        ("end_time=2026-03-02T08:02:00", [1, 0]),
        ("end_time=2026-03-02T09:02:00%2B01:00", [1, 0]),
        ("end_time=2026-03-02T09:02:00+01:00", [1, 0]),
    ],
)
async def test_filters_hold_together(query: str, expected: list[int]) -> None:
    assert await numbers(furnished(), query) == expected


async def test_an_anomaly_speaks_the_classic_names_beside_its_own() -> None:
    async with furnished().client() as client:
        found = (await client.get(f"{PATH}?limit=1")).json()["anomalies"][0]
    for classic, own in (
        ("anomaly_type", "type"),
        ("service_name", "service"),
        ("endpoint", "route"),
        ("timestamp", "start"),
    ):
        assert found[classic] == found[own]
    assert found["start"] == "2026-03-02T08:05:00.000000Z"
    assert found["details"] == {"requests": 420, "errors": 258}
    assert found["formula"]["name"] == "ratio_high"
    assert found["resolved"] is False


async def test_pages_follow_each_other_by_cursor() -> None:
    house, seen, cursor = furnished(), [], ""
    async with house.client() as client:
        while True:
            page = (await client.get(f"{PATH}?limit=4{cursor}")).json()
            seen += [a["id"] for a in page["anomalies"]]
            if page["cursor"] is None:
                break
            cursor = f"&cursor={page['cursor']}"
    assert seen == [a.id for a in reversed(house.store.found)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("severity=dire", "severity"),
        ("type=bad", "type"),
        ("resolved=perhaps", "resolved"),
        ("start_time=yesterday", "start_time"),
        ("end_time=0001-01-01", "end_time"),
        ("cursor=!", "cursor"),
    ],
)
async def test_a_wrong_filter_is_named(query: str, field: str) -> None:
    async with furnished().client() as client:
        answer = await client.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["errors"][0]["place"] == "query"


async def test_what_a_person_says_stays_with_the_anomaly_and_in_the_audit_log() -> None:
    house = furnished()
    name = house.store.found[0].id
    async with house.client() as client:
        said = await client.post(f"{PATH}/{name}/resolve", json={"note": "a bad release"})
        found = (await client.get(f"{PATH}/{name}")).json()
        only = (await client.get(f"{PATH}?resolved=true")).json()["anomalies"]
        counts = (await client.get("/admin/api/ai/stats")).json()
    assert said.json()["resolved"] is True
    assert found["resolution_note"] == "a bad release"
    assert found["resolved_by"] == "local"
    assert found["resolved_at"] == "2026-03-02T12:00:00.000000Z"
    assert [a["id"] for a in only] == [name]
    assert counts["unresolved_count"] == counts["total"] - 1 == 5
    (line,) = house.store.audited
    assert (line.action, line.target, line.detail, line.address) == (
        "resolve",
        name,
        "a bad release",
        "127.0.0.1",
    )


async def test_a_false_alarm_feeds_the_exceptions() -> None:
    house = furnished()
    name = house.store.found[0].id
    async with house.client() as client:
        said = await client.post(
            f"{PATH}/{name}/false-positive", json={"note": "our crawler", "until_days": 30}
        )
    assert said.json()["false_positive"] is True
    assert house.view.excluded == [(name, "our crawler", 30)]
    assert house.store.said[name].false_positive


async def test_a_false_alarm_of_which_no_exception_can_be_made_says_why_and_notes_nothing() -> None:
    house = furnished()
    name = house.store.found[0].id
    async with house.client() as client:
        said = await client.post(f"{PATH}/{name}/false-positive", json={"note": "impossible"})
    assert said.status_code == 409
    assert "was not kept" in said.json()["detail"]
    assert not house.store.said
    assert not house.store.audited


@pytest.mark.parametrize("what", ["", "/resolve", "/false-positive"])
async def test_an_anomaly_that_does_not_exist_is_not_found(what: str) -> None:
    async with furnished().client() as client:
        answer = await client.request("POST" if what else "GET", f"{PATH}/none{what}")
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"


async def test_a_store_that_cannot_be_used_is_named_and_tried_again_later() -> None:
    house = furnished()
    house.store.broken = True
    async with house.client() as client:
        answer = await client.get(PATH)
    assert answer.status_code == 503
    assert "disk is full" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0


async def test_the_prefix_may_be_left_out() -> None:
    async with furnished().client() as client:
        short: Any = (await client.get("/anomalies?limit=2")).json()
        long: Any = (await client.get(f"{PATH}?limit=2")).json()
    assert short == long
