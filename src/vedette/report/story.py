"""What a person is told about an incident. Texts are as found: escape them where they are shown."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from itertools import pairwise

import msgspec

from vedette.explain.numbers import in_unit, percent
from vedette.explain.words import is_of_last_window
from vedette.incidents.kinds import SYMPTOMS
from vedette.report.moments import span
from vedette.schema.anomaly import Anomaly, AnomalyType, Contribution, Earlier, EntityKind, Evidence, Severity
from vedette.schema.findings import Findings
from vedette.schema.incident import Incident

ENTITIES_KEPT = 100
"""Entities that an incident names at most; with so many, there may be more."""
MOST_CONTRIBUTIONS = 4
MOST_EVIDENCE = 3
_NAMED = 3
_PLAINLY_ALL = 0.995
"""A share so large says no more than the name does."""
_SURE = ((0.95, "almost certain"), (0.8, "very likely"), (0.6, "likely"), (0.0, "possible"))


class Story(msgspec.Struct, frozen=True):
    """One incident, told.

    Attributes:
        incident: The incident.
        anomalies: Its anomalies, the worst first.
        target: Services, and the routes of a single one: `shop /login, /cart`, or `shop as a whole, and of it /login`.
        senders: Clients with what is known of their share, or None where the findings name none.
        sure: In words, from the score.
        earlier: When the like of its worst anomaly was there before, and how much then; None if never.
        summary: The arithmetic, in a sentence or two.
        contributions: What carries the worst anomaly, the largest share first; empty where that is plain.
        evidence: Log lines, one of each kind of anomaly before a second of any.
        evidence_total: Requests that the incident rests on, at most.
        counted_once: Whether it is exactly so many: a request on which two anomalies rest counts with each.
    """

    incident: Incident
    anomalies: tuple[Anomaly, ...]
    target: str
    senders: str | None
    sure: str
    earlier: Earlier | None
    summary: str
    contributions: tuple[Contribution, ...]
    evidence: tuple[Evidence, ...]
    evidence_total: int
    counted_once: bool


def stories(findings: Findings) -> Iterator[Story]:
    """Every incident's story, the worst incident first."""
    by_id = {anomaly.id: anomaly for anomaly in findings.anomalies}
    for incident in ranked(findings.incidents):
        yield story_of(incident, (by_id[i] for i in incident.anomaly_ids if i in by_id))


def before(story: Story, zone: tzinfo) -> str | None:
    """When the like of an incident was there before, and how much then."""
    if story.earlier is None:
        return None
    when, most = span(story.earlier.start, story.earlier.end, zone), story.earlier.observed
    first = story.anomalies[0]
    return when if most is None else f"{when}, {in_unit(most, first.unit)} {extreme(first.type)}"


def extreme(kind: AnomalyType) -> str:
    """What `Earlier.observed` is among all that was observed then."""
    return "at least" if kind is AnomalyType.TRAFFIC_DROP else "at most"


def ranked(incidents: Iterable[Incident]) -> list[Incident]:
    """Incidents, the worst first; of equals, the surest, then the earliest."""
    return sorted(incidents, key=lambda i: (-i.severity.rank, -i.score, i.start, i.id))


def worst(incidents: Iterable[Incident]) -> Severity:
    """The highest severity of at least one incident."""
    return max((i.severity for i in incidents), key=lambda severity: severity.rank)


def sureness(score: float) -> str:
    """A score in words."""
    return next((word for least, word in _SURE if score >= least), _SURE[-1][1])


def some(names: Iterable[str], thing: str = "", *, at_least: bool = False, named: int = _NAMED) -> str:
    """The first few of many: `a, b, c and 4 more`.

    Args:
        names: All names.
        thing: What one of them is, to call the others by.
        at_least: Whether there may be more names than these.
        named: How many are named.
    """
    every = list(names)
    rest = len(every) - named
    if rest <= 0:
        return ", ".join(every)
    count = f"at least {rest:,}" if at_least else f"{rest:,}"
    others = f" {thing}{'s' if rest > 1 or at_least else ''}" if thing else ""
    return f"{', '.join(every[:named])} and {count} more{others}"


def story_of(incident: Incident, found: Iterable[Anomaly]) -> Story:
    """One incident's story, from those of its anomalies that are at hand."""
    anomalies = sorted(found, key=lambda a: (-a.severity.rank, a.type in SYMPTOMS, -a.score, a.start, a.id))
    return Story(
        incident=incident,
        anomalies=tuple(anomalies),
        target=_target(incident, anomalies),
        senders=_senders(incident, anomalies),
        sure=f"{sureness(incident.score)} (score {incident.score:.2f} of 1)",
        earlier=anomalies[0].earlier if anomalies else None,
        summary=incident.summary or (anomalies[0].description if anomalies else ""),
        contributions=_contributions(anomalies),
        evidence=tuple(_evidence(anomalies)),
        evidence_total=incident.requests or sum(a.evidence_total for a in anomalies if not a.of_flows),
        counted_once=len(anomalies) == len(incident.anomaly_ids) and _apart(anomalies),
    )


def _apart(anomalies: list[Anomaly]) -> bool:
    """Whether no two of them are of the same time."""
    spans = sorted((a.start, a.end) for a in anomalies)
    return all(end <= start for (_, end), (start, _) in pairwise(spans))


def _target(incident: Incident, anomalies: list[Anomaly]) -> str:
    services = some(incident.services, "service")
    routes = dict.fromkeys(a.route for a in anomalies if a.route is not None)
    if len(incident.services) != 1 or not routes:
        return services or "not known"
    if anomalies[0].entity.kind is EntityKind.SERVICE and anomalies[0].route is None:
        # Else what is said of the service would look as if it were said of some route.
        return f"{services} as a whole, and of it {some(routes, 'route')}"
    return f"{services} {some(routes, 'route')}"


def _senders(incident: Incident, anomalies: list[Anomaly]) -> str | None:
    named = [e.value for e in incident.entities if e.kind in (EntityKind.CLIENT, EntityKind.PREFIX)]
    if named:
        return some(named, "client", at_least=len(incident.entities) >= ENTITIES_KEPT)
    listed = Counter(client for anomaly in anomalies for client in anomaly.clients)
    if not listed:
        return None
    # A last window is not all of it.
    carried = () if is_of_last_window(anomalies[0]) else _contributions(anomalies)
    shares = {c.value: c.share for c in carried if c.dimension == "client" and c.share < _PLAINLY_ALL}
    first = [
        f"{name} ({percent(shares[name])} of it)" if name in shares else name
        for name, _ in sorted(listed.items(), key=lambda item: (-shares.get(item[0], 0.0), -item[1]))
    ]
    # An anomaly lists its ten heaviest clients only.
    return some(first, "client", at_least=any(len(a.clients) >= 10 for a in anomalies))


def _contributions(anomalies: list[Anomaly]) -> tuple[Contribution, ...]:
    """The largest of the worst anomaly: another's are shares of something else than its sentence tells of.

    None if all that they say is who it is about.
    """
    if not anomalies:
        return ()
    worst = anomalies[0]
    if all(c.value in (worst.entity.value, worst.route) for c in worst.contributions):
        return ()
    return tuple(sorted(worst.contributions, key=lambda c: -c.share)[:MOST_CONTRIBUTIONS])


def _evidence(anomalies: list[Anomaly]) -> Iterator[Evidence]:
    proven = [anomaly for anomaly in anomalies if anomaly.evidence]
    # Where requests are counted, they are shown, and not the packets that carried them.
    proven = [anomaly for anomaly in proven if not anomaly.of_flows] or proven
    kinds = {anomaly.type: anomaly.evidence for anomaly in reversed(proven)}
    order = [kinds[kind] for kind in dict.fromkeys(a.type for a in anomalies) if kind in kinds]
    seen: set[tuple[str, int]] = set()
    for place in range(MOST_EVIDENCE):
        for lines in order:
            if place < len(lines) and len(seen) < MOST_EVIDENCE:
                line = lines[place]
                if (line.source, line.line) not in seen:
                    seen.add((line.source, line.line))
                    yield line
