"""A service that is started over what an older version had learned of flows goes on with what it can read of it.

The states are of the first thousand lines of `exported`, as the versions at these commits wrote them.
"""

import logging
import sys
from pathlib import Path

import msgspec
import pytest

from tests.live.lines import Clock
from tests.live.test_flows import Stream, exported
from vedette.config import Config
from vedette.engine.snapshot import snapshot
from vedette.live.live import Live
from vedette.schema.anomaly import Anomaly
from vedette.schema.live import Commit
from vedette.storage import open_live_store

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STATES = Path(__file__).parent / "states"
TAKEN = 1000


def older(version: str) -> dict[str, bytes]:
    """What a version kept of flows."""
    packed = (STATES / f"{version}.zst").read_bytes()
    return msgspec.msgpack.decode(zstd.decompress(packed), type=dict[str, bytes])


def gone_on(path: Path, parts: dict[str, bytes]) -> tuple[Live, list[Anomaly]]:
    """A service that starts over such parts, at the end of its lines; and what it found."""
    with open_live_store(f"sqlite:///{path}") as store:
        first = Live(Config(), [], store, Clock(1))
        state = snapshot(first.engine, first.intake.enricher, parts)
        store.commit(Commit(time=0, state=state, positions={"lines": str(TAKEN).encode()}))
        clock = Clock(1)
        running = Live(Config(), [Stream(exported(), format="netflow")], store, clock)
        while running.turn():
            clock.now += 1_000_000
        running.drain(clock.now + 1)
        return running, list(store.anomalies(limit=1000).items)


def test_an_older_state_of_the_same_shape_is_gone_on_from(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        running, found = gone_on(tmp_path / "a.db", older("4988e6a"))
    assert not caplog.records
    _, expected = gone_on_here(tmp_path / "b.db")
    assert found == expected
    assert {(a.type.value, a.entity.value) for a in found} == {("port_scan", "198.51.100.7")}
    assert running.flows.intake.tally.skipped == {}


def gone_on_here(path: Path) -> tuple[Live, list[Anomaly]]:
    """The same by this version alone."""
    with open_live_store(f"sqlite:///{path}.here") as store:
        clock = Clock(1)
        running = Live(Config(), [Stream(exported()[:TAKEN], format="netflow")], store, clock)
        while running.turn():
            clock.now += 1_000_000
        return gone_on(path, running.flows.to_parts())


def test_what_an_older_version_wrote_otherwise_is_lost_alone_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        running, found = gone_on(tmp_path / "v.db", older("6a88798"))
    windows, contacts, hosts = (record.getMessage() for record in caplog.records)
    assert windows == (
        "open windows of flows: begins anew: Vedette 0.1.0 wrote it otherwise (open windows of flows is an array of "
        "'int64' of shape (12, 51): must be int64 of shape (any, 52)): flows of the windows that were open are not "
        "judged"
    )
    assert contacts == (
        "network.port_scan: begins anew: Vedette 0.1.0 wrote it otherwise (first contacts is damaged: Expected "
        "`array` of at least length 2, got 0): what it remembers of addresses is forgotten"
    )
    assert hosts == (
        "network.hosts: begins anew: Vedette 0.1.0 wrote it otherwise (memory of a detector is damaged): what it "
        "remembers of addresses is forgotten"
    )
    # No drop either, of windows that were seen in part.
    assert {(a.type.value, a.entity.value) for a in found} == {("port_scan", "198.51.100.7")}
    # What was normal is known still: nothing had to be learned again.
    whole, _ = gone_on_here(tmp_path / "w.db")
    covered, expected = running.flows.engine.coverage, whole.flows.engine.coverage
    assert covered.insufficient_by == expected.insufficient_by
    assert 0.95 * expected.windows <= covered.windows <= expected.windows
