"""What a window counted of its services, as features of floods are made of it: of one window, or of several at once."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.learned.flood_features import Slices
from vedette.detectors.learned.member import spans
from vedette.windows.layout import SLICES, Client, Group
from vedette.windows.summary import ClientRows

_COLUMNS = slice(Group.SLICE_REQUESTS, Group.SLICE_DURATION_US + SLICES)
"""Columns of the thirds: requests, those that failed, those that were timed, how long these took."""


class _Asking(msgspec.Struct, frozen=True):
    """Clients of a window.

    Attributes:
        counts: int64 (n, SLICES), requests of each. first: Of each service with clients, the first of them.
        row: Of each of these services, its place among the window's services; -1 of one that is not looked at.
    """

    counts: NDArray[np.int64]
    first: list[int]
    row: list[int]


class Seen(msgspec.Struct, frozen=True):
    """Services of a window that are looked at.

    Attributes:
        slot: int32 (k,), of the services. number: int64 (k,), of their pasts. names: (k,).
        sums: int64 (k, 4 * SLICES), of each third requests, failed, timed and their durations in microseconds.
        named, unnamed: Who asked: clients that the log names, and all others as one.
    """

    slot: NDArray[np.int32]
    number: NDArray[np.int64]
    names: list[str]
    sums: NDArray[np.int64]
    named: _Asking
    unnamed: _Asking

    @property
    def busiest_third(self) -> int:
        """Requests in the busiest third of any of the services."""
        return int(self.sums[:, :SLICES].max(initial=0))

    @property
    def rows(self) -> int:
        """What it takes to remember it, in rows of three numbers or so."""
        return len(self.number) + len(self.named.counts) + len(self.unnamed.counts)


def seen(
    slot: NDArray[np.int32],
    number: NDArray[np.int64],
    names: list[str],
    sums: NDArray[np.int64],
    services: list[str],
    *,
    named: ClientRows,
    unnamed: ClientRows,
) -> Seen:
    """What a window counted of some services.

    Args:
        slot, number, names: See `Seen`. sums: int64 (k, Group), theirs. services: Names by the clients' numbers.
        named, unnamed: The window's clients, of all services.
    """
    place = {name: row for row, name in enumerate(names)}
    asking = (_asking(rows, services, place) for rows in (named, unnamed))
    return Seen(slot, number, names, sums[:, _COLUMNS], *asking)


def slices_of(windows: Sequence[Seen]) -> Slices:
    """The thirds of windows, each array (SLICES, k): the services of one window after those of the one before.

    Requests that name no client, among others that do, are those of one: a probe, or whoever stands before the service.
    """
    sums = windows[0].sums if len(windows) == 1 else np.concatenate([window.sums for window in windows])
    distinct, busiest = np.zeros((SLICES, len(sums))), np.zeros((SLICES, len(sums)))
    for asking in ([window.named for window in windows], [window.unnamed for window in windows]):
        _add(asking, [len(window.number) for window in windows], distinct, busiest)
    requests, failed, timed, micros = sums.T.astype(np.float64).reshape(-1, SLICES, len(sums))
    time = np.where(timed > 0, micros / np.maximum(timed, 1.0) / 1e6, np.nan)
    return Slices(requests, distinct, busiest, failed, time)


def _asking(rows: ClientRows, services: list[str], place: dict[str, int]) -> _Asking:
    of = spans(services, rows)
    # A copy: what it is cut out of holds all that is known of the clients.
    counts = rows.sums[:, Client.SLICE_REQUESTS : Client.SLICE_REQUESTS + SLICES].copy()
    return _Asking(counts, [first for _, first, _ in of], [place.get(name, -1) for name, _, _ in of])


def _add(
    asking: Sequence[_Asking],
    services: Sequence[int],
    distinct: NDArray[np.float64],
    busiest: NDArray[np.float64],
) -> None:
    """Add windows' clients to what their services' thirds have, (SLICES, k) each; services: how many each has."""
    counts = asking[0].counts if len(asking) == 1 else np.concatenate([part.counts for part in asking])
    if not len(counts):
        return
    first: list[int] = []
    row: list[int] = []
    clients = above = 0
    for part, those in zip(asking, services, strict=True):
        first += [clients + begin for begin in part.first]
        row += [above + its if its >= 0 else -1 for its in part.row]
        clients += len(part.counts)
        above += those
    most = np.maximum.reduceat(counts, first)
    present = np.add.reduceat((counts > 0).astype(np.int64), first)
    at = np.array(row)
    if -1 in row:
        known = at >= 0
        at, most, present = at[known], most[known], present[known]
    busiest[:, at] = np.maximum(busiest[:, at], most.T)
    distinct[:, at] += present.T
