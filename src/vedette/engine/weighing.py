"""What signatures say of a recorded log, before an engine takes it: the process that reads has time left.

What a site is asked every day needs event time, which follows from the rows, but no windows.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.everyday import Everyday
from vedette.detectors.signatures.hits import ToldHits
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.batch import Batch
from vedette.windows.event_time import EventTime, jump_of


class Told(NamedTuple):
    """What an engine in another process needs beside a batch; see `Batch`."""

    hits: ToldHits
    weighed: bool
    everyday: NDArray[np.bool_] | None


class Weighing:
    """Verdicts on a log's batches, in their order, as an engine of the same lateness would come to them.

    Args:
        scanner: Makes them. span, lateness: Of the engine's windows, microseconds.
        weighs: Whether what is everyday is taken from them here; otherwise it is left to the engine.
    """

    def __init__(self, scanner: SignatureScanner, span: int, lateness: int, *, weighs: bool) -> None:
        self._scanner = scanner
        self._everyday = Everyday(scanner, lateness) if weighs else None
        self._event_time = EventTime(span, lateness, jump_of(lateness), own=True)

    def take(self, batch: Batch, *, tells: bool = True) -> Told:
        """The verdicts on a batch.

        Args:
            tells: Whether what is taken away is to be told: not of a past that is only learned from.
        """
        requests = batch.requests
        hits = self._scanner.judge(requests)
        if self._everyday is None:
            return Told(hits.told(), weighed=False, everyday=None)
        timed = self._event_time.follow(requests.time)
        everyday = self._everyday.take(requests, batch.service, batch.services, timed, hits, tells=tells)
        return Told(hits.told(), weighed=True, everyday=everyday)

    def end_of_past(self) -> None:
        """Let the windows of what was learned from be closed, as `Engine.learning` does."""
        self._event_time.settle()

    def everyday_state(self) -> bytes | None:
        """What is everyday so far, for `Everyday.from_state`; None if nobody learned it here."""
        return None if self._everyday is None else self._everyday.to_state()


def put(batch: Batch, told: Told, scanner: SignatureScanner) -> None:
    """Let a batch bring along what was said of it.

    Args:
        scanner: One like that which was asked.
    """
    batch.hits = scanner.hits(batch.requests, told.hits)
    batch.weighed, batch.everyday = told.weighed, told.everyday
