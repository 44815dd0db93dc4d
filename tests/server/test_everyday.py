"""What is not told as attacks because it is everyday, over the API and for Prometheus."""

from tests.server.doubles import House
from tests.server.test_metrics import Counted, scraped
from vedette.schema.findings import EverydayRequests

ROWS = [
    EverydayRequests("wiki", "/load", "xss-tag-soup", 900, "2026-03-06", 5, 60, 0.4),
    EverydayRequests("shop", "/query", "sql-select-list", 75, "2026-03-06", 5, 25, 1.0),
]


async def test_it_is_told_by_route_and_rule() -> None:
    house = House()
    house.view.usual = ROWS
    async with house.client() as client:
        told = (await client.get("/admin/api/ai/everyday")).json()
        of_one = (await client.get("/everyday?service=shop")).json()
        of_none = (await client.get("/everyday?service=nobody")).json()
    assert (told["count"], told["service"]) == (2, None)
    assert [row["route"] for row in told["everyday"]] == ["/load", "/query"]
    assert of_one == {
        "everyday": [
            {
                "service": "shop",
                "route": "/query",
                "rule": "sql-select-list",
                "requests": 75,
                "since": "2026-03-06",
                "days": 5,
                "clients": 25,
                "share": 1.0,
            }
        ],
        "count": 1,
        "service": "shop",
    }
    assert of_none == {"everyday": [], "count": 0, "service": "nobody"}


async def test_prometheus_gets_it_by_service_and_rule() -> None:
    lines = (await scraped(Counted(everyday={("shop", "sql-select-list"): 75}))).splitlines()
    assert 'vedette_everyday_requests_total{rule="sql-select-list",service="shop"} 75.0' in lines
