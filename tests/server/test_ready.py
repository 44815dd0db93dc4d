"""A service that starts says so, takes lines in, and lets nobody wait for long."""

import asyncio
from typing import Any

import pytest

from tests.server.doubles import House
from vedette.live.view import Preparation
from vedette.server import ready

LINE = '192.0.2.7 - - [02/Mar/2026:09:10:00 +0000] "GET /attack HTTP/1.1" 200 12'
NDJSON = {"content-type": "application/x-ndjson"}
STARTING = (
    "the service is starting: 12 of 60 kernels are compiled, once for this machine; nothing is judged yet, lines are "
    "taken in at /ingest"
)


def starting() -> House:
    house = House()
    house.view.preparation = Preparation("kernels", 12, 60)
    return house


async def test_how_far_it_is_stands_in_health_and_status() -> None:
    async with starting().client() as client:
        banner, health, status = [(await client.get(path)).json() for path in ("/", "/health", "/status")]
    assert banner["status"] == health["status"] == health["phase"] == "starting"
    assert health["preparation"] == status["preparation"] == {"step": "kernels", "done": 12, "total": 60}
    async with House().client() as client:
        assert (await client.get("/health")).json()["preparation"] is None


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("POST", "/detect", {"json": {"log_line": LINE}}),
        ("POST", "/detect/batch", {"json": {"logs": [LINE]}}),
        ("POST", "/detect/batch", {"content": f'"{LINE}"\n'.encode(), "headers": NDJSON}),
        ("PUT", "/config", {"json": {"alarm": {"budget": "2/day"}}}),
        ("GET", "/everyday", {}),
        ("GET", "/weights", {}),
        ("GET", "/forecast/shop", {}),
        ("POST", "/anomalies/a1/resolve", {}),
        ("POST", "/anomalies/a1/false-positive", {}),
    ],
)
async def test_who_needs_the_engine_is_told_to_come_back(
    method: str, path: str, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "PATIENCE_S", 0.0)
    house = starting()
    async with house.client() as client:
        answer = await client.request(method, path, **asked)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["detail"] == STARTING
    assert not house.store.said
    assert not house.store.audited


async def test_who_needs_the_engine_waits_if_it_is_there_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    house = starting()
    looks: list[float] = []

    async def looked(pause: float) -> None:
        looks.append(pause)
        if len(looks) == 3:
            house.view.preparation = None

    monkeypatch.setattr(ready, "LOOK_S", 0.0)
    monkeypatch.setattr(asyncio, "sleep", looked)
    async with house.client() as client:
        answer = await client.post("/detect", json={"log_line": LINE})
    assert len(looks) == 3
    assert answer.json()["is_anomaly"] is True


async def test_lines_are_taken_and_what_is_kept_is_told_meanwhile() -> None:
    house = starting()
    async with house.client() as client:
        taken = await client.post("/ingest", content=LINE, headers={"content-type": "text/plain"})
        told = [(await client.get(path)).status_code for path in ("/anomalies", "/incidents", "/config")]
    assert taken.json()["taken"] == 1
    assert told == [200, 200, 200]


async def test_the_page_and_the_metrics_say_so() -> None:
    async with starting().client() as client:
        page, metrics = await client.get("/report"), await client.get("/metrics")
    assert "The service is starting: 12 of 60 kernels are compiled, once for this machine." in page.text
    assert "\nvedette_ready 0.0\n" in metrics.text
    async with House().client() as client:
        page, metrics = await client.get("/report"), await client.get("/metrics")
    assert "starting" not in page.text
    assert "\nvedette_ready 1.0\n" in metrics.text


async def test_another_answers_from_when_the_engine_is_there() -> None:
    before, after = starting(), House()
    app = before.app()
    async with before.client(app=app) as client:
        assert (await client.get("/health")).json()["status"] == "starting"
        app.show(after.view)
        assert (await client.get("/health")).json()["status"] == "ok"
