"""The engine: enriched batches in, anomalies and incidents out.

Sans I/O: it reads no clock and no file. `scan` feeds it files, a live service will feed it streams; for the same
rows it says the same, however they were batched.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.baselines.calendar import Calendar, plain
from vedette.detectors.learned.clients import ClientBehaviour
from vedette.detectors.parameters.habits import Habits
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Metric, WindowDetector, WindowView
from vedette.engine.collect import Collector
from vedette.engine.excusing import Exceptions
from vedette.engine.metrics import MeasuredWindow, Metrics
from vedette.engine.records import window_records
from vedette.engine.repute import accused, disturbed, named_among
from vedette.engine.routes import PlacedWindow, Placer
from vedette.engine.sampling import Sampling, estimated_clients, estimated_groups
from vedette.engine.statements import Found, Statements
from vedette.enrich.client import format_client
from vedette.enrich.names import ClientNames
from vedette.enrich.slugs import SlugLearner
from vedette.enrich.user_agent import AgentKind
from vedette.incidents.grouping import stating_order
from vedette.schema.anomaly import Anomaly, AnomalyType
from vedette.schema.findings import Coverage, Findings, Spending
from vedette.schema.records import BaselineRecord, WindowRecord
from vedette.schema.requests import Clients, Requests
from vedette.windows.entities import EntityBook
from vedette.windows.history import ClientHistory
from vedette.windows.layout import Group
from vedette.windows.summary import ClientRows, ClosedWindow, nobody, nothing
from vedette.windows.windower import Judged as RowMarks
from vedette.windows.windower import Placed, Windower, WindowSettings

LONGEST_SILENCE = 24 * 60
"""Empty windows in a row that are judged as silence; a longer gap is a gap in the log."""
IDLE = 3.0
"""Requests a window below which a service's silence cannot be a drop."""
STRIDE = 30
"""Windows of silence that pass unjudged at a time while every service is idle."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine needs to know besides its detectors.

    Attributes:
        windows: How event time is cut, and caps.
        min_windows: Windows a baseline must have seen.
        entities: Cap of routes with baselines, and of as many services as come before it is met. services: Most
            services there can be: each and its `(other)` find room beyond that cap.
        suspects: Cap of noteworthy clients remembered per window.
        history_windows: How far back single clients are looked at.
        anomalies: Cap of anomalies that nobody has taken yet; later ones are counted.
        slug_values: Values seen in one place of a path from which it is variable.
        evidence: Log lines kept for each anomaly.
        calendar: Whose hours and days the traffic follows. zone: Its name.
        seed: 64 bits that clients do not know: which rows are looked at where not all are follows from them.
    """

    windows: WindowSettings = field(default_factory=WindowSettings)
    min_windows: int = 30
    entities: int = 8_192
    services: int = 2_048
    suspects: int = 4_096
    history_windows: int = 10
    anomalies: int = 100_000
    slug_values: int = 50
    evidence: int = 3
    calendar: Calendar = plain
    zone: str = "UTC"
    seed: int = 0


@dataclass(slots=True)
class RowVerdicts:
    """What signatures said of a batch's rows at once; anomalies of windows come later.

    Only of the rows that were looked at, if not all were: see `vedette.engine.sampling`.

    Attributes:
        confidence: float32 (n,). types: int64 (n,), bit per type. placed: Where the rows went.
        suspect: uint32 (n,), the suspect that a row belongs to (`detectors.parameters`), 0 for none.
    """

    confidence: NDArray[np.float32]
    types: NDArray[np.int64]
    placed: Placed
    suspect: NDArray[np.uint32]


@dataclass(slots=True)
class Batch:
    """An enriched batch.

    Attributes:
        requests: With client and route set.
        service: int32 (n,), numbers into `services`, which only grows.
        agent_kind: uint8, an `AgentKind` for each distinct user agent.
        hits: What the engine's scanner says of it, if that was asked before.
    """

    requests: Requests
    service: NDArray[np.int32]
    services: list[str]
    agent_kind: NDArray[np.uint8]
    hits: SignatureHits | None = None


class Engine:
    """Windows, baselines, detectors and incidents of one run.

    Args:
        settings: What it needs to know.
        scanner: Judges requests.
        thresholds: From which surprise an alarm starts.
        make_detectors: Makes those that look at its windows.
        leader: Another engine, whose windows this one judges by its own baselines and thresholds. It is given no
            batches, and ends with its leader.
        habits: Learns what requests are like; None if nobody looks. A leader's serve its followers.
    """

    def __init__(
        self,
        settings: EngineSettings,
        scanner: SignatureScanner,
        thresholds: Thresholds,
        make_detectors: Callable[["Engine"], Sequence[WindowDetector]],
        leader: "Engine | None" = None,
        habits: Habits | None = None,
    ) -> None:
        self.settings = settings
        self.habits: Habits | None = habits if leader is None else leader.habits
        self.scanner = scanner
        self.thresholds = thresholds
        self.windower: Windower = Windower(settings.windows) if leader is None else leader.windower
        self.sampling: Sampling = (
            Sampling(settings.seed, settings.windows.span) if leader is None else leader.sampling
        )
        self.book = EntityBook(settings.entities)
        self.metrics = Metrics(
            settings.windows.span,
            settings.min_windows,
            settings.entities + 2 * settings.services + 1,
            settings.calendar,
        )
        self.slugs = SlugLearner(settings.slug_values)
        self._placer = Placer(self.windower.registry, self.slugs, self.book)
        self._recent_minutes = max(1, round(settings.history_windows * settings.windows.span / 60e6))
        self.history = ClientHistory(settings.history_windows, settings.suspects)
        self.collector: Collector = (
            Collector(settings.evidence, scanner.rules) if leader is None else leader.collector
        )
        self.stated = Statements(settings.anomalies)
        self.detectors = make_detectors(self)
        self.behaviour = next((d for d in self.detectors if isinstance(d, ClientBehaviour)), None)
        self.keep_windows: Callable[[list[WindowRecord]], object] | None = None
        self.only_learns = False
        self.coverage = Coverage()
        self._services: list[str] = []
        self.names: ClientNames = ClientNames() if leader is None else leader.names
        """Host names of clients known by name."""
        self._last: int | None = None
        self._heard: int | None = None
        self._idle = 0
        self.processed: list[int] = []
        """Requests taken in, by number of the service."""
        self.windows_closed = 0
        self.exceptions: Exceptions | None = None
        self.followers: list[Engine] = []
        if leader is not None:
            leader.followers.append(self)

    def process(self, batch: Batch, late: NDArray[np.uint8] | None = None) -> RowVerdicts:
        """Take a batch in, and judge the windows that it lets close.

        Args:
            batch: Enriched. late: See `Windower.add`.
        """
        if batch.requests.client is None:
            raise ValueError("a batch must be enriched before the engine takes it")
        self._services = batch.services
        taken = np.bincount(batch.service, minlength=len(self.processed)).tolist()
        self.processed = [before + more for before, more in zip_longest(self.processed, taken, fillvalue=0)]
        batch, late = self._thinned(batch, late)
        requests, clients = batch.requests, batch.requests.client
        assert clients is not None  # noqa: S101 -- looked above
        if clients.names:
            self.names.see(clients.names)
        hits = batch.hits or self.scanner.judge(requests)
        if self.exceptions is not None:
            self.exceptions.excuse(requests, batch.service, batch.services, hits)
        decisive = hits.decisive()
        marks = RowMarks(
            batch.service,
            np.where(decisive, hits.types, 0).astype(np.int64),
            decisive,
            batch.agent_kind,
            int(AgentKind.DECLARED_BOT),
            int(AgentKind.EMPTY),
        )
        placed = self.windower.add(requests, marks, late)
        if not self.only_learns:
            self._collect(batch, clients, placed, hits)
        suspect = np.zeros(len(requests), dtype=np.uint32)
        if self.habits is not None:
            suspect = self.habits.take(
                requests, batch.service, batch.services, placed, self.windower.registry, decisive
            )
        if self.settings.windows.own_clock:
            time = requests.time[placed.late == 0]
            # Times far ahead that event time has not followed do not count.
            time = time[time <= self.windower.now]
            if len(time):
                self._cover(int(time.min()), int(time.max()))
        self._close_windows()
        return RowVerdicts(hits.confidence, hits.types.astype(np.int64), placed, suspect)

    def advance(self, until: int) -> None:
        """Let event time reach `until`, as if a line of that time had come from a service that nobody asks for.

        Windows that are `lateness` past their end close, and silence is judged up to them. A line of a closed window
        that comes afterwards is late.

        Args:
            until: Microseconds since the epoch. A time that was reached already changes nothing.
        """
        self.windower.advance(until)
        self._close_windows()
        for engine in (*self.followers, self):
            engine.hush(self.windower.open_from)

    def look_at(self, share: float) -> None:
        """Look at a share of the requests from the next window on; see `vedette.engine.sampling`.

        Args:
            share: 1, 1/2, 1/4 ... 1/1024.

        Raises:
            ValueError: It is none of these.
        """
        self.sampling.ask(share, self.windower.open_windows)

    def take_found(self) -> Found:
        """What was found since this was asked last; it is the caller's from now on.

        What is kept is bounded: incidents that may still go on, and what later ones are compared with.
        """
        if self.habits is not None:
            self.habits.take_marked()
        return self.stated.take()

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Within this context batches only teach the baselines; nothing is stated about them or covered."""
        every = (self, *self.followers)
        for engine in every:
            engine.only_learns = True
        yield
        for window in self.windower.settle():
            self._close(window)
        if self.habits is not None:
            self.habits.vouch()
        for engine in every:
            engine.only_learns = False
            engine.coverage = Coverage()
        self.windower.late = 0

    @property
    def services(self) -> list[str]:
        """Names of services by number."""
        return self._services

    @services.setter
    def services(self, names: list[str]) -> None:
        self._services = names

    @property
    def place(self) -> tuple[int | None, int | None, int]:
        """Number of the last window judged, of the last that had a request, and how many pass unjudged now."""
        return self._last, self._heard, self._idle

    @place.setter
    def place(self, place: tuple[int | None, int | None, int]) -> None:
        self._last, self._heard, self._idle = place

    def baseline_records(self) -> list[BaselineRecord]:
        """What is normal now, for a store."""
        return self.metrics.records(self.book, self.coverage.end or 0)

    def finish(self) -> Findings:
        """Close every window and hand out what was found. Nothing can be processed afterwards."""
        for window in self.windower.close(everything=True):
            self._close(window)
        coverage = self.coverage
        coverage.late = self.windower.late
        if self.habits is not None and self.habits.unready:
            coverage.insufficient_by["parameters"] = self.habits.unready
            coverage.insufficient_data += self.habits.unready
        coverage.capped.update(self.capped())
        return self.conclude()

    def capped(self) -> dict[str, int]:
        """How often a bound of memory was met, by the name of what it bounds."""
        caps = {
            "routes": self.windower.registry.overflowed + self.book.overflowed,
            "route_windows": self.windower.left_out_routes,
            "clients": self.windower.left_out_clients,
            "suspects": self.history.left_out,
            "route_segments": self.slugs.overflowed,
            "occurrences": self.stated.occurrences.left_out,
            "client_names": self.names.forgotten,
            "incident_anomalies": self.stated.grouper.unnamed,
            "anomalies": self.stated.left_out,
        }
        if self.habits is not None:
            caps |= self.habits.capped()
        if self.behaviour is not None:
            caps |= self.behaviour.capped()
        return {name: count for name, count in caps.items() if count}

    def conclude(self) -> Findings:
        """What was found in the windows that have closed."""
        coverage = self.coverage
        coverage.budget = self.thresholds.account()
        for line in coverage.budget:
            line.alarms = self.stated.alarms.get(line.detector, 0)
        if self.behaviour is not None:
            coverage.members = self.behaviour.statuses()
        if self.exceptions is not None:
            coverage.silenced = self.exceptions.account(coverage.end)
        coverage.sampled = self.sampling.account()
        coverage.spending = self.spending()
        return Findings(*self.stated.all(), coverage)

    def spending(self) -> list[Spending]:
        """An account of each service's budget of false alarms; empty where nothing is promised."""
        services = [self.book[slot].service for slot in self.book.services]
        return self.stated.spending(self.thresholds.per_week, services, self.coverage)

    @property
    def spent(self) -> int:
        """Incidents so far that rest on a threshold of the budget, or of a z-score."""
        return self.stated.spent

    def _cover(self, start: int, end: int) -> None:
        """Widen the time covered."""
        coverage = self.coverage
        coverage.start = start if coverage.start is None else min(coverage.start, start)
        coverage.end = end if coverage.end is None else max(coverage.end, end)

    def _thinned(
        self, batch: Batch, late: NDArray[np.uint8] | None
    ) -> tuple[Batch, NDArray[np.uint8] | None]:
        """The rows of a batch that are looked at."""
        if not self.sampling.active:
            return batch, late
        kept = self.sampling.keep(batch.requests)
        # What was said before was said of all rows.
        thinned = replace(batch, requests=batch.requests.select(kept), service=batch.service[kept], hits=None)
        return thinned, None if late is None else late[kept]

    def _collect(self, batch: Batch, clients: Clients, placed: Placed, hits: SignatureHits) -> None:
        """Keep rows that anomalies may want to show."""
        requests = batch.requests
        writes = np.array(
            [m not in (b"GET", b"HEAD", b"OPTIONS") for m in requests.method.vocabulary] + [False]
        )
        login_route = self.windower.registry.login[placed.route].astype(bool) & (placed.route >= 0)
        login = (login_route & writes[requests.method.ids]) | (requests.status == 401)
        self.collector.keep(requests, clients, batch.service, placed, hits, login)

    def _close_windows(self) -> None:
        """Judge the windows that event time has left behind."""
        for window in self.windower.close():
            self._close(window)
        forgotten = self.windower.take_forgotten()
        if forgotten is not None:
            self.sampling.drop_from(forgotten)
            self.collector.book.drop_from(forgotten)
            self.collector.hostile.drop_from(forgotten)
            if self.habits is not None:
                self.habits.drop_from(forgotten)

    def _close(self, window: ClosedWindow) -> None:
        """Judge one window, and forget what was kept of its rows."""
        if self.habits is not None:
            self.habits.close(window.number, window.start, states=not self.only_learns)
        for engine in (*self.followers, self):
            engine.take(window, self._services)
        self.sampling.close(window.number)
        self.collector.book.drop(window.number)
        self.collector.hostile.drop(window.number)
        if not self.settings.windows.own_clock:
            self._cover(window.start, window.end)

    def take(self, window: ClosedWindow, services: list[str]) -> None:
        """Judge one window, after the silence before it; `services` are named by number."""
        self._services = services
        if self._heard is not None and window.number - self._heard <= LONGEST_SILENCE:
            self._judge_silence(window.number)
        if self._last is None or window.number > self._last:
            self._last = self._heard = window.number
        self._idle = 0
        self._judge(window)

    def hush(self, until: int) -> None:
        """Judge the silence of the windows before number `until`, none of which had a request."""
        if self._heard is not None:
            self._judge_silence(min(until, self._heard + LONGEST_SILENCE))

    def _judge_silence(self, until: int) -> None:
        """Judge the windows without a single request from the last one judged to the one before `until`.

        While nobody is expected, nobody is missed, and looking now and then is enough.
        """
        assert self._last is not None  # noqa: S101 -- the callers looked
        span = self.settings.windows.span
        groups, clients = nothing(), nobody()
        number = self._last + 1
        while number < until:
            if self._idle:
                passed = min(self._idle, until - number)
                self._idle -= passed
                number += passed
                self.windows_closed += passed
                self.metrics.pass_by(passed, (number - 1) * span)
                continue
            requests = self._judge(ClosedWindow(number, number * span, (number + 1) * span, groups, clients))
            # NaN where nothing is known.
            middle = requests.expected_mid[self.book.is_service(requests.slot)]
            if float(np.fmax.reduce(middle, initial=0.0)) < IDLE:
                self._idle = STRIDE
            number += 1
        self._last = max(self._last, number - 1)

    def _judge(self, window: ClosedWindow) -> Judged:
        """Judge a window, and let the baselines learn it; returns what they say of requests."""
        self.windows_closed += 1
        placed = self._placer.place(window, self._services)
        if placed.fresh:
            self.thresholds.share(len(self.book.services))
            fresh = np.array(placed.fresh, dtype=np.int32)
            self.metrics.set_parents(fresh, self.book.parents[fresh])
        present = set(placed.groups.key[placed.services].tolist())
        silent = [slot for slot in self.book.services if slot not in present]
        named, unnamed = window.clients.named()
        weight = self.sampling.of(window.number)
        groups, clients = placed.groups, named
        if weight > 1:
            groups, clients = estimated_groups(groups, weight), estimated_clients(named, weight)
        measured = self.metrics.judge(
            window.start,
            groups,
            placed.services,
            np.array(silent, dtype=np.int32),
            clients,
            [self.book.find(name, None) for name in self._services],
            weight,
        )
        distrusted: set[int] = set()
        self._count(measured)
        noteworthy, recent = self.history.add(window.number, named)
        found: list[Anomaly] = []
        if not self.only_learns:
            view = WindowView(
                number=window.number,
                start=window.start,
                end=window.end,
                book=self.book,
                groups=groups,
                judged=measured.judged,
                clients=clients,
                unnamed=unnamed,
                noteworthy=noteworthy,
                recent=recent,
                services=self._services,
                route_numbers=placed.numbers,
                route_bit=self.windower.registry.bit,
                recent_minutes=self._recent_minutes,
                client_name=self._client_name,
                evidence=self.collector.book,
                weight=weight,
            )
            found = [anomaly for detector in self.detectors for anomaly in detector.look(view)]
            if self.exceptions is not None:
                found = [anomaly for anomaly in found if not self.exceptions.silences(anomaly)]
            if weight > 1:
                found = [_sampled(anomaly, 1 / weight) for anomaly in found]
            for anomaly in sorted(found, key=stating_order):
                slot = self.book.find(anomaly.service, anomaly.route)
                # What a user's rule says, or one odd request, tells nothing about the whole window.
                if slot is not None and not _of_no_window(anomaly):
                    distrusted.add(slot)
                self.stated.state(anomaly)
            self.stated.close(window.end)
            if self.keep_windows is not None:
                span_s = self.settings.windows.span // 1_000_000
                self.keep_windows(window_records(self.book, groups, window.start, span_s))
        # Of clients that were seen in part, models would learn wrong manners.
        if weight == 1 and self.behaviour is not None and self.behaviour.collects:
            self._teach(self.behaviour, window.number, named, placed, found)
        self.metrics.learn(measured, distrusted)
        return measured.judged[Metric.REQUESTS]

    def _teach(
        self,
        behaviour: ClientBehaviour,
        number: int,
        clients: ClientRows,
        placed: PlacedWindow,
        found: list[Anomaly],
    ) -> None:
        """Let models learn a window, without those that something is held against."""
        requests = {
            self.book[slot].service: int(count)
            for slot, count in zip(
                placed.groups.key[placed.services].tolist(),
                placed.groups.sums[placed.services, Group.REQUESTS].tolist(),
                strict=True,
            )
        }
        names = accused(found, (draft.clients for draft in self.stated.grouper.drafts))
        behaviour.learn(
            number,
            self._services,
            clients,
            requests,
            disturbed(found),
            named_among(clients, names, self._client_name),
        )

    def _count(self, measured: MeasuredWindow) -> None:
        """Count what was judged, and what lacks data to be."""
        coverage = self.coverage
        for family in measured.families:
            ready = int(np.count_nonzero(family.judgement.ready))
            coverage.windows += ready
            if ready == len(family.place):
                continue
            for metric in family.metrics:
                lacking = int(np.count_nonzero(~measured.judged[metric].ready))
                if lacking:
                    coverage.insufficient_data += lacking
                    coverage.insufficient_by[metric.value] = (
                        coverage.insufficient_by.get(metric.value, 0) + lacking
                    )

    def _client_name(self, high: int, low: int) -> str:
        return format_client(high, low, self.names)


def _sampled(anomaly: Anomaly, share: float) -> Anomaly:
    return msgspec.structs.replace(anomaly, details={**anomaly.details, "sampled": share})


def _of_no_window(anomaly: Anomaly) -> bool:
    return anomaly.type is AnomalyType.UNUSUAL_PATTERN or anomaly.unit == "abnormal_requests"
