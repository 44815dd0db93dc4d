"""State the requests of a window that are unlike what the site has always had."""

from collections.abc import Sequence

import msgspec

from vedette.detectors.kept import printable
from vedette.detectors.memory import Memoryless
from vedette.detectors.parameters.described import told
from vedette.detectors.parameters.habits import Habits, OddRequest
from vedette.detectors.parameters.suspects import Sender
from vedette.detectors.statement import anomaly_id, slot_entity, surprise_score
from vedette.detectors.view import WindowView
from vedette.schema.anomaly import (
    Anomaly,
    AnomalyType,
    Band,
    Contribution,
    Entity,
    EntityKind,
    Evidence,
    Formula,
    Severity,
)
from vedette.schema.requests import UNNAMED_TAG

MOST_PER_WINDOW = 20
"""Clients stated one by one per service and window; more are stated together, as one."""
MANY = 20
"""Different odd requests of one client in a window from which they are no slip of a hand."""
_SHOWN = 5
"""Novelties told of the least likely request."""
_TARGET_SHOWN = 200


class _Sent(msgspec.Struct, frozen=True):
    """Odd requests of one sender, with the rows that are this sender's."""

    odd: OddRequest
    rows: int


class AbnormalRequests(Memoryless):
    """Requests whose route, method or parameters are unlike what this site has always had.

    Signal: routes, methods on a route, names of parameters on a route, and of each parameter the classes of
        characters, the length and the shape of its values.
    Baseline: what was seen in windows before, per route and parameter. How likely something new is follows from how
        often something new came in the latest half of all its requests (Laplace's rule of succession); what has few
        requests, or varies, has no surprise.
    Decision: something new whose probability is at most one in `detectors.parameters.once_in` (of a route:
        `route_once_in`); `own_past` times as rare where the past was only seen, not called normal. One statement per
        client and window, low: odd is not hostile; medium from `MANY` different odd requests of one client.
    Explanation: each new thing with what was usual instead, the requests that this rests on and the probability.
    Known false alarms: the first hours of a new page, form or parameter (learned once `doubts` are over); free text,
        until it has shown its marks; a tool that sends what browsers do not.
    References: C. Kruegel and G. Vigna, "Anomaly detection of web-based attacks", CCS 2003: attributes' length,
        characters, structure, tokens and presence; the rule of succession in place of their Chebyshev and chi-square
        thresholds. I. Corona, D. Ariu, G. Giacinto, "HMM-Web", ICC 2009, for letters and digits as one symbol.
    """

    name = "parameters"
    types = (AnomalyType.ABNORMAL_REQUEST,)

    def __init__(self, habits: Habits, *, shown: int = 3) -> None:
        self._habits = habits
        self._shown = shown

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the odd requests of a window that `Habits` has just judged."""
        if self._habits.window != view.number:
            # A silent window before the one that was judged.
            return []
        by_service: dict[int, dict[Sender, list[_Sent]]] = {}
        for odd in self._habits.odd:
            senders = by_service.setdefault(odd.suspect.service, {})
            for sender, rows in odd.suspect.senders.items():
                senders.setdefault(sender, []).append(_Sent(odd, rows))
        found = []
        for service, senders in sorted(by_service.items()):
            name = view.services[service]
            if len(senders) > MOST_PER_WINDOW:
                each: dict[int, _Sent] = {}
                for sent in (s for sender in senders.values() for s in sender):
                    each[sent.odd.suspect.number] = _Sent(sent.odd, sent.odd.suspect.rows)
                heaviest = sorted(senders, key=lambda s: (-sum(x.rows for x in senders[s]), s))
                names = tuple(view.client_name(*sender) for sender in heaviest[:10])
                found.append(
                    self._state(view, name, slot_entity(name, None), list(each.values()), names, len(senders))
                )
                continue
            for sender, sent_by in sorted(senders.items()):
                if sender[0] == UNNAMED_TAG:
                    found.append(self._state(view, name, slot_entity(name, None), sent_by, (), 0))
                else:
                    client = view.client_name(*sender)
                    entity = Entity(EntityKind.CLIENT, client)
                    found.append(self._state(view, name, entity, sent_by, (client,), 1))
        return found

    def _state(
        self,
        view: WindowView,
        service: str,
        entity: Entity,
        sent: Sequence[_Sent],
        names: tuple[str, ...],
        clients: int,
    ) -> Anomaly:
        ranked = sorted(sent, key=lambda s: (-s.odd.surprise, s.odd.suspect.order, s.odd.suspect.target))
        first = ranked[0].odd
        profiles, limit = self._habits.profiles, first.limit
        least = first.novelties[0]
        rows = sum(s.rows for s in sent)
        many = clients <= 1 and len(sent) >= MANY
        return Anomaly(
            id=anomaly_id(self.name, self.types[0], service, entity.kind, entity.value, view.start),
            type=self.types[0],
            severity=Severity.MEDIUM if many else Severity.LOW,
            score=surprise_score(least.surprise, limit),
            start=view.start,
            end=view.end,
            service=service,
            route=None,
            entity=entity,
            detector=self.name,
            observed=float(rows),
            expected=Band(0.0, 0.0, 0.0),
            threshold=1.0,
            sample_count=least.seen,
            unit="abnormal_requests",
            formula=Formula(
                "succession",
                {"new": float(least.chance.new), "trials": float(least.chance.trials)},
                least.surprise,
            ),
            description="",
            contributions=_contributions(ranked, rows),
            evidence=tuple(_evidence(s.odd) for s in ranked[: self._shown]),
            evidence_total=rows,
            counterfactual="",
            clients=names,
            details={
                "vouched": bool(profiles.vouched[least.slot]),
                "surprise": least.surprise,
                "surprise_threshold": limit,
                "distinct": len(sent),
                "clients": clients,
                "route": first.suspect.route,
                "method": printable(first.suspect.method, 20),
                "request": printable(first.suspect.target, _TARGET_SHOWN),
                "novelties": [told(profiles, novelty) for novelty in first.novelties[:_SHOWN]],
            },
        )


def _contributions(ranked: Sequence[_Sent], rows: int) -> tuple[Contribution, ...]:
    """What carries the requests: each counts for what is least likely in it."""
    shares: dict[tuple[str, str], int] = {}
    for sent in ranked:
        novelty, suspect = sent.odd.novelties[0], sent.odd.suspect
        of = (
            ("route", suspect.route)
            if novelty.parameter is None
            else ("parameter", f"{printable(novelty.parameter.name, 80)} on {suspect.route}")
        )
        shares[of] = shares.get(of, 0) + sent.rows
    top = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:5]
    return tuple(Contribution(dimension, value, count / rows) for (dimension, value), count in top)


def _evidence(odd: OddRequest) -> Evidence:
    novelty = odd.novelties[0]
    carried = (
        novelty.feature
        if novelty.parameter is None
        else novelty.parameter.name + b"=" + novelty.parameter.value
    )
    return odd.suspect.line.evidence(printable(carried, 200), novelty.kind.value)
