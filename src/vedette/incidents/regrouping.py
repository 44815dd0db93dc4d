"""The incidents of anomalies that several engines stated, as one engine would have made them."""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from vedette.incidents.grouping import Grouper, stating_order
from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident


def regroup(anomalies: Iterable[Anomaly], *, step: int, until: int) -> tuple[list[Anomaly], list[Incident]]:
    """Group anomalies anew.

    Args:
        anomalies: In any order; each is of the window that it ends with.
        step: Length of the longest window, microseconds. until: How far the engines came, microseconds.

    Returns:
        The anomalies, each with its incident, by time; and the incidents, the worst first.
    """
    grouper = Grouper()
    named: list[Anomaly] = []
    incidents: list[Incident] = []

    def close(time: int) -> None:
        incidents.extend(draft.finish(closed=True) for draft in grouper.close(time))

    in_order = sorted(anomalies, key=lambda a: (a.end, stating_order(a)))
    for end, of_window in groupby(in_order, key=lambda a: a.end):
        # What was quiet for too long when the window began is over, however long ago something in it began.
        close(end - step)
        named += [msgspec.structs.replace(one, incident_id=grouper.add(one)) for one in of_window]
        close(end)
    close(until)
    incidents += [draft.finish(closed=False) for draft in grouper.drafts]
    return (
        sorted(named, key=lambda a: (a.start, a.id)),
        sorted(incidents, key=lambda i: (-i.severity.rank, i.start, i.id)),
    )
