"""Judging closed windows: baselines, detectors, incidents, and the silence between windows."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from vedette.detectors.learned.member import Lesson, Member
from vedette.detectors.statistical.combination import Combination
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import Judged, Metric, WindowDetector, WindowView
from vedette.engine.collect import Collector
from vedette.engine.excusing import Exceptions
from vedette.engine.metrics import MeasuredWindow, Metrics
from vedette.engine.records import window_records
from vedette.engine.repute import accused, disturbed, named_among
from vedette.engine.routes import PlacedWindow, Placer
from vedette.engine.sampling import Sampling, estimated_clients, estimated_groups
from vedette.engine.settings import EngineSettings
from vedette.engine.statements import Statements
from vedette.engine.unwatched import Unwatched
from vedette.enrich.client import format_client
from vedette.enrich.names import ClientNames
from vedette.enrich.slugs import SlugLearner
from vedette.incidents.grouping import stating_order
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Coverage, Findings, Spending
from vedette.schema.learned import MemberStatus
from vedette.schema.records import BaselineRecord, ForecastRecord, WindowRecord
from vedette.windows.challenges import without_challenges
from vedette.windows.entities import EntityBook
from vedette.windows.history import ClientHistory
from vedette.windows.layout import Client, Group
from vedette.windows.summary import ClientRows, ClosedWindow, Groups, nobody, nothing
from vedette.windows.windower import Windower

LONGEST_SILENCE = 24 * 60
"""Empty windows in a row that are judged as silence; a longer gap is a gap in the log."""
IDLE = 3.0
"""Requests a window below which a service's silence cannot be a drop."""
STRIDE = 30
"""Windows of silence that pass unjudged at a time while every service is idle."""


class Held(msgspec.Struct):
    """Entities that something in a window is held against, by slot.

    Attributes:
        distrusted: Their window teaches baselines least.
        apart: Those among them of which a metric by itself is wrong.
    """

    distrusted: set[int] = msgspec.field(default_factory=set)
    apart: set[int] = msgspec.field(default_factory=set)


class WindowJudge:
    """Judges closed windows in their order, learns them, and holds what was stated.

    Args:
        settings: What it needs to know.
        thresholds: From which surprise an alarm starts.
        windower: Whose windows it judges; it numbers their routes.
        sampling: Says which windows hold a share of their rows.
        collector: Keeps the log lines that anomalies show.
        names: Host names of clients known by name.

    Attributes:
        detectors: Those that look at each window, in this order. members: Those among them that judge by models.
        exceptions: What is not to be told.
        keep_windows: Called with the records of each window; None if nobody keeps them.
        only_learns: Whether windows only teach the baselines.
        coverage: How much was judged.
        windows_closed: How many windows, those without a request included.
    """

    def __init__(
        self,
        settings: EngineSettings,
        thresholds: Thresholds,
        windower: Windower,
        sampling: Sampling,
        collector: Collector,
        names: ClientNames,
    ) -> None:
        self.settings = settings
        self.thresholds = thresholds
        self.windower = windower
        self.sampling = sampling
        self.collector = collector
        self.names = names
        self.book = EntityBook(settings.entities)
        self.metrics = Metrics(
            settings.windows.span,
            settings.min_windows,
            settings.entities + 2 * settings.services + 1,
            settings.calendar,
        )
        self.slugs = SlugLearner(settings.slug_values)
        self.history = ClientHistory(settings.history_windows, settings.suspects)
        self.stated = Statements(settings.anomalies, settings.grouping)
        self.detectors: Sequence[WindowDetector] = ()
        self.members: Sequence[Member] = ()
        self.exceptions: Exceptions | None = None
        self.unwatched = Unwatched()
        self.keep_windows: Callable[[list[WindowRecord]], object] | None = None
        self.only_learns = False
        self.coverage = Coverage()
        self.windows_closed = 0
        self._placer = Placer(windower.registry, self.slugs, self.book)
        self._recent_minutes = max(1, round(settings.history_windows * settings.windows.span / 60e6))
        self.services: list[str] = []
        """Names of services by number."""
        self._last: int | None = None
        self._heard: int | None = None
        self._idle = 0

    @property
    def place(self) -> tuple[int | None, int | None, int]:
        """Number of the last window judged, of the last that had a request, and how many pass unjudged now."""
        return self._last, self._heard, self._idle

    @place.setter
    def place(self, place: tuple[int | None, int | None, int]) -> None:
        self._last, self._heard, self._idle = place

    def baseline_records(self) -> list[BaselineRecord]:
        """What is normal now, for a store."""
        # Silence may have been judged since the last line.
        time = max(self.coverage.end or 0, *(family.bank.time for family in self.metrics.families))
        return self.metrics.records(self.book, time)

    def forecast(self, service: str, horizon: int) -> list[ForecastRecord]:
        """What is expected of a service's metrics from the next window on; nothing of one that is not known.

        Args:
            horizon: How far, microseconds.
        """
        slot = self.book.find(service, None)
        if slot is None:
            return []
        last = max(family.bank.time for family in self.metrics.families)
        return self.metrics.foresee(slot, last + self.settings.windows.span, horizon)

    def conclude(self) -> Findings:
        """What was found in the windows that have closed."""
        coverage = self.coverage
        coverage.budget = self.thresholds.account(lambda slot: self.book[slot].service)
        for line in coverage.budget:
            line.alarms = self.stated.alarms.get(line.detector, 0)
        coverage.members = self.member_statuses()
        if self.exceptions is not None:
            coverage.silenced = self.exceptions.account(coverage.end)
        coverage.sampled = self.sampling.account()
        coverage.spending = self.spending()
        return Findings(*self.stated.all(), coverage)

    def member_statuses(self) -> list[MemberStatus]:
        """How far each learned member has come, for each service."""
        return [status for member in self.members for status in member.statuses()]

    def spending(self) -> list[Spending]:
        """An account of each service's budget of false alarms; empty where nothing is promised."""
        services = [self.book[slot].service for slot in self.book.services]
        return self.stated.spending(self.thresholds.per_week, services, self.coverage)

    @property
    def spent(self) -> int:
        """Incidents so far that rest on a threshold of the budget, or of a z-score."""
        return self.stated.spent

    def cover(self, start: int, end: int) -> None:
        """Widen the time covered."""
        coverage = self.coverage
        coverage.start = start if coverage.start is None else min(coverage.start, start)
        coverage.end = end if coverage.end is None else max(coverage.end, end)

    def take(self, window: ClosedWindow, services: list[str], seen: float = 1.0) -> None:
        """Judge one window, after the silence before it.

        Args:
            services: Names by number. seen: Share of the window that the log tells of.
        """
        self.services = services
        if self._heard is not None and window.number - self._heard <= LONGEST_SILENCE:
            self._judge_silence(window.number)
        if self._last is None or window.number > self._last:
            self._last = self._heard = window.number
        self._idle = 0
        self._judge(window, seen)

    def _watch(self, start: int, end: int) -> None:
        """Widen the time covered by a window, where event time is told: rows tell nothing of it then."""
        if not self.settings.windows.own_clock and not self.only_learns:
            self.cover(start, end)

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
                self._watch((number - passed) * span, number * span)
                continue
            requests = self._judge(ClosedWindow(number, number * span, (number + 1) * span, groups, clients))
            # NaN where nothing is known.
            middle = requests.expected_mid[self.book.is_service(requests.slot)]
            if float(np.fmax.reduce(middle, initial=0.0)) < IDLE:
                self._idle = STRIDE
            number += 1
        self._last = max(self._last, number - 1)

    def _judge(self, window: ClosedWindow, seen: float = 1.0) -> Judged:
        """Judge a window, and let the baselines learn it; returns what they say of requests."""
        self.windows_closed += 1
        self._watch(window.start, window.end)
        placed = self._placer.place(window, self.services)
        if placed.fresh:
            self.thresholds.share(len(self.book.services))
            fresh = np.array(placed.fresh, dtype=np.int32)
            self.metrics.set_parents(fresh, self.book.parents[fresh])
        present = set(placed.groups.key[placed.services].tolist())
        silent = [
            slot
            for slot in self.book.services
            if slot not in present
            and not self.unwatched.covers(self.book[slot].service, window.start, window.end)
        ]
        settled = without_challenges(window.clients, self._refused_logins(placed))
        named, unnamed = settled.named()
        weight = self.sampling.of(window.number)
        groups, clients = self._without_challenges(placed, window.clients, settled), named
        if weight > 1:
            groups, clients = estimated_groups(groups, weight), estimated_clients(named, weight)
        measured = self.metrics.judge(
            window.start,
            groups,
            placed.services,
            np.array(silent, dtype=np.int32),
            clients,
            [self.book.find(name, None) for name in self.services],
            weight,
        )
        self._count(measured)
        noteworthy, recent = self.history.add(window.number, named)
        found: list[Anomaly] = []
        held = Held()
        if not self.only_learns:
            view = WindowView(
                number=window.number,
                start=window.start,
                end=window.end,
                book=self.book,
                groups=groups,
                own=placed.services,
                judged=measured.judged,
                clients=clients,
                unnamed=unnamed,
                noteworthy=noteworthy,
                recent=recent,
                services=self.services,
                route_numbers=placed.numbers,
                route_bit=self.windower.registry.bit,
                recent_minutes=self._recent_minutes,
                client_name=self._client_name,
                evidence=self.collector.book,
                weight=weight,
                seen=seen,
                unwatched=self.unwatched.during(window.start, window.end),
                joint=measured.joint,
            )
            found = self._look(view)
            held = self._state(view, found)
            self.stated.close(window.end)
            if self.keep_windows is not None:
                span_s = self.settings.windows.span // 1_000_000
                self.keep_windows(window_records(self.book, groups, window.start, span_s))
        # Of clients that were seen in part, models would learn wrong manners.
        if weight == 1 and any(member.collects for member in self.members):
            self._teach(window.number, named, placed, found)
        self.metrics.learn(measured, held.distrusted, held.apart)
        return measured.judged[Metric.REQUESTS]

    def _refused_logins(self, placed: PlacedWindow) -> NDArray[np.int64]:
        """How many logins that were sent each service refused at most, int64 (services,)."""
        sums, refused = placed.groups.sums, np.zeros(len(self.services), dtype=np.int64)
        failed = np.minimum(sums[:, Group.LOGIN_FAILURES], sums[:, Group.LOGIN_POSTS])
        rows = np.flatnonzero((failed > 0) & ~placed.services)
        if len(rows):
            numbers = {name: number for number, name in enumerate(self.services)}
            for row in rows.tolist():
                refused[numbers[self.book[int(placed.groups.key[row])].service]] += failed[row]
        return refused

    def _without_challenges(self, placed: PlacedWindow, every: ClientRows, settled: ClientRows) -> Groups:
        """The summaries by slot; services count no failed login that none of their clients counts.

        Args:
            every, settled: The window's clients, and the same `without_challenges`.
        """
        if settled is every:
            return placed.groups
        groups = replace(placed.groups, sums=placed.groups.sums.copy())
        taken = every.sums[:, Client.LOGIN_FAILURES] - settled.sums[:, Client.LOGIN_FAILURES]
        rows = np.flatnonzero(taken)
        of_service = np.bincount(every.service[rows], taken[rows], len(self.services)).astype(np.int64)
        for number in np.flatnonzero(of_service).tolist():
            slot = self.book.find(self.services[number], None)
            groups.sums[groups.key == slot, Group.LOGIN_FAILURES] -= of_service[number]
        return groups

    def _look(self, view: WindowView) -> list[Anomaly]:
        """What detectors find in a window, without what nobody wants to be told."""
        found = [anomaly for detector in self.detectors for anomaly in detector.look(view)]
        found = self.unwatched.without_drops(found)
        if self.exceptions is not None:
            found = [anomaly for anomaly in found if not self.exceptions.silences(anomaly)]
        if view.weight > 1:
            found = [_sampled(anomaly, 1 / view.weight) for anomaly in found]
        return found

    def _state(self, view: WindowView, found: list[Anomaly]) -> Held:
        """State anomalies; returns the entities that they are about."""
        held = Held()
        for anomaly in sorted(found, key=stating_order):
            slot = self.book.find(anomaly.service, anomaly.route)
            # What a user's rule says, or one odd request, tells nothing about the whole window.
            if slot is not None and not _of_no_window(anomaly):
                held.distrusted.add(slot)
                if anomaly.detector != Combination.name:
                    held.apart.add(slot)
            held.distrusted.update(view.shared.get(anomaly.id, ()))
            self.stated.state(anomaly)
        return held

    def _teach(self, number: int, clients: ClientRows, placed: PlacedWindow, found: list[Anomaly]) -> None:
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
        bad = named_among(clients, names, self.names)
        lesson = Lesson(number, self.services, clients, requests, disturbed(found), bad, placed.numbers)
        for member in self.members:
            if member.collects:
                member.learn(lesson)

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

        if measured.joint is None:
            return
        coverage.windows += int(np.count_nonzero(measured.joint.ready))
        if lacking := measured.joint.lacking:
            coverage.insufficient_data += lacking
            name = Combination.name
            coverage.insufficient_by[name] = coverage.insufficient_by.get(name, 0) + lacking

    def _client_name(self, high: int, low: int) -> str:
        return format_client(high, low, self.names)


def _sampled(anomaly: Anomaly, share: float) -> Anomaly:
    return msgspec.structs.replace(anomaly, details={**anomaly.details, "sampled": share})


def _of_no_window(anomaly: Anomaly) -> bool:
    return anomaly.by_rule or anomaly.unit == "abnormal_requests"
