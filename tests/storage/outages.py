"""A database that goes away and comes back while commits go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.storage.things import MINUTE, anomaly, commit, window
from vedette.storage import WindowFilter, open_live_store


class Server(Protocol):
    """One that may be stopped."""

    def start(self) -> None:
        """Run it again."""
        ...

    def stop(self) -> None:
        """End it, with what it was doing."""
        ...


def loses_nothing(
    url: str, server: Server, spool: Path, *, commits: int, told: Callable[[str], bool]
) -> None:
    """Commit through two outages; all of it must be there in the end.

    Args:
        commits: So many before and in each outage. told: Whether what is said of an outage is what should be.
    """
    clock = [0]
    with open_live_store(url, spool=spool) as store:
        store._clock = lambda: clock[0]  # type: ignore[attr-defined] # it is a Spooled
        number = 0
        for what in ("stop", "start", "stop", "start"):
            for _ in range(commits):
                number += 1
                clock[0] += 1_000_000
                store.commit(commit(number, anomalies=(anomaly(number),), windows=(window(number),)))
            if what == "stop":
                server.stop()
            else:
                assert told(str(store.problem))
                server.start()
        clock[0] += 60_000_000
        store.flush()
        assert store.problem is None
        resumed = store.resume()
        assert resumed is not None
        assert resumed.time == number * MINUTE
        assert store.stats().total == number
        found = store.windows(WindowFilter(service="shop"), limit=1000).items
        assert [one.start // MINUTE for one in found] == list(range(1, number + 1))
