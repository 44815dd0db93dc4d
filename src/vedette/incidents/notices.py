"""What somebody may want to be told of an incident: that it opened, grew worse, or closed."""

from vedette.incidents.draft import Draft
from vedette.schema.live import Change, Notice


def news(draft: Draft, time: int) -> Notice | None:
    """What is new of an incident at the end of a window; None if it was told already, or is not worth telling.

    It counts as told then.

    Args:
        draft: One that goes on. time: The window's end, microseconds.
    """
    rank = draft.severity.rank
    if rank <= draft.told:
        return None
    change = Change.OPENED if draft.told < 0 else Change.WORSE
    draft.told = rank
    return _notice(draft, change, time)


def last_news(draft: Draft, time: int) -> Notice:
    """That an incident is over."""
    return _notice(draft, Change.CLOSED, time)


def _notice(draft: Draft, change: Change, time: int) -> Notice:
    incident, worst = draft.finish(closed=change is Change.CLOSED), draft.ranked[0]
    return Notice(
        id=f"{incident.id}.{change.value}.{incident.severity.value}",
        change=change,
        incident=incident,
        route=worst.route,
        anomaly_id=worst.id,
        description=worst.description,
        time=time,
    )
