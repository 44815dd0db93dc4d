"""From a request to somebody's telephone: an application behind the middleware, the service, a webhook."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from tests.channels.receiver import Receiver, receiver
from tests.e2e.serving import serving
from tests.middleware.made import call, scope
from tests.patience import PATIENCE_S

from vedette.middleware import Ship, VedetteASGI, asgi

MINUTE = 60
BEFORE, BURST, AFTER = 60, 3, 20
"""Minutes of the application's life: sixty requests in each, half of them failing in the burst."""


class Shop:
    """An application that fails half of its requests while it is broken, on a clock that the test moves."""

    def __init__(self, start: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = start
        self.broken = False
        monkeypatch.setattr(asgi, "now", lambda: self.clock)

    async def __call__(self, of: Any, receive: Any, send: Any) -> None:
        failed = self.broken and int(self.clock) % 2
        await send({"type": "http.response.start", "status": 503 if failed else 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    def live(self, minutes: int, url: str) -> None:
        ship = Ship(url, service="shop", batch_age_s=0.05)
        app = VedetteASGI(self, sink=ship)
        for second in range(minutes * MINUTE):
            self.clock += 1
            client = b"198.51.100.%d" % (second % 20)
            headers = [(b"host", b"shop"), (b"user-agent", b"Mozilla/5.0"), (b"x-forwarded-for", client)]
            call(app, scope(f"/cart/{second % 50}", headers=headers))
        ship.close(PATIENCE_S)
        assert ship.counts().delivered == minutes * MINUTE


def told(hook: Receiver) -> list[dict[str, Any]]:
    """What came, without repetitions under one id: a kill between a message and the note of it makes such."""
    return list({got.headers["idempotency-key"]: json.loads(got.body) for got in list(hook.got)}.values())


def await_messages(hook: Receiver, count: int) -> list[dict[str, Any]]:
    end = time.monotonic() + PATIENCE_S
    while len(told(hook)) < count:
        hook.came.clear()
        if len(told(hook)) < count:
            assert hook.came.wait(end - time.monotonic()), f"only {told(hook)} was told"
    return told(hook)


def test_a_burst_of_errors_is_told_when_it_opens_and_when_it_closes_though_the_service_was_killed_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as hook:
        config = tmp_path / "vedette.yaml"
        config.write_text(
            f"""
alerts:
  group_wait_s: 0
  tags: {{environment: production}}
  link: https://vedette.example.com
  channels:
    webhook: [{{name: ops, url: "{hook.url}/hook"}}]
live: {{directory: {tmp_path}/state}}
store: {{url: "sqlite:///{tmp_path}/v.db"}}
"""
        )
        start = time.time() // MINUTE * MINUTE - (BEFORE + BURST + AFTER + 5) * MINUTE
        shop = Shop(start, monkeypatch)
        with serving(config) as url:
            shop.live(BEFORE, url)
            assert told(hook) == []
            shop.broken = True
            shop.live(BURST, url)
            shop.broken = False
            shop.live(1, url)
            await_messages(hook, 1)
        # Killed without notice, and started again.
        with serving(config) as url:
            shop.live(AFTER, url)
            opened, closed = await_messages(hook, 2)
    assert (opened["state"], closed["state"]) == ("opened", "closed")
    assert opened["incident_id"] == closed["incident_id"]
    assert opened["title"] == closed["title"] == "Error spike on shop"
    assert re.match(r"30 of 60 requests to shop failed with 5xx \(50 %\); usual are 0 to ", opened["message"])
    assert opened["service_name"] == "shop"
    assert opened["tags"] == {"environment": "production"}
    assert opened["link"] == f"https://vedette.example.com/report/{opened['incident_id']}"
