"""Which anomalies are one incident.

Anomalies come in order of their windows. One joins an open incident that has been quiet for no longer than the
gap, by the first of these that holds:

1. it is about a client that the incident is about;
2. it is about a service or route whose service the incident disturbs, and both are disturbances (errors, latency,
   volume, floods); a flood and the other disturbances of its service are one, whoever floods;
3. one of them is about a client, the other a disturbance of its service that this client mostly carries;
4. one of them is of flows and the other of requests, and the same client mostly carries both, whatever their services:
   what a capture shows of a client and what a log does are the same client's doing;
5. it is a low-severity probe, and the incident collects those of its service: the weather of the internet is one
   incident, not one per sender.

Requests know IPv6 clients by their /64, and flows by their address: both are taken by the /64.

What a custom rule states only ever joins an incident of the same rule and service: a rule that always holds must not
tie together what has nothing to do with each other.

Otherwise it opens a new one. The result depends on the anomalies alone, not on when they were handed over.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv6Address

import msgspec

from vedette.incidents.words import advise, summarise, title
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind, Severity
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.state import check, decode, encode

_DISTURBANCES = frozenset(
    {
        AnomalyType.ERROR_SPIKE,
        AnomalyType.LATENCY_SPIKE,
        AnomalyType.TRAFFIC_SPIKE,
        AnomalyType.TRAFFIC_DROP,
        AnomalyType.DDOS_ATTACK,
        AnomalyType.DATA_EXFILTRATION,
        AnomalyType.RESPONSE_TIME_ANOMALY,
        AnomalyType.STATUS_CODE_ANOMALY,
        AnomalyType.UNUSUAL_PATTERN,
    }
)
_SYMPTOMS = frozenset(
    {
        AnomalyType.ERROR_SPIKE,
        AnomalyType.LATENCY_SPIKE,
        AnomalyType.TRAFFIC_SPIKE,
        AnomalyType.TRAFFIC_DROP,
        AnomalyType.RESPONSE_TIME_ANOMALY,
        AnomalyType.STATUS_CODE_ANOMALY,
        AnomalyType.UNUSUAL_PATTERN,
    }
)
"""What happens to a service; of equal severity, who or what does it is told first."""
_MANNERS = frozenset(
    {
        AnomalyType.BOT_ACTIVITY,
        AnomalyType.BRUTE_FORCE,
        AnomalyType.RATE_LIMIT_ABUSE,
        AnomalyType.SUSPICIOUS_CLIENT,
        AnomalyType.BEHAVIORAL_ANOMALY,
        AnomalyType.SEQUENCE_ANOMALY,
    }
)
"""What one client does for a while; no probe, however slight."""
_CARRIES = 0.3
"""Share of a disturbance from which the client that carries it is its cause."""
MOST_CLIENTS = 1_000
"""Clients remembered for an incident; later ones join it by service only."""
MOST_NAMED = 10_000
"""Entities, and ids of anomalies, that an incident names; further ones are counted. Some incidents never end."""
MOST_OPEN = 2_000
"""Incidents open at once; for a further one, that which has been quiet longest closes early."""


class _Kind(StrEnum):
    CLIENT = "client"
    SERVICE = "service"
    BACKGROUND = "background"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class GroupingSettings:
    """How long an incident may be quiet and still go on, microseconds."""

    gap: int = 15 * 60_000_000
    background_gap: int = 24 * 3600 * 1_000_000


@dataclass(slots=True)
class Draft:
    """An incident while anomalies still join it.

    Attributes:
        anomalies: Ids, in order. worst: for each type, its anomaly of highest severity and score.
        unnamed: Anomalies that are not among `anomalies`. crowded: Whether there are entities beyond `entities`.
        budgeted: Whether one rests on a threshold of the budget, or of a z-score.
        changed: Whether one joined since this was last handed out.
        told: Rank of the severity that was told last, -1 before any was.
        requests: That it rests on; packets and connections of flows are none.
    """

    kind: _Kind
    first: Anomaly
    start: int
    end: int
    services: set[str] = field(default_factory=set)
    clients: set[str] = field(default_factory=set)
    carriers: set[str] = field(default_factory=set)
    entities: dict[Entity, int] = field(default_factory=dict)
    anomalies: list[str] = field(default_factory=list)
    worst: dict[AnomalyType, Anomaly] = field(default_factory=dict)
    counts: dict[AnomalyType, float] = field(default_factory=dict)
    requests: int = 0
    unnamed: int = 0
    crowded: bool = False
    budgeted: bool = False
    changed: bool = True
    told: int = -1

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
        if not anomaly.of_flows:
            self.requests += anomaly.evidence_total
        if len(self.clients) < MOST_CLIENTS:
            if anomaly.entity.kind is EntityKind.CLIENT:
                self.clients.add(_client(anomaly.entity.value))
            elif len(anomaly.clients) <= 3:
                self.clients.update(map(_client, anomaly.clients))
        if len(self.carriers) < MOST_CLIENTS:
            self.carriers |= _carriers(anomaly)
        self.counts[anomaly.type] = self.counts.get(anomaly.type, 0.0) + anomaly.observed
        known = self.worst.get(anomaly.type)
        if known is None or (anomaly.severity.rank, anomaly.score) > (known.severity.rank, known.score):
            self.worst[anomaly.type] = anomaly

    @property
    def severity(self) -> Severity:
        """The worst anomaly's; one grade higher when attacks and a disturbance meet in it."""
        worst = max((a.severity for a in self.worst.values()), key=lambda s: s.rank)
        kinds = {t in _DISTURBANCES for t, a in self.worst.items() if a.severity is worst}
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
            self.worst.values(), key=lambda a: (-a.severity.rank, a.type in _SYMPTOMS, -a.score, a.type)
        )

    def finish(self, *, closed: bool) -> Incident:
        """The incident as it stands."""
        ranked = self.ranked
        entities = sorted(self.entities, key=lambda e: (-self.entities[e], e))
        return Incident(
            id=self.id,
            title=title(
                self.kind is _Kind.BACKGROUND,
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
                self.kind is _Kind.BACKGROUND, ranked, self.counts, entities, crowded=self.crowded
            ),
            advice=advise(self.kind is _Kind.BACKGROUND, ranked),
            requests=self.requests,
        )


class _KeptDraft(msgspec.Struct, frozen=True, array_like=True):
    """A `Draft` as a part of a state; what has no order is sorted."""

    kind: _Kind
    first: Anomaly
    end: int
    services: list[str]
    clients: list[str]
    carriers: list[str]
    entities: list[tuple[Entity, int]]
    anomalies: list[str]
    worst: list[Anomaly]
    counts: list[tuple[AnomalyType, float]]
    requests: int
    unnamed: int
    crowded: bool
    budgeted: bool
    changed: bool
    told: int
    start: int | None = None

    @classmethod
    def of(cls, draft: Draft) -> "_KeptDraft":
        return cls(
            draft.kind,
            draft.first,
            draft.end,
            sorted(draft.services),
            sorted(draft.clients),
            sorted(draft.carriers),
            list(draft.entities.items()),
            draft.anomalies,
            list(draft.worst.values()),
            list(draft.counts.items()),
            draft.requests,
            draft.unnamed,
            draft.crowded,
            draft.budgeted,
            draft.changed,
            draft.told,
            draft.start,
        )

    def draft(self) -> Draft:
        check(
            bool(self.worst) and {a.type for a in self.worst} == {kind for kind, _ in self.counts},
            "incidents",
        )
        return Draft(
            self.kind,
            self.first,
            self.first.start if self.start is None else self.start,
            self.end,
            set(self.services),
            set(self.clients),
            set(self.carriers),
            dict(self.entities),
            self.anomalies,
            {anomaly.type: anomaly for anomaly in self.worst},
            dict(self.counts),
            self.requests,
            self.unnamed,
            self.crowded,
            self.budgeted,
            self.changed,
            self.told,
        )


def _carriers(anomaly: Anomaly) -> set[str]:
    return {
        _client(c.value) for c in anomaly.contributions if c.dimension == "client" and c.share >= _CARRIES
    }


def _client(text: str) -> str:
    """Whom a client counts as: an IPv6 address as its /64, everybody else as themselves."""
    if ":" not in text or "/" in text:
        return text
    try:
        number = int(IPv6Address(text))
    except ValueError:
        # A host name that is known by its key alone.
        return text
    return f"{IPv6Address(number >> 64 << 64)}/64"


def stating_order(anomaly: Anomaly) -> tuple[bool, bool, bool, int, str]:
    """The order in which the anomalies of one window are grouped: causes before what they cause.

    Who does something comes before what happens to a service, that before its routes, and what is slight last, so
    that it joins the incident of what is not.
    """
    slight = anomaly.severity is Severity.LOW
    own = anomaly.entity.kind is not EntityKind.CLIENT
    return slight, anomaly.route is not None, own, -anomaly.severity.rank, anomaly.id


class Grouper:
    """Builds incidents from anomalies in order of their windows."""

    def __init__(self, settings: GroupingSettings | None = None) -> None:
        self.settings = settings or GroupingSettings()
        self.unnamed = 0
        """Anomalies that closed incidents do not name."""
        self._open: list[Draft] = []

    def add(self, anomaly: Anomaly, begun: int | None = None) -> str:
        """Put an anomaly where it belongs; returns the incident's id.

        Args:
            begun: When the window began that it is of, if incidents that were over by then may not be closed yet.
        """
        kind = _kind(anomaly)
        since = anomaly.start if begun is None else max(anomaly.start, begun)
        who = _client(anomaly.entity.value)
        near = self._near(kind, anomaly, who)
        if len(near) > 1:
            # What somebody is known for comes before the weather.
            near.sort(key=_is_weather)
        for draft in near:
            if since - draft.end <= self.gap(draft) and self._belongs(draft, kind, anomaly, who):
                draft.add(anomaly)
                return draft.id
            if (
                kind is _Kind.CLIENT
                and draft.kind is _Kind.BACKGROUND
                and draft.clients == {who}
                and since - draft.end <= self.settings.gap
            ):
                # The weather was this client all along.
                draft.kind = _Kind.CLIENT
                draft.add(anomaly)
                return draft.id
        draft = Draft(kind, anomaly, anomaly.start, anomaly.end)
        draft.add(anomaly)
        self._open.append(draft)
        return draft.id

    def close(self, time: int) -> list[Draft]:
        """Hand out incidents that have been quiet for longer than their gap at event time `time`."""
        quiet = [d for d in self._open if time - d.end > self.gap(d)]
        if quiet:
            self._open = [d for d in self._open if time - d.end <= self.gap(d)]
        if len(self._open) > MOST_OPEN:
            # Stable: of equals, the one that opened first.
            early = sorted(self._open, key=lambda d: d.end)[: len(self._open) - MOST_OPEN]
            quiet += early
            gone = set(map(id, early))
            self._open = [d for d in self._open if id(d) not in gone]
        self.unnamed += sum(d.unnamed for d in quiet)
        return quiet

    @property
    def drafts(self) -> list[Draft]:
        """Those that may still go on, in the order in which they opened."""
        return self._open

    def to_state(self) -> bytes:
        """The incidents that may still go on, as bytes."""
        return encode((self.unnamed, [_KeptDraft.of(draft) for draft in self._open]))

    def from_state(self, content: bytes) -> None:
        """Take over what `to_state` gave.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        self.unnamed, self._open = 0, []
        self.adopt(content)

    def adopt(self, content: bytes) -> None:
        """Go on with another's incidents beside one's own; `content` is from its `to_state`.

        Raises:
            StateError: Damaged; see `vedette.schema.state`.
        """
        unnamed, kept = decode(content, tuple[int, list[_KeptDraft]], "incidents")
        self.unnamed += unnamed
        self._open += [one.draft() for one in kept]

    def gap(self, draft: Draft) -> int:
        """How long an incident may be quiet and still go on, microseconds."""
        return self.settings.background_gap if draft.kind is _Kind.BACKGROUND else self.settings.gap

    def over(self, draft: Draft) -> int:
        """From when on an incident is over unless something joins it, microseconds."""
        return draft.end + self.gap(draft)

    def _near(self, kind: _Kind, anomaly: Anomaly, who: str) -> list[Draft]:
        """The open incidents that `_belongs` has to look at: where many are open, none of the others takes anything."""
        service = anomaly.service
        if kind is _Kind.CLIENT:
            return [
                d
                for d in self._open
                if who in d.clients
                or who in d.carriers
                or (service in d.services and d.kind is _Kind.SERVICE)
            ]
        if kind is _Kind.SERVICE:
            carriers = _carriers(anomaly)
            return [
                d
                for d in self._open
                if d.kind in _NOT_ALONE and (service in d.services or _among(carriers, d))
            ]
        return [d for d in self._open if (service in d.services and d.kind is kind) or who in d.clients]

    def _belongs(self, draft: Draft, kind: _Kind, anomaly: Anomaly, who: str) -> bool:
        if _Kind.RULE in (draft.kind, kind):
            same = anomaly.detector == draft.first.detector and anomaly.service in draft.services
            return draft.kind is kind and same
        known = anomaly.entity.kind is EntityKind.CLIENT and who in draft.clients
        if known and draft.kind is not _Kind.BACKGROUND:
            return True
        if _Kind.BACKGROUND in (draft.kind, kind):
            return draft.kind is kind and anomaly.service in draft.services
        if anomaly.service not in draft.services:
            return draft.is_otherwise(anomaly) and _carried_alike(draft, kind, anomaly, who)
        if kind is _Kind.SERVICE and draft.kind is _Kind.SERVICE:
            return True
        flood = AnomalyType.DDOS_ATTACK
        if (kind is _Kind.SERVICE and flood in draft.worst) or (
            anomaly.type is flood and draft.kind is _Kind.SERVICE
        ):
            return True
        if kind is _Kind.SERVICE:
            return bool(_carriers(anomaly) & draft.clients)
        return who in draft.carriers


def _carried_alike(draft: Draft, kind: _Kind, anomaly: Anomaly, who: str) -> bool:
    """Whether who carries an incident is who carries, or does, what an anomaly is about."""
    return who in draft.carriers if kind is _Kind.CLIENT else _among(_carriers(anomaly), draft)


def _among(clients: set[str], draft: Draft) -> bool:
    """Whether an incident is about one of some clients, or carried by one."""
    return not (clients.isdisjoint(draft.clients) and clients.isdisjoint(draft.carriers))


_NOT_ALONE = (_Kind.SERVICE, _Kind.CLIENT)


def _is_weather(draft: Draft) -> bool:
    return draft.kind is _Kind.BACKGROUND


def _kind(anomaly: Anomaly) -> _Kind:
    if anomaly.by_rule:
        return _Kind.RULE
    if anomaly.severity is Severity.LOW and anomaly.type not in _DISTURBANCES | _MANNERS:
        return _Kind.BACKGROUND
    return _Kind.CLIENT if anomaly.entity.kind is EntityKind.CLIENT else _Kind.SERVICE
