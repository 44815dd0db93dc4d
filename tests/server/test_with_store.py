"""The admin API over the real store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.made import MINUTE, START, anomaly, incident
from tests.server.doubles import House
from vedette.schema.findings import Coverage, Findings
from vedette.schema.records import BaselineRecord, WindowRecord
from vedette.storage.open import open_live_store


class Stored(House):
    """A house over a SQLite store."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.store: Any = open_live_store(f"sqlite:///{path / 'v.db'}")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Stored]:
    house = Stored(tmp_path)
    with house.store:
        yield house


def window(number: int, **changes: Any) -> WindowRecord:
    fields: dict[str, Any] = {
        "service": "shop",
        "route": None,
        "start": START + number * MINUTE,
        "span_s": 60,
        "requests": 60 + number,
        "errors_4xx": 1,
        "errors_5xx": 0,
        "bytes_in": 10,
        "bytes_out": 1000,
        "timed": 60,
        "latency_p50_s": 0.1,
        "latency_p95_s": 0.2,
        "latency_p99_s": None,
        "distinct_clients": 5,
    }
    return WindowRecord(**fields | changes)


def baseline(metric: str, season: str = "all", **changes: Any) -> BaselineRecord:
    fields: dict[str, Any] = {
        "service": "shop",
        "route": None,
        "metric": metric,
        "season": season,
        "unit": "requests",
        "mean": 120.0,
        "median": 110.0,
        "stddev": 12.0,
        "low": 90.0,
        "high": 150.0,
        "p90": 140.0,
        "p99": 148.0,
        "sample_count": 40,
        "last_updated": START,
    }
    return BaselineRecord(**fields | changes)


async def got(house: House, path: str) -> Any:
    async with house.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_anomalies_are_filtered_resolved_and_counted(house: Stored) -> None:
    found = [anomaly(n, start=START + n * MINUTE, end=START + (n + 1) * MINUTE) for n in range(5)]
    house.store.save(Findings(found, [incident(1)], Coverage()))
    async with house.client() as client:
        assert (
            await client.post(f"/anomalies/{found[0].id}/resolve", json={"note": "ok"})
        ).status_code == 200
        assert (await client.post("/anomalies/none/resolve")).status_code == 404
    resolved = await got(house, "/anomalies?resolved=true&service=shop&severity=critical")
    assert [a["id"] for a in resolved["anomalies"]] == [found[0].id]
    assert resolved["anomalies"][0]["resolution_note"] == "ok"
    seen, cursor = [], ""
    while True:
        page = await got(house, f"/anomalies?limit=2{cursor}")
        seen += [a["id"] for a in page["anomalies"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert seen == [a.id for a in reversed(found)]
    counts = await got(house, "/stats")
    assert (counts["total"], counts["unresolved_count"]) == (5, 4)
    assert counts["by_type"] == {"error_spike": 5}
    assert (house.store.audits().items[0].action, house.store.audits().items[0].who) == ("resolve", "local")


async def test_an_incident_comes_with_its_anomalies(house: Stored) -> None:
    house.store.save(Findings([anomaly(1)], [incident(1)], Coverage()))
    listed = await got(house, "/incidents?state=closed&service=shop&min_severity=high")
    assert [i["id"] for i in listed["incidents"]] == ["i1"]
    assert (await got(house, "/incidents?state=open"))["incidents"] == []
    one = await got(house, "/incidents/i1")
    assert one["incident"]["title"] == "Error spike on shop /login"
    assert [a["id"] for a in one["anomalies"]] == [anomaly(1).id]
    async with house.client() as client:
        assert (await client.get("/incidents/none")).status_code == 404
        assert (await client.get("/incidents?state=ajar")).json()["errors"][0]["field"] == "state"


async def test_windows_come_oldest_first_for_charts(house: Stored) -> None:
    house.store.save_windows([window(n) for n in range(4)] + [window(1, route="/cart")])
    answer = await got(house, "/windows?service=shop&start_time=2026-03-02T08:01:00Z")
    assert [w["requests"] for w in answer["windows"]] == [61, 62, 63]
    assert answer["windows"][0]["start_time"] == "2026-03-02T08:01:00.000000Z"
    assert answer["windows"][0]["latency_p99_s"] is None
    assert (await got(house, "/windows?service=shop&endpoint=/cart"))["count"] == 1
    async with house.client() as client:
        assert (await client.get("/windows")).json()["errors"][0]["field"] == "service"


async def test_a_baseline_is_told_whole_in_units_of_a_second(house: Stored) -> None:
    house.store.save_baselines(
        [
            baseline("requests", "hour of day"),
            baseline("error_ratio", mean=0.01, stddev=0.002, p99=0.02, last_updated=START + MINUTE),
            baseline("latency_p95_seconds", mean=0.2, median=0.19, stddev=0.05, p90=0.3, p99=0.4),
            baseline("requests", "hour of week", route="/cart", mean=6.0),
            baseline("requests", service="blog", mean=60.0),
        ]
    )
    answer = await got(house, "/baselines/shop")
    assert (answer["service"], answer["count"]) == ("shop", 2)
    whole, cart = answer["baselines"]
    assert (whole["service_name"], whole["endpoint"], whole["time_window"]) == ("shop", None, "hourly")
    assert (whole["avg_request_rate"], whole["stddev_request_rate"]) == (2.0, 0.2)
    assert (whole["avg_error_rate"], whole["p99_error_rate"]) == (0.01, 0.02)
    assert (whole["avg_latency"], whole["p50_latency"], whole["p99_latency"]) == (0.2, 0.19, 0.4)
    assert whole["sample_size"] == 40
    assert whole["last_updated"] == "2026-03-02T08:01:00.000000Z"
    assert (cart["endpoint"], cart["time_window"], cart["avg_latency"]) == ("/cart", "weekly", None)
    everything = await got(house, "/baselines")
    assert [(b["service_name"], b["time_window"]) for b in everything["baselines"]] == [
        ("blog", "daily"),
        ("shop", "hourly"),
        ("shop", "weekly"),
    ]
    assert (await got(house, "/baselines/nobody"))["baselines"] == []


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_no_baseline_is_torn_apart_by_the_end_of_a_page(house: Stored, limit: int) -> None:
    metrics = ("requests", "error_ratio", "latency_p95_seconds", "bytes_out")
    house.store.save_baselines(
        [baseline(metric, route=route) for route in ("/a", "/b", "/c") for metric in metrics]
    )
    seen, cursor = [], ""
    while True:
        page = await got(house, f"/baselines?limit={limit}{cursor}")
        assert all(b["avg_latency"] is not None for b in page["baselines"])
        seen += [b["endpoint"] for b in page["baselines"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    assert seen == ["/a", "/b", "/c"]


async def test_a_cursor_that_no_list_gave_is_named(house: Stored) -> None:
    async with house.client() as client:
        for path in ("/anomalies", "/incidents", "/windows?service=shop", "/baselines"):
            answer = await client.get(f"{path}{'&' if '?' in path else '?'}cursor=nonsense")
            assert answer.status_code == 422
            assert answer.json()["errors"][0]["field"] == "cursor"


async def test_what_is_said_is_learned_from_and_a_change_of_weights_is_audited(house: Stored) -> None:
    house.store.save(Findings([anomaly(1), anomaly(2)], [], Coverage()))
    async with house.client() as client:
        await client.post("/anomalies/a0000000000000001/resolve", json={})
        assert [line.action for line in house.store.audits().items] == ["resolve"]
        house.view.reweighed = "rule_based 0.700 to 0.500; by 40 answers"
        await client.post("/anomalies/a0000000000000002/false-positive", json={})
    assert house.view.answered == [("a0000000000000001", True), ("a0000000000000002", False)]
    (changed,) = [line for line in house.store.audits().items if line.action == "weights"]
    assert (changed.target, changed.detail) == ("a0000000000000002", house.view.reweighed)
    told = await got(house, "/weights")
    assert told["members"] == [{"member": "rule_based", "weight": 0.5, "shipped": 0.7}]
    assert (told["confirmed"], told["false_alarms"], told["needed"]) == (30, 22, 20)
