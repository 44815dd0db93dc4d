"""Hostile requests, stated once per client, type and window."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detectors.kept import printable
from vedette.detectors.memory import Memoryless
from vedette.detectors.signatures.columns import COLUMNS
from vedette.detectors.signatures.evidence import LONGEST, Match
from vedette.detectors.signatures.hostile import MOST_STATED, UNNAMED, HostileRows, Proof, too_many
from vedette.detectors.signatures.payload_model import packaged
from vedette.detectors.signatures.rules import BANDS, DECISIVE, REQUEST_TYPES, Rule
from vedette.detectors.statement import CLIENTS_NAMED, anomaly_id, slot_entity
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
from vedette.windows.layout import Client, Group
from vedette.windows.summary import ClientRows

_TYPES = slice(Client.FIRST_TYPE, Client.FIRST_TYPE + len(REQUEST_TYPES))
"""Columns of a client's sums that count hostile requests by type."""
FEW = 5
"""Fewer hostile requests, all turned away, are of low severity."""

_PROBES = frozenset({AnomalyType.SCANNER, AnomalyType.SENSITIVE_FILE, AnomalyType.ABNORMAL_REQUEST,
                     AnomalyType.PROTOCOL_VIOLATION})  # fmt: skip


class _Aim(NamedTuple):
    """A route and a parameter that visitors use."""

    route: str
    parameter: str


class _Claim(msgspec.Struct, frozen=True):
    """What a statement will say, before what matched in its lines is looked up.

    Attributes:
        number: Of the service. answered: Hostile requests, of any type, that got a 2xx answer.
        names: Clients, the heaviest first. clients: How many there are.
    """

    number: int
    kind: AnomalyType
    entity: Entity
    count: int
    answered: int
    proofs: list[Proof]
    names: tuple[str, ...]
    clients: int


class Aiming(Protocol):
    """Knows which parameters visitors use: see `vedette.detectors.parameters.aims`."""

    def parameter(self, service: str, route: str, target: bytes) -> str | None:
        """The parameter that a request aims at, if it is one that visitors use."""
        ...


class Attacks(Memoryless):
    """Requests whose shape is a known attack.

    Signal: requests that signatures call hostile beyond doubt (combined confidence at least `least`).
    Baseline: none: one is enough to be stated, low; what it is worth to a person is decided by the incident.
    Decision: every client and type of the window; clients too many to be told one by one, all in one statement. A few
        requests that were turned away are low, unless they aim at a parameter that visitors use.
    Explanation: the log lines, what each rule matched in them after decoding, and why that is hostile.
    Known false alarms: a site about SQL or security whose readers search for attacks; security staff.
    References: docs/explanation/signatures.md; formula `noisy_or`.
    """

    name = "signatures"
    types = REQUEST_TYPES

    def __init__(
        self,
        rules: tuple[Rule, ...],
        rows: HostileRows,
        *,
        least: float = DECISIVE,
        shown: int = 3,
        aims: Aiming | None = None,
    ) -> None:
        """Begin.

        Args:
            rules: All there are. rows: Where hostile rows are kept. least: From which confidence they are hostile.
            shown: Log lines of a statement. aims: Knows what visitors use; None if nobody does.
        """
        self._rules = rules
        self._rows = rows
        self._least = least
        self._shown = shown
        self._aims = aims

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the hostile requests of a window."""
        if not view.groups.sums[:, Group.ATTACKS].any():
            return []
        claims = [*self._named(view), *self._unnamed(view)]
        shown = [claim.proofs[: self._shown] for claim in claims]
        matches = iter(self._matches(list(itertools.chain(*shown))))
        return [
            self._state(view, claim, list(itertools.islice(matches, len(proofs))))
            for claim, proofs in zip(claims, shown, strict=True)
        ]

    def _named(self, view: WindowView) -> Iterator[_Claim]:
        hostile = view.clients.select(view.clients.sums[:, Client.ATTACKS] > 0)
        services, begin, count = np.unique(hostile.service, return_index=True, return_counts=True)
        everywhere = too_many(count.tolist())
        for number, at, clients in zip(services.tolist(), begin.tolist(), count.tolist(), strict=True):
            rows = hostile.select(slice(at, at + clients))
            if everywhere or clients > MOST_STATED:
                yield from self._together(view, number, rows)
            else:
                yield from self._each(view, number, rows)

    def _unnamed(self, view: WindowView) -> Iterator[_Claim]:
        """Hostile requests whose log does not say who sent them: stated about the service."""
        clients = view.unnamed.select(view.unnamed.sums[:, Client.ATTACKS] > 0)
        for number, sums in zip(clients.service.tolist(), clients.sums, strict=True):
            entity = slot_entity(view.services[number], None)
            for bit, kind, count in _counts(sums[_TYPES]):
                proofs = self._rows.of_client(view.number, number, UNNAMED, bit)
                answered = int(sums[Client.ATTACKS_ANSWERED])
                yield _Claim(number, kind, entity, count, answered, proofs, (), 0)

    def _each(self, view: WindowView, number: int, clients: ClientRows) -> Iterator[_Claim]:
        counts = clients.sums[:, _TYPES]
        # Client by client, and of each its types in order.
        rows, bits = np.nonzero(counts)
        keys = list(zip(clients.high.tolist(), clients.low.tolist(), strict=True))
        entities = [Entity(EntityKind.CLIENT, view.client_name(*key)) for key in keys]
        answered: list[int] = clients.sums[:, Client.ATTACKS_ANSWERED].tolist()
        for row, bit, count in zip(rows.tolist(), bits.tolist(), counts[rows, bits].tolist(), strict=True):
            proofs = self._rows.of_client(view.number, number, keys[row], bit)
            entity = entities[row]
            yield _Claim(number, REQUEST_TYPES[bit], entity, count, answered[row], proofs, (entity.value,), 1)

    def _together(self, view: WindowView, number: int, clients: ClientRows) -> Iterator[_Claim]:
        entity = slot_entity(view.services[number], None)
        # A row for each type, so that each type's clients follow each other.
        counts = np.ascontiguousarray(clients.sums[:, _TYPES].T)
        bits, own = np.nonzero(counts)
        count = counts[bits, own]
        # Of each type the clients with the most requests first, of equals the first.
        order = np.argsort(bits * (int(count.max(initial=0)) + 1) - count, kind="stable")
        kinds, begin = np.unique(bits, return_index=True)
        totals = np.add.reduceat(count, begin).tolist()
        answered = np.add.reduceat(clients.sums[own, Client.ATTACKS_ANSWERED], begin).tolist()
        ends = [*begin[1:].tolist(), len(bits)]
        for bit, at, end, total, some in zip(
            kinds.tolist(), begin.tolist(), ends, totals, answered, strict=True
        ):
            heaviest = own[order[at : min(end, at + CLIENTS_NAMED)]]
            keys = zip(clients.high[heaviest].tolist(), clients.low[heaviest].tolist(), strict=True)
            names = tuple(view.client_name(*key) for key in keys)
            proofs = self._rows.of_all(view.number, number, bit)
            yield _Claim(number, REQUEST_TYPES[bit], entity, total, some, proofs, names, end - at)

    def _state(self, view: WindowView, claim: _Claim, matches: list[Match | None]) -> Anomaly:
        service, kind, count = view.services[claim.number], claim.kind, claim.count
        rule = self._rules[claim.proofs[0].rule] if claim.proofs else None
        confidence = self._least if rule is None else max(self._least, rule.confidence)
        # Several hostile requests of one sender: independent witnesses of the same intent.
        score = 1.0 - (1.0 - confidence) ** min(count, 3)
        severity = Severity.LOW
        aim = self._aim(service, claim)
        if kind not in _PROBES:
            # A few that were all turned away are the weather of the internet.
            severity = Severity.MEDIUM if claim.answered or count >= FEW or aim else Severity.LOW
            if claim.answered >= 5 or count >= 200:
                severity = Severity.HIGH
        elif count >= 50:
            severity = Severity.MEDIUM
        details: dict[str, object] = {"answered_2xx": claim.answered, "clients": claim.clients}
        if aim is not None:
            details["parameter"] = aim.parameter
        if rule is not None:
            details |= {"rule": rule.id, "why": rule.why}
            if rule.band is not None and matches[0] is not None:
                details["model"] = _model_arithmetic(rule.band, matches[0].text)
        return Anomaly(
            id=anomaly_id(self.name, kind, service, claim.entity.kind, claim.entity.value, view.start),
            type=kind,
            severity=severity,
            score=score,
            start=view.start,
            end=view.end,
            service=service,
            route=None if aim is None else aim.route,
            entity=claim.entity,
            detector=self.name,
            observed=float(count),
            expected=Band(0.0, 0.0, 0.0),
            threshold=1.0,
            sample_count=count,
            unit="hostile_requests",
            formula=Formula("noisy_or", {"confidence": confidence, "count": float(min(count, 3))}, score),
            description="",
            contributions=tuple(
                Contribution("client", name, 1.0) for name in claim.names[:1] if claim.clients == 1
            ),
            evidence=tuple(map(self._evidence, claim.proofs, matches)),
            evidence_total=count,
            counterfactual="No request of this shape: one is enough.",
            clients=claim.names,
            details=details,
        )

    def _aim(self, service: str, claim: _Claim) -> _Aim | None:
        """What a few requests of one client aim at, if it is one thing."""
        few = claim.clients == 1 and claim.count < FEW and claim.kind not in _PROBES
        if self._aims is None or not few:
            return None
        aims = {self._aim_of(service, proof) for proof in claim.proofs}
        return aims.pop() if len(aims) == 1 else None

    def _aim_of(self, service: str, proof: Proof) -> _Aim | None:
        asked = proof.asked
        if self._aims is None or asked is None or COLUMNS[asked.column].name != "target":
            return None
        parameter = self._aims.parameter(service, proof.route, asked.text)
        return None if parameter is None else _Aim(proof.route, parameter)

    def _matches(self, proofs: list[Proof]) -> list[Match | None]:
        """What their rules matched in the lines of rows."""
        looked_up = iter(
            self._rows.locator.find([proof.asked for proof in proofs if proof.asked is not None])
        )
        return [proof.match if proof.asked is None else next(looked_up) for proof in proofs]

    def _evidence(self, proof: Proof, match: Match | None) -> Evidence:
        """A row's line, with what its rule matched."""
        matched = None if match is None else printable(match.text, LONGEST)
        return proof.line.evidence(matched, self._rules[proof.rule].id)


def _model_arithmetic(band: str, window: bytes) -> dict[str, object]:
    """How the payload model came to the score of a window: `rest` and the amounts add up to `score`."""
    model = packaged()
    grams, rest = model.explain(window)
    return {
        "score": rest + sum(gram.amount for gram in grams),
        "threshold": BANDS[band],
        "rest": rest,
        "grams": [{"text": gram.text, "times": gram.times, "amount": gram.amount} for gram in grams],
    }


def _counts(sums: NDArray[np.int64]) -> Iterator[tuple[int, AnomalyType, int]]:
    """Place, name and number of the types of hostile requests that there were."""
    for bit, (kind, count) in enumerate(zip(REQUEST_TYPES, sums.tolist(), strict=True)):
        if count:
            yield bit, kind, count
