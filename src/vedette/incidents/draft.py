"""An incident while anomalies still join it."""

from ipaddress import IPv4Address, IPv6Address

import msgspec

from vedette.incidents.kinds import DISTURBANCES, PERSONAL, SYMPTOMS, TOLD_APART, Kind, is_probe
from vedette.incidents.words import advise, summarise, title
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind, Severity
from vedette.schema.incident import Incident, IncidentState

_CARRIES = 0.3
"""Share of a disturbance from which the client that carries it is its cause."""
MOST_CLIENTS = 1_000
"""Clients remembered for an incident; later ones join it by service only."""
MOST_NAMED = 10_000
"""Entities, and ids of anomalies, that an incident names; further ones are counted. Some incidents never end."""


class Draft(msgspec.Struct):
    """An incident while anomalies still join it.

    Attributes:
        anomalies: Ids, in order. worst: for each type, its anomaly of highest severity and score.
        unnamed: Anomalies that are not among `anomalies`. crowded: Whether there are entities beyond `entities`.
        budgeted: Whether one rests on a threshold of the budget, or of a z-score.
        changed: Whether one joined since this was last handed out.
        told: Rank of the severity that was told last, -1 before any was.
        breadth: How many services and types it had then.
        requests: That it rests on; packets and connections of flows are none.
        apart: Of a crowd: how many attackers were to be told one by one when it came together.
        probes: What was observed of hostile requests, by service.
    """

    kind: Kind
    first: Anomaly
    start: int
    end: int
    services: set[str] = msgspec.field(default_factory=set)
    clients: set[str] = msgspec.field(default_factory=set)
    carriers: set[str] = msgspec.field(default_factory=set)
    entities: dict[Entity, int] = msgspec.field(default_factory=dict)
    anomalies: list[str] = msgspec.field(default_factory=list)
    worst: dict[AnomalyType, Anomaly] = msgspec.field(default_factory=dict)
    counts: dict[AnomalyType, float] = msgspec.field(default_factory=dict)
    requests: int = 0
    unnamed: int = 0
    crowded: bool = False
    budgeted: bool = False
    changed: bool = True
    told: int = -1
    apart: int = TOLD_APART
    breadth: int = 0
    probes: dict[str, float] = msgspec.field(default_factory=dict)

    @property
    def id(self) -> str:
        """Stable: that of the anomaly which opened it."""
        return "i" + self.first.id[1:]

    def add(self, anomaly: Anomaly) -> None:
        """Take an anomaly in."""
        self.changed = True
        self.budgeted |= "surprise" in anomaly.details
        self.start = min(self.start, anomaly.start)
        self.end = max(self.end, anomaly.end)
        self.services.add(anomaly.service)
        if len(self.entities) < MOST_NAMED or anomaly.entity in self.entities:
            self.entities[anomaly.entity] = self.entities.get(anomaly.entity, 0) + 1
        else:
            self.crowded = True
        if len(self.anomalies) < MOST_NAMED:
            self.anomalies.append(anomaly.id)
        else:
            self.unnamed += 1
        if is_probe(anomaly) and (anomaly.service in self.probes or len(self.probes) < MOST_NAMED):
            self.probes[anomaly.service] = self.probes.get(anomaly.service, 0.0) + anomaly.observed
        if not anomaly.of_flows:
            self.requests += anomaly.evidence_total
        if len(self.clients) < MOST_CLIENTS:
            if anomaly.entity.kind is EntityKind.CLIENT:
                self.clients.add(counted_as(anomaly.entity.value))
            elif len(anomaly.clients) <= 3:
                self.clients.update(map(counted_as, anomaly.clients))
        if len(self.carriers) < MOST_CLIENTS:
            self.carriers |= carriers_of(anomaly)
        self.counts[anomaly.type] = self.counts.get(anomaly.type, 0.0) + anomaly.observed
        known = self.worst.get(anomaly.type)
        if known is None or (anomaly.severity.rank, anomaly.score) > (known.severity.rank, known.score):
            self.worst[anomaly.type] = anomaly

    @property
    def probed(self) -> bool:
        """Whether something in it was hostile, and not only odd."""
        return any(map(is_probe, self.worst.values()))

    def concerns(self, clients: set[str]) -> bool:
        """Whether it is about one of some clients, or carried by one."""
        return not (clients.isdisjoint(self.clients) and clients.isdisjoint(self.carriers))

    @property
    def severity(self) -> Severity:
        """The worst anomaly's; one grade higher when attacks and a disturbance meet in it."""
        worst = max((a.severity for a in self.worst.values()), key=lambda s: s.rank)
        kinds = {_disturbs(a) for a in self.worst.values() if a.severity is worst}
        if kinds == {True, False} and worst is Severity.MEDIUM:
            return Severity.HIGH
        return worst

    def is_otherwise(self, anomaly: Anomaly) -> bool:
        """Whether this is of requests alone and the anomaly of flows, or the other way round."""
        return all(own.of_flows is not anomaly.of_flows for own in self.worst.values())

    @property
    def ranked(self) -> list[Anomaly]:
        """The worst anomaly of each type, the worst first."""
        return sorted(
            self.worst.values(), key=lambda a: (-a.severity.rank, a.type in SYMPTOMS, -a.score, a.type)
        )

    def finish(self, *, closed: bool) -> Incident:
        """The incident as it stands."""
        ranked = self.ranked
        entities = sorted(self.entities, key=lambda e: (-self.entities[e], e))
        return Incident(
            id=self.id,
            title=title(
                self.kind,
                ranked,
                entities,
                sorted(self.services),
                crowded=self.crowded,
            ),
            severity=self.severity,
            score=max(a.score for a in ranked),
            start=self.start,
            end=self.end,
            state=IncidentState.CLOSED if closed else IncidentState.OPEN,
            types=tuple(a.type for a in ranked),
            services=tuple(sorted(self.services)),
            entities=tuple(entities[:100]),
            anomaly_ids=tuple(self.anomalies),
            summary=summarise(
                self.kind,
                ranked,
                self.counts,
                entities,
                crowded=self.crowded,
                apart=self.apart,
                probes=self.probes,
            ),
            advice=advise(self.kind, ranked),
            requests=self.requests,
        )


def _disturbs(anomaly: Anomaly) -> bool:
    """Whether a service is disturbed, and not only whoever does something to it."""
    return anomaly.type in DISTURBANCES and not (anomaly.type in PERSONAL and carriers_of(anomaly))


def carriers_of(anomaly: Anomaly) -> set[str]:
    """The clients that carry what an anomaly is about."""
    return {
        counted_as(c.value) for c in anomaly.contributions if c.dimension == "client" and c.share >= _CARRIES
    }


def counted_as(text: str) -> str:
    """Whom a client counts as: an IPv6 address as its /64, everybody else as themselves."""
    if ":" not in text or "/" in text:
        return text
    try:
        number = int(IPv6Address(text))
    except ValueError:
        # A host name that is known by its key alone.
        return text
    return f"{IPv6Address(number >> 64 << 64)}/64"


def network_of(text: str) -> str | None:
    """The network of a client, as providers give them to one customer: an IPv4 address's /24, the /48 of a /64.

    None of a host name.
    """
    try:
        if ":" in text:
            return f"{IPv6Address(int(IPv6Address(text.partition('/')[0])) >> 80 << 80)}/48"
        return f"{IPv4Address(int(IPv4Address(text)) >> 8 << 8)}/24"
    except ValueError:
        return None
