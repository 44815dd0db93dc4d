"""Keep the log lines that anomalies of a window may want to show."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.evidence import EvidenceBook, Topic
from vedette.detectors.signatures.evidence import Locator
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.hostile import HostileRows
from vedette.detectors.signatures.rules import Rule
from vedette.schema.requests import UNNAMED_TAG, Clients, Requests
from vedette.windows.windower import Placed

_SLOWEST = 4
"""Slow rows looked at per window of a batch, at most."""


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
        status = requests.status
        known = clients.ids >= 0
        client = clients.ids.astype(np.int64) * (int(service.max(initial=0)) + 1) + service
        self._topic(
            requests, placed, Topic.SERVER_ERROR, kept & (status >= 500) & (placed.route >= 0), placed.route
        )
        for topic, mask in (
            (Topic.MISSING, status == 404),
            (Topic.REFUSED, status == 429),
            (Topic.LOGIN_FAILURE, login),
        ):
            self._topic(requests, placed, topic, kept & known & mask, client, (clients, service))
        self._slow(requests, placed, kept & (placed.route >= 0))
        hostile = np.flatnonzero(kept & hits.decisive())
        self.hostile.keep(requests, clients, service, placed.window, hits, hostile)

    def _topic(
        self,
        requests: Requests,
        placed: Placed,
        topic: Topic,
        mask: NDArray[np.bool_],
        key: NDArray[np.int64],
        senders: tuple[Clients, NDArray[np.int32]] | None = None,
    ) -> None:
        rows = np.flatnonzero(mask)
        rows = self.book.wanted(rows, placed.window, key[rows])
        names = zip(key[rows].tolist(), strict=True) if senders is None else _senders(*senders, rows)
        self.book.keep(topic, requests, rows, placed.window, names)

    def _slow(self, requests: Requests, placed: Placed, mask: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(mask & (requests.duration > 0))
        if len(rows) == 0:
            return
        order = np.lexsort((rows, -requests.duration[rows], placed.window[rows]))
        window = placed.window[rows][order]
        starts = np.flatnonzero(np.concatenate([[True], window[1:] != window[:-1]]))
        rank = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
        rows = np.sort(rows[order[rank < _SLOWEST]])
        names = zip(placed.route[rows].tolist(), strict=True)
        self.book.keep(Topic.SLOW, requests, rows, placed.window, names)


def _senders(
    clients: Clients, service: NDArray[np.int32], rows: NDArray[np.intp]
) -> Iterator[tuple[int, int, int]]:
    """(service, high, low) of each row's client; rows without one count as one unnamed client's."""
    numbers = clients.ids[rows]
    # Id -1 picks the last element.
    high = np.append(clients.high, np.uint64(UNNAMED_TAG))[numbers]
    low = np.append(clients.low, np.uint64(0))[numbers]
    return zip(service[rows].tolist(), high.tolist(), low.tolist(), strict=True)
