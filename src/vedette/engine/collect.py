"""Keep the log lines that anomalies of a window may want to show."""

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.evidence import Candidates, EvidenceBook, Topic
from vedette.detectors.signatures.evidence import Locator
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.hostile import HostileRows
from vedette.detectors.signatures.rules import Rule
from vedette.kernels.windows.keeping import largest_of_each
from vedette.schema.requests import Clients, Requests
from vedette.windows.judged import Placed
from vedette.windows.pairs import pair_numbers


class Collector:
    """Keeps rows of a batch by topic, and hostile rows."""

    def __init__(self, rows: int, rules: tuple[Rule, ...]) -> None:
        """Keep so many rows for each anomaly, of hostile ones those whose rules are most confident."""
        self.book = EvidenceBook(rows)
        # What is hostile is told by its rules, which are read from the rows kept.
        self.hostile = HostileRows(Locator(rules), max(1, rows))

    def keep(
        self,
        requests: Requests,
        clients: Clients,
        service: NDArray[np.int32],
        placed: Placed,
        hits: SignatureHits,
        login: NDArray[np.bool_],
    ) -> None:
        """Look through a batch.

        Args:
            requests, clients, service: The batch.
            placed: Where its rows went.
            hits: What the signatures say.
            login: bool (n,): rows that are failed or repeated logins.
        """
        kept = placed.late == 0
        if self.book.rows:
            wanted = [
                self._failed(requests, placed, kept),
                self._slow(requests, placed, kept, self.book.rows),
            ]
            known = kept & (clients.ids >= 0)
            for topic, mask in (
                (Topic.MISSING, requests.status == 404),
                (Topic.REFUSED, requests.status == 429),
                (Topic.LOGIN_FAILURE, login),
            ):
                rows = np.flatnonzero(known & mask)
                number = clients.ids[rows]
                wanted.append(
                    Candidates(topic, rows, service[rows], clients.high[number], clients.low[number])
                )
            self.book.keep(requests, placed.window, wanted)
        hostile = np.flatnonzero(kept & hits.decisive())
        self.hostile.keep(requests, clients, service, placed.window, hits, hostile)

    @staticmethod
    def _failed(requests: Requests, placed: Placed, kept: NDArray[np.bool_]) -> Candidates:
        rows = np.flatnonzero(kept & (requests.status >= 500) & (placed.route >= 0))
        return Candidates(Topic.SERVER_ERROR, rows, placed.route[rows])

    @staticmethod
    def _slow(requests: Requests, placed: Placed, kept: NDArray[np.bool_], most: int) -> Candidates:
        """The slowest rows of each window and route."""
        rows = np.flatnonzero(kept & (placed.route >= 0) & (requests.duration > 0))
        if len(rows):
            _, window = np.unique(placed.window[rows], return_inverse=True)
            route = placed.route[rows].astype(np.int32)
            slot, pairs, _ = pair_numbers(window.astype(np.int32), route, int(route.max()) + 1)
            slowest = np.full((len(pairs), most), -1, dtype=np.int64)
            largest_of_each(rows, slot, requests.duration, slowest)
            rows = np.sort(slowest[slowest >= 0])
        return Candidates(Topic.SLOW, rows, placed.route[rows], weight=-requests.duration[rows])
