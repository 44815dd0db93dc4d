"""Committing: what was found and where sources stand, together, until the store has it."""

import logging
from collections.abc import Callable

from vedette.schema.live import Commit
from vedette.storage.errors import StoreError
from vedette.storage.live import LiveStore

_LOG = logging.getLogger("vedette.live")

_PAUSES_US = (1_000_000, 2_000_000, 5_000_000, 10_000_000, 30_000_000)
"""Between tries at a commit that failed."""


_LOST = (
    "what came since the last commit is read and found again at the next start, but for what nobody can give again: "
    "standard input, syslog, captured packets"
)


class Committer:
    """Hands commits to the store, and keeps the one that the store would not take.

    While one waits nothing further may be taken from sources: they hold their lines, and nothing is lost.

    Args:
        store: Where to. clock: Microseconds. kept: Called with each commit once the store has it.

    Attributes:
        commits, errors: So far.
        problem: Why the store does not take a commit, with the remedy; empty if it does.
    """

    def __init__(
        self, store: LiveStore, clock: Callable[[], int], kept: Callable[[Commit], object] = lambda _: None
    ) -> None:
        self._store = store
        self._tell_kept = kept
        self._clock = clock
        self._waiting: Commit | None = None
        self._tries = 0
        self._next = 0
        self.commits = 0
        self.errors = 0
        self.problem = ""

    @property
    def waiting(self) -> bool:
        """Whether a commit is still to be kept."""
        return self._waiting is not None

    def commit(self, commit: Commit, *, last: bool = False) -> bool:
        """Keep a commit; if that fails, it waits. Whether it was kept.

        Args:
            last: There is no time to try it again.

        Raises:
            RuntimeError: One waits already.
        """
        if self._waiting is not None:
            raise RuntimeError("a commit waits for the store: retry it first")
        self._waiting = commit
        self._next = 0
        return self.retry(last=last)

    def retry(self, *, last: bool = False) -> bool:
        """Try the commit that waits again, if its pause is over; whether none waits any more.

        Args:
            last: There is no time for another try: it is tried now.
        """
        if self._waiting is None:
            return True
        now = self._clock()
        if now < self._next and not last:
            return False
        try:
            self._store.commit(self._waiting)
        except StoreError as error:
            self.errors += 1
            self.problem = str(error)
            if last:
                _LOG.error("not kept, and the service ends: %s; %s", error, _LOST)
            else:
                _LOG.error("not kept, will be tried again: %s", error)
            self._next = now + _PAUSES_US[min(self._tries, len(_PAUSES_US) - 1)]
            self._tries += 1
            return False
        if self._tries:
            _LOG.warning("the store takes commits again, after %d tries", self._tries)
        kept, self._waiting, self._tries, self.problem = self._waiting, None, 0, ""
        self.commits += 1
        self._tell_kept(kept)
        return True
