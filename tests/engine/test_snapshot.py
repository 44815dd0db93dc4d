"""An engine that goes on from a snapshot says what it would have said undisturbed."""

import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.running import SOURCE, build
from vedette.config import Config
from vedette.engine.batch import Batch
from vedette.engine.choosing import enricher
from vedette.engine.engine import Engine
from vedette.engine.sealed import MAGIC, SnapshotError
from vedette.engine.snapshot import parts_of, pieces, restore, snapshot
from vedette.parsers.registry import by_name
from vedette.schema.chunk import Chunk
from vedette.schema.findings import Findings
from vedette.simulate import Simulation

FORMAT = "vhost_combined"
SIMULATION = Simulation(
    minutes=60,
    rate=2,
    seed=11,
    format=FORMAT,
    services=2,
    inject="error_spike@+38m+4m*1.5,sqli@+40m+2m,brute_force@+44m+4m,traffic_spike@+46m+4m,traffic_drop@+52m+4m",
)
RULES = {"rules": [{"name": "many-errors", "when": "errors > 3 for 2 windows", "routes": ["/*"]}]}


def config() -> Config:
    """With a rule that has a memory."""
    return Config.model_validate(RULES, strict=False)


class Service:
    """An engine with what feeds it, as a service has it; `reborn` is the same after a restart."""

    def __init__(self, wanted: Config | None = None) -> None:
        self.config = wanted or config()
        self.engine: Engine = build(self.config)
        self.enricher = enricher(self.config)
        self.parser = by_name(FORMAT).open(SOURCE)
        self.line = 1

    def feed(self, lines: Sequence[bytes]) -> None:
        """Take lines in."""
        parsed = self.parser.parse(Chunk.of(b"".join(lines), SOURCE, self.line))
        self.line += parsed.lines
        if len(parsed.requests):
            enriched = self.enricher.apply(parsed.requests)
            self.engine.process(
                Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind)
            )

    def state(self) -> bytes:
        """Everything, as bytes."""
        return snapshot(
            self.engine, self.enricher, {"parser": self.parser.to_state(), "line": b"%d" % self.line}
        )

    def reborn(self) -> "Service":
        """Another one, of this one's state."""
        return revived(self.state(), self.config)


def revived(state: bytes, wanted: Config | None = None) -> Service:
    """A service of a state."""
    service = Service(wanted)
    restored = restore(service.engine, service.enricher, state)
    assert restored.anew == []
    service.parser.from_state(restored.extra["parser"])
    service.line = int(restored.extra["line"])
    return service


@cache
def log() -> tuple[bytes, ...]:
    """Lines with several incidents, and a few from a clock that is wrong."""
    lines = b"".join(SIMULATION.chunks()).splitlines(keepends=True)
    ahead = lines[-1].replace(b"/2026:", b"/2027:")
    return (*lines[:500], ahead, *lines[500:])


@cache
def undisturbed() -> Findings:
    """What is found in it without a restart."""
    service = Service()
    service.feed(log())
    return service.engine.finish()


def same(found: Findings, expected: Findings) -> None:
    """Check that nothing tells two findings apart."""
    assert found.anomalies == expected.anomalies
    assert found.incidents == expected.incidents
    assert found.coverage == expected.coverage


def test_the_log_holds_something_to_find() -> None:
    assert len({a.type for a in undisturbed().anomalies}) >= 5
    assert undisturbed().coverage.late


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=6), st.data())
def test_restarts_anywhere_change_nothing(sizes: list[int], data: st.DataObject) -> None:
    service, at = Service(), 0
    for size in [*sizes, len(log())]:
        service.feed(log()[at : at + size])
        at += size
        for _ in range(data.draw(st.integers(0, 2))):
            service = service.reborn()
    same(service.engine.finish(), undisturbed())


@pytest.mark.parametrize("share", [0.62, 0.75, 0.9])
def test_a_restart_amid_incidents_changes_nothing(share: float) -> None:
    service, at = Service(), int(len(log()) * share)
    service.feed(log()[:at])
    service = service.reborn().reborn()
    service.feed(log()[at:])
    same(service.engine.finish(), undisturbed())


def test_another_process_with_another_hash_seed_goes_on_the_same(tmp_path: Path) -> None:
    at = len(log()) * 7 // 10
    service = Service()
    service.feed(log()[:at])
    (tmp_path / "state").write_bytes(service.state())
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.engine.test_snapshot import log, revived, same, undisturbed\n"
        "service = revived(Path(sys.argv[1]).read_bytes())\n"
        "again = service.state()\n"
        f"service.feed(log()[{at}:])\n"
        "same(service.engine.finish(), undisturbed())\n"
        "sys.stdout.buffer.write(again)\n"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "state")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert done.stdout == service.state()


def test_equal_states_are_equal_bytes() -> None:
    service = Service()
    service.feed(log()[:4000])
    state = service.state()
    assert service.state() == state
    assert service.reborn().state() == state


def test_what_is_no_snapshot_is_refused_in_one_line() -> None:
    service = Service()
    service.feed(log()[:3000])
    state = service.state()
    random = Random(5)
    flipped = bytearray(state)
    flipped[random.randrange(len(MAGIC), len(state))] ^= 4
    for content, problem in (
        (b"", "no snapshot"),
        (b"PK\x03\x04" + bytes(100), "no snapshot"),
        (state[:-1], "damaged or cut off"),
        (state[:20], "damaged or cut off"),
        (bytes(flipped), "damaged or cut off"),
    ):
        fresh = Service()
        with pytest.raises(SnapshotError, match=problem) as refusal:
            restore(fresh.engine, fresh.enricher, content)
        assert "\n" not in str(refusal.value)


def test_what_is_packed_part_by_part_is_what_encoding_them_at_once_gives() -> None:
    service = Service()
    service.feed(log())
    extra = {"short": b"x" * 200, "middle": b"y" * 300, "long": b"z" * 70_000}
    whole = msgspec.msgpack.encode({"parts": parts_of(service.engine, service.enricher), "extra": extra})
    assert b"".join(pieces(service.engine, service.enricher, extra)) == whole
