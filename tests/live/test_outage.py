"""A database that is stopped and started while a service runs costs it nothing."""

from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.live.lines import Clock, Lines
from tests.live.test_live import SECOND, kept, live, log, undisturbed
from tests.storage.servers import postgresql
from vedette.storage import open_live_store
from vedette.storage.spool import Spool
from vedette.storage.spooled import Spooled


@pytest.mark.slow
def test_a_real_postgresql_that_is_stopped_twice_ends_with_what_an_undisturbed_store_holds(
    tmp_path: Path,
) -> None:
    chance = Random(7)
    clock = Clock(1)
    with postgresql("fsync=off") as server:
        spool = Spool(tmp_path / "spool", 1 << 26)
        with Spooled(partial(open_live_store, server.url), spool, clock) as store:
            source = Lines(log(), [chance.randrange(1, 400) for _ in range(200)])
            running = live(store, source, clock)
            stops, starts, turn, waited = {3, 11}, {8, 16}, 0, False
            while running.turn():
                turn += 1
                clock.now += chance.randrange(30 * SECOND)
                if turn in stops:
                    server.stop()
                if turn in starts:
                    waited |= store.problem is not None
                    server.start()
            assert turn > max(starts)
            assert waited, "no commit met the outage"
            running.drain(clock.now + SECOND)
            clock.now += 60 * SECOND
            running.commit()
            assert store.problem is None
            found = kept(store)
    assert found == undisturbed()
