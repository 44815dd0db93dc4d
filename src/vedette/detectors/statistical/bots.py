"""Machines that pass for people."""

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import FewStated
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import excess_score, state
from vedette.detectors.statistical.clients import MOST_PER_WINDOW, Suspect, suspects
from vedette.detectors.statistical.routine import Routine
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Entity, EntityKind, Formula, Severity
from vedette.windows.layout import BITMAP_BITS, SECONDS_BITS, Client
from vedette.windows.summary import bitmap_count


class BotActivity(FewStated, Remembering):
    """A client that does not say it is a bot walks through the site like one.

    Signal: over ten minutes: requests for pages (not for the pictures and scripts that a browser would fetch
        along), without referers, spread evenly over the seconds, over many routes.
    Baseline: none: it is the shape, not the amount, that people do not have.
    Decision: at least `requests` requests in ten minutes, at most 5 % for static files, at least 90 % without a
        referer, in at least three quarters of the seconds' sixtieths, over at least `ROUTES` routes; or, by
        something that calls itself a browser, mostly one route with variable parts (every product in turn). Clients
        whose only user agent declares a bot are left in peace, and so is what would be low and its client does on
        other days too (`Routine`).
    Explanation: each of these shares.
    Known false alarms: an app on a page that polls for one thing after another without a referer; privacy tools
        that drop referers.
    References: OWASP OAT-011; formula `count`.
    """

    name = "bots"
    types = (AnomalyType.BOT_ACTIVITY,)

    ROUTES = 10
    MOST_ASSETS = 0.05
    LEAST_WITHOUT_REFERER = 0.9
    LEAST_SPREAD = 0.75

    def __init__(self, *, requests: int = 300, declared_bot: int, browser: int) -> None:
        self.requests = requests
        self._declared_bot = 1 << declared_bot
        self._browser = 1 << browser
        self._routine = Routine()

    def memories(self) -> tuple[Memory, ...]:
        """What clients did on other days."""
        return (self._routine,)

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave, or nothing of a version that remembered nothing. Raises `StateError`."""
        if content:
            super().from_state(content)

    def look(self, view: WindowView) -> list[Anomaly]:
        """State undeclared bots in the window."""
        if not len(view.recent):
            return []
        sums = view.recent.sums
        requests = sums[:, Client.REQUESTS]
        routes = bitmap_count(sums[:, Client.ROUTES], BITMAP_BITS)
        spread = np.bitwise_count(sums[:, Client.SECONDS].astype(np.uint64)) / SECONDS_BITS
        rows = np.flatnonzero(
            (requests >= self.requests)
            & (sums[:, Client.ASSETS] <= self.MOST_ASSETS * requests)
            & (sums[:, Client.NO_REFERER] >= self.LEAST_WITHOUT_REFERER * requests)
            & (spread >= self.LEAST_SPREAD)
            & ((routes >= self.ROUTES) | self._in_turn(view))
            & (sums[:, Client.AGENT_KINDS] != self._declared_bot)
            # One that mostly misses is a scanner, stated as such.
            & (2 * sums[:, Client.STATUS_404] < requests)
        )
        minutes = view.recent_minutes
        found = []
        for group in suspects(view, rows).values():
            news = [suspect for suspect in group if not self._is_usual(view, suspect)]
            for suspect in self.first(news, MOST_PER_WINDOW):
                row = sums[suspect.row]
                count = int(row[Client.REQUESTS])
                found.append(
                    state(
                        view,
                        type=AnomalyType.BOT_ACTIVITY,
                        detector=self.name,
                        service=suspect.service,
                        route=None,
                        entity=Entity(EntityKind.CLIENT, suspect.name),
                        severity=Severity.MEDIUM if count >= self._many else Severity.LOW,
                        score=excess_score(count, self.requests),
                        observed=float(count),
                        expected=Band(0.0, None, float(self.requests)),
                        threshold=float(self.requests),
                        sample_count=count,
                        unit="requests",
                        formula=Formula("count", {"count": float(count)}, float(count)),
                        evidence_total=int(view.noteworthy.sums[suspect.row, Client.REQUESTS]),
                        clients=(suspect.name,),
                        details={
                            "share_static": int(row[Client.ASSETS]) / count,
                            "share_without_referer": int(row[Client.NO_REFERER]) / count,
                            "share_of_seconds": float(spread[suspect.row]),
                            "distinct_routes": float(routes[suspect.row]),
                            "minutes": minutes,
                        },
                    )
                )
        return found

    @property
    def _many(self) -> int:
        """Requests in ten minutes that are worth a look on any night."""
        return 10 * self.requests

    def _is_usual(self, view: WindowView, suspect: Suspect) -> bool:
        """Whether a client does what it did on other days, and not much of it; remembers it."""
        row = view.recent.sums[suspect.row]
        count, routes = int(row[Client.REQUESTS]), int(row[Client.ROUTES])
        known = self._routine.expects(suspect.key[0], suspect.name, view.start, count, routes)
        return known and count < self._many

    def _in_turn(self, view: WindowView) -> NDArray[np.bool_]:
        """Which clients of `view.recent` call themselves browsers and ask for routes with variable parts only."""
        recent = view.recent
        found = np.zeros(len(recent), dtype=np.bool_)
        kinds = recent.sums[:, Client.AGENT_KINDS]
        rows = np.flatnonzero((kinds == self._browser) & (recent.sums[:, Client.REQUESTS] >= self.requests))
        for row in rows.tolist():
            variable = 0
            for place, route in view.routes_of(view.services[int(recent.service[row])]):
                if "{}" in route:
                    variable |= view.route_bits(int(view.groups.key[place]))
            asked = int(recent.sums[row, Client.ROUTES])
            found[row] = 2 * (asked & variable).bit_count() > asked.bit_count()
        return found
