"""Addresses that do far more of something than they ever did."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.network.addresses import address, among
from vedette.detectors.network.recent import RecentKeys
from vedette.detectors.network.view import NetworkView, state
from vedette.kernels.flows.leaps import (
    OWN_LEAPS,
    OWN_MOST,
    OWN_TRIALS,
    OWN_WINDOWS,
    find_leaps,
    learn_leaps,
    measure_hosts,
)
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, EntityKind, Formula, Severity
from vedette.schema.spans import MINUTE_US

_MOST: Final = 16_384
"""Internal addresses followed; the one that was silent for the longest is dropped."""


class OwnMeasure(msgspec.Struct, frozen=True):
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
_OWN: Final = slice(OWN_MOST, OWN_MOST + len(MEASURES))


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
        self._known = RecentKeys(2, _MOST, numbers=OWN_MOST + 3 * len(MEASURES))

    def memories(self) -> Sequence[Memory]:
        """See `Remembering`."""
        return (self._known,)

    def look(self, view: NetworkView) -> list[Anomaly]:
        """State the addresses that leapt in the window, and learn what all did."""
        columns = view.digest.columns
        contacts = columns.shape[1]
        keys = np.empty((contacts, 2), dtype=np.int64)
        values = np.empty((contacts, len(MEASURES)), dtype=np.int64)
        count = measure_hosts(columns, view.own.ranges, keys, values)
        keys, values = keys[:count], values[:count]
        if view.accused:
            accused = among(keys, view.accused)
            keys, values = keys[~accused], values[~accused]
        found = []
        for claimed in self._known.claim(keys):
            found += self._block(view, claimed.place, values[claimed.rows])
        self.left_out = self._known.forgotten
        return found

    def _block(self, view: NetworkView, place: NDArray[np.int64], values: NDArray[np.int64]) -> list[Anomaly]:
        numbers = self._known.numbers
        leaps, told = np.empty(len(place), dtype=np.uint8), np.empty(len(place), dtype=np.int64)
        count = find_leaps(
            place, values, numbers, _LEAST, self.factor, view.start, MINUTE_US, self.LEARN, self.once_in, leaps, told
        )  # fmt: skip
        found = [self._tell(view, int(place[n]), values[n]) for n in told[:count].tolist()]
        learn_leaps(place, values, numbers, view.start, self.LEARN, leaps)
        return found

    def _tell(self, view: NetworkView, at: int, values: NDArray[np.int64]) -> Anomaly:
        past = self._known.numbers[at]
        windows, trials, leaps = past[[OWN_WINDOWS, OWN_TRIALS, OWN_LEAPS]].tolist()
        which = int((values / np.maximum(_LEAST, self.factor * past[_OWN])).argmax())
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
