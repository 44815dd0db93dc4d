"""Running into the limit, on and on."""

import numpy as np

from vedette.detectors.evidence import Topic
from vedette.detectors.few_stated import FewStated
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import excess_score, state
from vedette.detectors.statistical.clients import MOST_PER_WINDOW, Suspect, suspects
from vedette.detectors.statistical.customary import Customary
from vedette.detectors.statistical.recurrence import Recurrence
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Entity, EntityKind, Formula, Severity
from vedette.windows.layout import Client


class RateLimitAbuse(FewStated, Remembering):
    """A client goes on although it is told to slow down.

    Signal: 429 answers to one client in the last ten minutes.
    Baseline: none: the limit is the site's own statement of what is too much.
    Decision: at least `refusals`, and at least a fifth of the client's requests. Not where the client ran into it as
        often before, by the clock or three times in the last week (`Recurrence`), nor where three clients did, itself
        among them (`Customary`): where all do now and then, that is how the limit works.
    Explanation: the count against the client's requests.
    Known false alarms: a partner's client without back-off; a limit set too low.
    References: RFC 6585 section 4; formula `count`.
    """

    name = "rate_limit"
    types = (AnomalyType.RATE_LIMIT_ABUSE,)

    def __init__(self, *, refusals: int = 50) -> None:
        self.refusals = refusals
        self._recurrence, self._customary = Recurrence(), Customary(own=True)

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return self._recurrence, self._customary

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave; earlier versions remembered nothing. Raises `StateError`."""
        if content:
            super().from_state(content)

    def _is_usual(self, view: WindowView, suspect: Suspect, count: int) -> bool:
        """Whether a client, or others, ran into the limit as often before; remembers it."""
        slot = view.book.find(suspect.service, None)
        if slot is None:
            return False
        own = self._recurrence.expects(slot, view.start, float(count), suspect.name)
        return self._customary.allows(slot, suspect.name, view.start, float(count)) or own

    def look(self, view: WindowView) -> list[Anomaly]:
        """State rate-limit abuse in the window."""
        if not len(view.recent):
            return []
        sums = view.recent.sums
        refused = sums[:, Client.STATUS_429]
        rows = np.flatnonzero((refused >= self.refusals) & (5 * refused >= sums[:, Client.REQUESTS]))
        found = []
        for group in suspects(view, rows).values():
            news = [one for one in group if not self._is_usual(view, one, int(refused[one.row]))]
            for suspect in self.first(news, MOST_PER_WINDOW):
                count = int(refused[suspect.row])
                found.append(
                    state(
                        view,
                        type=AnomalyType.RATE_LIMIT_ABUSE,
                        detector=self.name,
                        service=suspect.service,
                        route=None,
                        entity=Entity(EntityKind.CLIENT, suspect.name),
                        severity=Severity.MEDIUM if count >= 10 * self.refusals else Severity.LOW,
                        score=excess_score(count, self.refusals),
                        observed=float(count),
                        expected=Band(0.0, 0.0, float(self.refusals)),
                        threshold=float(self.refusals),
                        sample_count=int(sums[suspect.row, Client.REQUESTS]),
                        unit="refused_requests",
                        formula=Formula("count", {"count": float(count)}, float(count)),
                        evidence=view.client_proof(Topic.REFUSED, suspect.key),
                        evidence_total=int(view.noteworthy.sums[suspect.row, Client.STATUS_429]),
                        clients=(suspect.name,),
                        details={
                            "requests": int(sums[suspect.row, Client.REQUESTS]),
                            "minutes": view.recent_minutes,
                        },
                    )
                )
        return found
