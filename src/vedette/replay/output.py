"""Where a scan's findings go: documents, a store, verdicts, the terminal; and the exit status that they give."""

from collections.abc import Callable, Iterator
from functools import partial

from vedette.config import Config
from vedette.replay.options import ScanOptions
from vedette.report.errors import OutputError
from vedette.report.warn import warn
from vedette.schema.errors import VedetteError
from vedette.schema.findings import Findings

INTERRUPTED = 130
"""What a shell says of a program that SIGINT ended."""


def write_findings(
    findings: Findings,
    options: ScanOptions,
    config: Config,
    *,
    keep: Callable[[], object] | None = None,
    verdicts: Callable[[], object] | None = None,
) -> int:
    """Write everything that was asked for, and return the exit status.

    An output that cannot be written takes no other one along: what hours were spent on is told all the same.

    Args:
        findings: What was found.
        options: Which documents were asked for. config: What is printed, and what counts as a finding.
        keep: Saves it to the store. verdicts: Writes them.

    Raises:
        VedetteError: One or several of them cannot be written.
    """
    errors: list[VedetteError] = []
    for write in (keep, *_documents(findings, options), verdicts):
        if write is None:
            continue
        try:
            write()
        except VedetteError as error:
            errors.append(error)
    try:
        _tell(findings, options, config)
    except BrokenPipeError:
        # Nobody reads the report to its end; what could not be written elsewhere is told all the same.
        if not errors:
            raise
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise OutputError("; ".join(map(str, errors)))
    if findings.coverage.interrupted:
        return INTERRUPTED
    worst = max((incident.severity.rank for incident in findings.incidents), default=-1)
    return 1 if worst >= config.output.fail_on.rank else 0


def _documents(findings: Findings, options: ScanOptions) -> Iterator[Callable[[], object]]:
    if options.json:
        from vedette.report.json import write_json

        yield partial(write_json, findings, options.json)
    if options.html:
        from vedette.report.html import write_html

        yield partial(write_html, findings, options.html)


def _tell(findings: Findings, options: ScanOptions, config: Config) -> None:
    if not options.shows_report:
        warn(findings.coverage)
        return
    from vedette.report.console import Console
    from vedette.report.terminal import render

    render(findings, Console(), top=config.output.top)
