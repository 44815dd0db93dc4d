"""What Prometheus scrapes.

Label values are bounded: those that came first keep their name, later ones count as `other`. A series so never falls,
and no client of a watched site can make more of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from vedette.live.view import Counters
from vedette.server.rooms import Rooms

MOST_VALUES: Final = 200
"""Values of one label that have a name of their own."""
OTHER: Final = "other"


class Named:
    """The values of a label that have series of their own."""

    def __init__(self, most: int = MOST_VALUES) -> None:
        self._most = most
        self._names: set[str] = set()

    def __call__(self, value: str) -> str:
        """The value, or `other` if it came too late."""
        if value in self._names:
            return value
        if len(self._names) >= self._most:
            return OTHER
        self._names.add(value)
        return value


class Traffic:
    """What callers got, counted by the gate."""

    def __init__(self) -> None:
        self.answers: dict[int, int] = {}
        """Status to how often."""

    def count(self, status: int) -> None:
        """Count an answer."""
        self.answers[status] = self.answers.get(status, 0) + 1


class ServiceCollector(Collector):
    """Reads the counters when somebody scrapes."""

    def __init__(self, rooms: Rooms, traffic: Traffic, watchers: Callable[[], int]) -> None:
        self._rooms = rooms
        self._traffic = traffic
        self._watchers = watchers
        self._services, self._channels, self._reasons, self._caps, self._dropped, self._rules = (
            Named() for _ in range(6)
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry that asks would have the service counted before it runs."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        counted = self._rooms.view.counters()
        yield from self._classic(counted)
        yield from self._left_untold(counted)
        yield from self._intake(counted)
        yield from self._now(counted)
        yield _labelled(
            "vedette_http_requests",
            "Requests answered, by status.",
            ("status",),
            {(str(status),): count for status, count in list(self._traffic.answers.items())},
        )

    def _classic(self, counted: Counters) -> Iterator[Metric]:
        """What has the names that dashboards of the service's forerunner know."""
        anomalies: dict[tuple[str, ...], int] = {}
        for (service, kind, severity), count in list(counted.anomalies.items()):
            series = self._services(service), kind, severity
            anomalies[series] = anomalies.get(series, 0) + count
        yield _labelled(
            "vedette_ai_anomalies", "Anomalies stated.", ("service", "type", "severity"), anomalies
        )
        yield SummaryMetricFamily(
            "vedette_ai_analysis_duration_seconds",
            "Time spent judging a batch of lines.",
            count_value=counted.analysis_count,
            sum_value=counted.analysis_seconds,
        )
        for name, meaning, value in (
            ("vedette_ai_baselines", "Baselines begun: services and routes known.", counted.baselines),
            ("vedette_ai_patterns_collected", "Requests and flows taken into windows.", counted.parsed),
            ("vedette_ai_patterns_flushed", "Windows kept in the store.", counted.windows),
            ("vedette_ai_flush_errors", "Commits to the store that failed and are tried again.", counted.commit_errors),
        ):  # fmt: skip
            yield CounterMetricFamily(name, meaning, value=value)
        sent: dict[tuple[str, ...], int] = {}
        for (channel, severity), count in list(counted.alerts_sent.items()):
            key = self._channels(channel), severity
            sent[key] = sent.get(key, 0) + count
        yield _labelled(
            "vedette_ai_alerts_sent", "Messages that a channel took.", ("channel", "severity"), sent
        )
        yield self._by(
            "vedette_ai_alert_errors",
            "Tries at telling a channel that failed.",
            "channel",
            counted.alert_errors,
            self._channels,
        )

    def _left_untold(self, counted: Counters) -> Iterator[Metric]:
        """What looked like attacks and was not told."""
        everyday: dict[tuple[str, ...], int] = {}
        for (service, rule), count in counted.everyday.items():
            series = self._services(service), self._rules(rule)
            everyday[series] = everyday.get(series, 0) + count
        yield _labelled(
            "vedette_everyday_requests",
            "Requests in which what a rule said did not count, because the site is asked the like every day.",
            ("service", "rule"),
            everyday,
        )

    def _intake(self, counted: Counters) -> Iterator[Metric]:
        for name, meaning, value in (
            ("vedette_lines", "Lines and datagrams read.", counted.lines),
            (
                "vedette_late_lines",
                "Requests and flows that came after their window had closed.",
                counted.late,
            ),
            ("vedette_commits", "Commits to the store.", counted.commits),
        ):
            yield CounterMetricFamily(name, meaning, value=value)
        yield self._by(
            "vedette_parse_failures",
            "What is neither a request nor a flow, by reason.",
            "reason",
            counted.skipped,
            self._reasons,
        )
        yield self._by(
            "vedette_dropped_lines",
            "What was lost, in what the reason names, by reason.",
            "reason",
            counted.dropped,
            self._dropped,
        )
        yield self._by(
            "vedette_memory_cap_hits",
            "How often a memory cap put something under other.",
            "cap",
            counted.capped,
            self._caps,
        )

    def _now(self, counted: Counters) -> Iterator[Metric]:
        for name, meaning, value in (
            ("vedette_ready", "1 once lines are judged, 0 while the service starts.", int(self._rooms.view.ready)),
            ("vedette_incidents_open", "Incidents open now.", counted.incidents_open),
            ("vedette_queue_bytes", "Bytes of files and pushed ones that wait to be judged.", counted.queue_bytes),
            ("vedette_sampling_ratio", "Share of requests looked at; below 1 under overload.", counted.sampling),
            ("vedette_event_clients", "Connections that follow the events now.", self._watchers()),
        ):  # fmt: skip
            yield GaugeMetricFamily(name, meaning, value=value)
        lag = GaugeMetricFamily(
            "vedette_lag_seconds",
            "From the newest line's own time to its being judged, or to now while more waits; 0 when nothing comes, "
            "absent before the first.",
        )
        if counted.lag_s is not None:
            lag.add_metric((), counted.lag_s)
        yield lag

    def _by(
        self, name: str, meaning: str, label: str, counts: Mapping[str, int], named: Named
    ) -> CounterMetricFamily:
        folded: dict[tuple[str, ...], int] = {}
        for value, count in list(counts.items()):
            key = (named(value),)
            folded[key] = folded.get(key, 0) + count
        return _labelled(name, meaning, (label,), folded)


def _labelled(
    name: str, meaning: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


class Exposition:
    """The metrics, in a registry of their own: nothing else in the process shows up among them."""

    def __init__(self, collector: Collector) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(collector)

    def write(self, accept: str) -> tuple[bytes, str]:
        """The metrics in the format that is asked for, and its media type."""
        encoder, media_type = choose_encoder(accept)
        return encoder(self._registry), media_type
