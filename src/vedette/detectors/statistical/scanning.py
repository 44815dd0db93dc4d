"""Looking for what is not there."""

import numpy as np

from vedette.detectors.evidence import Topic
from vedette.detectors.few_stated import FewStated
from vedette.detectors.memory import Memoryless
from vedette.detectors.statement import excess_score, state
from vedette.detectors.statistical.clients import MOST_PER_WINDOW, suspects
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Entity, EntityKind, Formula, Severity
from vedette.windows.layout import BITMAP_BITS, Client
from vedette.windows.summary import bitmap_count


class Scanning(FewStated, Memoryless):
    """A client asks for many different things that do not exist.

    Signal: distinct routes that answered a client 404 in the last ten minutes (linear counting, 63 bits; the
        count saturates at 261).
    Baseline: none: a person follows links, and a site's own broken link is one route, asked by many.
    Decision: at least `distinct` such routes, and at least half of the client's requests missing; a crawler
        that says so must miss `CRAWLER_FACTOR` times as many.
    Explanation: the count, and the first log lines.
    Known false alarms: a crawler after a site moved; an app whose icons were renamed.
    References: CAPEC-169; Whang et al. 1990; formula `linear_count`.
    """

    name = "scanning"
    types = (AnomalyType.SCANNER,)

    CRAWLER_FACTOR = 4

    def __init__(self, *, distinct: int = 15, declared_bot: int) -> None:
        self.distinct = distinct
        self._declared_bot = 1 << declared_bot

    def look(self, view: WindowView) -> list[Anomaly]:
        """State scans in the window."""
        if not len(view.recent):
            return []
        sums = view.recent.sums
        missing = bitmap_count(sums[:, Client.MISSING_ROUTES], BITMAP_BITS)
        needed = (
            np.where(sums[:, Client.AGENT_KINDS] == self._declared_bot, self.CRAWLER_FACTOR, 1)
            * self.distinct
        )
        rows = np.flatnonzero(
            (missing >= needed) & (2 * sums[:, Client.STATUS_404] >= sums[:, Client.REQUESTS])
        )
        found = []
        for group in suspects(view, rows).values():
            for suspect in self.first(group, MOST_PER_WINDOW):
                row = sums[suspect.row]
                estimate = float(missing[suspect.row])
                bits = int(row[Client.MISSING_ROUTES]).bit_count()
                found.append(
                    state(
                        view,
                        type=AnomalyType.SCANNER,
                        detector=self.name,
                        service=suspect.service,
                        route=None,
                        entity=Entity(EntityKind.CLIENT, suspect.name),
                        severity=Severity.MEDIUM if estimate >= 60 else Severity.LOW,
                        score=excess_score(estimate, float(needed[suspect.row])),
                        observed=estimate,
                        expected=Band(0.0, 0.0, float(needed[suspect.row])),
                        threshold=float(needed[suspect.row]),
                        sample_count=int(row[Client.REQUESTS]),
                        unit="missing_routes",
                        formula=Formula(
                            "linear_count", {"ones": float(bits), "bits": float(BITMAP_BITS)}, estimate
                        ),
                        evidence=view.client_proof(Topic.MISSING, suspect.key),
                        evidence_total=int(view.noteworthy.sums[suspect.row, Client.STATUS_404]),
                        clients=(suspect.name,),
                        details={
                            "requests": int(row[Client.REQUESTS]),
                            "not_found": int(row[Client.STATUS_404]),
                            "minutes": view.recent_minutes,
                        },
                    )
                )
        return found
