"""Which channels an incident goes to, and what tags it carries."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from vedette.config.alerts import AlertRoute, Alerts
from vedette.schema.anomaly import AnomalyType
from vedette.schema.incident import Incident


def concerns(incident: Incident, services: Sequence[str], types: Sequence[AnomalyType]) -> bool:
    """Whether an incident is on one of the services (patterns) and of one of the types; none given means any."""
    on = not services or any(fnmatchcase(name, pattern) for name in incident.services for pattern in services)
    return on and (not types or any(kind in types for kind in incident.types))


def covered(incident: Incident, services: Sequence[str], types: Sequence[AnomalyType]) -> bool:
    """Whether an incident is on the services (patterns) and no others, and of one of the types; none means any."""
    own = [msgspec.structs.replace(incident, services=(name,)) for name in incident.services]
    return all(concerns(each, services, types) for each in own or [incident])


def tags_of(incident: Incident, alerts: Alerts) -> Mapping[str, str]:
    """Tags of all incidents, then those of its services, later rules winning."""
    tags = dict(alerts.tags)
    for rule in alerts.service_tags:
        if concerns(incident, rule.services, ()):
            tags.update(rule.tags)
    return tags


def channels_of(incident: Incident, alerts: Alerts) -> tuple[str, ...]:
    """Names of the channels that are told of an incident; all of them where there are no routes."""
    if not alerts.routes:
        return tuple(channel.name for channel in alerts.channels.each())
    chosen: dict[str, None] = {}
    # What several services share concerns the people of each.
    for service in incident.services or ("",):
        own = msgspec.structs.replace(incident, services=(service,))
        chosen.update(dict.fromkeys(_of_one(own, alerts)))
    return tuple(chosen)


def _of_one(incident: Incident, alerts: Alerts) -> Iterator[str]:
    """The channels of the first route that matches, and of those behind it as long as these do not stop."""
    tags = tags_of(incident, alerts)
    for route in alerts.routes:
        if _matches(route, incident, tags):
            yield from route.channels
            if route.stop:
                return


def _matches(route: AlertRoute, incident: Incident, tags: Mapping[str, str]) -> bool:
    return (
        incident.severity.rank >= route.min_severity.rank
        and all(tags.get(name) == value for name, value in route.tags.items())
        and concerns(incident, route.services, route.types)
    )
