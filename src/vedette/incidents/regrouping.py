"""The incidents of all anomalies that several engines stated, once they have come to an end."""

from collections.abc import Iterable

from vedette.incidents.correlating import Correlator, Spans
from vedette.incidents.grouping import GroupingSettings
from vedette.schema.anomaly import Anomaly
from vedette.schema.incident import Incident


def regroup(
    anomalies: Iterable[Anomaly], *, spans: Spans, until: int, grouping: GroupingSettings | None = None
) -> tuple[list[Anomaly], list[Incident]]:
    """Group anomalies anew, as a live service does while they come.

    Args:
        anomalies: In any order; each is of the window that it ends with.
        spans: Lengths of the windows. until: How far the engines came, microseconds.
        grouping: How anomalies become incidents.

    Returns:
        The anomalies, each with its incident, by time; and the incidents, the worst first.
    """
    correlator = Correlator(spans, grouping)
    every = list(anomalies)
    correlator.add(every)
    correlator.group(max([until, *(one.end for one in every)]))
    found = correlator.take()
    return (
        sorted(found.anomalies, key=lambda a: (a.start, a.id)),
        sorted(found.incidents, key=lambda i: (-i.severity.rank, i.start, i.id)),
    )
