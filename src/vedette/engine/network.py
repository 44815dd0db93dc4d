"""The engine's sibling for flows: windows of flows in, anomalies and incidents out. Sans I/O, like `Engine`."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
import numpy as np

from vedette.baselines.calendar import Calendar, plain
from vedette.detectors.few_stated import unstated
from vedette.detectors.network.addresses import PRIVATE, Own
from vedette.detectors.network.behaviour import AddressBehaviour
from vedette.detectors.network.conversations import with_conversations
from vedette.detectors.network.metrics import (
    Held,
    Measure,
    NetworkBaselines,
    NetworkMetric,
    measure,
    measured,
)
from vedette.detectors.network.minute import Digest, Minute, Total, digest
from vedette.detectors.network.recent_windows import RecentWindow
from vedette.detectors.network.view import NETWORK, NetworkDetector, NetworkView
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.engine.statements import Statements
from vedette.incidents.grouping import GroupingSettings, stating_order
from vedette.parsers.flows.flow_windows import MeasuredWindow
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Coverage, Findings
from vedette.schema.flows import CONTACT_COLUMNS, ENDED_COLUMNS, Known
from vedette.schema.learned import MemberStatus
from vedette.windows.contacts import BINS, FlowWindow
from vedette.windows.flow_table import Passed
from vedette.windows.flow_windower import FlowWindower
from vedette.windows.last import mark_last

RECENT_US: Final = 60_000_000
"""How far back sources are looked at together."""
LONGEST_SILENCE: Final = 360
"""Windows without a packet in a row that are judged as silence; a longer gap is a gap in the capture."""
_ALWAYS: Final = -(1 << 62)
_NOTHING: Final = {
    NetworkMetric.PACKETS: Measure(0.0, 0.0, None),
    NetworkMetric.FLOWS: Measure(0.0, 0.0, None),
}


class NetworkSettings(msgspec.Struct, frozen=True):
    """What the engine needs to know besides its detectors.

    Attributes:
        span, lateness: Microseconds.
        contacts: Contacts told apart in the windows that are open.
        min_windows: Windows a baseline must have seen.
        anomalies: Cap of anomalies kept; later ones are counted.
        evidence: Conversations told with each statement about an address.
        calendar: Whose hours and days the traffic follows.
        own_clock: Whether event time is that of the newest flow; otherwise it is what `advance` says.
        since: Windows that begin earlier are learned from, and nothing is stated of them, microseconds.
        grouping: How anomalies become incidents.
        own: Which addresses are one's own.
    """

    span: int = 10_000_000
    lateness: int = 0
    contacts: int = 262_144
    min_windows: int = 30
    anomalies: int = 100_000
    evidence: int = 3
    calendar: Calendar = plain
    own_clock: bool = True
    since: int | None = None
    grouping: GroupingSettings = GroupingSettings()
    own: Own = PRIVATE


@dataclass(slots=True)
class NetworkEngine:
    """Windows, baselines, detectors and incidents of the flows of one run.

    Attributes:
        settings: What it needs to know.
        thresholds: From which surprise an alarm starts.
        detectors: In the order in which they look.
        keep_windows: Told each window that closes, and what was stated of it.
        extremes: Least and most that was seen of each metric.
        watched: Tells of the window that begins at a time the share of the traffic that is still seen in it, 0..1.
        recent: Windows of the last minute. last: Number of the newest window that held something.
    """

    settings: NetworkSettings
    thresholds: Thresholds
    detectors: Sequence[NetworkDetector]
    keep_windows: Callable[[FlowWindow, list[Anomaly]], object] | None = None
    watched: Callable[[int], float] | None = None
    windower: FlowWindower = field(init=False)
    baselines: NetworkBaselines = field(init=False)
    stated: Statements = field(init=False)
    coverage: Coverage = field(default_factory=Coverage)
    extremes: dict[NetworkMetric, tuple[float, float]] = field(default_factory=dict)
    recent: deque[RecentWindow] = field(default_factory=deque)
    last: int | None = None
    _learns_until: int = _ALWAYS
    _minute: Minute = field(default_factory=Minute)

    def __post_init__(self) -> None:
        settings = self.settings
        self.windower = FlowWindower(
            settings.span, settings.lateness, settings.contacts, own_clock=settings.own_clock
        )
        self.baselines = NetworkBaselines(settings.span, settings.min_windows, settings.calendar)
        self.stated = Statements(settings.anomalies, settings.grouping)
        self.thresholds.share(1)

    def process(self, passed: Passed) -> None:
        """Take flows in, and judge the windows that they let close."""
        for window in self.windows(passed):
            self.take(window)

    def windows(self, passed: Passed) -> Iterator[FlowWindow]:
        """Take flows in; gives the windows that they let close, which `take` is to be given in this order.

        That may be done in another thread meanwhile: what judges windows has no part in what fills them.
        """
        for portion in self.windower.portions(passed):
            yield from self._take_in(portion)

    def rest(self) -> Iterator[tuple[FlowWindow, bool]]:
        """The windows that are open when no more flows come, and whether each was watched to its end; as `windows`.

        In the last one the traffic, or who watched it, came to an end.
        """
        for window, last in mark_last(self.windower.close(everything=True)):
            yield window, not last

    def _take_in(self, passed: Passed) -> Iterator[FlowWindow]:
        coverage, windower, reached = self.coverage, self.windower, passed.reached
        first = last = None
        if isinstance(reached, np.ndarray):
            first, last = int(reached[0]), int(reached[-1])
        elif reached is not None:
            first = last = reached
        if first is not None:
            # What is over when the first row comes is closed before it is taken in.
            windower.advance(first)
            yield from windower.close()
        windower.add(
            passed.parts, passed.ended, passed.start, passed.histogram, over=passed.over, horizon=passed.horizon,
            told=reached is not None,
        )  # fmt: skip
        if windower.first is not None and windower.last is not None:
            coverage.start = min(windower.first, windower.first if coverage.start is None else coverage.start)
            coverage.end = max(windower.last, windower.last if coverage.end is None else coverage.end)
        if last is not None:
            windower.advance(last)
        yield from windower.close()

    def advance(self, until: int) -> None:
        """Let event time reach `until`, microseconds since the epoch, and judge the windows that end by then."""
        self.windower.advance(until)
        for window in self.windower.close():
            self.take(window)

    def learn_measured(self, past: Iterable[MeasuredWindow], until: int) -> int:
        """Learn from earlier windows of which only the exported metrics are left; as `learn`."""
        self._learns_until = until
        count = 0
        for window, last in mark_last(past):
            self.take_measured(window, whole=not last)
            self.coverage.learned += int(window.metrics.get("flows_opened", 0))
            count += 1
        if count:
            self._forget_when()
        return count

    def _forget_when(self) -> None:
        """What follows goes on with nothing: of what came before only what was learned is left."""
        self.coverage, self.last = Coverage(learned=self.coverage.learned), None
        self.recent.clear()

    def learn(self, past: Iterable[Passed], until: int, *, goes_on: bool = True) -> int:
        """Learn from earlier flows, of which nothing is stated; returns how many there were.

        Args:
            until: What is stated begins there, microseconds, with a window. Where the past goes on up to it, windows
                before it that are not over yet are filled by what comes: flows that were logged later.
            goes_on: Whether flows come next.
        """
        self._learns_until = until
        count = 0
        for passed in past:
            self.process(passed)
            count += len(passed.ended)
        settings, windower = self.settings, self.windower
        if not goes_on or windower.now is None or windower.now + settings.lateness + settings.span < until:
            self._take_rest()
            self.windower = FlowWindower(
                settings.span, settings.lateness, settings.contacts, own_clock=settings.own_clock
            )
            self._forget_when()
        else:
            windower.count_anew()
            self.coverage = Coverage(learned=self.coverage.learned)
        return count

    def finish(self) -> Findings:
        """Close every window and hand out what was found. Nothing can be processed afterwards."""
        self._take_rest()
        coverage = self.coverage
        coverage.late_flows += self.windower.late
        coverage.flows_in_part += self.windower.in_part
        coverage.untold = [one.name.lower() for one in Known if one.name and one not in self.windower.known]
        coverage.capped.update(self.capped())
        coverage.members = self.member_statuses()
        coverage.budget = self.thresholds.account()
        for line in coverage.budget:
            line.alarms = self.stated.alarms.get(line.detector, 0)
        coverage.spending = self.stated.spending(self.thresholds.per_week, [NETWORK], coverage)
        return Findings(*self.stated.all(), coverage)

    @property
    def members(self) -> list[AddressBehaviour]:
        """The detectors that judge by models."""
        return [detector for detector in self.detectors if isinstance(detector, AddressBehaviour)]

    def member_statuses(self) -> list[MemberStatus]:
        """How far each model has come."""
        return [status for member in self.members for status in member.statuses()]

    def capped(self) -> dict[str, int]:
        """How often a bound of memory was met, by the name of what it bounds."""
        caps = {
            "contacts": self.windower.left_out,
            "flows_going_on": self.windower.lumped,
            "occurrences": self.stated.occurrences.left_out,
            "incident_anomalies": self.stated.grouper.unnamed,
            "anomalies": self.stated.left_out,
        }
        for detector in self.detectors:
            caps[detector.name] = detector.left_out
        caps |= unstated(self.detectors)
        return {name: count for name, count in caps.items() if count}

    def take(self, window: FlowWindow, *, whole: bool = True) -> None:
        """Judge one window, after the silence before it.

        Args:
            whole: Whether it was watched to its end.
        """
        self._hush(window)
        looked_at = digest(window.contacts, window.histogram, self.settings.own)
        self._judge(window, measure(window, looked_at), looked_at, whole=whole)
        self.last = window.number

    def _take_rest(self) -> None:
        """Judge the windows that are open."""
        for window, whole in self.rest():
            self.take(window, whole=whole)

    def _hush(self, window: FlowWindow) -> None:
        """Judge the silence before a window."""
        if self.last is not None and 0 < window.number - self.last - 1 <= LONGEST_SILENCE:
            for number in range(self.last + 1, window.number):
                self._judge(_silence(window, number), _NOTHING)

    def take_measured(self, measures: MeasuredWindow, *, whole: bool = True) -> None:
        """Judge a window of which only the exported metrics are left; windows come in order of time.

        Args:
            whole: Whether it was watched to its end.
        """
        start, end = measures.start, measures.end
        coverage = self.coverage
        coverage.start = start if coverage.start is None else min(coverage.start, start)
        coverage.end = end if coverage.end is None else max(coverage.end, end)
        number = start // self.settings.span
        nothing = np.zeros((0, CONTACT_COLUMNS), dtype=np.int64)
        window = FlowWindow(
            number, start, end, nothing, np.zeros((0, ENDED_COLUMNS), dtype=np.int64),
            np.zeros((3, BINS), dtype=np.int64), Known(-1),
        )  # fmt: skip
        self._hush(window)
        self._judge(window, measured(measures.metrics), kept=False, whole=whole)
        self.last = number

    def _judge(
        self,
        window: FlowWindow,
        measures: dict[NetworkMetric, Measure],
        looked_at: Digest | None = None,
        *,
        kept: bool = True,
        whole: bool = True,
    ) -> None:
        held = self.baselines.judge(measures, window.start)
        if window.start >= self._learns_until:
            self._count(held)
        for metric, one in measures.items():
            least, most = self.extremes.get(metric, (one.value, one.value))
            if metric not in self.extremes or not least <= one.value <= most:
                self.extremes[metric] = (min(least, one.value), max(most, one.value))
        while self.recent and self.recent[0].start < window.end - RECENT_US:
            self.recent.popleft()
        if self.recent:
            self.recent[-1].settle()
        looked_at = looked_at or digest(window.contacts, window.histogram, self.settings.own)
        self.recent.append(RecentWindow(window, (looked_at.marks, looked_at.weights)))
        recent = tuple(self.recent)
        since = self.settings.since
        learns = window.start < self._learns_until or (since is not None and window.start < since)
        if learns:
            self.coverage.learned += looked_at.totals[Total.OPENED]
        view = NetworkView(
            window, recent, held, whole=whole, peaks=self._minute.turn(recent), looked_at=looked_at,
            watched=1.0 if self.watched is None else self.watched(window.start), own=self.settings.own,
        )  # fmt: skip
        found: list[Anomaly] = []
        for detector in self.detectors:
            if stated := detector.look(view):
                found += stated
                view.accused.update(name for a in stated for name in (a.entity.value, *a.clients))
        distrusted = set()
        for anomaly in sorted(found, key=stating_order):
            if not learns:
                self.stated.state(with_conversations(anomaly, window, self.settings.evidence))
            distrusted.update(anomaly.details.get("metrics", ()))
        self.stated.close(window.end)
        if whole:
            self.baselines.learn(held, window.start, frozenset(NetworkMetric(m) for m in distrusted))
        if self.keep_windows is not None and kept and not learns:
            self.keep_windows(window, found)

    def _count(self, held: dict[NetworkMetric, Held]) -> None:
        coverage = self.coverage
        for metric, one in held.items():
            if one.ready:
                coverage.windows += 1
            else:
                coverage.insufficient_data += 1
                coverage.insufficient_by[metric.value] = coverage.insufficient_by.get(metric.value, 0) + 1


def _silence(like: FlowWindow, number: int) -> FlowWindow:
    """A window without a packet, from a source as another's."""
    span = like.end - like.start
    return FlowWindow(
        number, number * span, (number + 1) * span, like.contacts[:0], like.ended[:0],
        like.histogram * 0, like.known,
    )  # fmt: skip
