"""`vedette scan`: inputs to findings to outputs. The driver of the engine over recorded traffic."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from vedette.config import Config
from vedette.data import sample_path
from vedette.replay.collecting import passing_over_the_present
from vedette.replay.interrupt import graceful_interrupt
from vedette.replay.kernel_mode import begun, choose_kernel_mode
from vedette.replay.options import ScanOptions
from vedette.report.output import check_apart, check_output
from vedette.report.waiting import waiting
from vedette.schema.errors import VedetteError
from vedette.sources import Discovery, Input, SourceError, SourceProblem, discover
from vedette.sources.discover import opened_if_pipe


class NoTrafficError(VedetteError):
    """An output was asked for that only captures and flow logs give, and none is scanned."""


def run(options: ScanOptions) -> int:
    """Scan, report, and return the exit status: 0 nothing found, 1 something at or above `--fail-on`.

    Raises:
        VedetteError: An input, option, format or store is wrong.
    """
    config = Config.load(options.config, environment=os.environ, overrides=options.overrides())
    outputs = (options.json, options.verdicts, options.html, options.windows, options.baselines)
    for output in outputs:
        if output is not None:
            check_output(output)
    found, history = inputs(options)
    check_apart(outputs, [options.config, *(source.path for source in (*found.inputs, *history.inputs))])
    told = options.progress and not options.quiet
    with graceful_interrupt() as interrupted, ExitStack() as stack:
        try:
            found.inputs, history.inputs = (
                begun(each.inputs, interrupted.is_set) for each in (found, history)
            )
            unprepared = choose_kernel_mode([*history.inputs, *found.inputs], foreseen=True)
            # Not before the choice: these import kernels.
            from vedette.replay.compiling import advise_preparing, compile_first
            from vedette.replay.flow_inputs import part_inputs, part_unreadable, untold_requests

            if unprepared:
                advise_preparing(shown=told)
            found.inputs, traffic = part_inputs(found.inputs, interrupted.is_set)
            history.inputs, past = part_inputs(history.inputs, interrupted.is_set)
            # What is scanned says itself what came before `--since`.
            past = [source for source in past if source not in traffic]
            compile_first([*history.inputs, *found.inputs], [*past, *traffic], interrupted, shown=told)
            flows = spool = None
            _check_traffic(options, traffic)
            if traffic:
                from vedette.replay.flow_run import scan_flows, write_flows
                from vedette.replay.left_out import left_out

                stack.enter_context(passing_over_the_present())
                flows, requests, spool = scan_flows(
                    traffic, past, options, config, interrupted, stack, alone=not found.inputs
                )
                found.inputs, unread = part_unreadable(found.inputs)
                flows.coverage.unread += [*map(str, unread), *untold_requests(traffic)]
                found.inputs += requests
                if not found.inputs:
                    flows.coverage.unread += [
                        _unlearned(source, "is no capture and no flow log that is known, and flows")
                        for source in history.inputs
                    ]
                    flows.coverage.left_out = left_out(found.skipped, ())
                    return write_flows(flows, options, config, spool)
            # Flows alone do without: that is a third of the time until the first of them is read.
            from vedette.replay.scanning import DisorderError, Scan

            stack.enter_context(passing_over_the_present())
            unused = [
                _unlearned(source, "holds flows, and requests")
                for source in past
                if not traffic and source not in history.inputs
            ]
            begun_scan = partial(
                Scan,
                options,
                config,
                found,
                history,
                interrupted,
                flows=flows,
                flow_spool=spool,
                unused=unused,
            )
            try:
                return begun_scan().run()
            except DisorderError:
                return begun_scan(patient=True).run()
        except SourceError as error:
            # A pipe that was still empty when the work was interrupted is no wrong input.
            if interrupted.is_set() and error.problem is SourceProblem.EMPTY:
                raise KeyboardInterrupt from None
            raise


def _unlearned(source: Input, why: str) -> str:
    return f"{source.name}: nothing was learned from it (--baseline-from): it {why} alone are scanned"


def _check_traffic(options: ScanOptions, traffic: Sequence[Input]) -> None:
    for name, path in (("--windows", options.windows), ("--baselines", options.baselines)):
        if path is not None and not traffic:
            raise NoTrafficError(
                f"{name} {path}: is about captures and flow logs, and none is scanned: leave it out"
            )


def inputs(options: ScanOptions) -> tuple[Discovery, Discovery]:
    """What is to be scanned, and what is to be learned from first."""
    found = _sample() if options.sample else discover(options.paths)
    history = discover(options.baseline_from) if options.baseline_from else Discovery()
    for each in (found, history):
        each.inputs = [_opened(source) for source in each.inputs]
    # A log is not its own past: what is scanned is left out of what is learned from.
    scanned = {source.path.resolve() for source in found.inputs if source.path is not None}
    history.inputs = [s for s in history.inputs if s.path is None or s.path.resolve() not in scanned]
    if options.since is not None:
        # But what it says of the time before is. A pipe cannot be read twice.
        history.inputs += [source for source in found.inputs if source.path is not None]
    return found, history


def _opened(source: Input) -> Input:
    # A named pipe is open once somebody opens it for writing.
    with waiting(f"{source.name}: nobody writes to it yet"):
        return opened_if_pipe(source)


def _sample() -> Discovery:
    """The sample under a plain name: where a package is installed says nothing to its reader."""
    path = sample_path()
    return Discovery([Input(path.name, path, path.name)])
