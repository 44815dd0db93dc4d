"""Addresses that do far more of something than they ever did."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.addresses import address, among, internal
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import CLIENT, SERVER, NetworkView, state
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, EntityKind, Formula, Severity
from vedette.schema.flows import Flow

_MOST: Final = 16_384
"""Internal addresses followed; the one that was silent for the longest is dropped."""
_MINUTE_US: Final = 60_000_000
_APART_US: Final = 2 * _MINUTE_US
"""Leaps that follow one another sooner are one: what leapt is not yet what is usual."""


@dataclass(frozen=True, slots=True)
class OwnMeasure:
    """Something that an address does more or less of in a window.

    Attributes:
        name: As details and sentences know it.
        least: Below it, nothing is a leap.
    """

    name: str
    least: int


MEASURES: Final = (
    # As many as make a scan of SYNs.
    OwnMeasure("flows", 100),
    # As many as the ports that make one, and the connections that make guessing of passwords.
    OwnMeasure("hosts", 20),
    OwnMeasure("failed", 20),
    # Twenty times what makes an exfiltration: any host fetches an update of hundreds of megabytes now and then.
    OwnMeasure("bytes_in", 1_000_000_000),
    OwnMeasure("dns_queries", 100),
)
_LEAST: Final = np.array([one.least for one in MEASURES], dtype=np.float64)
_WINDOWS, _TRIALS, _LEAPS, _SINCE, _LEAPT = range(5)
"""Numbers remembered of an address: windows in which it opened flows; how many of `_TRIALS` windows after the first
`LEARN` began a leap; when this minute began, and when it leapt last (microseconds)."""
_OWN: Final = slice(5, 5 + len(MEASURES))
_OLDER: Final = slice(_OWN.stop, _OWN.stop + len(MEASURES))
_FRESH: Final = slice(_OLDER.stop, _OLDER.stop + len(MEASURES))
"""And of each measure the most up to a minute or two ago, of the minute before this, and of this minute."""


class OwnPast(Remembering):
    """An internal address does far more of something in a window than it ever did.

    Signal: flows that it opens, hosts that it talks to, flows of its that fail, bytes that it gets, DNS questions.
    Baseline: its own: the most it ever did of each, up to a minute ago or two, so that the beginning of a burst does
        not hide the rest.
    Decision: `factor` times its most, and at least what other rules take for much; and such a leap, by how often it
        leapt so far (Laplace's rule of succession), no likelier than 1 in `once_in`. Not before `LEARN` windows in
        which it opened flows. A window in which another detector stated something of it is left out, and teaches
        nothing. As each leap raises its most, an address can make only a few in all.
    Explanation: the numbers, and its past.
    Known false alarms: the first backup, update or crawl of a host.
    References: formula `succession`.
    """

    name: ClassVar[str] = "network.own_past"
    types: ClassVar[tuple[AnomalyType, ...]] = (AnomalyType.BEHAVIORAL_ANOMALY,)

    LEARN = 30

    def __init__(self, *, factor: float = 5.0, once_in: int = 1000) -> None:
        self.factor = factor
        self.once_in = once_in
        self.left_out = 0
        self._known = RecentKeys(2, _MOST, numbers=_FRESH.stop)

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return (self._known,)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State the addresses that leapt in the window, and learn what all did."""
        keys, values = _measured(view.window.contacts)
        accused = among(keys, view.accused)
        keys, values = keys[~accused], values[~accused]
        found = []
        for claimed in self._known.claim(keys):
            found += self._block(view, claimed.place, values[claimed.rows])
        self.left_out = self._known.forgotten
        return found

    def _block(self, view: NetworkView, place: NDArray[np.int64], values: NDArray[np.int64]) -> list[Anomaly]:
        known = self._known.numbers
        settled = place[view.start - known[place, _SINCE] >= _MINUTE_US]
        known[settled, _OWN] = np.maximum(known[settled, _OWN], known[settled, _OLDER])
        known[settled, _OLDER] = known[settled, _FRESH]
        known[settled, _FRESH], known[settled, _SINCE] = 0, view.start
        beyond = values / np.maximum(_LEAST, self.factor * known[place, _OWN])
        leaps = (beyond >= 1.0).any(axis=1)
        judged = known[place, _WINDOWS] >= self.LEARN
        begins = leaps & judged & (view.start - known[place, _LEAPT] >= _APART_US)
        chance = (known[place, _LEAPS] + 1) / (known[place, _TRIALS] + 2)
        told = np.flatnonzero(begins & (chance <= 1 / self.once_in))
        found = [self._tell(view, int(place[n]), values[n], int(beyond[n].argmax())) for n in told.tolist()]
        known[place[leaps & judged], _LEAPT] = view.start
        known[place, _TRIALS] += judged
        known[place, _LEAPS] += begins
        known[place, _WINDOWS] += 1
        known[place, _FRESH] = np.maximum(known[place, _FRESH], values)
        return found

    def _tell(self, view: NetworkView, at: int, values: NDArray[np.int64], which: int) -> Anomaly:
        past = self._known.numbers[at]
        windows, trials, leaps = past[[_WINDOWS, _TRIALS, _LEAPS]].tolist()
        measure, value, most = MEASURES[which], int(values[which]), int(past[_OWN][which])
        limit = max(float(measure.least), self.factor * most)
        surprise, enough = -math.log10((leaps + 1) / (trials + 2)), math.log10(self.once_in)
        high, low = self._known.keys()[at].tolist()
        return state(
            view,
            type=AnomalyType.BEHAVIORAL_ANOMALY,
            detector=self.name,
            about=address(high, low),
            who=EntityKind.CLIENT,
            severity=Severity.MEDIUM if value >= self.factor * limit else Severity.LOW,
            score=surprise / (surprise + enough),
            observed=surprise,
            expected=Band(None, None, None),
            threshold=float(self.once_in),
            sample_count=windows,
            unit="surprise",
            formula=Formula("succession", {"new": float(leaps), "trials": float(trials)}, surprise),
            details={
                "what": measure.name,
                "value": value,
                "most": most,
                "limit": limit,
                "leaps": leaps,
                "seconds": view.seconds,
            },
            counterfactual=(
                f"Not stated below {measure.least:,} or {self.factor:g} times its most, nor where a leap is likelier "
                f"than 1 in {self.once_in:,}."
            ),
        )


def _measured(contacts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Internal addresses that opened flows, int64 (k, 2), and how much each did of `MEASURES`, int64 (k, measures).

    Args:
        contacts: int64 (n, CONTACT_COLUMNS), sorted by client and server.
    """
    if not len(contacts):
        return np.zeros((0, 2), dtype=np.int64), np.zeros((0, len(MEASURES)), dtype=np.int64)
    client = _begins(contacts, CLIENT)
    hosts = client | _begins(contacts, SERVER)
    starts = np.flatnonzero(client)
    keys = np.column_stack([contacts[starts, column] for column in CLIENT])
    columns = [contacts[:, column] for column in (Flow.OPENED, Flow.FAILED, Flow.BYTES_IN, Flow.DNS_QUERIES)]
    opened, failed, got, asked = (np.add.reduceat(column, starts) for column in columns)
    talked = np.add.reduceat(hosts, starts, dtype=np.int64)
    busy = (opened > 0) & internal(keys[:, 0], keys[:, 1])
    return keys[busy], np.column_stack([opened, talked, failed, got, asked])[busy]


def _begins(rows: NDArray[np.int64], columns: Sequence[Flow]) -> NDArray[np.bool_]:
    """Where rows differ in some columns from those before, bool (n,)."""
    begins = np.zeros(len(rows), dtype=bool)
    begins[0] = True
    for column in columns:
        values = rows[:, column]
        begins[1:] |= values[1:] != values[:-1]
    return begins
