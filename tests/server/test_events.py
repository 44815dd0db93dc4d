"""What happens is told as it happens, and what was missed is told as missed."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.report.made import anomaly, incident
from tests.server.doubles import House
from tests.server.listeners import client, listening
from vedette.live.events import Events
from vedette.live.view import Event
from vedette.server.listening import Listening

PATH = "/admin/api/ai/events"


class Watched(House):
    """A house with the live service's own row of events."""

    def __init__(self, kept: int = 1000, **settings: Any) -> None:
        super().__init__(**settings)
        self.events = Events(kept)
        self.asked: list[int | None] = []
        self.view.events = self.watch  # type: ignore[method-assign]

    def watch(self, after: int | None) -> Iterator[Event | None]:
        self.asked.append(after)
        return self.events.watch(after, heartbeat_s=0.05)


def read(lines: Iterator[str], count: int) -> list[dict[str, Any]]:
    """The next events of a stream."""
    found: list[dict[str, Any]] = []
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line == "":
            if "event" in event:
                found.append(event)
            event = {}
        elif name:
            event[name] = json.loads(value) if name in ("data", "id") else value
        if len(found) == count:
            break
    return found


def followed(found: Listening, **headers: str) -> httpx.Client:
    return client(found, headers=headers)


def test_incidents_and_anomalies_are_told_with_ids_and_times_as_text() -> None:
    house = Watched()
    house.events.tell("counters", {"lines": 3})
    with listening(house) as found, followed(found, **{"Last-Event-ID": "0"}) as http:
        with http.stream("GET", PATH) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            house.events.tell("incident", incident(1))
            house.events.tell("anomaly", anomaly(1))
            first, second, third = read(stream.iter_lines(), 3)
        house.events.close()
    assert (first["id"], first["event"], first["data"]) == (1, "counters", {"lines": 3})
    assert (second["event"], second["data"]["start"]) == ("incident", "2026-03-02T09:10:00.000000Z")
    assert (third["event"], third["data"]["anomaly_type"]) == ("anomaly", "error_spike")


def test_who_comes_back_gets_what_it_missed_and_no_more() -> None:
    house = Watched()
    for number in range(5):
        house.events.tell("counters", {"number": number})
    with listening(house) as found:
        for asked in ({"headers": {"Last-Event-ID": "3"}}, {"params": {"last_event_id": "3"}}):
            with client(found) as http, http.stream("GET", PATH, **asked) as stream:  # type: ignore[arg-type]
                assert [e["data"]["number"] for e in read(stream.iter_lines(), 2)] == [3, 4]
        house.events.close()


def test_what_is_not_kept_any_more_is_told_as_a_gap() -> None:
    house = Watched(kept=2)
    for number in range(6):
        house.events.tell("counters", {"number": number})
    with listening(house) as found:
        with client(found) as http, http.stream("GET", PATH, headers={"Last-Event-ID": "1"}) as stream:
            gap, *rest = read(stream.iter_lines(), 3)
        house.events.close()
    assert (gap["event"], gap["data"]) == ("gap", {"missed": 3})
    assert [e["data"]["number"] for e in rest] == [4, 5]


def test_a_comment_comes_when_nothing_happens() -> None:
    house = Watched()
    with listening(house) as found:
        with client(found) as http, http.stream("GET", PATH) as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith(":")) == ": nothing new"
        house.events.close()


def test_places_are_bounded_and_free_again() -> None:
    house = Watched(limits={"event_clients": 1})
    with listening(house) as found, client(found) as other:
        with client(found) as http, http.stream("GET", PATH) as stream:
            # Kept: a reader that is dropped closes the stream.
            lines = stream.iter_lines()
            assert next(lines) == "retry: 3000"
            refused = other.get(PATH)
            assert refused.status_code == 503
            assert "event_clients" in refused.json()["detail"]
            assert "vedette_event_clients 1.0" in other.get("/metrics").text
        # Its place is free once the service has seen it go, at the next comment.
        while (answer := other.get("/metrics").text) and "vedette_event_clients 1.0" in answer:
            house.events.tell("counters", {})
        with client(found) as http, http.stream("GET", PATH) as stream:
            assert stream.status_code == 200
        house.events.close()


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "99999999999999999999"])
async def test_an_id_that_is_none_is_refused(given: str) -> None:
    async with Watched().client() as http:
        answer = await http.get(PATH, headers={"Last-Event-ID": given})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Last-Event-ID"
