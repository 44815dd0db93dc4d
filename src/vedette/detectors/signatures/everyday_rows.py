"""The rows of a batch by service, route, day and sender, for what is everyday."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.signatures.hits import SignatureHits
from vedette.schema.requests import Clients, Requests
from vedette.windows.distinct import distinct_values
from vedette.windows.mixing import mix

_SEED: Final = 0x9E3779B97F4A7C15
"""Hashes choose whose requests are told apart, with a fixed seed: the same log must give the same."""
_MOST_COUNTED: Final = 1 << 20
"""Services times routes that are counted in a table; beyond, which is slower, rows are sorted."""


class Rows(msgspec.Struct, frozen=True):
    """A batch's rows as they are counted.

    Attributes:
        day: int64 (n,). accused: (k,), rows that are attacks as yet, in order.
    """

    requests: Requests
    service: NDArray[np.int32]
    services: Sequence[str]
    hits: SignatureHits
    day: NDArray[np.int64]
    accused: NDArray[np.intp]

    @property
    def route(self) -> NDArray[np.int32]:
        """Ids of routes, int32 (n,)."""
        assert self.requests.route is not None  # noqa: S101 -- the callers looked
        return self.requests.route.ids

    def place(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """A number for the service and route of each of k rows."""
        assert self.requests.route is not None  # noqa: S101 -- the callers looked
        width = len(self.requests.route.vocabulary) + 1
        code: NDArray[np.int64] = self.service[rows].astype(np.int64) * width + self.route[rows] + 1
        return code

    def places(self, rows: NDArray[np.intp]) -> Iterable[tuple[tuple[str, str], int]]:
        """Services and routes, in the order in which rows first name them, and how many do."""
        rows = rows[self.route[rows] >= 0]
        if not len(rows):
            return []
        code = self.place(rows)
        if int(code.max()) > _MOST_COUNTED:
            _, which, counts = np.unique(code, return_index=True, return_counts=True)
            order = np.argsort(which)
            first, times = rows[which[order]], counts[order]
        else:
            counts = np.bincount(code)
            last = np.empty(len(counts), dtype=np.int64)
            # Of equal numbers the last assignment stays.
            last[code[::-1]] = rows[::-1]
            first = np.sort(last[np.flatnonzero(counts)])
            times = counts[self.place(first)]
        return zip(map(self.names, first.tolist()), times.tolist(), strict=True)

    def names(self, row: int) -> tuple[str, str]:
        """Names of a row's service and route."""
        assert self.requests.route is not None  # noqa: S101 -- the callers looked
        route = self.requests.route[row] or b""
        return self.services[self.service.item(row)], route.decode("utf-8", "surrogateescape")

    def senders(self, rows: NDArray[np.intp]) -> NDArray[np.uint64]:
        """Hashes of the clients of rows, each once, those that the log does not name left out."""
        named, found = self.hashes(rows)
        return distinct_values(found[named])

    def hashes(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
        """Whether the log names the client of each row, and its hash."""
        clients: Clients | None = self.requests.client
        assert clients is not None  # noqa: S101 -- the callers looked
        ids = clients.ids[rows]
        named = ids >= 0
        found = np.zeros(len(ids), dtype=np.uint64)
        known = ids[named]
        found[named] = mix(mix(clients.high[known], _SEED) ^ clients.low[known], _SEED)
        return named, found


def by_day(day: NDArray[np.int64], rows: NDArray[np.intp]) -> list[tuple[int, NDArray[np.intp]]]:
    """Rows by day, in order."""
    if not len(rows):
        return []
    of_rows = day[rows]
    if of_rows.min() == of_rows.max():
        return [(int(of_rows[0]), rows)]
    return [(int(one), rows[of_rows == one]) for one in distinct_values(of_rows)]
