"""Hostile requests, stated once per client, type and window."""

from dataclasses import dataclass, field

import numpy as np

from vedette.detectors.evidence import KeptLine, printable
from vedette.detectors.signatures.columns import COLUMNS
from vedette.detectors.signatures.evidence import Asked, Locator
from vedette.detectors.signatures.hits import SignatureHits, rules_of
from vedette.detectors.signatures.rules import DECISIVE, REQUEST_TYPES, Rule
from vedette.detectors.statement import anomaly_id, slot_entity
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
from vedette.schema.requests import UNNAMED_TAG, Requests
from vedette.windows.layout import Client
from vedette.windows.summary import ClientRows

KEYS = 256
"""Clients that rows are kept for, in each window."""
COMBINATIONS = 32
"""Combinations of types that rows are kept for, of each client and window."""
MOST_PER_WINDOW = 20
"""Hostile clients stated one by one per service and window; more are stated together, as one."""

FEW = 5
"""Fewer hostile requests, all turned away, are of low severity."""

_PROBES = frozenset({AnomalyType.SCANNER, AnomalyType.SENSITIVE_FILE, AnomalyType.ABNORMAL_REQUEST,
                     AnomalyType.PROTOCOL_VIOLATION})  # fmt: skip

Key = tuple[int, int, int]


Worth = tuple[int, float, int]
"""Rank of a row's most confident rule, its combined confidence negated, its time: the most telling come first."""


@dataclass(frozen=True, slots=True)
class HostileRow:
    """A row kept until its window closes: its line, and the texts that rules matched in."""

    worth: Worth
    types: int
    mask: int
    """The rules that it hit, a bit each."""
    line: KeptLine
    texts: tuple[bytes | None, ...]


@dataclass(slots=True)
class HostileRows:
    """The most telling hostile rows of each client in each open window, bounded.

    They are chosen by what they are, not by when they came: a log that arrives in another order says the same.
    """

    rows: int = 3
    """Rows kept for each client, window and combination of types."""
    _windows: dict[int, dict[Key, dict[int, list[HostileRow]]]] = field(default_factory=dict)

    def keep(
        self, requests: Requests, hits: SignatureHits, row: int, window: int, key: Key, worth: Worth
    ) -> None:
        """Keep a row if there is room, or if it is more telling than one that is kept."""
        clients = self._windows.setdefault(window, {})
        if key not in clients:
            if len(clients) >= KEYS:
                return
            clients[key] = {}
        types = int(hits.types[row])
        if types not in clients[key] and len(clients[key]) >= COMBINATIONS:
            return
        kept = clients[key].setdefault(types, [])
        if len(kept) >= self.rows and worth >= kept[-1].worth:
            return
        kept.append(
            HostileRow(
                worth,
                types,
                hits.mask(row),
                KeptLine.of(requests, row),
                tuple(column.of(requests)[row] for column in COLUMNS),
            )
        )
        kept.sort(key=lambda row: row.worth)
        del kept[self.rows :]

    def get(self, window: int, key: Key, bit: int) -> list[HostileRow]:
        """Rows of a client that hit a type, the most telling first."""
        kept = self._windows.get(window, {}).get(key, {})
        found = [row for types, rows in sorted(kept.items()) if types >> bit & 1 for row in rows]
        return sorted(found, key=lambda row: row.worth)

    def drop(self, window: int) -> None:
        """Forget a window that has been judged."""
        self._windows.pop(window, None)


class Attacks:
    """Requests whose shape is a known attack.

    Signal: requests that signatures call hostile beyond doubt (combined confidence at least `least`).
    Baseline: none: one is enough to be stated, low; what it is worth to a person is decided by the incident.
    Decision: every client and type of the window; beyond `MOST_PER_WINDOW` clients, one statement for all.
    Explanation: the log lines, what each rule matched in them after decoding, and why that is hostile.
    Known false alarms: a site about SQL or security whose readers search for attacks; security staff.
    References: docs/explanation/signatures.md; formula `noisy_or`.
    """

    name = "signatures"
    types = REQUEST_TYPES

    def __init__(
        self, rules: tuple[Rule, ...], rows: HostileRows, *, least: float = DECISIVE, shown: int = 3
    ) -> None:
        self._rules = rules
        self._rows = rows
        self._least = least
        self._shown = shown
        self._locator = Locator(rules)

    def look(self, view: WindowView) -> list[Anomaly]:
        """State the hostile requests of a window."""
        hostile = view.clients.select(view.clients.sums[:, Client.ATTACKS] > 0)
        found: list[Anomaly] = []
        for number in np.unique(hostile.service).tolist():
            clients = hostile.select(hostile.service == number)
            if len(clients) > MOST_PER_WINDOW:
                found.extend(self._together(view, number, clients))
            else:
                for row in range(len(clients)):
                    found.extend(self._client(view, number, clients, row))
        unnamed = view.unnamed.select(view.unnamed.sums[:, Client.ATTACKS] > 0)
        for row in range(len(unnamed)):
            found.extend(self._unnamed(view, unnamed, row))
        return found

    def _unnamed(self, view: WindowView, clients: ClientRows, row: int) -> list[Anomaly]:
        """Hostile requests whose log does not say who sent them: stated about the service."""
        number = int(clients.service[row])
        sums = clients.sums[row]
        answered = int(sums[Client.ATTACKS_ANSWERED])
        entity = slot_entity(view.services[number], None)
        found = []
        for bit, kind in enumerate(REQUEST_TYPES):
            count = int(sums[Client.FIRST_TYPE + bit])
            if count:
                rows = self._rows.get(view.number, (number, UNNAMED_TAG, 0), bit)
                found.append(self._state(view, number, kind, entity, count, answered, rows, (), 0))
        return found

    def _client(self, view: WindowView, number: int, clients: ClientRows, row: int) -> list[Anomaly]:
        key = (number, int(clients.high[row]), int(clients.low[row]))
        name = view.client_name(key[1], key[2])
        sums = clients.sums[row]
        answered = int(sums[Client.ATTACKS_ANSWERED])
        found = []
        for bit, kind in enumerate(REQUEST_TYPES):
            count = int(sums[Client.FIRST_TYPE + bit])
            if count:
                rows = self._rows.get(view.number, key, bit)
                entity = Entity(EntityKind.CLIENT, name)
                found.append(self._state(view, number, kind, entity, count, answered, rows, (name,), 1))
        return found

    def _together(self, view: WindowView, number: int, clients: ClientRows) -> list[Anomaly]:
        service = view.services[number]
        found = []
        for bit, kind in enumerate(REQUEST_TYPES):
            counts = clients.sums[:, Client.FIRST_TYPE + bit]
            involved = np.flatnonzero(counts)
            if not len(involved):
                continue
            order = involved[np.argsort(-counts[involved], kind="stable")][:10]
            keys = [(number, int(clients.high[i]), int(clients.low[i])) for i in order.tolist()]
            names = tuple(view.client_name(high, low) for _, high, low in keys)
            rows = [row for key in keys for row in self._rows.get(view.number, key, bit)]
            answered = int(clients.sums[involved, Client.ATTACKS_ANSWERED].sum())
            total = int(counts.sum())
            found.append(
                self._state(
                    view,
                    number,
                    kind,
                    slot_entity(service, None),
                    total,
                    answered,
                    rows,
                    names,
                    len(involved),
                )
            )
        return found

    def _state(
        self,
        view: WindowView,
        number: int,
        kind: AnomalyType,
        entity: Entity,
        count: int,
        answered: int,
        rows: list[HostileRow],
        names: tuple[str, ...],
        clients: int,
    ) -> Anomaly:
        service = view.services[number]
        rule = max((self._best(row, kind) for row in rows), key=self._weight, default=None)
        confidence = self._least if rule is None else max(self._least, self._rules[rule].confidence)
        # Several hostile requests of one sender: independent witnesses of the same intent.
        score = 1.0 - (1.0 - confidence) ** min(count, 3)
        severity = Severity.LOW
        if kind not in _PROBES:
            # A few that were all turned away are the weather of the internet.
            severity = Severity.MEDIUM if answered or count >= FEW else Severity.LOW
            if answered >= 5 or count >= 200:
                severity = Severity.HIGH
        elif count >= 50:
            severity = Severity.MEDIUM
        details: dict[str, object] = {"answered_2xx": answered, "clients": clients}
        if rule is not None:
            details |= {"rule": self._rules[rule].id, "why": self._rules[rule].why}
        return Anomaly(
            id=anomaly_id(self.name, kind, service, entity.kind, entity.value, view.start),
            type=kind,
            severity=severity,
            score=score,
            start=view.start,
            end=view.end,
            service=service,
            route=None,
            entity=entity,
            detector=self.name,
            observed=float(count),
            expected=Band(0.0, 0.0, 0.0),
            threshold=1.0,
            sample_count=count,
            unit="hostile_requests",
            formula=Formula("noisy_or", {"confidence": confidence, "count": float(min(count, 3))}, score),
            description="",
            contributions=tuple(Contribution("client", name, 1.0) for name in names[:1] if clients == 1),
            evidence=tuple(self._evidence(row, self._best(row, kind)) for row in rows[: self._shown]),
            evidence_total=count,
            counterfactual="No request of this shape: one is enough.",
            clients=names,
            details=details,
        )

    def _best(self, row: HostileRow, kind: AnomalyType) -> int:
        """The most confident rule of a type that a row hit; it did hit one."""
        return max((rule for rule in rules_of(row.mask) if self._rules[rule].type is kind), key=self._weight)

    def _weight(self, rule: int) -> tuple[float, int]:
        return self._rules[rule].confidence, -rule

    def _evidence(self, row: HostileRow, rule: int) -> Evidence:
        asked = [
            Asked(text, column, rule)
            for column, text in zip(COLUMNS, row.texts, strict=True)
            if text is not None
        ]
        for match in filter(None, self._locator.find(asked)):
            return row.line.evidence(printable(match.text, 200), self._rules[rule].id)
        return row.line.evidence(None, self._rules[rule].id)
