"""An application that watches itself: middleware, engine and store in one process."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.middleware.made import call, scope
from tests.patience import PATIENCE_S
from vedette.config import ConfigError
from vedette.live.watch import watch
from vedette.middleware import Embedded, VedetteASGI, asgi
from vedette.storage.open import open_live_store

MINUTES, BURST = 70, range(60, 63)


def test_a_burst_of_errors_of_an_application_is_found_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [time.time() // 60 * 60 - (MINUTES + 5) * 60]
    monkeypatch.setattr(asgi, "now", lambda: clock[0])

    async def shop(of: Any, receive: Any, send: Any) -> None:
        failed = of["minute"] in BURST and int(clock[0]) % 2
        await send({"type": "http.response.start", "status": 503 if failed else 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    running, end = watch(live={"directory": str(tmp_path)})
    try:
        sink = Embedded(running, service="shop", batch_age_s=0.05)
        app = VedetteASGI(shop, sink=sink)
        for second in range(MINUTES * 60):
            clock[0] += 1
            headers = [
                (b"x-forwarded-for", b"198.51.100.%d" % (second % 20)),
                (b"user-agent", b"Mozilla/5.0"),
            ]
            call(app, scope(f"/cart/{second % 50}", headers=headers, minute=second // 60))
        sink.close(PATIENCE_S)
        assert sink.counts().delivered == MINUTES * 60
    finally:
        end()
    with open_live_store(f"sqlite:///{tmp_path / 'vedette.db'}", create=False) as store:
        found = store.incidents().items
    assert [incident.title for incident in found] == ["Error spike on shop"]


def test_a_configuration_that_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such key"):
        watch(live={"directory": str(tmp_path), "nonsense": 1})
