"""What one client does in flows and in requests is one incident of a live service, as it is one of a scan."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.e2e.conftest import Run, vedette
from tests.incidents.test_grouping import attacks
from tests.live.lines import Clock, Lines, run_for
from tests.live.test_flows import ZEEK
from vedette.config import Config
from vedette.live.live import Live
from vedette.live.together import Reached, Together
from vedette.sources.source import Delivery
from vedette.storage import open_live_store

__all__ = ["vedette"]

BEGIN_S = 1_699_999_980
MINUTES = 60
SCANNER, OTHER = "198.51.100.7", "198.51.100.99"


@dataclass
class Log(Lines):
    """Lines of a log of some name."""

    def take(self, room: int) -> Sequence[Delivery]:
        """See `Source`."""
        return [Delivery(self.name, d.lines, d.position, d.first_line) for d in super().take(room)]

    def pending(self) -> Sequence[str]:
        """See `Source`."""
        return [self.name] if self.at < len(self.lines) else []


@cache
def conn_log() -> tuple[bytes, ...]:
    """Somebody scans in the 32nd minute, and somebody else in the fifth."""
    lines = [ZEEK]
    for second in range(60 * MINUTES):
        lines.append(b"%d.0\t10.0.0.5\t40000\t192.0.2.80\t443\ttcp\t0.5\tSF\t9\t9\n" % (BEGIN_S + second))
        for minute, who in ((32, SCANNER), (5, OTHER)):
            if second // 60 == minute:
                lines += [
                    b"%d.5\t%s\t4000\t10.0.0.2\t%d\ttcp\t-\tS0\t1\t0\n"
                    % (BEGIN_S + second, who.encode(), 1 + 5 * (second % 60) + n)
                    for n in range(5)
                ]
    return tuple(lines)


@cache
def access_log() -> tuple[bytes, ...]:
    """Both attack a site in the 35th."""
    lines, attack = [], "/item?id=1%27%20union%20select%20a,b%20from%20users--"
    for second in range(0, 60 * MINUTES, 2):
        when = datetime.fromtimestamp(BEGIN_S + second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        told = [(f"203.0.113.{second % 31}", f"/page/{second % 7}")]
        if second // 60 == 35:
            told += [(SCANNER, attack), (OTHER, attack)]
        lines += [
            f'{who} - - [{when}] "GET {path} HTTP/1.1" 200 512 "-" "Mozilla/5.0"\n'.encode()
            for who, path in told
        ]
    return tuple(lines)


def serve(seed: int, *, crashes: int, patience_s: int, most: int) -> tuple[list[Any], list[Any], list[str]]:
    """Serve both logs, killed at random turns; what was kept in the end."""
    chance, clock = Random(seed), Clock(1)
    config = Config.model_validate({"live": {"correlate_s": patience_s}})
    with TemporaryDirectory() as directory:
        for crash in range(crashes + 1):
            with open_live_store(f"sqlite:///{directory}/v.db") as store:
                sources = [
                    Log(lines, [chance.randrange(1, most) for _ in range(40)], name=name)
                    for name, lines in (("conn.log", conn_log()), ("access.log", access_log()))
                ]
                running = Live(config, sources, store, clock)
                run_for(running, clock, chance, chance.randrange(12) if crash < crashes else None)
                if crash == crashes:
                    found = (
                        list(store.anomalies(limit=1000).items),
                        list(store.incidents(limit=1000).items),
                        sorted(notice.id for notice in store.untold(1 << 60, 1000)),
                    )
                running.close()
    return found


def told(incidents: Sequence[Any]) -> list[dict[str, Any]]:
    """Incidents as a document holds them."""
    return [json.loads(msgspec.json.encode(one)) for one in incidents]


@pytest.fixture
def scanned(vedette: Run, tmp_path: Path) -> dict[str, Any]:
    for name, lines in (("conn.log", conn_log()), ("access.log", access_log())):
        (tmp_path / name).write_bytes(b"".join(lines))
    done = vedette("scan", "conn.log", "access.log", "--json", "found.json")
    assert done.returncode == 1, done.stderr
    document: dict[str, Any] = json.loads((tmp_path / "found.json").read_text())
    return document


def test_live_has_the_incidents_of_a_scan(scanned: dict[str, Any]) -> None:
    anomalies, incidents, _ = serve(1, crashes=0, patience_s=3600, most=900)
    own = {i["id"]: i for i in told(incidents)}
    assert own.keys() == {i["id"] for i in scanned["incidents"]}
    for incident in scanned["incidents"]:
        mine = own[incident["id"]]
        for name in ("title", "severity", "types", "services", "anomaly_ids", "summary", "state"):
            assert mine[name] == incident[name], name
    assert {a.id: a.incident_id for a in anomalies} == {
        a["id"]: a["incident_id"] for a in scanned["anomalies"]
    }
    (both,) = (i for i in own.values() if {"network", "access"} <= set(i["services"]))
    assert {"port_scan", "sql_injection"} <= set(both["types"])
    assert SCANNER in both["title"]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), crashes=st.integers(0, 4))
def test_killing_changes_nothing(seed: int, crashes: int) -> None:
    assert serve(seed, crashes=crashes, patience_s=3600, most=900) == undisturbed()


@cache
def undisturbed() -> tuple[list[Any], list[Any], list[str]]:
    return serve(0, crashes=0, patience_s=3600, most=5000)


@pytest.mark.parametrize("most", [60, 900])
def test_who_does_not_wait_loses_nothing_and_tells_nothing_twice(most: int) -> None:
    anomalies, incidents, notices = serve(3, crashes=2, patience_s=0, most=most)
    assert {a.id for a in anomalies} == {a.id for a in undisturbed()[0]}
    named = [name for incident in incidents for name in incident.anomaly_ids]
    assert sorted(named) == sorted(a.id for a in anomalies)
    assert {a.id: a.incident_id for a in anomalies} == {
        name: incident.id for incident in incidents for name in incident.anomaly_ids
    }
    assert len(notices) == len(set(notices))
    opened = [notice.rsplit(".", 2)[0] for notice in notices if ".opened." in notice]
    assert sorted(opened) == sorted(i.id for i in incidents)


def test_a_service_goes_on_under_another_number_of_attackers_told_apart() -> None:
    """What waits, counts and is open is taken over; from then on the other number holds."""
    story = attacks(range(0, 600, 30))
    inside = {"attackers_told_apart": 2, "services": ({"service": "sho*", "attackers": "all"},)}
    before, after = Together(Config()), Together(Config.model_validate({"alarm": inside}))
    before.take(story[:10], [Reached(story[9].end, behind=False)], story[9].end)
    assert len({incident.id for incident in before.found_now().incidents}) == 6
    after.from_state(before.to_state(), [])
    after.take(story[10:], [Reached(story[-1].end, behind=False)], story[-1].end)
    new = {one.incident_id for one in after.found_now().anomalies}
    assert len(new) == 10
