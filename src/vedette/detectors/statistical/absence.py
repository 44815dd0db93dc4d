"""Requests that always come and do not."""

import math
from typing import Any, Final

import numpy as np

from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import slot_entity, state, surprise_score
from vedette.detectors.statistical.appointments import Appointments
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.statistical.steady import Steady
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowView
from vedette.enrich.service import OTHER_SERVICE
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Formula, Severity
from vedette.schema.spans import DAY_US, HOUR_US, MINUTE_US
from vedette.windows.entities import ALL_SLOT, NOBODYS_ROUTES
from vedette.windows.layout import Group

FOLDED: Final = "{}"
"""A variable part of a route."""


class Absence(Remembering):
    """A route, or a service, that is asked for around the clock, or at the same time every day, is not.

    Signal: windows without a request. Those in which the whole log is silent, or a part was not watched, tell nothing.
    Baseline: of the last day, in how many windows there was no request; the longest silence of the last two weeks;
        and when runs of requests began, with half an hour of silence before.
    Decision: for what is asked for around the clock (known for a day): so long a silence is rarer than the budget of
        `volume.drop` allows, `TIMES` times as long as any before, and `MISSING` requests were to be expected in it. Not
        where its service has new routes that are asked for as much instead, or a route with a variable part that it
        fits (it got another name), nor where it was silent before at this time of the day. For what
        comes by the clock: it began at the same time on `NIGHTS` days in a row, or every hour for `HOURS` hours, each
        time with `LEAST` requests or more, and an hour after it should have begun again (ten minutes, of an hour's) it
        has not; not on a Saturday or Sunday, if it was never seen to come on one.
    Explanation: how long there has been no request, beside how long that usually takes; or when it should have come.
    Known false alarms: a route that is taken away; a job that is no longer wanted; the holiday of who asks.
    References: Laplace's rule of succession, once for each window; formulas `silence` and `succession`.
    """

    name = "volume.absence"
    types = (AnomalyType.TRAFFIC_DROP,)

    TIMES = 3
    MISSING = 20
    RENAMED = 0.5
    """Part of the missing requests that new routes have to get."""
    NIGHTS, HOURS = 3, 24
    LEAST = 10

    def __init__(self, thresholds: Thresholds, drops: str, *, span: int = MINUTE_US) -> None:
        """Get ready.

        Args:
            thresholds: The budget. drops: Whose threshold counts: who tells of missing traffic otherwise.
            span: Of a window, microseconds.
        """
        self._thresholds, self._drops = thresholds, drops
        # Known for a day: what is silent every night was silent once in it. A silence is told for an hour, then it is
        # the new normal; and for an hour a new name may have been in use beside the old one.
        self._day, self._hour = max(1, DAY_US // span), max(1, HOUR_US // span)
        self._steady = Steady(self._day)
        self._appointments = Appointments(nights=self.NIGHTS, hours=self.HOURS, least=self.LEAST)
        self._recurrence = Recurrence(times=None, hours=None)

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return self._steady, self._appointments, self._recurrence

    def from_state(self, content: bytes) -> None:
        """See `Remembering`; earlier versions had no such detector."""
        if content:
            super().from_state(content)

    def look(self, view: WindowView) -> list[Anomaly]:
        """State what is missing in the window."""
        if view.silent:
            return []
        if view.seen < 1.0 or view.weight > 1 or view.unwatched:
            self._appointments.unheard(view.end)
            return []
        slots = view.groups.key.astype(np.int32)
        requests = view.groups.sums[:, Group.REQUESTS].astype(np.float64)
        self._steady.learn(slots, requests)
        self._appointments.learn(slots, requests, view.start)
        return [*self._silent(view), *self._missed(view)]

    def _silent(self, view: WindowView) -> list[Anomaly]:
        least = self._thresholds.least(self._drops)
        silent = self._steady.silent(least, known=self._day, times=self.TIMES, missing=self.MISSING)
        if not len(silent):
            return []
        here = set(view.groups.key[view.own].tolist())
        found = []
        for slot in silent.tolist():
            entry, parent = view.book[slot], int(view.book.parents[slot])
            # Services that have earned to be told apart are missing among the others from then on.
            if entry.route in NOBODYS_ROUTES or entry.service == OTHER_SERVICE or slot == ALL_SLOT:
                continue
            # A service that is silent is told of by itself.
            if entry.route is not None and (parent not in here or self._renamed(view, slot, parent)):
                continue
            threshold = self._thresholds.threshold(self._drops, owner=slot if entry.route is None else parent)
            if self._steady.gone(slot) < self._enough(slot, threshold):
                continue
            if self._steady.gone(slot) > self._enough(slot, threshold) + self._hour:
                self._steady.forget(slot)
                continue
            self._steady.tell(slot)
            if entry.service not in view.dropped and not self._recurrence.expects(slot, view.start, 1.0):
                found.append(self._state_silence(view, slot, threshold))
        return found

    def _enough(self, slot: int, threshold: float) -> int:
        """From how many windows on a silence is told."""
        empty, windows, longest = self._steady.usual(slot)
        rare = threshold / _each(empty, windows)
        return math.ceil(max(rare, self.TIMES * (1 + longest), self.MISSING / self._steady.mean(slot)))

    def _renamed(self, view: WindowView, slot: int, parent: int) -> bool:
        """Whether a route's requests go to others now."""
        siblings = np.flatnonzero(view.book.parents == parent)
        missing = self._steady.gone(slot) * self._steady.mean(slot)
        if self._steady.of_new(slot, siblings, self._hour) >= self.RENAMED * missing:
            return True
        route = (view.book[slot].route or "").split("/")
        return any(_fits(route, (view.book[other].route or "").split("/")) for other in siblings.tolist())

    def _missed(self, view: WindowView) -> list[Anomaly]:
        due = self._appointments.missed(view.end)
        if not len(due):
            return []
        return [
            self._state_missed(view, slot, int(begin))
            for slot, begin in zip(due.tolist(), self._appointments.expected(due).tolist(), strict=True)
            if view.book[slot].route not in NOBODYS_ROUTES and view.book[slot].service not in view.dropped
        ]

    def _state_silence(self, view: WindowView, slot: int, threshold: float) -> Anomaly:
        gone, (empty, windows, longest) = self._steady.gone(slot), self._steady.usual(slot)
        inputs = {"silent": float(gone), "empty": empty, "windows": windows}
        surprise = gone * _each(empty, windows)
        expected = gone * self._steady.mean(slot)
        return self._state(
            view,
            slot,
            score=surprise_score(surprise, threshold),
            expected=expected,
            samples=self._steady.known(slot),
            formula=Formula("silence", inputs, surprise),
            start=view.end - gone * (view.end - view.start),
            details={
                "surprise": surprise,
                "surprise_threshold": threshold,
                "silent_windows": gone,
                "longest_before": longest,
                "told_from_windows": self._enough(slot, threshold),
            },
        )

    def _state_missed(self, view: WindowView, slot: int, begin: int) -> Anomaly:
        runs, period, least = self._appointments.runs(slot)
        surprise = math.log10(runs + 2.0)
        return self._state(
            view,
            slot,
            # Of as many runs as are needed one half, and more of more.
            score=surprise_score(surprise, math.log10(self.NIGHTS + 2.0)),
            expected=float(least),
            samples=runs,
            formula=Formula("succession", {"new": 0.0, "trials": float(runs)}, surprise),
            start=begin,
            details={
                "runs": runs,
                "hourly": period == HOUR_US,
                "late_minutes": (view.end - begin) // MINUTE_US,
            },
        )

    def _state(
        self,
        view: WindowView,
        slot: int,
        *,
        score: float,
        expected: float,
        samples: int,
        formula: Formula,
        start: int,
        details: dict[str, Any],
    ) -> Anomaly:
        entry = view.book[slot]
        return state(
            view,
            type=AnomalyType.TRAFFIC_DROP,
            detector=self.name,
            service=entry.service,
            route=entry.route,
            entity=slot_entity(entry.service, entry.route),
            severity=Severity.MEDIUM,
            score=score,
            observed=0.0,
            expected=Band(None, expected, None),
            threshold=0.0,
            sample_count=samples,
            unit="requests",
            formula=formula,
            start=start,
            details=details,
            counterfactual="Not stated if there had been a single request.",
        )


def _each(empty: float, windows: float) -> float:
    """How surprising one empty window is, -log10 of Laplace's rule of succession."""
    return -math.log10((empty + 1.0) / (windows + 2.0))


def _fits(route: list[str], other: list[str]) -> bool:
    """Whether another route is one that a route was folded into."""
    return (
        len(route) == len(other)
        and FOLDED in other
        and route != other
        and all(theirs in (mine, FOLDED) for mine, theirs in zip(route, other, strict=True))
    )
