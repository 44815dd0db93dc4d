"""Incidents, notices and rules as the tests make them."""

from typing import Any

from vedette.channels.channel import ChannelRule
from vedette.channels.plan import Rules
from vedette.channels.silences import Silence, configured
from vedette.config.alerts import Alerts
from vedette.schema.anomaly import AnomalyType, Entity, EntityKind, Severity
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Change, Notice

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
START = 1_777_629_600 * SECOND
"""2026-05-01T10:00Z, a Friday."""


def incident(name: str = "i1", severity: Severity = Severity.HIGH, **changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": name,
        "title": "Errors on shop /cart",
        "severity": severity,
        "score": 0.97,
        "start": START,
        "end": START + 5 * MINUTE,
        "state": IncidentState.OPEN,
        "types": (AnomalyType.ERROR_SPIKE,),
        "services": ("shop",),
        "entities": (Entity(EntityKind.ROUTE, "/cart"),),
        "anomaly_ids": ("a1",),
        "summary": "One route of shop fails.",
        "advice": ("Look at the failing route's application log.",),
        "requests": 1234,
    }
    return Incident(**values | changes)


def notice(
    change: Change = Change.OPENED,
    about: Incident | None = None,
    *,
    time: int = START,
    description: str = "41 % of 1,234 requests failed; at most 5 % were expected",
    route: str | None = "/cart",
) -> Notice:
    about = incident() if about is None else about
    breadth = len(about.services) + len(about.types) if change is Change.WIDENED else ""
    return Notice(
        id=f"{about.id}.{change.value}{breadth}.{about.severity.value}",
        change=change,
        incident=about,
        route=route,
        anomaly_id="a1",
        description=description,
        time=time,
    )


def alerts(**keys: Any) -> Alerts:
    """A configuration's `alerts` from plain values."""
    import json

    return Alerts.model_validate_json(json.dumps(keys))


def rules(
    configuration: Alerts | None = None,
    *channels: ChannelRule,
    silences: tuple[Silence, ...] = (),
    seed: int = 0,
) -> Rules:
    """Rules for these channels; where the configuration has none, they stand in it as webhooks."""
    configuration = alerts(group_wait_s=0) if configuration is None else configuration
    if not configuration.channels.each():
        hooks = [{"name": each.name, "url": "https://h.example/"} for each in channels]
        named = alerts(channels={"webhook": hooks}).channels
        configuration = configuration.model_copy(update={"channels": named})
    return Rules(configuration, {c.name: c for c in channels}, (*configured(configuration), *silences), seed)


CHAT = ChannelRule("chat", digests=True, resolves=False, per_hour=30)
PAGER = ChannelRule("pager", digests=False, resolves=True, per_hour=None)
