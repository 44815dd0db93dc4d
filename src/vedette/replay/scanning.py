"""One scan: two stages, and everything that is written of what they find."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from vedette.config import Config
from vedette.config.exceptions import read_exceptions
from vedette.detectors.signatures.rules import REQUEST_TYPES
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.batch import Batch
from vedette.engine.choosing import Chooser, enricher
from vedette.engine.signatures import signature_scanner
from vedette.engine.weighing import Told, Weighing, put
from vedette.enrich.source_name import names_of_past
from vedette.replay.ahead import Ahead
from vedette.replay.apart import Apart, Job, can_be_apart
from vedette.replay.coverage import NothingToReadError, check_read, check_services, cover
from vedette.replay.options import ScanOptions
from vedette.replay.output import write_findings
from vedette.replay.reading import Reading, Wanted
from vedette.report.output import open_output
from vedette.report.progress import Progress
from vedette.schema.anomaly import AnomalyType
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Coverage, Findings
from vedette.sources import BufferPool, Discovery

# What judges is imported where the engine is built: by then another process reads.
if TYPE_CHECKING:
    from vedette.engine.engine import Engine
    from vedette.replay.flow_spool import FlowSpool
    from vedette.replay.verdict_spool import VerdictSpool
    from vedette.replay.what_if import Alternatives

_IN_FLIGHT = 5
"""Buffers beside those that groups of files hold: being filled, queued, judged."""
_WAITING = 2
"""Batches that may wait between the stages."""
_MANY_GROUPS = 4
"""Groups from which chunks are smaller, so that the buffers stay within the ceiling."""
_MOST_GROUPS = 48
_LEAST_LATENESS_S = 60
_MOST_LATENESS_S = 6 * 3600
_TOO_MANY_LATE = 0.01
"""Share of late requests from which a log is read again with more patience, if it can be."""
_LATE_OF = 1_000
"""Requests from which that share means anything."""

_LARGE = 16 << 20
"""Bytes from which a process for the first stage saves more than the few milliseconds that its start takes."""

TYPE_NAMES = (*REQUEST_TYPES, *(t for t in AnomalyType if t not in REQUEST_TYPES))
"""Names of the bits in verdicts, those of the signatures first."""


class DisorderError(Exception):
    """A log is further out of order than its beginning told; it has to be read again with more patience."""


class Scan:
    """A scan of recorded traffic.

    Args:
        options: What was asked for.
        config: How it is to be done.
        found: What is scanned.
        history: Older logs to learn from first; of them, only what is older than what is scanned.
        interrupted: Once it is set, nothing more is read, and what was found is written.
        flows: What was found in captures and flow logs, to be told along. flow_spool: The flows, for verdicts.
        patient: Allow the most lateness there is, after a first try found that it is needed.
        unused: What was given and nothing was made of, a sentence each, to be told along.

    Attributes:
        training: Fits models; its processes end with `examine`.

    Raises:
        VedetteError: An input cannot be read or understood.
    """

    def __init__(
        self,
        options: ScanOptions,
        config: Config,
        found: Discovery,
        history: Discovery,
        interrupted: threading.Event,
        *,
        flows: Findings | None = None,
        flow_spool: "FlowSpool | None" = None,
        patient: bool = False,
        needs_all: bool = False,
        unused: Sequence[str] = (),
    ) -> None:
        self.options = options
        self._needs_all, self._unused = needs_all, unused
        self._flows, self._flow_spool = flows, flow_spool
        self._interrupted = interrupted
        self.patient = patient
        self.config = config
        self.found = found
        self._enricher = enricher(
            config, names_of_past((s.name for s in found.inputs), (s.name for s in history.inputs))
        )
        self._choose = Chooser(config)
        self._alternatives = _alternatives(options, config)
        self._exceptions = read_exceptions(Path(config.exceptions)) if config.exceptions else ()
        services = frozenset(options.services)
        sizes = [source.stored_bytes for each in (found, history) for source in each.inputs]
        self._small = sum(size or 0 for size in sizes) < _LARGE
        # Who can say how much a pipe brings?
        self._apart = can_be_apart() and (None in sizes or not self._small)
        self._present = self._reading(found, Wanted(options.since, options.until, services))
        begin = max((t for t in (self._present[0].begin, options.since) if t is not None), default=None)
        if begin is not None:
            begin -= begin % (config.windows.span_s * 1_000_000)
        self._past = self._reading(history, Wanted(None, begin, services)) if history.inputs else None
        self._sources = [source for source in (self._past, self._present) if source is not None]
        self._reads: Apart | None = None
        self._held = ExitStack()

    def run(self) -> int:
        """Learn, scan, write; returns the exit status.

        Raises:
            DisorderError: Too many lines came too late; nothing has been written but windows to a store.
            VedetteError: An input or output is wrong.
        """
        started = datetime.now(UTC)
        with ExitStack() as stack:
            stack.callback(self.close)
            engine = self.build()
            keeping = None
            if self.config.store.url:
                from vedette.replay.keeping import Keeping
                from vedette.storage import open_store

                keeping = Keeping(stack.enter_context(open_store(self.config.store.url)))
                engine.keep_windows = keeping.windows
            spool = None
            if self.options.verdicts:
                from vedette.replay.verdict_spool import VerdictSpool

                spool = stack.enter_context(VerdictSpool())
            findings = self.examine(engine, spool)
            if self._flows is not None:
                from vedette.engine.build import window_spans
                from vedette.engine.telling_apart import grouping
                from vedette.replay.joining import joined

                findings = joined(
                    [findings, self._flows],
                    spans=window_spans(self.config),
                    grouping=grouping(self.config),
                )
            keep = verdicts = None
            if keeping is not None:
                keep = partial(keeping.findings, engine, findings, started)
            if spool is not None and self.options.verdicts:
                verdicts = partial(self._write_verdicts, engine, findings, spool, self.options.verdicts)
            status = write_findings(findings, self.options, self.config, keep=keep, verdicts=verdicts)
            # Whoever asks whether something was found must not take "no" from a log that nobody could read.
            return status or (2 if self._present[0].tally.refused else 0)

    def build(self) -> "Engine":
        """An engine for this scan, as configured. Reading begins before, where a process of its own does it."""
        lateness = self._lateness()
        # Of a pipe nobody knows; rules are compiled as soon as it turns out to be large.
        scanner = signature_scanner(self.config.detectors.signatures, at_once=self._small)
        if self._apart:
            self._reads = self._in_a_process(scanner, lateness)
        from vedette.engine.build import build_engine
        from vedette.engine.model_record import Record
        from vedette.engine.teaching import Teaching
        from vedette.engine.training import TrainingProcesses

        self.training: TrainingProcesses = TrainingProcesses(gives_way=False)
        record = None if self.options.models_from is None else Record(self.options.models_from)
        teaching = Teaching(self.training, record=record)
        engine = build_engine(
            self.config,
            lateness_us=lateness,
            exceptions=self._exceptions,
            teaching=teaching,
            scanner=scanner,
        )
        if self._alternatives is not None:
            self._alternatives.follow(engine, lateness, self._exceptions, teaching)
        return engine

    def examine(self, engine: "Engine", spool: "VerdictSpool | None" = None) -> Findings:
        """Learn from the past and look through the present; writes nothing. Can be done once.

        Args:
            engine: From `build`. spool: Keeps what verdicts need of each row.

        Raises:
            DisorderError: Too many lines came too late.
            VedetteError: An input is wrong.
        """
        began = time.monotonic()
        with ExitStack() as stack:
            stack.callback(self.close)
            stack.callback(self.training.close)
            if self._past is not None:
                # What came before --since was only there; nobody has looked through it and called it normal.
                with engine.learning(called_normal=bool(self.options.baseline_from)):
                    self._feed(engine, self._past, None, "learning what is normal")
            self._feed(engine, self._present, spool, "scanning")
            if self._reads is not None and engine.everyday is not None and self._reads.ended is not None:
                engine.everyday.from_state(self._reads.ended)
            interrupted = self._interrupted.is_set()
            findings = engine.finish()
        if self._alternatives is not None:
            findings.coverage.what_if = self._alternatives.results(engine, findings)
        coverage, present = findings.coverage, self._present[0].tally
        cover(
            coverage, self.options, self.found, present, None if self._past is None else self._past[0].tally
        )
        coverage.unread += self._unused
        if interrupted:
            # Logs end where reading did.
            coverage.ended_early.clear()
        coverage.interrupted, coverage.seconds = interrupted, time.monotonic() - began
        if spool is not None and spool.routes_overflowed:
            coverage.capped["verdict_routes"] = spool.routes_overflowed
        if not interrupted:
            self._check_read(coverage)
            check_services(self.options.services, [*engine.services, *self._flow_services()])
        return findings

    def _check_read(self, coverage: Coverage) -> None:
        """See that there was a request, or that flows were read, of which then is told."""
        try:
            check_read(coverage, self.found, self._present[0].tally)
        except NothingToReadError as error:
            if self._flows is None:
                raise
            if not (coverage.unread or coverage.left_out):
                coverage.unread.append(str(error))

    def _flow_services(self) -> list[str]:
        if self._flows is None:
            return []
        from vedette.detectors.network.view import NETWORK

        return [NETWORK]

    def close(self) -> None:
        """End what reads, if there is no `examine` that does."""
        self._held.close()

    def _in_a_process(self, scanner: SignatureScanner, lateness: int) -> Apart | None:
        """Begin to read the sources in another process, if the system gives one."""
        # Exceptions have their say before what is everyday, and the engine counts them.
        weighs = self.config.detectors.signatures.everyday and not self._exceptions
        weighing = Weighing(scanner, self.config.windows.span_s * 1_000_000, lateness, weighs=weighs)
        jobs = [
            Job(*source, lateness // 2, partial(weighing.take, tells=False), weighing.end_of_past)
            if source is self._past
            else Job(*source, lateness // 2, weighing.take, weighing.everyday_state)
            for source in self._sources
        ]
        try:
            apart = self._held.enter_context(Apart(jobs, self._interrupted))
        except OSError:
            return None
        if not self.options.quiet:
            # What prints the report takes as long to import as the first batch takes to come.
            import vedette.report.terminal  # noqa: F401
        return apart

    def _reading(self, found: Discovery, wanted: Wanted) -> tuple[Reading, BufferPool]:
        groups = len({source.group for source in found.inputs})
        if groups > _MOST_GROUPS:
            raise VedetteError(
                f"{groups} different logs at once: at most {_MOST_GROUPS} can be read side by side: "
                "scan them in several runs, or name rotated files alike (access.log, access.log.1)"
            )
        chunk = (4 << 20) if groups < _MANY_GROUPS else (2 << 20)
        pool = BufferPool(chunk, groups + _IN_FLIGHT, shared=self._apart)
        reading = Reading(
            found.inputs,
            self._choose,
            self._enricher,
            wanted,
            pool,
            min(self.config.limits.line_bytes, chunk - 1),
            self._interrupted,
            needs_all=self._needs_all,
            # Beside flows, of which something can be told.
            needs_any=self._flows is None,
        )
        return reading, pool

    def _lateness(self) -> int:
        """As asked for, or as the samples need, microseconds."""
        if self.config.windows.lateness_s is not None:
            return self.config.windows.lateness_s * 1_000_000
        if self.patient:
            return _MOST_LATENESS_S * 1_000_000
        seen = max(r.disorder for r, _ in filter(None, (self._past, self._present)))
        return min(max(_LEAST_LATENESS_S * 1_000_000, 2 * seen), _MOST_LATENESS_S * 1_000_000)

    def _feed(
        self,
        engine: "Engine",
        source: tuple[Reading, BufferPool],
        spool: "VerdictSpool | None",
        what: str,
    ) -> None:
        reading, pool = source
        shown = self.options.progress and not self.options.quiet
        retry = (
            not self.patient
            and self.config.windows.lateness_s is None
            and all(source.path is not None or source.whole for source in self.found.inputs)
        )
        with Progress(what, reading.size, enabled=shown) as progress, ExitStack() as stack:
            batches: Iterable[tuple[Batch, Callable[[], object]]]
            if self._reads is not None:
                batches = _with_hits(self._reads.batches(reading), engine.scanner)
            else:
                slack = engine.settings.windows.lateness // 2
                batches = stack.enter_context(Ahead(partial(reading.batches, slack), _WAITING, pool.close))
            for batch, give_back in batches:
                verdicts = engine.process(batch)
                if spool is not None:
                    spool.add(batch, verdicts)
                give_back()
                if retry and engine.windower.late > max(_LATE_OF, reading.tally.parsed) * _TOO_MANY_LATE:
                    raise DisorderError
                progress.update(reading.tally.position, reading.tally.lines)

    def _write_verdicts(self, engine: "Engine", findings: Findings, spool: "VerdictSpool", path: str) -> None:
        from vedette.engine.verdicts import Marker

        marker = Marker.of(engine, findings.anomalies, spool.routes, TYPE_NAMES)
        from vedette.report.verdicts import VerdictWriter

        with open_output(path) as stream:
            writer = VerdictWriter(
                stream,
                include_clean=self.options.every_request,
                type_names=[t.value for t in TYPE_NAMES],
                with_source=len(spool.sources) > 1,
            )
            for rows in spool.blocks():
                writer.write(spool.sources, marker.judge(rows))
            if self._flow_spool is not None:
                clean = self.options.every_request
                self._flow_spool.write(stream, findings.anomalies, include_clean=clean)


def _alternatives(options: ScanOptions, config: Config) -> "Alternatives | None":
    if not options.what_if:
        return None
    from vedette.replay.what_if import Alternatives

    return Alternatives(options, config)


def _with_hits(
    made: Iterable[tuple[Batch, Told, Callable[[], object]]], scanner: SignatureScanner
) -> Iterator[tuple[Batch, Callable[[], object]]]:
    for batch, told, give_back in made:
        put(batch, told, scanner)
        yield batch, give_back
