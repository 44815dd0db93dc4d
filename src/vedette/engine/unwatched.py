"""Times in which nobody could have seen some services: that they were silent then tells nothing."""

from collections.abc import Iterable

import msgspec

from vedette.schema.anomaly import Anomaly, AnomalyType


class Unwatched(msgspec.Struct):
    """One span of time, and the services whose requests of then are lost unless they are sent again.

    Attributes:
        services: Their names. start, end: Of the span, microseconds since the epoch; empty at first.
    """

    services: frozenset[str] = msgspec.field(default_factory=frozenset)
    start: int = 0
    end: int = 0

    def during(self, start: int, end: int) -> frozenset[str]:
        """The services of whose requests in a window some may be missing."""
        return self.services if start < self.end and end > self.start else frozenset()

    def covers(self, service: str, start: int, end: int) -> bool:
        """Whether requests to a service in a window may be missing."""
        return service in self.during(start, end)

    def without_drops(self, found: Iterable[Anomaly]) -> list[Anomaly]:
        """Anomalies but for drops that may be due to what is missing."""
        return [
            anomaly
            for anomaly in found
            if anomaly.type is not AnomalyType.TRAFFIC_DROP
            or not self.covers(anomaly.service, anomaly.start, anomaly.end)
        ]
