"""A real Alertmanager takes, keeps and ends alerts."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.channels.made import HOUR, MINUTE, SECOND, START, alerts, incident, notice
from tests.channels.memory import MemoryStore
from tests.channels.receiver import Receiver, status
from tests.patience import PATIENCE_S
from tests.ports import port_for_a_server
from vedette.channels.alertmanager import Alertmanager, payload
from vedette.channels.channel import Sent
from vedette.channels.message import Item, Message
from vedette.channels.teller import Teller
from vedette.schema.anomaly import Severity
from vedette.schema.incident import IncidentState
from vedette.schema.live import Change

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
needs_program = pytest.mark.skipif(
    PROGRAM is None, reason="needs Alertmanager: apt-get install prometheus-alertmanager"
)


def channel(url: str, **keys: Any) -> Alertmanager:
    (section,) = alerts(channels={"alertmanager": [{"name": "am", "url": url} | keys]}).channels.alertmanager
    return Alertmanager(section)


@contextmanager
def running(place: Path) -> Iterator[str]:
    (place / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    port = port_for_a_server()
    assert PROGRAM is not None
    process = subprocess.Popen(
        [
            PROGRAM,
            f"--config.file={place / 'am.yml'}",
            f"--storage.path={place / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "GOMAXPROCS": "1"},
    )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(f"{url}/-/ready", timeout=PATIENCE_S):
                    break
            except OSError:
                assert time.monotonic() < end, "Alertmanager does not start"
                assert process.poll() is None, "Alertmanager ended"
        yield url
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("am")) as url:
        yield url


def active(url: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=PATIENCE_S) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return sorted(found, key=lambda alert: alert["labels"]["severity"])


def now() -> int:
    return time.time_ns() // 1000


def message(change: Change, at: int, *, told: tuple[Severity, ...] = (), **of: Any) -> Message:
    severity = of.pop("severity", Severity.HIGH)
    about = incident(severity=severity, start=at - MINUTE, end=at, **of)
    item = Item(notice(change, about, time=at), {"team": "shop"}, "https://v.example/incidents/i1", told)
    return Message("m1", (item,), at)


@needs_program
def test_opening_fires_growing_worse_replaces_and_closing_ends(server: str) -> None:
    am, at = channel(server), now()
    assert am.send(message(Change.OPENED, at, id="one")) == Sent()
    (alert,) = active(server)
    assert alert["labels"] == {
        "alertname": "VedetteIncident",
        "incident_id": "one",
        "service": "shop",
        "severity": "high",
        "team": "shop",
    }
    assert alert["annotations"]["summary"] == "Errors on shop /cart"
    assert alert["generatorURL"] == "https://v.example/incidents/i1"
    critical = {"id": "one", "severity": Severity.CRITICAL, "told": (Severity.HIGH,)}
    assert am.send(message(Change.WORSE, at, **critical)) == Sent()
    assert [a["labels"]["severity"] for a in active(server)] == ["critical"]
    critical["told"] = (Severity.HIGH, Severity.CRITICAL)
    assert am.send(message(Change.CLOSED, at, **critical)) == Sent()
    assert active(server) == []


@needs_program
def test_the_same_told_twice_is_one_alert(server: str) -> None:
    am, at = channel(server), now()
    for _ in range(2):
        assert am.send(message(Change.OPENED, at, id="two")) == Sent()
    assert len(active(server)) == 1
    am.send(message(Change.CLOSED, at, id="two", told=(Severity.HIGH,)))


@needs_program
def test_open_incidents_stay_open_there_and_closed_ones_do_not_come_back(server: str) -> None:
    store, am = MemoryStore(), channel(server, refresh_s=60)
    configuration = alerts(channels={"alertmanager": [{"name": "am", "url": server}]})
    at = [now()]
    these = Teller(store, configuration, [am], clock=lambda: at[0], run=lambda work: work())  # type: ignore[arg-type]
    started = at[0] - MINUTE
    store.commit([notice(about=incident("three", start=started), time=started)])
    these.step()
    (first,) = active(server)
    at[0] += 61 * SECOND
    these.step()
    (again,) = active(server)
    assert again["fingerprint"] == first["fingerprint"]
    assert again["startsAt"] == first["startsAt"]
    assert again["endsAt"] > first["endsAt"]
    over = incident("three", start=started, state=IncidentState.CLOSED, end=at[0])
    store.commit([notice(Change.CLOSED, over, time=at[0])])
    # Alertmanager goes by its own clock.
    at[0] = now()
    these.step()
    assert active(server) == []
    at[0] += 130 * SECOND
    these.step()
    assert active(server) == []


def test_an_alert_ends_four_refreshes_on_and_one_that_closed_now() -> None:
    opened = Item(notice())
    (alert,) = payload([opened], START + MINUTE, 60)
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-05-01T10:00:00.000Z", "2026-05-01T10:05:00.000Z")
    (alert,) = payload([Item(notice(Change.CLOSED))], START + HOUR, 60)
    assert alert["endsAt"] == "2026-05-01T11:00:00.000Z"


def test_what_was_told_and_is_open_is_refreshed_and_failures_of_that_are_counted(hook: Receiver) -> None:
    store, am = MemoryStore(), channel(hook.url, refresh_s=10)
    configuration = alerts(channels={"alertmanager": [{"name": "am", "url": hook.url}]})
    at = [START]
    these = Teller(store, configuration, [am], clock=lambda: at[0], run=lambda work: work())  # type: ignore[arg-type]
    store.commit([notice()])
    these.step()
    hook.answers.append(status(503))
    at[0] += 10 * SECOND
    these.step()
    assert these.told().errors == {"am": 1}
    at[0] += 10 * SECOND
    these.step()
    assert these.problems() == ()
    posts = [json.loads(got.body) for got in hook.got]
    assert [len(post) for post in posts] == [1, 1, 1]
    assert {json.dumps(post[0]["labels"]) for post in posts} == {json.dumps(posts[0][0]["labels"])}
