"""Silences over HTTP are those that the telling thread and the command line know."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.channels.made import incident, notice
from tests.server.doubles import NOON, House
from vedette.channels.silences import kept
from vedette.schema.live import Commit
from vedette.storage.live import LiveStore, Outcome, Telling
from vedette.storage.open import open_live_store

PATH = "/admin/api/ai/silences"
HOUR = 3_600_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LiveStore]:
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as opened:
        yield opened


@pytest.fixture
def house(store: LiveStore) -> House:
    made = House()
    made.store = store  # type: ignore[assignment]
    return made


async def test_a_silence_is_made_listed_and_ended(house: House, store: LiveStore) -> None:
    body = {"services": ["shop*"], "types": ["error_spike"], "duration_s": 3600, "reason": "release"}
    async with house.client() as client:
        made = await client.post(PATH, json=body)
        assert made.status_code == 201, made.text
        answer = made.json()
        assert (answer["start"], answer["until"]) == (
            "2026-03-02T12:00:00.000000Z",
            "2026-03-02T13:00:00.000000Z",
        )
        assert (answer["by"], answer["reason"]) == ("local", "release")
        (silence,) = kept(store, NOON)
        assert silence.id == answer["id"]
        assert silence.covers(incident(), NOON)
        listed = await client.get("/silences")
        assert listed.json() == {"silences": [answer], "count": 1}
        house.clock.advance(1)
        ended = await client.delete(f"{PATH}/{answer['id']}")
        assert (ended.status_code, ended.content) == (204, b"")
        again = await client.delete(f"{PATH}/{answer['id']}")
        assert again.status_code == 404
    assert kept(store, NOON) == ()
    assert [(a.action, a.target) for a in store.audits().items] == [
        ("unsilence", answer["id"]),
        ("silence", answer["id"]),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "until"),
        ({"duration_s": 60, "until": "2026-03-02T13:00Z"}, "until"),
        ({"until": "2026-03-02T11:00Z"}, "until"),
        ({"until": "2036-03-02T11:00Z"}, "until"),
        ({"until": "soon"}, "until"),
        ({"duration_s": 0}, "duration_s"),
        ({"duration_s": 60, "types": ["nonsense"]}, "types"),
        ({"duration_s": 60, "services": [""]}, "services"),
        ({"duration_s": 60, "nonsense": 1}, "nonsense"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_made(
    house: House, store: LiveStore, body: dict[str, Any], field: str
) -> None:
    async with house.client() as client:
        answer = await client.post(PATH, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert kept(store, NOON) == ()


async def test_what_is_no_type_is_told_with_where_types_are_listed(house: House) -> None:
    async with house.client() as client:
        answer = await client.post(PATH, json={"duration_s": 60, "types": ["nonsense"]})
    assert answer.json()["detail"] == "types[0]: 'nonsense' is none of the values that /schema lists"


async def test_reading_is_not_enough_to_silence(store: LiveStore) -> None:
    house = House(authentication="always")
    house.store = store  # type: ignore[assignment]
    reader = house.key("reader", "read")
    async with house.client(**{"X-API-Key": reader}) as client:
        assert (await client.get(PATH)).status_code == 200
        assert (await client.post(PATH, json={"duration_s": 60})).status_code == 403
    assert kept(store, NOON) == ()


async def test_the_log_says_who_was_told(house: House, store: LiveStore) -> None:
    store.commit(Commit(time=NOON, state=b"", positions={}, notices=(notice(),)))
    store.tell(
        Telling(
            notice_id="i1.opened.high",
            channel="ops",
            outcome=Outcome.FAILED,
            at=NOON,
            tries=2,
            next_try=NOON + HOUR,
            reason="HTTP 500",
            reference="m1",
        )
    )
    async with house.client() as client:
        answer = await client.get("/notifications")
    assert answer.json() == {
        "notifications": [
            {
                "notice_id": "i1.opened.high",
                "channel": "ops",
                "outcome": "failed",
                "at": "2026-03-02T12:00:00.000000Z",
                "tries": 2,
                "next_try": "2026-03-02T13:00:00.000000Z",
                "reason": "HTTP 500",
            }
        ],
        "count": 1,
        "cursor": None,
    }
