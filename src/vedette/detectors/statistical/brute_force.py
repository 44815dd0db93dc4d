"""Guessing at credentials."""

import numpy as np

from vedette.baselines.formulas import critical_value
from vedette.detectors.evidence import Topic
from vedette.detectors.few_stated import FewStated
from vedette.detectors.memory import Memory, Remembering
from vedette.detectors.statement import excess_score, slot_entity, state, surprise_score
from vedette.detectors.statistical.banded import Gated
from vedette.detectors.statistical.clients import MOST_PER_WINDOW, Suspect, suspects
from vedette.detectors.statistical.refusing import Refusing
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Mask, Metric, WindowView
from vedette.schema.anomaly import Anomaly, AnomalyType, Band, Entity, EntityKind, Formula, Severity
from vedette.windows.challenges import questions
from vedette.windows.layout import Client, Group


class BruteForce(FewStated, Remembering):
    """One client tries many passwords, or many clients try a few each.

    Signal: failed logins: 401 anywhere, or a 4xx answer other than 404 to credentials sent to a login route; for
        forms that answer 200 either way, credentials sent over and over. A 401 that only asked who it is
        (`vedette.windows.challenges`) is none, nor is one of a route that refuses those who usually come (`Refusing`).
    Baseline: none for one client: nobody fails `failures` times in ten minutes by mistake. For many clients, the
        service's own count of failed logins (negative binomial).
    Decision: one client with at least `failures` failed logins that are at least half of its attempts, or at
        least `attempts` attempts, in ten minutes; or a service whose failed logins pass the budget's threshold
        with at least `MIN_FAILURES` and three times the expected.
    Explanation: attempts, failures, and the routes' log lines.
    Known false alarms: a script with an expired password; many people behind one address.
    References: CAPEC-49, CAPEC-600; formulas `count`, `count_high`.
    """

    name = "brute_force"
    types = (AnomalyType.BRUTE_FORCE,)
    added = 1

    MIN_FAILURES = 30

    def __init__(self, thresholds: Thresholds, *, failures: int = 20, attempts: int = 60) -> None:
        self._gated = Gated(self.name, thresholds, high=True)
        self._refusing = Refusing()
        self.failures = failures
        self.attempts = attempts

    def memories(self) -> tuple[Memory, ...]:
        """What is remembered from window to window."""
        return *self._gated.memories, self._refusing

    def look(self, view: WindowView) -> list[Anomaly]:
        """State credential guessing in the window."""
        if view.silent:
            return []
        found: list[Anomaly] = []
        refused = self._refusing.learn(view)
        if len(view.recent):
            found = self._single(view)
        found.extend(self._many(view, {a.service for a in found}, refused))
        return found

    def _single(self, view: WindowView) -> list[Anomaly]:
        sums = view.recent.sums
        failures, posts = sums[:, Client.LOGIN_FAILURES], sums[:, Client.LOGIN_POSTS]
        guessing = (failures >= self.failures) & (2 * failures >= np.maximum(posts, failures))
        # Whose logins are but a part of what he asks for logs others in: a gateway, an office.
        trying = (posts >= self.attempts) & (2 * posts >= sums[:, Client.REQUESTS])
        rows = np.flatnonzero(guessing | trying)
        return [
            self._one(view, suspect)
            for group in suspects(view, rows).values()
            for suspect in self.first(
                [one for one in group if trying[one.row] or not self._is_refused(view, one)], MOST_PER_WINDOW
            )
        ]

    def _is_refused(self, view: WindowView, suspect: Suspect) -> bool:
        """Whether a client was let in wherever those who usually come are not refused."""
        sums = view.recent.sums[suspect.row : suspect.row + 1]
        asked = int(questions(sums)[0])
        if int(sums[0, Client.LOGIN_FAILURES]) - asked >= self.failures:
            return False
        refusing = self._refusing.lately(view, suspect.service)
        routes, let_in = int(sums[0, Client.ROUTES]), int(sums[0, Client.LET_IN])
        return bool(routes & refusing) and not routes & ~let_in & ~refusing

    def _one(self, view: WindowView, suspect: Suspect) -> Anomaly:
        sums = view.recent.sums[suspect.row]
        failures, posts = int(sums[Client.LOGIN_FAILURES]), int(sums[Client.LOGIN_POSTS])
        failing = failures >= self.failures
        observed, threshold = (failures, self.failures) if failing else (posts, self.attempts)
        return state(
            view,
            type=AnomalyType.BRUTE_FORCE,
            detector=self.name,
            service=suspect.service,
            route=None,
            entity=Entity(EntityKind.CLIENT, suspect.name),
            severity=Severity.HIGH if observed >= 5 * threshold else Severity.MEDIUM,
            score=excess_score(observed, threshold),
            observed=float(observed),
            expected=Band(0.0, 0.0, float(threshold)),
            threshold=float(threshold),
            sample_count=int(sums[Client.REQUESTS]),
            unit="failed_logins" if failing else "login_attempts",
            formula=Formula("count", {"count": float(observed)}, float(observed)),
            evidence=view.client_proof(Topic.LOGIN_FAILURE, suspect.key),
            evidence_total=int(
                view.noteworthy.sums[suspect.row, Client.LOGIN_FAILURES if failing else Client.LOGIN_POSTS]
            ),
            clients=(suspect.name,),
            details={"failed_logins": failures, "login_attempts": posts, "minutes": view.recent_minutes},
        )

    def _many(self, view: WindowView, stated: set[str], refused: dict[str, int]) -> list[Anomaly]:
        judged = view.judged[Metric.LOGIN_FAILURES]
        others = judged.value - [refused.get(view.book[slot].service, 0) for slot in judged.slot.tolist()]

        def worth() -> Mask:
            middle = np.nan_to_num(judged.expected_mid, nan=np.inf)
            return (others >= self.MIN_FAILURES) & (others >= 3 * middle)

        found = []
        for alarm in self._gated.alarms(view, judged, worth):
            service = view.book[alarm.slot].service
            if service in stated:
                continue
            clients = view.clients_of(service)
            failing = clients.select(clients.sums[:, Client.LOGIN_FAILURES] > 0)
            order = np.argsort(-failing.sums[:, Client.LOGIN_FAILURES], kind="stable")[:10]
            names = tuple(view.client_name(int(failing.high[i]), int(failing.low[i])) for i in order.tolist())
            formula = judged.formula(alarm.row, high=True)
            found.append(
                state(
                    view,
                    type=AnomalyType.BRUTE_FORCE,
                    detector=self.name,
                    service=service,
                    route=None,
                    entity=slot_entity(service, None),
                    severity=Severity.HIGH,
                    score=surprise_score(alarm.surprise, alarm.threshold),
                    observed=float(judged.value[alarm.row]),
                    expected=judged.band(alarm.row),
                    threshold=max(
                        critical_value(formula.name, formula.inputs, alarm.threshold),
                        self.MIN_FAILURES,
                        3 * float(judged.expected_mid[alarm.row]),
                    ),
                    sample_count=int(judged.sample_count[alarm.row]),
                    unit="failed_logins",
                    formula=formula,
                    evidence_total=view.total(alarm.slot, Group.LOGIN_FAILURES),
                    clients=names,
                    details={
                        "clients_failing": len(failing),
                        "surprise": alarm.surprise,
                        "surprise_threshold": alarm.threshold,
                    },
                )
            )
        return found
