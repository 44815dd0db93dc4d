"""What a window holds that detectors ask for first, and the most that anyone came to in the last minute."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.network.addresses import PRIVATE, Own
from vedette.detectors.network.ports import LOGINS, POLLED, REFLECTORS
from vedette.kernels.flows import contact_digest as kernels
from vedette.kernels.flows.contact_digest import add_weights, digest_contacts, find_peaks
from vedette.kernels.text.hashing import new_secret

Ints = NDArray[np.int64]


class Total(IntEnum):
    """A sum over the contacts of a window."""

    PACKETS = kernels.PACKETS
    BYTES = kernels.BYTES
    OPENED = kernels.OPENED
    SEGMENTS = kernels.SEGMENTS
    AGAIN = kernels.AGAIN
    """Data segments that were sent again."""
    TCP = kernels.TCP_OPENED
    UDP = kernels.UDP_OPENED
    ICMP = kernels.ICMP_OPENED
    SYNS = kernels.SYNS
    REFLECTED = kernels.REFLECTED
    """Bytes from UDP services that reflect."""
    UDP_SENT = kernels.UDP_SENT
    ICMP_SENT = kernels.ICMP_SENT
    REFUSED = kernels.REFUSED
    """Contacts over TCP of known clients with a flow that failed."""
    LONGEST = kernels.LONGEST
    """The longest duration over TCP, microseconds."""
    CARRIERS = kernels.CARRIERS
    """Contacts that could carry a tunnel."""
    RTTS = kernels.RTTS
    RESPONSES = kernels.RESPONSES


class Weight(IntEnum):
    """What is added up over the last minute, by client, or by client and port of a server."""

    SYNS = kernels.BY_CLIENT_SYNS
    PROBES = kernels.BY_CLIENT_PROBES
    SILENT = kernels.BY_CLIENT_SILENT
    """Flows over UDP that were told nothing."""
    ANSWERED = kernels.BY_TALK_ANSWERED
    LOGINS = kernels.BY_TALK_LOGINS
    MADE = kernels.BY_TALK_MADE
    """Flows opened where connections were made, or told something."""
    UNTOLD = kernels.BY_TALK_UNTOLD
    """Flows opened where connections were made and told nothing."""


class Digest(msgspec.Struct, frozen=True):
    """One pass over the contacts of a window.

    Attributes:
        columns: int64 (CONTACT_COLUMNS, k), the contacts, column by column in memory.
        totals: By `Total`.
        outward: int64 (n,), contacts of one's own hosts with single hosts elsewhere.
        calls: int64 (m,), those of them that could be beacons.
        marks: int32 (k, 2). weights: int32 (k, WEIGHTS). See `Minute`.
    """

    columns: Ints
    totals: list[int]
    outward: Ints
    calls: Ints
    marks: NDArray[np.int32]
    weights: NDArray[np.int32]


def digest(contacts: Ints, histogram: Ints, own: Own = PRIVATE) -> Digest:
    """Look at the contacts of a window.

    Args:
        contacts: int64 (k, CONTACT_COLUMNS), sorted by client. histogram: int64 (3, bins).
        own: Which addresses are one's own.
    """
    count = len(contacts)
    columns = np.ascontiguousarray(contacts.T)
    totals = np.empty(kernels.TOTALS, dtype=np.int64)
    outward, calls = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    marks = np.empty((count, 2), dtype=np.int32)
    weights = np.empty((count, kernels.WEIGHTS), dtype=np.int32)
    digest_contacts(
        columns, np.ascontiguousarray(histogram), _KNOWN_FOR, own.ranges, *_SECRET, totals, outward, calls, marks,
        weights,
    )  # fmt: skip
    found: list[int] = totals.tolist()
    return Digest(
        columns, found, outward[: found[kernels.OUTWARD]], calls[: found[kernels.CALLS]], marks, weights
    )


class Weighed(Protocol):
    """A window of the minute."""

    @property
    def weighed(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Marks and weights of its contacts, as in `Digest`."""
        ...


class Minute:
    """The most that any client, or talk, of the newest window came to in the windows of the last minute.

    Sums are kept by some bits of a hash: two may be added up that are not the same, so a sum is never below what one
    client or talk came to (the upper bound of Cormode and Muthukrishnan's count-min sketch, 2005, with two rows for
    clients and one for talks). Who comes to less than a rule asks for even so need not be looked at; nothing that is
    stated rests on these sums.
    """

    def __init__(self) -> None:
        self._windows: list[Weighed] = []
        self._rows = 0
        self._peaks: Ints = np.zeros(kernels.SUMMED, dtype=np.int64)
        self._add_up()

    def turn(self, windows: Sequence[Weighed]) -> list[int]:
        """Go on to the newest window; returns the most by `Weight`.

        Args:
            windows: Of the minute, oldest first, at least one.
        """
        while self._windows and self._windows[0] is not windows[0]:
            self._add(self._windows.pop(0), -1)
        for window in list(windows)[len(self._windows) :]:
            self._windows.append(window)
            self._add(window, 1)
        if self._rows > len(self._sums[1]) and len(self._sums[1]) < _MOST_SUMS:
            self._add_up()
        find_peaks(*self._windows[-1].weighed, *self._sums, self._peaks)
        found: list[int] = self._peaks.tolist()
        return found

    def _add(self, window: Weighed, sign: int) -> None:
        marks, weights = window.weighed
        self._rows += sign * len(marks)
        add_weights(marks, weights, sign, *self._sums)

    def _add_up(self) -> None:
        """Add up anew, in twice as many places as there are contacts."""
        size = min(1 << max(_LEAST_BITS, (2 * self._rows).bit_length()), _MOST_SUMS)
        by_client = np.zeros((2, size, kernels.BY_CLIENT), dtype=np.int64)
        self._sums: tuple[Ints, Ints] = by_client, np.zeros((size, kernels.BY_TALK), dtype=np.int64)
        for one in self._windows:
            add_weights(*one.weighed, 1, *self._sums)


MOST_WEIGHT: Final = kernels.MOST_WEIGHT
"""A weight counts up to this."""
_SECRET: Final = new_secret()
_LEAST_BITS: Final = 9
_MOST_SUMS: Final = 1 << 15
"""Beyond, they would leave a near cache."""


def _known_for() -> NDArray[np.uint8]:
    known = np.zeros(1 << 16, dtype=np.uint8)
    for bit, ports in ((kernels.REFLECTS, REFLECTORS), (kernels.LOGS_IN, LOGINS), (kernels.POLLED, POLLED)):
        known[list(ports)] |= bit
    return known


_KNOWN_FOR: Final = _known_for()
