"""Why an incident is not told now, and until when."""

from collections.abc import Iterable

import msgspec

from vedette.channels.quiet import quiet_until
from vedette.channels.silences import Silence
from vedette.config.alerts import Alerts
from vedette.schema.incident import Incident


class Hold(msgspec.Struct, frozen=True):
    """`until`: microseconds since the epoch, UTC. `reason`: what holds it, in words."""

    until: int
    reason: str


def hold(
    incident: Incident, channel: str, alerts: Alerts, silences: Iterable[Silence], now: int
) -> Hold | None:
    """What keeps a channel from being told of an incident now; of several, what lasts longest."""
    holds = [
        Hold(silence.until, f"silence {silence.id}" + (f": {silence.reason}" if silence.reason else ""))
        for silence in silences
        if silence.covers(incident, now)
    ]
    for quiet in alerts.quiet_hours:
        if quiet.channels and channel not in quiet.channels:
            continue
        if incident.severity.rank >= quiet.passes.rank:
            continue
        until = quiet_until(quiet, now)
        if until is not None:
            holds.append(Hold(until, f"quiet hours from {quiet.start} to {quiet.end} ({quiet.timezone})"))
    return max(holds, key=lambda each: each.until, default=None)
