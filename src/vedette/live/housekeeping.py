"""What has to be done from time to time, in a thread of its own.

Old things are removed from the store, what waits on disk is taken into it, free memory is given back.
"""

import logging
import re
import threading
from collections.abc import Callable, Sequence
from itertools import count

from vedette.engine.trimming import let_go, trim
from vedette.sources.names import printable
from vedette.storage.errors import StoreError
from vedette.storage.live import LiveStore, Retention

_LOG = logging.getLogger("vedette.live")
_COUNTS = re.compile(r"\d[\d,]*")

FLUSH_S = 5.0
PRUNE_S = 600.0
TRIM_EVERY = 2
"""Flushes from one return of free memory to the next: what windows took when they closed, 14 MB each minute, is given
back soon, for 2 ms of work."""
LET_GO_EVERY = 12
"""Flushes from one look at what kernels are loaded by to the next: once a minute."""
EARLY = 2
"""So many flushes at the beginning, what loads kernels is let go of each second: most of them are loaded then."""
LOADER = "libllvmlite"
"""What kernels are loaded by: seldom needed after the start."""


class Housekeeping:
    """Looks after a store until it is stopped.

    Args:
        store: The store. clock: Microseconds since the epoch.
        retention: How long things are kept, asked each time.
        unread: What cannot be read, asked each time: it is in the log when it begins and when it is over.
    """

    def __init__(
        self,
        store: LiveStore,
        clock: Callable[[], int],
        retention: Callable[[], Retention],
        unread: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._unread = unread
        self._told: dict[str, str] = {}
        self._store = store
        self._clock = clock
        self._retention = retention
        self._stopping = threading.Event()
        self._pruned: int | None = None
        self._thread = threading.Thread(target=self._run, name="vedette-housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        let_go(LOADER)
        self._thread.start()

    def stop(self) -> None:
        """End, when what is being done is done."""
        self._stopping.set()
        self._thread.join()

    def look(self) -> dict[str, int]:
        """Do what is due; returns how many rows of each kind were removed or rolled up."""
        now = self._clock()
        try:
            self._store.flush()
            if self._pruned is not None and now - self._pruned < PRUNE_S * 1e6:
                return {}
            self._pruned = now
            return self._store.prune(now, self._retention())
        except StoreError as error:
            # The committer says so where it is seen; here it is only late.
            _LOG.debug("housekeeping waits: %s", error)
            return {}

    def tell(self) -> None:
        """Log what cannot be read or kept since the last look, and what can again."""
        faults = [*self._unread()]
        if self._store.problem is not None:
            faults.append(self._store.problem)
        # Counts change all the time; the fault is the same.
        now = {_COUNTS.sub("", text): text for text in faults}
        for fault, text in now.items():
            if fault not in self._told:
                _LOG.warning("%s", printable(text))
        for fault, text in self._told.items():
            if fault not in now:
                _LOG.info("no longer so: %s", printable(text))
        self._told = now

    def _wait(self, *, early: bool) -> bool:
        """Wait until it is time for the next flush; whether the end came first."""
        if not early:
            return self._stopping.wait(FLUSH_S)
        for _ in range(round(FLUSH_S)):
            if self._stopping.wait(1.0):
                return True
            let_go(LOADER)
        return False

    def _run(self) -> None:
        for turn in count():
            if self._wait(early=turn < EARLY):
                return
            if turn % TRIM_EVERY == 0:
                trim()
            if turn % LET_GO_EVERY == 0:
                let_go(LOADER)
            self.tell()
            removed = {kind: rows for kind, rows in self.look().items() if rows}
            if removed:
                _LOG.info(
                    "older than store.retention keeps, by the times in the logs, and so removed or rolled up: %s",
                    ", ".join(f"{n:,} {kind.replace('_', ' ')}" for kind, n in removed.items()),
                )
