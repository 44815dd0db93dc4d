"""What a live service keeps is what an undisturbed one keeps, whenever it was killed."""

import logging
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.lines import Clock, Lines, run_for
from vedette.config import Config
from vedette.detectors.statistical.errors import ErrorSpike
from vedette.live.live import BUSY_BYTES, Live
from vedette.simulate import Simulation
from vedette.sources.source import SourceState, SourceStatus
from vedette.storage import open_live_store
from vedette.storage.live import LiveStore
from vedette.storage.store import WindowFilter

SIMULATION = Simulation(
    minutes=50,
    rate=2,
    seed=5,
    format="combined",
    services=1,
    inject="error_spike@+36m+3m*1.5,sqli@+38m+2m,brute_force@+41m+3m",
)
SECOND = 1_000_000


@cache
def log() -> tuple[bytes, ...]:
    return tuple(b"".join(SIMULATION.chunks()).splitlines(keepends=True))


def live(store: LiveStore, source: Lines, clock: Clock, config: Config | None = None) -> Live:
    return Live(config or Config(), [source], store, clock)


def kept(store: LiveStore) -> bytes:
    """Everything that was found, as bytes that can be compared."""
    windows = store.windows(WindowFilter(service="test"), limit=1000)
    return msgspec.json.encode(
        (
            store.anomalies(limit=1000).items,
            store.incidents(limit=1000).items,
            windows.items,
            sorted(notice.id for notice in store.untold(1 << 60, 1000)),
        )
    )


def serve(path: Path, seed: int, *, crashes: int) -> bytes:
    """Serve the log, killed at random turns, and drain at the end."""
    chance = Random(seed)
    clock = Clock(1)
    url = f"sqlite:///{path}"
    for crash in range(crashes + 1):
        store = open_live_store(url)
        source = Lines(log(), [chance.randrange(1, 2000) for _ in range(60)])
        running = live(store, source, clock)
        run_for(running, clock, chance, chance.randrange(12) if crash < crashes else None)
        if crash == crashes:
            found = kept(store)
        # Killed: nothing is committed, closed or told.
        store.close()
    return found


@cache
def undisturbed() -> bytes:
    with TemporaryDirectory() as directory:
        return serve(Path(directory) / "v.db", 0, crashes=0)


class Told(Lines):
    """A source that says of itself what it is given."""

    said: tuple[SourceState, int | None] = SourceState.READING, 0

    def status(self) -> SourceStatus:
        """See `Source`."""
        state, behind = self.said
        return SourceStatus(self.name, state, "", behind, {})


@pytest.mark.parametrize(
    ("state", "behind", "at_once"),
    [
        (SourceState.READING, BUSY_BYTES, True),
        (SourceState.READING, BUSY_BYTES - 1, False),
        (SourceState.FAILED, BUSY_BYTES, True),
        (SourceState.READING, None, True),
        (SourceState.WAITING, None, False),
    ],
)
def test_where_much_waits_the_next_turn_follows_at_once(
    state: SourceState, behind: int | None, at_once: bool, tmp_path: Path
) -> None:
    """Also where one of many files fails; of a source that cannot count, what it says of itself is taken."""
    source = Told(())
    source.said = state, behind
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        assert live(store, source, Clock(SECOND)).behind is at_once


def test_incidents_are_found_live() -> None:
    found = msgspec.json.decode(undisturbed())
    types = {anomaly["type"] for anomaly in found[0]}
    assert {"error_spike", "sql_injection", "brute_force"} <= types
    assert any(name.endswith(".opened.high") or ".opened." in name for name in found[3])


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 4))
def test_killed_at_any_turn_it_ends_with_what_an_undisturbed_run_finds(seed: int, crashes: int) -> None:
    with TemporaryDirectory() as directory:
        assert serve(Path(directory) / "v.db", seed, crashes=crashes) == undisturbed()


def test_what_was_learned_of_a_log_can_be_asked_for_as_soon_as_it_was_read(tmp_path: Path) -> None:
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        running = live(store, Lines(log()), Clock(SECOND))
        while running.turn():
            pass
        assert {(one.service, one.route is None) for one in store.baselines().items} >= {
            ("test", True),
            ("test", False),
        }


def test_counts_go_on_under_another_configuration(tmp_path: Path) -> None:
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        running = live(store, Lines([*log()[:500], b"no request\n"], [400, 200]), Clock(SECOND))
        running.turn()
        for budget in ("1/day", "2/day"):
            running.reconfigure(Config.model_validate({"alarm": {"budget": budget}}), ())
            assert (running.intake.tally.lines, running.intake.parsed) == (400, 400)
        running.turn()
        assert (running.intake.tally.lines, running.intake.parsed) == (501, 500)
        assert running.intake.tally.skips.total == 1


def test_what_another_build_remembered_otherwise_is_forgotten_and_the_service_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        first = live(store, Lines(log()[:2000]), Clock(SECOND))
        monkeypatch.setattr(ErrorSpike, "to_state", lambda _: b"\xc1")
        first.turn()
        monkeypatch.undo()
    with open_live_store(f"sqlite:///{tmp_path / 'v.db'}") as store:
        clock = Clock(1)
        with caplog.at_level(logging.WARNING):
            again = live(store, Lines(log()), clock)
        (told,) = caplog.messages
        assert told.startswith("errors.ratio: begins anew: Vedette ")
        assert again.engine.windows_closed > 0
        while again.turn():
            clock.now += SECOND
        again.drain(clock.now + 1)
        types = {anomaly.type.value for anomaly in store.anomalies(limit=1000).items}
        assert {"sql_injection", "brute_force"} <= types
