"""What comes next, over the API."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.made import MINUTE, START
from tests.server.test_with_store import Stored, got, window
from vedette.schema.records import ForecastRecord

MINUTES = 180


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Stored]:
    house = Stored(tmp_path)
    house.clock.now = START + MINUTES * MINUTE
    with house.store:
        yield house


def record(metric: str, unit: str) -> ForecastRecord:
    return ForecastRecord(
        metric=metric,
        unit=unit,
        start=(START, START + MINUTE),
        expected=(10.0, 11.0),
        lower=(5.0, 6.0),
        upper=(15.0, 17.0),
        sample_count=900,
    )


def failing(house: Stored, last_hour: int, slo: dict[str, Any]) -> None:
    house.view.settings = {"slo": slo}
    house.store.save_windows(
        [window(n, requests=1000, errors_5xx=last_hour if n >= MINUTES - 60 else 0) for n in range(MINUTES)]
    )


async def test_bands_of_metrics_come_with_their_times_and_units(house: Stored) -> None:
    house.view.foreseen = [record("requests", "requests"), record("latency_p95_seconds", "seconds")]
    answer = await got(house, "/forecast/shop?horizon_s=120")
    assert (answer["service"], answer["horizon_s"], answer["coverage"]) == ("shop", 120, 0.95)
    assert answer["start_time"] == ["2026-03-02T08:00:00.000000Z", "2026-03-02T08:01:00.000000Z"]
    assert answer["metrics"]["latency_p95_seconds"] == {
        "unit": "seconds",
        "expected": [10.0, 11.0],
        "lower": [5.0, 6.0],
        "upper": [15.0, 17.0],
        "sample_count": 900,
    }
    assert answer["error_budget"] is None
    assert answer["error_budget_summary"] is None


async def test_of_a_service_that_is_not_known_nothing_is_foreseen(house: Stored) -> None:
    answer = await got(house, "/forecast/nobody")
    assert (answer["start_time"], answer["metrics"]) == ([], {})


async def test_it_says_when_the_error_budget_is_gone(house: Stored) -> None:
    failing(house, 20, {"error_budget": "0.1%/30d"})
    answer = await got(house, "/forecast/shop")
    budget = answer["error_budget"]
    # Of 43.2 million requests in 30 days 43,200 may fail; 1,200 have, and 20 a minute do.
    assert budget["allowed"] == pytest.approx(43_200)
    assert budget["burn_rate"] == pytest.approx(20.0)
    assert budget["outlook"] == "ends"
    assert budget["gone_at"] == "2026-03-03T22:00:00.000000Z" or budget["gone_at"].startswith("2026-03-03")
    assert "it is gone by 2026-03-03" in answer["error_budget_summary"]


@pytest.mark.parametrize(("name", "outlook"), [("shop", "gone"), ("blog", None)])
async def test_services_may_have_budgets_of_their_own(house: Stored, name: str, outlook: str | None) -> None:
    strict = {"service": "sh*", "budget": "0.0001%/1d"}
    failing(house, 20, {"error_budget": None, "services": [strict], "lately_s": 3600})
    budget = (await got(house, f"/forecast/{name}"))["error_budget"]
    assert (budget and budget["outlook"]) == outlook


async def test_few_failures_tell_no_rate(house: Stored) -> None:
    house.view.settings = {"slo": {"error_budget": "1%/7d"}}
    house.store.save_windows([window(n, errors_5xx=int(n == 0)) for n in range(10)])
    answer = await got(house, "/forecast/shop")
    assert answer["error_budget"]["outlook"] == "insufficient_data"
    assert "too little data" in answer["error_budget_summary"]


@pytest.mark.parametrize("asked", ["59", "604801", "an hour"])
async def test_a_horizon_out_of_range_is_refused_by_name(house: Stored, asked: str) -> None:
    async with house.client() as client:
        answer = await client.get(f"/forecast/shop?horizon_s={asked}")
    assert answer.status_code in (400, 422)
    assert "horizon_s" in answer.text


async def test_an_engine_without_time_is_told_so(house: Stored) -> None:
    house.view.foreseen = None
    async with house.client() as client:
        answer = await client.get("/forecast/shop")
    assert answer.status_code == 503
