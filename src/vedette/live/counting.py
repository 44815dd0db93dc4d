"""How many anomalies were stated, by what they are about; bounded, as services may be many."""

from vedette.schema.live import Commit

MOST_SERVICES = 256
OTHER = "(other)"

Key = tuple[str, str, str]
"""Service, type and severity."""


class Stated:
    """Counts what commits held. Written by one thread, read by any.

    Attributes:
        anomalies: (service, type, severity) to how many. windows: Closed ones.
        open: Ids of the incidents that are open.
    """

    def __init__(self) -> None:
        self.anomalies: dict[Key, int] = {}
        self.windows = 0
        self.open: set[str] = set()
        self._services: set[str] = set()

    def count(self, commit: Commit) -> None:
        """Take a commit in."""
        self.windows += len({(window.service, window.start) for window in commit.windows})
        counts = dict(self.anomalies)
        for anomaly in commit.anomalies:
            service = anomaly.service
            if service not in self._services:
                if len(self._services) < MOST_SERVICES:
                    self._services.add(service)
                else:
                    service = OTHER
            key = service, anomaly.type.value, anomaly.severity.value
            counts[key] = counts.get(key, 0) + 1
        # Replaced, not changed: who reads it in another thread never sees it grow.
        self.anomalies = counts
        closed = {i.id for i in commit.incidents if i.state.value == "closed"}
        self.open = (self.open | {i.id for i in commit.incidents}) - closed
