"""What somebody may want to be told of an incident: that it opened, grew worse, reached them, or closed."""

from vedette.incidents.draft import Draft
from vedette.schema.live import WIDEST, Change, Notice


def news(draft: Draft, time: int) -> Notice | None:
    """What is new of an incident at the end of a window; None if it was told already, or is not worth telling.

    It counts as told then.

    Args:
        draft: One that goes on. time: The window's end, microseconds.
    """
    rank, breadth = draft.severity.rank, min(len(draft.services) + len(draft.worst), WIDEST)
    if rank <= draft.told and breadth <= draft.breadth:
        return None
    change = Change.WORSE if rank > draft.told else Change.WIDENED
    if draft.told < 0:
        change = Change.OPENED
    draft.told, draft.breadth = max(rank, draft.told), breadth
    return _notice(draft, change, time)


def last_news(draft: Draft, time: int) -> Notice:
    """That an incident is over."""
    return _notice(draft, Change.CLOSED, time)


def _notice(draft: Draft, change: Change, time: int) -> Notice:
    incident, worst = draft.finish(closed=change is Change.CLOSED), draft.ranked[0]
    breadth = str(draft.breadth) if change is Change.WIDENED else ""
    return Notice(
        id=f"{incident.id}.{change.value}{breadth}.{incident.severity.value}",
        change=change,
        incident=incident,
        route=worst.route,
        anomaly_id=worst.id,
        description=worst.description,
        time=time,
    )
