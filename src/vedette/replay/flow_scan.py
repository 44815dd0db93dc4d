"""The part of a scan that is about flows: captures and flow logs to findings, and their HTTP to the request path."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

from vedette.config import Config
from vedette.detectors.learned.training import Trainer
from vedette.engine.build_network import build_network, table_settings
from vedette.engine.model_record import Record
from vedette.engine.network import NetworkEngine
from vedette.engine.teaching import Teaching
from vedette.engine.training import TrainingProcesses
from vedette.engine.trimming import share_one_heap
from vedette.parsers.flows.captures import is_capture
from vedette.parsers.flows.flow_windows import MeasuredWindow
from vedette.replay.ahead import Ahead
from vedette.replay.flow_beginning import first_of_all
from vedette.replay.flow_coverage import cover, hollow
from vedette.replay.flow_inputs import first_bytes
from vedette.replay.flow_reading import FlowReading, FlowTally
from vedette.replay.measured_reading import MeasuredReading, holds_windows
from vedette.report.moments import day_and_clock, span
from vedette.report.progress import Progress
from vedette.report.story import some
from vedette.schema.findings import Coverage, Findings
from vedette.sources import Input
from vedette.windows.contacts import FlowWindow
from vedette.windows.flow_table import Passed
from vedette.windows.last import mark_last

if TYPE_CHECKING:
    from vedette.replay.flow_spool import FlowSpool

_HEAD = 64
_LOG_LATENESS_S = 300
"""Flow logs are written when flows end; Zeek and most exporters end silent ones within five minutes."""
_PATIENCE_S = 7 * 86_400
"""The same for logs that turn out not to be in order, such as some that were joined or shuffled: a week's are sorted,
as far as there is room for their contacts."""
_TOO_MANY_LATE = 0.01
_TOGETHER = 8_192
"""Contacts of windows that are handed over to be judged together, for a thread to wait for another less often."""
_MOST_TOGETHER = 64
"""Such windows."""
_WAITING = 1
"""Handovers that may wait."""
_Closed: TypeAlias = tuple[FlowWindow, bool]
"""A window, and whether it was watched to its end."""
_LATE_OF = 1_000
"""Flows of which so many are too many, at least."""


def in_order(begun: "Callable[..., FlowScan]") -> "tuple[FlowScan, Findings]":
    """Run a scan of flows; once more, patiently, where logs turn out not to be in order. Returns it, and what it found.

    Args:
        begun: Makes it; `patient` as for `FlowScan`.
    """
    scan = begun(patient=False)
    try:
        return scan, scan.run()
    except FlowDisorderError:
        scan = begun(patient=True)
        return scan, scan.run()


class FlowDisorderError(Exception):
    """Too many flows came too late for their windows; nothing was written but what another run writes anew."""


class FlowScan:
    """A scan of captures and flow logs.

    Args:
        inputs: What is scanned.
        config: How it is to be done.
        interrupted: Once it is set, nothing more is read, and what was found is told.
        windows: Where to write windows as JSON lines, or None.
        baselines: Where to write what is normal at the end, or None.
        http: Where to write the requests in captures, as log lines, or None.
        since, until: What is looked at, microseconds; what came before `since` is learned from.
        past: What is learned from first, as far as it is older than what is scanned.
        record: Of a service's models, to be followed instead of training.
        trainer: Fits models; processes of its own unless told otherwise.
        spool: Keeps flows for verdicts.
        alone: Whether it is an error if nothing can be read; otherwise that is told in the findings.
        patient: Wait for late flows as long as there is room, after a first try found that they come.

    Attributes:
        engine: The one that has looked, once `run` is over. spool: As it was given.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        config: Config,
        interrupted: threading.Event,
        *,
        windows: str | None = None,
        baselines: str | None = None,
        http: Path | None = None,
        progress: bool = False,
        since: int | None = None,
        until: int | None = None,
        past: Sequence[Input] = (),
        record: Record | None = None,
        trainer: Trainer | None = None,
        spool: "FlowSpool | None" = None,
        alone: bool = True,
        patient: bool = False,
    ) -> None:
        self._patient = patient
        self.spool = spool
        self._alone = alone
        self._record, self._trainer = record, trainer
        self.engine: NetworkEngine | None = None
        self._since, self._until, self._past = since, until, past
        self._windowed = [source for source in inputs if holds_windows(source)]
        self._inputs = [source for source in inputs if source not in self._windowed]
        self._config = config
        self._interrupted = interrupted
        self._windows = windows
        self._baselines = baselines
        self._http = http
        self._progress = progress
        self._past_unread: list[str] = []
        self.requests = 0

    def run(self) -> Findings:
        """Read everything, and hand out what was found.

        Raises:
            FlowDisorderError: Too many flows came too late, and the inputs can be read again.
            VedetteError: Nothing could be read, or an output cannot be written.
        """
        began = time.monotonic()
        lateness = self._config.windows.lateness_s
        in_order = all(map(_is_capture, self._inputs))
        retry = lateness is None and not in_order and not self._patient and self._can_repeat()
        if lateness is None:
            lateness = 0 if in_order else _PATIENCE_S if self._patient else _LOG_LATENESS_S
        table = table_settings(self._config.network)
        # Of several inputs it is looked at, with each window, which have ended by then.
        ahead = len(self._inputs) == 1 and self._inputs[0].path is not None
        if ahead:
            share_one_heap()
        with ExitStack() as stack:
            training = self._trainer
            if training is None:
                training = TrainingProcesses(gives_way=False, beside=True)
                stack.callback(training.close)
            engine = self.engine = build_network(
                self._config,
                lateness_us=lateness * 1_000_000,
                since=self._since,
                teaching=Teaching(training, record=self._record),
            )
            listener = None
            if self._http is not None:
                from vedette.replay.http_spool import HttpSpool

                listener = stack.enter_context(HttpSpool(self._http))
            reading = FlowReading(
                self._inputs, table, self._interrupted, listener, until=self._until, since=self._since,
                lateness=lateness * 1_000_000, ahead=ahead,
            )  # fmt: skip
            # Where an error ends the scan, lines may still be parsed ahead.
            stack.callback(reading.close)
            measured = MeasuredReading(self._windowed, self._interrupted, self._until)
            handed, windows = reading.passed(), measured.windows()
            if self._past:
                handed, windows = self._learned(engine, reading, handed, windows, lateness * 1_000_000)
            for window, last in mark_last(windows):
                engine.take_measured(window, whole=not last)
            if self._windows is not None:
                from vedette.report.metric_windows import WindowWriter

                engine.keep_windows = stack.enter_context(WindowWriter(self._windows))
            progress = stack.enter_context(
                Progress("reading packets and flows", _size(self._inputs), enabled=self._progress)
            )
            engine.watched = reading.watchers.share
            closed = partial(self._closed, engine, reading, handed, progress, retry=retry)
            handovers = partial(_together, closed)
            for full in stack.enter_context(Ahead(handovers, _WAITING)) if ahead else handovers():
                for one, whole in full:
                    engine.take(one, whole=whole)
            findings = engine.finish()
            if self._config.limits.evidence and findings.anomalies:
                from vedette.replay.flow_evidence import with_evidence

                span = self._config.network.span_s * 1_000_000
                findings.anomalies = with_evidence(
                    findings.anomalies, self._inputs, span, self._interrupted.is_set
                )
        if listener is not None:
            self.requests = listener.written
        if self._baselines is not None:
            from vedette.report.network_baselines import write_baselines

            write_baselines(engine, self._baselines)
        self._cover(findings.coverage, reading, measured)
        findings.coverage.waited_s = lateness
        findings.coverage.seconds = time.monotonic() - began
        return findings

    def _closed(
        self,
        engine: NetworkEngine,
        reading: FlowReading,
        handed: Iterator[Passed],
        progress: Progress,
        *,
        retry: bool,
    ) -> Iterator[_Closed]:
        """Windows as they close, and whether each was watched to its end.

        Raises:
            FlowDisorderError: Too many flows came too late, and `retry` asks to be told.
        """
        for passed in handed:
            for window in engine.windows(passed):
                yield window, True
            if self.spool is not None:
                self.spool.add(passed.ended)
            progress.update(reading.tally.position, reading.tally.packets + reading.tally.lines)
            if retry and engine.windower.late > max(_LATE_OF, reading.tally.flows) * _TOO_MANY_LATE:
                raise FlowDisorderError
        yield from engine.rest()

    def _cover(self, coverage: Coverage, reading: FlowReading, measured: MeasuredReading) -> None:
        """Say what was read.

        Raises:
            VedetteError: Nothing was, and nothing else is scanned.
        """
        tally = reading.tally
        tally.left_out += measured.left_out
        if self._alone and not tally.sources and not measured.sources and tally.left_out:
            raise tally.left_out[0]
        measured.count(tally)
        cover(coverage, tally)
        coverage.unread += self._outside(tally) + self._past_unread
        coverage.ended_early = [
            f"{name} ends {day_and_clock(end, UTC)} UTC, before others: less traffic from then on is no drop"
            for name, end in reading.watchers.early()
        ]
        coverage.interrupted = self._interrupted.is_set()

    def _can_repeat(self) -> bool:
        """Whether everything can be read and written once more."""
        # Windows that stand in a pipe already cannot be taken back.
        return self._windows != "-" and all(s.path is not None or s.whole for s in self._inputs)

    def requests_input(self) -> list[Input]:
        """The requests that were in captures, as an input of their own; nothing where there were none."""
        if self._http is None or not self.requests:
            return []
        captures = [source for source in self._inputs if _is_capture(source)]
        name = captures[0].name if len(captures) == 1 else f"{len(captures)} captures"
        return [Input(f"{name} (HTTP)", self._http, str(self._http))]

    def _outside(self, tally: FlowTally) -> list[str]:
        """Of when the flows are, if none is of the time that was asked for."""
        if tally.flows > tally.early or tally.first is None or tally.last is None:
            return []
        asked = [n for n, at in (("--since", self._since), ("--until", self._until)) if at is not None]
        names = some([source.name for source in self._inputs], named=3)
        when = span(tally.first, tally.last, UTC)
        return [f"{names}: no flow of the time that {' and '.join(asked)} asked for: they are of {when}"]

    def _learned(
        self,
        engine: NetworkEngine,
        reading: FlowReading,
        handed: Iterator[Passed],
        windows: Iterator[MeasuredWindow],
        lateness: int,
    ) -> tuple[Iterator[Passed], Iterator[MeasuredWindow]]:
        """Learn from the past that is older than what is scanned; returns what is scanned."""
        first, window = next(handed, None), next(windows, None)
        span = self._config.network.span_s * 1_000_000
        begins = [] if window is None else [window.start]
        if first is not None:
            begins.append(first.start if reading.whole_from is None else reading.whole_from)
            if self._patient:
                # Its first lines do not tell.
                begins += map(first_of_all, self._inputs)
        if not begins:
            return handed, windows
        begin = min(begins) // span * span
        windowed = [source for source in self._past if holds_windows(source)]
        measured = MeasuredReading(windowed, self._interrupted, begin)
        count = engine.learn_measured(measured.windows(), begin)
        past = FlowReading(
            [source for source in self._past if source not in windowed], table_settings(self._config.network),
            self._interrupted, until=begin, lateness=lateness,
        )  # fmt: skip
        count += engine.learn(past.passed(), begin, goes_on=window is None)
        tally = past.tally
        tally.left_out += measured.left_out
        measured.count(tally)
        if not count:
            engine.coverage.too_new = tally.filtered
        self._past_unread = [f"{error} (--baseline-from)" for error in map(str, tally.left_out)]
        self._past_unread += [f"{line} (--baseline-from)" for line in hollow(tally)]
        return (
            handed if first is None else chain([first], handed),
            windows if window is None else chain([window], windows),
        )


def _together(closed: Callable[[], Iterator[_Closed]]) -> Iterator[list[_Closed]]:
    """Closed windows, several at a time."""
    full: list[_Closed] = []
    contacts = 0
    for window, whole in closed():
        full.append((window, whole))
        contacts += len(window.contacts)
        if contacts >= _TOGETHER or len(full) >= _MOST_TOGETHER:
            yield full
            full, contacts = [], 0
    yield full


def requests_file(inputs: Sequence[Input], stack: ExitStack) -> Path | None:
    """Where the requests in captures are kept until they are read; None where there is no capture.

    Args:
        stack: Removes it when it is closed.
    """
    if not any(map(_is_capture, inputs)):
        return None
    return Path(stack.enter_context(TemporaryDirectory(prefix="vedette-"))) / "requests.log"


def _is_capture(source: Input) -> bool:
    head = first_bytes(source, _HEAD)
    # What cannot be read is told later, and has no say in how late flows may be.
    return is_capture(head) or not head


def _size(inputs: Sequence[Input]) -> int | None:
    paths = [source.path for source in inputs]
    return None if None in paths else sum(path.stat().st_size for path in paths if path is not None)
