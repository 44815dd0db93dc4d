"""Sources in, commits out: one engine over what is happening. Sans thread: `turn` does one turn."""

import logging
import secrets
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from time import perf_counter

import numpy as np

from vedette.config import Config
from vedette.config.exceptions import ExceptionRule
from vedette.engine.build import build_engine
from vedette.engine.engine import Engine
from vedette.engine.snapshot import Anew, RefusedPartError, restore, snapshot
from vedette.engine.teaching import Teaching
from vedette.engine.training import TrainingProcesses
from vedette.live.committing import Committer
from vedette.live.downtime import Downtime
from vedette.live.flows import LiveFlows
from vedette.live.intake import MOST_STREAMS, Intake, Tally
from vedette.live.kept_models import KeptModels
from vedette.live.overload import Overload
from vedette.live.together import Reached, Together
from vedette.live.work import Work
from vedette.schema.learned import MemberStatus
from vedette.schema.live import Commit
from vedette.schema.records import BaselineRecord, WindowRecord
from vedette.sources.journal import Journal
from vedette.sources.source import Delivery, Source, SourceState
from vedette.storage.live import LiveStore
from vedette.windows.watermarks import Watermarks, WatermarkSettings

_LOG = logging.getLogger("vedette.live")

ROOM = 1 << 20
"""Bytes taken from a source at a time: others get their turn."""
PUSHED_ROOM = 1 << 21
"""The same of what was pushed: twice as much costs a sixth less for each line, and 5 MB of memory."""
BUSY_BYTES = 1 << 18
"""Bytes that wait from which the next turn follows at once."""
_STREAMS = "streams"
_WATERMARKS = "watermarks"
_DOWNTIME = "downtime"
_INCIDENTS = "incidents"
_LEAST_PAUSE_US = 2_000_000
"""Between commits while old logs are read and windows close by the dozen."""
_LAST_LOOKS = 3
_LOOK_S = 0.5
"""Pauses between the last looks: together longer than any source needs to see what has come."""
_BASELINES_EVERY_US = 600_000_000

Clock = Callable[[], int]
"""Microseconds since the epoch, UTC."""


class Live:
    """One engine fed by sources, committing to a store. Used by one thread.

    Args:
        config: How everything is done.
        sources: Where lines come from; opened here, behind what the store says was taken in.
        store: Where everything is kept.
        clock: The time. It says when to wait no longer and when to commit, never what a line means.
        exceptions: What is not to be told.
        kept: Called with each commit once the store has it.
        models: Where models that are put to work are kept; None for nowhere.

    Attributes:
        turns: How many have been done.

    Raises:
        VedetteError: The configuration cannot be followed, or what was kept cannot be read.
    """

    def __init__(
        self,
        config: Config,
        sources: Sequence[Source],
        store: LiveStore,
        clock: Clock,
        exceptions: Sequence[ExceptionRule] = (),
        kept: Callable[[Commit], object] = lambda _: None,
        models: KeptModels | None = None,
    ) -> None:
        self.sources = tuple(sources)
        self.work = Work()
        self.overload = Overload(config.live.behind_s * 1_000_000)
        self.clock = clock
        self._store = store
        self._tell_kept = kept
        self.committer = Committer(store, clock, self._kept)
        self._positions: dict[str, bytes] = {}
        self._windows: list[WindowRecord] = []
        self.watermarks = _watermarks(config)
        self.downtime = Downtime(config.live.idle_after_s * 1_000_000)
        self._since = 0
        self._committed = clock()
        self.turns = 0
        self._baselines_at = 0
        self._baselines_told = False
        """Whether what was learned of the lines that were there at the start can be asked for."""
        self.config, self._exceptions = config, tuple(exceptions)
        self._training, self._models = TrainingProcesses(), models
        self.engine, self.intake = self._built(config, exceptions)
        self.flows = LiveFlows(config, self._teaching())
        self._together = Together(config)
        self._resume()

    def turn(self) -> bool:
        """One turn: take what has come, judge it, follow time, commit if it is due. Whether anything was taken."""
        took = self._turn()
        self.turns += 1
        return took

    def _turn(self) -> bool:
        if not self.committer.retry():
            return False
        took = False
        pending: set[str] = set()
        for source in self.sources:
            took |= self._take(source, pending)
        self._follow()
        self._group(pending)
        self._keep_up()
        if self._due():
            self.commit()
        return took

    def commit(self, *, last: bool = False) -> None:
        """Keep everything as it stands, if nothing waits to be kept already.

        Args:
            last: The service ends: there is no other try.
        """
        if not self.committer.retry(last=last):
            return
        now = self.clock()
        found = self._together.found_now()
        baselines: tuple[BaselineRecord, ...] = ()
        first = not self._baselines_told and not self.behind
        if first or now - self._baselines_at >= _BASELINES_EVERY_US:
            self._baselines_at = now
            baselines = tuple(self.engine.baseline_records())
            self._baselines_told = bool(baselines) and first
        if self._models is not None:
            self._models.write()
        windows, self._windows = self._windows, []
        self._committed, self._since = now, 0
        self.committer.commit(
            Commit(
                time=self.reached,
                state=self._snapshot(),
                positions=dict(self._positions),
                anomalies=tuple(found.anomalies),
                incidents=tuple(found.incidents),
                windows=tuple(windows),
                baselines=baselines,
                notices=tuple(found.notices),
            ),
            last=last,
        )

    def reconfigure(self, config: Config, exceptions: Sequence[ExceptionRule]) -> list[Anew]:
        """Go on under another configuration; returns what has to begin anew because of it.

        Raises:
            VedetteError: It cannot be followed; the old one stays in force.
        """
        before = self._snapshot()
        old = self.config, self._exceptions, self.engine, self.intake, self.flows, self._together
        try:
            self.engine, self.intake = self._built(config, exceptions, self.intake.tally)
            self.flows = LiveFlows(config, self._teaching(), self.flows.intake.tally)
            self._together = Together(config)
            self.config, self._exceptions = config, tuple(exceptions)
            return self._restore(before)
        except Exception:
            self.config, self._exceptions, self.engine, self.intake, self.flows, self._together = old
            raise

    def drain(self, until: int, wait: Callable[[float], object] = lambda _: None) -> None:
        """Take in what is there already, until the clock says `until` at the latest, and commit.

        Args:
            until: Microseconds. wait: Waits so many seconds: sources look for what has come every so often.
        """
        looks = 0
        while looks < _LAST_LOOKS and self.clock() < until:
            if self.turn():
                looks = 0
            else:
                looks += 1
                wait(_LOOK_S)
        self._together.hurry()
        self.commit(last=True)

    def close(self) -> None:
        """Let go of the sources, and of what is being trained: its sample is kept."""
        for source in self.sources:
            source.close()
        self._training.close()

    @property
    def reached(self) -> int:
        """How far logs were read, by their own time, microseconds; 0 or less for no line yet."""
        return max(self.engine.windower.event_time.watermark, self.flows.engine.windower.closed)

    @property
    def _lateness(self) -> int:
        """How late lines of a stream may come after others of it, microseconds."""
        settings = self.config
        lateness = settings.windows.lateness_s
        return 1_000_000 * (settings.live.lateness_s if lateness is None else lateness)

    @property
    def waiting(self) -> int:
        """Bytes that are there and not taken, as far as sources can tell."""
        return sum(status.behind or 0 for status in (source.status() for source in self.sources))

    @property
    def behind(self) -> bool:
        """Whether a source has so much more to give that it should be asked again at once."""
        statuses = (source.status() for source in self.sources)
        return any(
            status.behind >= BUSY_BYTES if status.behind is not None else status.state is SourceState.READING
            for status in statuses
        )

    @property
    def lag_us(self) -> int | None:
        """How far behind the clock it is, microseconds; 0 if nothing has come for long, None before the first line."""
        stopped = bool(self.committer.problem) and self.waiting > 0
        idle_after = self.config.live.idle_after_s * 1_000_000
        return self.work.behind_us(self.clock(), idle_after=idle_after, kept_up=not (stopped or self.behind))

    @property
    def exceptions(self) -> tuple[ExceptionRule, ...]:
        """What is not to be told."""
        return self._exceptions

    def member_statuses(self) -> list[MemberStatus]:
        """How far each learned model has come, of requests and of flows."""
        return [*self.engine.member_statuses(), *self.flows.engine.member_statuses()]

    def _built(
        self, config: Config, exceptions: Sequence[ExceptionRule], tally: Tally | None = None
    ) -> tuple[Engine, Intake]:
        # Lateness is each stream's own affair: the watermarks allow for it.
        engine = build_engine(
            config,
            lateness_us=0,
            exceptions=exceptions,
            own_clock=False,
            seed=secrets.randbits(64),
            teaching=self._teaching(),
        )
        engine.keep_windows = self._keep
        return engine, Intake(config, tally)

    def _teaching(self) -> Teaching:
        if self._models is None:
            return Teaching(self._training)
        return Teaching(self._training, keep=self._models.keep, asked=self._models.asked)

    def _keep(self, windows: list[WindowRecord]) -> None:
        self._windows += windows

    def _resume(self) -> None:
        last = self._store.resume()
        self._positions_kept = last is not None
        if last is not None:
            for anew in self._restore(last.state, stopped=True):
                _LOG.warning("%s: begins anew: %s", anew.part, anew.reason)
            self._positions = dict(last.positions)
            if self._models is not None:
                # Killed after a commit, it had no time to write down what was at work.
                self._models.settle(self.member_statuses())
        for source in self.sources:
            source.open(self._positions.get(source.name))

    def _snapshot(self) -> bytes:
        parts = {_STREAMS: self.intake.to_state(), _WATERMARKS: self.watermarks.to_state()}
        parts[_DOWNTIME] = self.downtime.to_state(self.clock())
        parts[_INCIDENTS] = self._together.to_state()
        parts |= self.flows.to_parts()
        return snapshot(self.engine, self.intake.enricher, parts)

    def _restore(self, content: bytes, *, stopped: bool = False) -> list[Anew]:
        refused: list[Anew] = []
        while True:
            try:
                restored = restore(self.engine, self.intake.enricher, content, refused)
                break
            except RefusedPartError as error:
                refused.append(error.anew)
                # What was refused may be half taken over.
                self.engine, self.intake = self._built(self.config, self._exceptions, self.intake.tally)
        self.watermarks = _watermarks(self.config)
        if (marks := restored.extra.get(_WATERMARKS)) is not None:
            self.watermarks.from_state(marks)
        if stopped and (downtime := restored.extra.get(_DOWNTIME)) is not None:
            self.downtime.from_state(downtime, self.clock(), self.engine.windower.event_time.watermark)
        self.engine.unwatched = self.downtime.unwatched
        streams = restored.extra.get(_STREAMS)
        reasons = self.intake.from_state(streams) if streams is not None else []
        of_flows = self.flows.from_parts(restored.extra)
        engines = self.engine, self.flows.engine
        self._together.from_state(
            restored.extra.get(_INCIDENTS), [engine.stated.grouper.to_state() for engine in engines]
        )
        return [*restored.anew, *(Anew("stream", reason) for reason in reasons), *of_flows]

    def _take(self, source: Source, behind: set[str]) -> bool:
        """Take what a source has; whether it had anything. Adds streams that have more to give to `behind`."""
        deliveries = source.take(PUSHED_ROOM if source.name == Journal.name else ROOM)
        began_at, pending = self.clock(), set(source.pending())
        behind |= pending
        for stream in pending:
            if self.flows.waits(stream, began_at):
                continue
            self.watermarks.add(stream, self._lateness, began_at)
            self.watermarks.waits(stream, began_at)
        for delivery in deliveries:
            began = perf_counter()
            if self._is_of_flows(delivery):
                newest = self.flows.take(delivery, began_at, caught_up=delivery.stream not in pending)
                if newest is not None:
                    self.work.saw(newest, began_at)
                # Before its first lines nobody knew what they would be.
                self.watermarks.remove(delivery.stream)
                self.work.took(len(delivery.lines), perf_counter() - began)
                self._since += len(delivery.lines)
                continue
            batch = self.intake.take(delivery)
            self.watermarks.add(delivery.stream, self._lateness, began_at)
            if batch is not None:
                times = batch.requests.time
                reached = np.empty(len(times), dtype=np.int64)
                late = self.watermarks.heard(
                    delivery.stream,
                    times,
                    began_at,
                    caught_up=delivery.stream not in pending,
                    reached=reached,
                )
                if source.name == Journal.name:
                    self.downtime.saw(batch)
                self.engine.process(batch, late, reached)
                self.work.saw(int(times.max()), began_at)
            self.work.took(len(delivery.lines), perf_counter() - began)
            self._since += len(delivery.lines)
        if len(self.watermarks) > MOST_STREAMS:
            for stream in self.watermarks.idle(began_at):
                self.watermarks.remove(stream)
        if deliveries:
            self._positions[source.name] = deliveries[-1].position
        return bool(deliveries)

    def _is_of_flows(self, delivery: Delivery) -> bool:
        if self.intake.knows(delivery):
            return False
        return self.flows.intake.takes(delivery)

    def _follow(self) -> None:
        """Let event time go as far as all streams that are not silent have come."""
        self.flows.follow(self.clock())
        reached = self.watermarks.time(self.clock())
        if reached is not None and reached > self.engine.windower.event_time.now:
            self.engine.advance(reached)

    def _group(self, pending: Set[str]) -> None:
        """Group what the engines have stated, as far as they have come; `pending` streams have more to give."""
        of_flows = {stream for stream in pending if stream in self.flows.intake}
        reached = self.flows.reached(behind=bool(of_flows))
        if len(self.watermarks):
            span = self.engine.settings.windows.span
            # The next window to be judged ends a window later.
            settled = (self.engine.windower.event_time.open_from + 1) * span - 1
            reached.append(Reached(settled, behind=len(pending) > len(of_flows)))
        stated = [*self.engine.take_stated(), *self.flows.engine.stated.take()]
        self._together.take(stated, reached, self.clock())

    def _keep_up(self) -> None:
        """Look at a share of the requests if there are more than can be looked at."""
        share = self.overload.look(self.clock(), self.work.lag_us, self.waiting)
        if share * self.engine.sampling.weight != 1:
            self.engine.look_at(share)

    def _due(self) -> bool:
        now, settings = self.clock(), self.config.live
        since = now - self._committed
        if not self._positions_kept and self._since:
            # From here on a restart knows which files it had begun, whatever they are called by then.
            return True
        if self._windows or self._together.found:
            return since >= _LEAST_PAUSE_US or not self.waiting
        if self._since >= settings.commit_bytes:
            return True
        return self._since > 0 and since >= settings.commit_s * 1_000_000

    def _kept(self, commit: Commit) -> None:
        self._positions_kept = True
        for source in self.sources:
            if (position := commit.positions.get(source.name)) is not None:
                with suppress(OSError):
                    source.committed(position)
        if self._models is not None:
            self._models.settle(self.member_statuses())
        self._tell_kept(commit)


def _watermarks(config: Config) -> Watermarks:
    second = 1_000_000
    settings = config.live
    lateness = settings.lateness_s if config.windows.lateness_s is None else config.windows.lateness_s
    return Watermarks(
        WatermarkSettings(
            idle_after=settings.idle_after_s * second,
            grace=(settings.idle_after_s + lateness) * second,
            skew=settings.skew_s * second,
            span=config.windows.span_s * second,
        )
    )


def ended(sources: Sequence[Source]) -> bool:
    """Whether no source will ever deliver again, but for what may be pushed into the journal."""
    return all(
        source.status().state is SourceState.ENDED for source in sources if source.name != Journal.name
    )
