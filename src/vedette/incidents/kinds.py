"""What an anomaly is about, and so what an incident that it opens is about."""

from enum import StrEnum

from vedette.schema.anomaly import Anomaly, AnomalyType, EntityKind, Severity

SYMPTOMS = frozenset(
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
PERSONAL = frozenset({AnomalyType.RESPONSE_TIME_ANOMALY, AnomalyType.STATUS_CODE_ANOMALY})
"""Symptoms that are nobody else's where one client carries them."""
SPREADING = SYMPTOMS - {AnomalyType.TRAFFIC_SPIKE, AnomalyType.UNUSUAL_PATTERN}
"""Symptoms that pass from a service to those that ask it. Jobs on the hour may come to several by themselves."""
DISTURBANCES = SYMPTOMS | {AnomalyType.DDOS_ATTACK, AnomalyType.DATA_EXFILTRATION}
"""What disturbs a service: what happens to it, and what does so by its very volume."""
OF_ALL = (SYMPTOMS | {AnomalyType.DDOS_ATTACK}) - {AnomalyType.UNUSUAL_PATTERN}
"""What happens to all clients of a service, and makes each of them unlike what clients were."""
OF_OTHERS = frozenset({AnomalyType.BEHAVIORAL_ANOMALY, AnomalyType.SEQUENCE_ANOMALY})
"""What is said of a client by what the others are like."""
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
OF_HOSTS = frozenset({AnomalyType.NEW_DESTINATION})
"""What hosts of one's own do, and no stranger: no part of the weather, however slight."""
IN_COMPANY = (_MANNERS - {AnomalyType.BRUTE_FORCE}) | {AnomalyType.DATA_EXFILTRATION}
"""What neighbours in a network do by one program; who guesses passwords is told by how far they get."""
TOLD_APART = 5
"""Incidents of passing attacks on a service that are told one by one in `LATELY_DAYS`, unless told otherwise; further
ones are a crowd."""
LATELY_DAYS = 30


class Kind(StrEnum):
    """Whom or what an incident is about: a client, a service, the weather of the internet, or a custom rule's.

    A crowd is of attackers too many to be told one by one.
    """

    CLIENT = "client"
    SERVICE = "service"
    BACKGROUND = "background"
    CROWD = "crowd"
    RULE = "rule"


def kind_of(anomaly: Anomaly) -> Kind:
    """What kind of incident an anomaly opens."""
    if anomaly.by_rule:
        return Kind.RULE
    if anomaly.severity is Severity.LOW and anomaly.type not in DISTURBANCES | _MANNERS:
        return Kind.BACKGROUND
    return Kind.CLIENT if anomaly.entity.kind is EntityKind.CLIENT else Kind.SERVICE


def is_aimed(anomaly: Anomaly) -> bool:
    """Whether somebody attacks what visitors of the site use, and not what may be there on any."""
    return anomaly.unit == "hostile_requests" and anomaly.route is not None


def is_probe(anomaly: Anomaly) -> bool:
    """Whether somebody sent what is hostile to any site, and not what is only odd of one."""
    return anomaly.unit == "hostile_requests"


def is_passing(anomaly: Anomaly) -> bool:
    """Whether somebody attacks, guesses or tries ports as many do: too little, or too little answered, to be severe.

    Who tries the ports of a network from within is none of the many, nor are guesses that many share one of theirs.
    """
    attacks = anomaly.unit == "hostile_requests"
    attacks |= anomaly.type is AnomalyType.BRUTE_FORCE and anomaly.entity.kind is not EntityKind.HOST
    attacks |= anomaly.type is AnomalyType.PORT_SCAN and bool(anomaly.details.get("outside"))
    return attacks and anomaly.severity.rank <= Severity.MEDIUM.rank
