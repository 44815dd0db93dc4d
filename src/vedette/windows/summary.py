"""Closed windows: the summaries that detectors read, and the numbers read off them."""

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.schema.requests import UNNAMED_TAG
from vedette.schema.state import PackedArray, check, pack, unpack, within
from vedette.windows.layout import (
    CLIENT_COLUMNS,
    CLIENT_FIRST_BITMAP,
    DISTINCT_REGISTERS,
    GROUP_COLUMNS,
    LATENCY_BINS,
    LATENCY_BINS_PER_OCTAVE,
    LATENCY_LOWEST_EXPONENT,
    SECONDS_BITS,
    Client,
)

_EDGES = 2.0 ** (np.arange(LATENCY_BINS + 1) / LATENCY_BINS_PER_OCTAVE + LATENCY_LOWEST_EXPONENT)
_MIDDLES = np.sqrt(_EDGES[:-1] * _EDGES[1:])
QUANTILE_RELATIVE_ERROR = float(2 ** (0.5 / LATENCY_BINS_PER_OCTAVE) - 1)
"""Largest relative error of a quantile read off the histogram: half a bin, 4.4 %."""

# HyperLogLog's bias constant for m registers (Flajolet et al. 2007, figure 3).
_ALPHA = 0.7213 / (1 + 1.079 / DISTINCT_REGISTERS)
_POWERS = 2.0 ** -np.arange(65, dtype=np.float64)


def quantile(latency: NDArray[np.int32], q: float) -> NDArray[np.float64]:
    """Quantiles of durations from histograms.

    Args:
        latency: int32, shape (k, bins).
        q: Which quantile, 0..1.

    Returns:
        float64, shape (k,): seconds, the geometric middle of the bin that holds the quantile
        (relative error at most `QUANTILE_RELATIVE_ERROR`); NaN where a histogram is empty.
    """
    cumulative = np.cumsum(latency, axis=1, dtype=np.int64)
    total = cumulative[:, -1]
    wanted = np.maximum(1, np.ceil(q * total)).astype(np.int64)
    bins = (cumulative < wanted[:, None]).sum(axis=1)
    return np.asarray(np.where(total > 0, _MIDDLES[np.minimum(bins, LATENCY_BINS - 1)], np.nan))


def seconds_above(latency: NDArray[np.int32], limit: float) -> NDArray[np.float64]:
    """Time by which durations exceed a limit, summed, from histograms.

    Args:
        latency: int32, shape (k, bins). limit: Seconds.

    Returns:
        float64, shape (k,): seconds, each duration taken as the middle of its bin (see `quantile`).
    """
    return np.asarray(latency @ np.maximum(_MIDDLES - limit, 0.0))


def distinct_count(registers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Estimate distinct counts from HyperLogLog registers (Flajolet et al. 2007; linear counting when small).

    Args:
        registers: uint8, shape (k, DISTINCT_REGISTERS).

    Returns:
        float64, shape (k,); standard error 4.6 %.
    """
    m = DISTINCT_REGISTERS
    raw = _ALPHA * m * m / _POWERS[registers].sum(axis=1)
    empty = (registers == 0).sum(axis=1)
    linear = m * np.log(m / np.maximum(empty, 1))
    return np.asarray(np.where((raw <= 2.5 * m) & (empty > 0), linear, raw))


def bitmap_count(bitmap: NDArray[np.int64], bits: int) -> NDArray[np.float64]:
    """Estimate distinct counts from linear-counting bitmaps (Whang et al. 1990).

    Args:
        bitmap: int64, shape (k,), `bits` bits used.
        bits: Size of each bitmap.

    Returns:
        float64, shape (k,); a full bitmap counts as one bit short of full, so the estimate saturates at
        bits * ln(bits) (261 for 63 bits).
    """
    ones = np.bitwise_count(bitmap.astype(np.uint64)).astype(np.float64)
    zeros = np.maximum(bits - ones, 1.0)
    return np.asarray(bits * np.log(bits / zeros))


class Groups(msgspec.Struct):
    """Summaries of services and routes in one window, sorted by `key`.

    Attributes:
        key: int64 (k,), route registry numbers.
        sums: int64 (k, Group); latency: int32 (k, bins); distinct: uint8 (k, registers).
    """

    key: NDArray[np.int64]
    sums: NDArray[np.int64]
    latency: NDArray[np.int32]
    distinct: NDArray[np.uint8]

    def merged(self, labels: NDArray[np.int64]) -> "Groups":
        """Merge rows that carry the same label, int64 (k,); labels become the keys, ascending."""
        if (labels[1:] > labels[:-1]).all():
            return Groups(labels, self.sums, self.latency, self.distinct)
        order = np.argsort(labels, kind="stable")
        ordered = labels[order]
        fresh = np.ones(len(order), dtype=bool)
        np.not_equal(ordered[1:], ordered[:-1], out=fresh[1:])
        starts = np.flatnonzero(fresh)
        merged = self.select(order[starts])
        merged.key = ordered[starts]
        if len(starts) == len(order):
            return merged
        lengths = np.diff(starts, append=len(order))
        for row in np.flatnonzero(lengths > 1).tolist():
            parts = order[starts[row] : starts[row] + lengths[row]]
            merged.sums[row] = self.sums[parts].sum(axis=0)
            merged.latency[row] = self.latency[parts].sum(axis=0)
            merged.distinct[row] = self.distinct[parts].max(axis=0)
        return merged

    def select(self, rows: NDArray[np.intp]) -> "Groups":
        """Some of the rows, in the order asked."""
        return Groups(self.key[rows], self.sums[rows], self.latency[rows], self.distinct[rows])

    def __add__(self, other: "Groups") -> "Groups":
        """Merge two summaries of the same window."""
        return Groups(
            np.concatenate([self.key, other.key]),
            np.concatenate([self.sums, other.sums]),
            np.concatenate([self.latency, other.latency]),
            np.concatenate([self.distinct, other.distinct]),
        ).merged(np.concatenate([self.key, other.key]))


class ClientRows(msgspec.Struct):
    """Summaries of clients in one window, sorted by (service, high, low).

    Attributes:
        service: int32 (k,), number of the service. high, low: uint64 (k,), the client's key.
        sums: int64 (k, Client).
    """

    service: NDArray[np.int32]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    sums: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.service)

    def select(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "ClientRows":
        """Some of the rows, in their order."""
        return ClientRows(self.service[rows], self.high[rows], self.low[rows], self.sums[rows])

    def named(self) -> "tuple[ClientRows, ClientRows]":
        """Those whose log names them, and the sums of those it does not."""
        if not len(self):
            return self, self
        unnamed = self.high == np.uint64(UNNAMED_TAG)
        if not unnamed.any():
            return self, self.select(unnamed)
        return self.select(~unnamed), self.select(unnamed)

    def __add__(self, other: "ClientRows") -> "ClientRows":
        """Merge two summaries: counts add, bitmaps unite."""
        service = np.concatenate([self.service, other.service])
        high = np.concatenate([self.high, other.high])
        low = np.concatenate([self.low, other.low])
        sums = np.concatenate([self.sums, other.sums])
        order = np.lexsort((low, high, service))
        service, high, low, sums = service[order], high[order], low[order], sums[order]
        if len(service) == 0:
            return ClientRows(service, high, low, sums)
        fresh = np.ones(len(service), dtype=bool)
        fresh[1:] = (service[1:] != service[:-1]) | (high[1:] != high[:-1]) | (low[1:] != low[:-1])
        starts = np.flatnonzero(fresh)
        merged = np.empty((len(starts), sums.shape[1]), dtype=np.int64)
        merged[:, :CLIENT_FIRST_BITMAP] = np.add.reduceat(sums[:, :CLIENT_FIRST_BITMAP], starts)
        merged[:, CLIENT_FIRST_BITMAP:] = np.bitwise_or.reduceat(sums[:, CLIENT_FIRST_BITMAP:], starts)
        return ClientRows(service[starts], high[starts], low[starts], merged)


class PackedClients(msgspec.Struct, frozen=True, array_like=True):
    """`ClientRows` as a part of a state."""

    service: PackedArray
    high: PackedArray
    low: PackedArray
    sums: PackedArray

    @classmethod
    def of(cls, rows: ClientRows) -> Self:
        """Rows, packed."""
        return cls(pack(rows.service), pack(rows.high), pack(rows.low), pack(rows.sums))

    def rows(self, services: int) -> ClientRows:
        """The rows again, of at most so many services.

        Raises:
            StateError: Damaged.
        """
        service = unpack(self.service, np.int32, (None,), "clients")
        k = len(service)
        within(service, 0, services, "clients' services")
        return ClientRows(
            service,
            unpack(self.high, np.uint64, (k,), "clients"),
            unpack(self.low, np.uint64, (k,), "clients"),
            widened(
                unpack(self.sums, np.int64, (k, None), "clients"),
                int(Client.LET_IN),
                CLIENT_COLUMNS,
                "clients",
            ),
        )


def widened(sums: NDArray[np.int64], narrow: int, wide: int, what: str) -> NDArray[np.int64]:
    """Sums of a state, int64 (k, wide); earlier versions wrote `narrow` columns, and knew nothing of the others.

    Raises:
        StateError: They are neither.
    """
    known = sums.shape[1]
    check(known in (narrow, wide), what)
    return np.pad(sums, ((0, 0), (0, wide - known)))


def nobody() -> ClientRows:
    """No client at all."""
    return ClientRows(
        np.zeros(0, np.int32),
        np.zeros(0, np.uint64),
        np.zeros(0, np.uint64),
        np.zeros((0, CLIENT_COLUMNS), np.int64),
    )


def nothing() -> Groups:
    """Summaries of a window without a single request."""
    return Groups(
        np.zeros(0, np.int64),
        np.zeros((0, GROUP_COLUMNS), np.int64),
        np.zeros((0, LATENCY_BINS), np.int32),
        np.zeros((0, DISTINCT_REGISTERS), np.uint8),
    )


class ClosedWindow(msgspec.Struct):
    """Everything summarised about one window of event time, all services together.

    Attributes:
        number: `start // span`.
        start, end: Microseconds since the epoch, `end` exclusive.
    """

    number: int
    start: int
    end: int
    groups: Groups
    clients: ClientRows

    def told(self) -> tuple[int, int]:
        """From when to when clients asked for something, to a sixtieth of the window; all of it if nobody knows."""
        seconds = int(np.bitwise_or.reduce(self.clients.sums[:, Client.SECONDS]))
        if not seconds:
            return self.start, self.end
        part = (self.end - self.start) // SECONDS_BITS
        first = (seconds & -seconds).bit_length() - 1
        return self.start + first * part, self.start + seconds.bit_length() * part
