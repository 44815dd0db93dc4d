"""The engine: enriched batches in, anomalies and incidents out.

Sans I/O: it reads no clock and no file. `scan` feeds it files, a live service will feed it streams; for the same
rows it says the same, however they were batched.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from vedette.detectors.few_stated import unstated
from vedette.detectors.learned.member import Member
from vedette.detectors.learned.trails import Trails
from vedette.detectors.parameters.habits import Habits
from vedette.detectors.signatures.everyday import Everyday
from vedette.detectors.signatures.hits import SignatureHits
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.detectors.statistical.exfiltration import DataExfiltration
from vedette.detectors.statistical.thresholds import Thresholds
from vedette.detectors.view import WindowDetector
from vedette.engine.batch import Batch, RowVerdicts
from vedette.engine.collect import Collector
from vedette.engine.judging import WindowJudge
from vedette.engine.sampling import Sampling
from vedette.engine.settings import EngineSettings
from vedette.enrich.names import ClientNames
from vedette.enrich.user_agent import AgentKind
from vedette.schema.anomaly import Anomaly
from vedette.schema.findings import Coverage, Findings
from vedette.schema.requests import Clients
from vedette.windows.judged import Judged as RowMarks
from vedette.windows.judged import Placed
from vedette.windows.summary import ClosedWindow
from vedette.windows.windower import Windower


class Engine(WindowJudge):
    """Windows, baselines, detectors and incidents of one run.

    Args:
        settings: What it needs to know.
        scanner: Judges requests.
        thresholds: From which surprise an alarm starts.
        make_detectors: Makes those that look at its windows. members: Those that judge by models, and look last.
        leader: Another engine, whose windows this one judges by its own baselines and thresholds. It is given no
            batches, and ends with its leader.
        habits: Learns what requests are like; None if nobody looks. A leader's serve its followers.
        trails: Remembers what clients ask for until their window closes, for a member that looks at it.
        everyday: Learns what is asked every day though it looks like attacks; None if nobody does.
    """

    def __init__(
        self,
        settings: EngineSettings,
        scanner: SignatureScanner,
        thresholds: Thresholds,
        make_detectors: Callable[["Engine"], Sequence[WindowDetector]],
        leader: "Engine | None" = None,
        habits: Habits | None = None,
        members: Sequence[Member] = (),
        trails: Trails | None = None,
        everyday: Everyday | None = None,
    ) -> None:
        if leader is None:
            windower, collector = Windower(settings.windows), Collector(settings.evidence, scanner.rules)
            sampling = Sampling(settings.seed, settings.windows.span)
            super().__init__(settings, thresholds, windower, sampling, collector, ClientNames())
        else:
            habits = leader.habits
            shared = leader.windower, leader.sampling, leader.collector, leader.names
            super().__init__(settings, thresholds, *shared)
        self.habits: Habits | None = habits
        self.trails = trails
        self.everyday = everyday
        self.scanner = scanner
        self.detectors = [*make_detectors(self), *members]
        self.members = members
        self.processed: list[int] = []
        """Requests taken in, by number of the service."""
        self.began: int | None = None
        """Where event time is told: the first request of the first window, while that has not been judged."""
        self.followers: list[Engine] = []
        if leader is not None:
            leader.followers.append(self)

    def process(
        self,
        batch: Batch,
        late: NDArray[np.uint8] | None = None,
        reached: NDArray[np.int64] | None = None,
    ) -> RowVerdicts:
        """Take a batch in, and judge the windows that it lets close.

        Args:
            batch: Enriched. late, reached: See `Windower.time`.

        Raises:
            ValueError: It is not enriched.
        """
        if batch.requests.client is None:
            raise ValueError("a batch must be enriched before the engine takes it")
        self.services = batch.services
        taken = np.bincount(batch.service, minlength=len(self.processed)).tolist()
        self.processed = [before + more for before, more in zip_longest(self.processed, taken, fillvalue=0)]
        batch, late, reached = self._thinned(batch, late, reached)
        requests, clients = batch.requests, batch.requests.client
        assert clients is not None  # noqa: S101 -- looked above
        if clients.names:
            self.names.see(clients.names)
        hits = batch.hits or self.scanner.judge(requests)
        if self.exceptions is not None:
            self.exceptions.excuse(requests, batch.service, batch.services, hits)
        before = self.windower.event_time.believed_next
        timed = self.windower.time(requests, late, reached)
        accused = decisive = hits.decisive()
        everyday = batch.everyday
        if batch.weighed:
            if everyday is not None:
                accused = decisive | everyday
        elif self.everyday is not None:
            everyday = self.everyday.take(
                requests, batch.service, batch.services, timed, hits, tells=not self.only_learns
            )
            if everyday is not None:
                decisive = accused & ~everyday
        marks = RowMarks(
            batch.service,
            np.where(decisive, hits.types, 0).astype(np.int64),
            decisive,
            batch.agent_kind,
            int(AgentKind.DECLARED_BOT),
            int(AgentKind.EMPTY),
        )
        placed = self.windower.add(requests, marks, timed)
        if not self.only_learns:
            self._collect(batch, clients, placed, hits)
        suspect = np.zeros(len(requests), dtype=np.uint32)
        if self.habits is not None:
            # Of what looks like an attack, habits neither learn nor judge anything, everyday or not.
            suspect = self.habits.take(
                requests, batch.service, batch.services, placed, self.windower.registry, accused
            )
        if self.trails is not None:
            self.trails.take(requests, batch.service, placed, self.windower.registry.asset)
        if self.settings.windows.own_clock:
            self._cover_rows(requests.time[placed.late == 0], before)
        elif self.place[0] is None:
            times = requests.time[placed.late == 0]
            if len(times):
                first = int(times.min())
                self.began = first if self.began is None else min(first, self.began)
        self._close_windows()
        return RowVerdicts(hits, hits.types.astype(np.int64), placed, suspect, everyday)

    def advance(self, until: int) -> None:
        """Let event time reach `until`, as if a line of that time had come from a service that nobody asks for.

        Windows that are `lateness` past their end close, and silence is judged up to them. A line of a closed window
        that comes afterwards is late.

        Args:
            until: Microseconds since the epoch. A time that was reached already changes nothing.
        """
        self.windower.event_time.advance(until)
        self._close_windows()
        for engine in (*self.followers, self):
            engine.hush(self.windower.event_time.open_from)

    def look_at(self, share: float) -> None:
        """Look at a share of the requests from the next window on; see `vedette.engine.sampling`.

        Args:
            share: 1, 1/2, 1/4 ... 1/1024.

        Raises:
            ValueError: It is none of these.
        """
        self.sampling.ask(share, self.windower.open_windows)

    def take_stated(self) -> list[Anomaly]:
        """What was stated since this was asked last; see `Statements.take`."""
        if self.habits is not None:
            self.habits.take_marked()
        return self.stated.take()

    @contextmanager
    def learning(self, *, called_normal: bool = True) -> Iterator[None]:
        """Within this context batches only teach the baselines; nothing is stated about them or covered.

        Args:
            called_normal: Whether a person says that this past is normal, and not only that it was before.
        """
        every = (self, *self.followers)
        for engine in every:
            engine.only_learns = True
        yield
        for window in self.windower.settle():
            self._close(window)
        if self.habits is not None:
            self.habits.end_of_past(called_normal=called_normal)
        if self.trails is not None:
            self.trails.clear()
        for engine in every:
            engine.only_learns = False
            engine.coverage = Coverage()
        self.windower.late = 0

    def finish(self) -> Findings:
        """Close every window and hand out what was found. Nothing can be processed afterwards."""
        for window in self.windower.close(everything=True):
            if self.settings.windows.own_clock and window.start > self.windower.event_time.now:
                # Believed only now that nothing else comes.
                self.cover(*window.told())
            self._close(window, last=True)
        coverage = self.coverage
        coverage.late = self.windower.late
        if self.habits is not None and self.habits.unready:
            coverage.insufficient_by["parameters"] = self.habits.unready
            coverage.insufficient_data += self.habits.unready
        coverage.capped.update(self.capped())
        if self.everyday is not None:
            coverage.everyday = self.everyday.account()
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
        if self.everyday is not None:
            caps["everyday"] = self.everyday.left_out
        for member in self.members:
            caps |= member.capped()
        for detector in self.detectors:
            if isinstance(detector, DataExfiltration):
                caps |= detector.capped()
        caps |= unstated(self.detectors)
        return {name: count for name, count in caps.items() if count}

    def _cover_rows(self, time: NDArray[np.int64], before: int | None) -> None:
        """Widen the time covered by rows; times far ahead that event time has not followed do not count.

        Args:
            time: int64 (n,), of rows that were not late. before: The earliest time that came in batches before and
                was not believed then.
        """
        now = self.windower.event_time.now
        believed = time[time <= now]
        times: list[int] = []
        if len(believed):
            times += [int(believed.min()), int(believed.max())]
        if before is not None and before <= now:
            times.append(before)
        if times:
            self.cover(min(times), max(times))

    def _seen(self, window: ClosedWindow, *, last: bool) -> float:
        """The share of a window that the log tells of: less than 1 where it begins in it, or has ended in it."""
        first, end = self.coverage.start, self.coverage.end
        if not self.settings.windows.own_clock:
            # Event time is told of whole windows: only before the first request may something be missing.
            first, end = (self.began, window.end) if self.place[0] is None else (None, None)
        if first is None or end is None:
            return 1.0
        begin = first if first < window.end else window.start
        until = end if last else window.end
        return max(0.0, min(window.end, until) - max(window.start, begin)) / (window.end - window.start)

    def _thinned(
        self, batch: Batch, late: NDArray[np.uint8] | None, reached: NDArray[np.int64] | None
    ) -> tuple[Batch, NDArray[np.uint8] | None, NDArray[np.int64] | None]:
        """The rows of a batch that are looked at."""
        if not self.sampling.active:
            return batch, late, reached
        kept = self.sampling.keep(batch.requests)
        # What was said before was said of all rows.
        thinned = Batch(batch.requests.select(kept), batch.service[kept], batch.services, batch.agent_kind)
        return (
            thinned,
            None if late is None else late[kept],
            None if reached is None else reached[kept],
        )

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
            if self.trails is not None:
                self.trails.drop_from(forgotten)

    def _close(self, window: ClosedWindow, *, last: bool = False) -> None:
        """Judge one window, and forget what was kept of its rows.

        Args:
            last: Nothing comes any more: it ends where the log does.
        """
        if self.habits is not None:
            self.habits.close(window.number, window.start, states=not self.only_learns)
        if self.trails is not None:
            self.trails.close(window.number)
        for engine in (*self.followers, self):
            engine.take(window, self.services, self._seen(window, last=last))
        self.sampling.close(window.number)
        self.collector.book.drop(window.number)
        self.collector.hostile.drop(window.number)
