"""What an incident is called, its summary, and what to do next."""

from collections.abc import Mapping, Sequence

from vedette.incidents.kinds import LATELY_DAYS, OF_HOSTS, OF_OTHERS, TOLD_APART, Kind
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind

_INJECTION = "Check the application log and the database for what these requests did; look first at those answered 2xx."
_COMBINED = "Look at what changed in that minute: a release, a cache, a client that asks for other things."
_ADVICE = {
    AnomalyType.SQL_INJECTION: _INJECTION,
    AnomalyType.COMMAND_INJECTION: "Look for new processes and files on the hosts that answered; rotate their secrets.",
    AnomalyType.LOG4SHELL: "Confirm that every Java service runs a fixed Log4j, and look for outgoing LDAP and DNS.",
    AnomalyType.WEBSHELL: "Check whether the requested file exists; if it does, take the host out of service.",
    AnomalyType.PATH_TRAVERSAL: "Check the size of the 2xx answers: did any return a file it should not have?",
    AnomalyType.FILE_INCLUSION: "Check the size of the 2xx answers: did any return a file it should not have?",
    AnomalyType.SSRF: "Check outgoing requests of the service to metadata and internal addresses.",
    AnomalyType.SENSITIVE_FILE: "Make sure that none of the requested files is served; rotate secrets in any that is.",
    AnomalyType.SCANNER: "If the scan is not yours, limit or block the sender; then fix what answered 2xx.",
    AnomalyType.ERROR_SPIKE: "Look at the failing route's application log, and at what was deployed just before.",
    AnomalyType.LATENCY_SPIKE: "Look at the slow route's dependencies (database, upstreams) and at saturation.",
    AnomalyType.TRAFFIC_SPIKE: "Check for a campaign or a mention; make sure that there is capacity.",
    AnomalyType.TRAFFIC_DROP: "Check that clients still reach the service: DNS, certificates, balancer, log shipping.",
    AnomalyType.DDOS_ATTACK: "Limit the rate of the named clients and route at the edge; keep known clients in.",
    AnomalyType.BRUTE_FORCE: "Limit login attempts for the sender, and check the accounts that it got into (3xx, 2xx).",
    AnomalyType.RATE_LIMIT_ABUSE: "Find the owner of the client, or lengthen its back-off at the edge.",
    AnomalyType.BOT_ACTIVITY: "Decide whether you want this bot; if not, limit its rate or ask it for proof of work.",
    AnomalyType.BEHAVIORAL_ANOMALY: "Look at what this client asked for; if it is one of yours, train again.",
    AnomalyType.SEQUENCE_ANOMALY: "Look at what this client did step by step: does the site allow what it should not?",
    AnomalyType.RESPONSE_TIME_ANOMALY: "Look at what changed on the route; times far too short are often errors.",
    AnomalyType.STATUS_CODE_ANOMALY: "Look at what answers with these statuses: a release, a proxy in front, a client.",
    AnomalyType.ABNORMAL_REQUEST: "Check that what was asked for is meant to take this; a release explains it, too.",
    AnomalyType.DATA_EXFILTRATION: "Find out what was downloaded, by which account, and whether it should have been.",
    AnomalyType.PORT_SCAN: "If the scan is not yours, block the sender; check what it got answers from.",
    AnomalyType.SYN_FLOOD: "Turn on SYN cookies, and ask your provider to filter; look at the half-open connections.",
    AnomalyType.AMPLIFICATION: "Ask your provider to filter the reflected port; close open reflectors of your own.",
    AnomalyType.BEACONING: "Find the program on the host that calls home, and whether it should.",
    AnomalyType.TUNNEL: "Find the program on the host that talks in it; filter where such traffic has no business.",
    AnomalyType.PACKET_LOSS: "Look at interface errors, drops and saturation on the way.",
    AnomalyType.HIGH_LATENCY: "Look at saturation on the way, and at the servers that answer late.",
    AnomalyType.PROTOCOL_ANOMALY: "Find out which hosts carry the protocol that grew.",
    AnomalyType.LONG_LIVED_CONNECTION: "Find out what the connection is for; limit idle time at the server.",
    AnomalyType.NEW_DESTINATION: "Find out what on the host talks there, and whether it should.",
}


def _named(anomaly: Anomaly) -> str:
    """What a type is called; a custom rule by its own name."""
    if anomaly.by_rule:
        return f"rule {anomaly.details['rule']}"
    return "unusual combination" if anomaly.type is AnomalyType.UNUSUAL_PATTERN else anomaly.type.label


def _only_odd(ranked: Sequence[Anomaly]) -> bool:
    """Whether all that was stated is odd, requests or places that hosts go to, and no probe as far as is known."""
    return all(a.unit == "abnormal_requests" or a.type in OF_HOSTS for a in ranked)


_SILENT = "Look whether the service runs on the host, and whether the host and the way to it are up."
"""Advice on a service of which flows tell that it does not answer."""
_FEW = 3
_A_SCAN = 5
"""Kinds of attack from which an incident is called a scan."""


def _client(entities: Sequence[Entity], *, crowded: bool) -> str | None:
    clients = [e.value for e in entities if e.kind is EntityKind.CLIENT]
    if not clients:
        return None
    rest = f"{'more than ' if crowded else ''}{len(clients) - 1} more"
    return clients[0] if len(clients) == 1 else f"{clients[0]} and {rest}"


def title(
    kind: Kind,
    ranked: Sequence[Anomaly],
    entities: Sequence[Entity],
    services: Sequence[str],
    *,
    crowded: bool = False,
) -> str:
    """A line that says what, on what, from whom.

    Args:
        kind: Whom or what the incident is about.
        ranked: The worst anomaly of each type, worst first.
        entities: Who and what is involved, most often first.
        services: Services involved.
        crowded: Whether there are more entities.
    """
    where = _where(kind, ranked, services)
    senders = sum(e.kind is EntityKind.CLIENT for e in entities)
    if kind is Kind.CROWD:
        many = f" by {_clients(senders, crowded=crowded)}" if senders else ""
        return _capital(f"{_manners(ranked)} on {where}{many}")
    if kind is Kind.BACKGROUND and not _only_odd(ranked):
        many = f" by {_clients(senders, crowded=crowded)}" if senders else ""
        return f"Background probing of {where}{many}"
    route = ranked[0].route
    place = f"{where} {route}" if route and len(services) == 1 else where
    if hosts := [e.value for e in entities if e.kind is EntityKind.HOST]:
        # Of a network, whom it happens to is where to look.
        place = hosts[0] if len(hosts) == 1 else f"{hosts[0]} and {len(hosts) - 1} more"
    # Of what happens to a service, a few who are seen in it may be its cause; many are whom it happens to.
    others = [a.type for a in ranked if a.entity.kind is EntityKind.CLIENT]
    happens = kind is Kind.SERVICE and senders > _FEW and OF_OTHERS.issuperset(others)
    who = None if happens else _client(entities, crowded=crowded)
    return _capital(f"{_what(ranked)} on {place}" + (f" by {who}" if who else ""))


def _where(kind: Kind, ranked: Sequence[Anomaly], services: Sequence[str]) -> str:
    if len(services) == 1:
        return services[0]
    if kind is Kind.SERVICE and services:
        # The one that is hit hardest is where to look first.
        more = len(services) - 1
        return f"{ranked[0].service} and {more} more service{'s' if more != 1 else ''}"
    return f"{len(services)} services"


def _manners(ranked: Sequence[Anomaly]) -> str:
    """What a crowd does."""
    manners = [a.type.label for a in ranked if a.type is not AnomalyType.SCANNER] or ["scan"]
    return manners[0] if len(manners) == 1 else f"{len(manners)} kinds of attack"


def _what(ranked: Sequence[Anomaly]) -> str:
    """What was found, three things at most."""
    names = [_named(a) for a in ranked]
    if sum(a.unit == "hostile_requests" for a in ranked) >= _A_SCAN:
        # Nobody attacks in so many ways at once by hand.
        kinds = sum(a.unit == "hostile_requests" and a.type is not AnomalyType.SCANNER for a in ranked)
        rest = [a for a in ranked if a.unit != "hostile_requests" and a.type is not AnomalyType.SCANNER]
        names = [f"scan with {kinds} kinds of attack", *(a.type.label for a in rest)]
    if len(names) > 3:
        names = [*names[:2], f"{len(names) - 2} other findings"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _clients(senders: int, *, crowded: bool) -> str:
    return f"{'more than ' if crowded else ''}{senders} client{'s' if senders != 1 else ''}"


def summarise(
    kind: Kind,
    ranked: Sequence[Anomaly],
    counts: dict[AnomalyType, float],
    entities: Sequence[Entity],
    *,
    crowded: bool = False,
    apart: int = TOLD_APART,
    probes: Mapping[str, float] | None = None,
) -> str:
    """What happened, in two or three sentences: the worst statement in full, the others counted.

    Args:
        kind, ranked, entities, crowded: As `title` takes them.
        counts: What was observed in all, by type.
        apart: Of a crowd: how many attackers were told one by one before.
        probes: Of background: how many probes there were, by service.
    """
    if kind is Kind.CROWD:
        # Guessed passwords are counted over minutes that overlap: no sum of theirs is a number of anything.
        parts = [
            f"{a.type.label} ({counts[a.type]:,.0f})" if a.unit == "hostile_requests" else a.type.label
            for a in ranked
        ]
        told = f"{', '.join(parts)}. The worst: {ranked[0].description}"
        if not apart:
            return f"Attacks that are not severe are told together here: {told}"
        before = f"{apart} attack{'s' if apart != 1 else ''} in {LATELY_DAYS} days {'were' if apart != 1 else 'was'}"
        return f"{before} told one by one; these, which are no more severe, are told together: {told}"
    if kind is Kind.BACKGROUND and not _only_odd(ranked):
        parts = [f"{a.type.label} ({counts[a.type]:,.0f})" for a in ranked]
        senders = sum(e.kind is EntityKind.CLIENT for e in entities)
        what = "connections" if all(a.of_flows for a in ranked) else "requests"
        whose = f"Few {what} each from {_clients(senders, crowded=crowded)}" if senders else f"Few {what}"
        return f"{whose}, none of it unusual for a public address: {', '.join(parts)}.{_places(probes or {})}"
    text = ranked[0].description
    if len(ranked) > 1:
        others = ", ".join(_named(a) for a in ranked[1:])
        text += f" Also: {others}."
    return text


def _places(probes: Mapping[str, float]) -> str:
    """Which services were probed most, where there are several."""
    if len(probes) < 2:
        return ""
    most = sorted(probes, key=lambda service: (-probes[service], service))[:_FEW]
    *rest, last = [f"{service} ({probes[service]:,.0f})" for service in most]
    return f" Of the probes of {len(probes)} services, most were of {', '.join(rest)} and {last}."


def advise(kind: Kind, ranked: Sequence[Anomaly]) -> tuple[str, ...]:
    """What to do next, for the worst types first."""
    if kind is Kind.BACKGROUND and not _only_odd(ranked):
        if all(a.of_flows for a in ranked):
            return ("Nothing now: make sure that only what has to be is reachable from outside.",)
        return ("Nothing now: make sure that none of the requested files exists.",)
    found: list[str] = []
    for anomaly in ranked:
        advice = _ADVICE.get(anomaly.type)
        if anomaly.type is AnomalyType.UNUSUAL_PATTERN and not anomaly.by_rule:
            advice = _COMBINED
        if anomaly.type is AnomalyType.ERROR_SPIKE and anomaly.of_flows:
            advice = _SILENT
        if advice and advice not in found:
            found.append(advice)
    return tuple(found[:3] or (_INJECTION,))
