"""What has to be done from time to time, in a thread of its own.

Old things are removed from the store, what waits on disk is taken into it, free memory is given back.
"""

import logging
import threading
from collections.abc import Callable
from itertools import count

from vedette.live.trimming import let_go, trim
from vedette.storage.errors import StoreError
from vedette.storage.live import LiveStore, Retention

_LOG = logging.getLogger("vedette.live")

FLUSH_S = 5.0
PRUNE_S = 600.0
TRIM_EVERY = 12
"""Flushes from one return of free memory to the next: once a minute."""
LOADER = "libllvmlite"
"""What kernels are loaded by: seldom needed after the start."""


class Housekeeping:
    """Looks after a store until it is stopped.

    Args:
        store: The store. clock: Microseconds since the epoch.
        retention: How long things are kept, asked each time.
    """

    def __init__(
        self, store: LiveStore, clock: Callable[[], int], retention: Callable[[], Retention]
    ) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention
        self._stopping = threading.Event()
        self._pruned: int | None = None
        self._thread = threading.Thread(target=self._run, name="vedette-housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
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

    def _run(self) -> None:
        for turn in count():
            if self._stopping.wait(FLUSH_S):
                return
            if turn % TRIM_EVERY == 0:
                trim()
                let_go(LOADER)
            removed = {kind: rows for kind, rows in self.look().items() if rows}
            if removed:
                _LOG.info("too old to be kept: %s", ", ".join(f"{n:,} {kind}" for kind, n in removed.items()))
