"""The message that tries a channel out."""

from vedette.schema.anomaly import AnomalyType, Entity, EntityKind, Severity
from vedette.schema.incident import Incident, IncidentState
from vedette.schema.live import Change, Notice
from vedette.schema.spans import MINUTE_US


def trial(change: Change, now: int) -> Notice:
    """A change of an incident that says of itself that there is none. `now`: microseconds since the epoch, UTC."""
    closed = change is Change.CLOSED
    about = Incident(
        # Another one each time, so that no channel takes it for a repetition.
        id=f"test-{now}",
        title="Test message from Vedette",
        severity=Severity.LOW,
        score=0.0,
        start=now - MINUTE_US,
        end=now,
        state=IncidentState.CLOSED if closed else IncidentState.OPEN,
        types=(AnomalyType.UNUSUAL_PATTERN,),
        services=("vedette-test",),
        entities=(Entity(EntityKind.SERVICE, "vedette-test"),),
        anomaly_ids=(),
        summary="This is a test. Nothing is wrong.",
        advice=("There is nothing to do.",),
    )
    return Notice(
        id=f"{about.id}.{change.value}.{about.severity.value}",
        change=change,
        incident=about,
        description=about.summary,
        time=now,
    )
