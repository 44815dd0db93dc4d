"""The part of a scan that is about flows: captures and flow logs to findings to outputs."""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from vedette.config import Config
from vedette.detectors.network.view import NETWORK
from vedette.engine.model_record import Record
from vedette.explain.numbers import plural
from vedette.replay.flow_coverage import nothing
from vedette.replay.flow_scan import FlowScan, in_order, requests_file
from vedette.replay.options import ScanOptions
from vedette.replay.output import write_findings
from vedette.report.output import open_output
from vedette.report.story import some
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Findings
from vedette.sources import Input

if TYPE_CHECKING:
    from vedette.replay.flow_spool import FlowSpool


class FlowServiceError(VedetteError):
    """A service was asked for, and flows belong to none but the network."""


class NothingFlowsError(VedetteError):
    """No capture and no flow log holds a single flow."""


def scan_flows(
    inputs: Sequence[Input],
    past: Sequence[Input],
    options: ScanOptions,
    config: Config,
    interrupted: threading.Event,
    stack: ExitStack,
    *,
    alone: bool = True,
) -> "tuple[Findings, list[Input], FlowSpool | None]":
    """Scan captures and flow logs; returns what was found, and the requests in captures as an input of their own.

    Last are the flows that verdicts are asked for.

    Args:
        inputs: What is scanned. past: What is learned from first.
        stack: Removes the requests when it is closed.
        alone: Whether nothing else is scanned, so that it is an error if nothing can be read.
    """
    http = requests_file(inputs, stack)

    def kept() -> "FlowSpool | None":
        if not options.verdicts:
            return None
        from vedette.replay.flow_spool import FlowSpool

        return stack.enter_context(FlowSpool(options.since))

    def begun(*, patient: bool) -> FlowScan:
        return FlowScan(
            inputs,
            config,
            interrupted,
            spool=kept(),
            windows=options.windows,
            baselines=options.baselines,
            http=http,
            progress=options.progress and not options.quiet,
            since=options.since,
            until=options.until,
            past=past,
            record=None if options.models_from is None else Record(options.models_from),
            alone=alone,
            patient=patient,
        )

    scan, findings = in_order(begun)
    if options.services and NETWORK not in options.services:
        if findings.incidents:
            findings.coverage.unread.append(
                f"{plural(len(findings.incidents), 'incident')} of service {NETWORK} left out, as --service asks for "
                f"{some(options.services)}: add --service {NETWORK} for what flows say"
            )
        findings.anomalies, findings.incidents = [], []
    return findings, scan.requests_input(), scan.spool


def write_flows(findings: Findings, options: ScanOptions, config: Config, spool: "FlowSpool | None") -> int:
    """Write what was found where nothing but flows was scanned; returns the exit status.

    Raises:
        NothingFlowsError: There was nothing to find anything in.
        FlowServiceError: A service was asked for that flows do not belong to.
        VedetteError: An output cannot be written.
    """
    if options.services and set(options.services) != {NETWORK}:
        asked = next(name for name in options.services if name != NETWORK)
        raise FlowServiceError(
            f"--service {asked}: no request is to a service of that name, as flows alone are scanned: "
            f"all of them are of {NETWORK}"
        )
    coverage = findings.coverage
    if not coverage.interrupted and not any(source.parsed for source in coverage.sources):
        raise NothingFlowsError(nothing(coverage))
    keep = verdicts = None
    if config.store.url:
        keep = partial(_save, findings, config.store.url)
    if spool is not None and options.verdicts:
        verdicts = partial(_write_verdicts, findings, options.verdicts, spool, clean=options.every_request)
    return write_findings(findings, options, config, keep=keep, verdicts=verdicts)


def _save(findings: Findings, url: str) -> None:
    from vedette.replay.run_record import run_record
    from vedette.storage import open_store

    with open_store(url) as store:
        store.save(findings, run_record(findings, datetime.now(UTC)))


def _write_verdicts(findings: Findings, path: str, spool: "FlowSpool", *, clean: bool) -> None:
    with open_output(path) as stream:
        spool.write(stream, findings.anomalies, include_clean=clean)
