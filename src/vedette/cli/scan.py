"""`vedette scan`: read logs, and print what is wrong and why."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.inputs import (
    INPUT,
    Field,
    FormatName,
    LogFormat,
    LogTimezone,
    Paths,
    Sample,
    TrustedProxy,
    input_options,
)
from vedette.cli.when import parse_time
from vedette.schema.anomaly import Severity

_DETECTION = "Detection"
_OUTPUT = "Output"


def scan(
    paths: Paths = None,
    sample: Sample = False,
    log_format_name: FormatName = None,
    log_format: LogFormat = None,
    field: Field = None,
    log_timezone: LogTimezone = None,
    trusted_proxy: TrustedProxy = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Report from then on: ISO 8601, today, yesterday, or 2h for two hours ago. "
            "What files say of the time before is learned from.",
            rich_help_panel=INPUT, show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Leave out later requests.", rich_help_panel=INPUT, show_default=False),
    ] = None,
    service: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this service. Repeat.", rich_help_panel=INPUT, show_default=False),
    ] = None,
    baseline_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="Older logs to learn what is normal from, first: 'access.log.*.gz'. Repeat.",
            rich_help_panel=_DETECTION, show_default=False,
        ),
    ] = None,
    models_from: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Judge by the models that a service used, each from when it did, and train none: "
            "`models` of the directory where vedette serve keeps its files.",
            rich_help_panel=_DETECTION, show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="RATE", help="False alarms you accept for each service: 2/day, 0.5/month. Default: 1/week.",
            rich_help_panel=_DETECTION, show_default=False,
        ),
    ] = None,
    sensitivity: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A budget by name: low (1/month), medium (1/week), high (1/day), highest (1/hour).",
            rich_help_panel=_DETECTION, show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="Z", help="Instead of a budget: a plain z-score, the classic way.",
            rich_help_panel=_DETECTION, show_default=False,
        ),
    ] = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SETTING",
            help="How many incidents others would have given: budget=1/day, threshold=4 or sensitivity=low. Repeat.",
            rich_help_panel=_DETECTION, show_default=False,
        ),
    ] = None,
    lateness: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="How late a line may come and still count. Default: found from a sample.",
            rich_help_panel=_DETECTION, show_default=False, min=0,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Configuration, YAML.", rich_help_panel=_DETECTION, show_default=False
        ),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write anomalies, incidents and coverage as JSON; - for standard output.",
            rich_help_panel=_OUTPUT, show_default=False,
        ),
    ] = None,
    verdicts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write one JSON line for each anomalous request and flow; - for standard output.",
            rich_help_panel=_OUTPUT, show_default=False,
        ),
    ] = None,
    every_request: Annotated[
        bool, typer.Option("--all", help="With --verdicts: the clean requests and flows too.", rich_help_panel=_OUTPUT)
    ] = False,
    html: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write a report page, complete in itself.",
            rich_help_panel=_OUTPUT, show_default=False,
        ),
    ] = None,
    windows: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Of captures and flow logs: write each window's metrics as a JSON line.",
            rich_help_panel=_OUTPUT, show_default=False,
        ),
    ] = None,
    baselines: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Of captures and flow logs: write what is normal, metric by metric, as JSON.",
            rich_help_panel=_OUTPUT, show_default=False,
        ),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Keep windows, baselines and findings: sqlite:///vedette.db, postgresql://user@host/vedette.",
            rich_help_panel=_OUTPUT, show_default=False,
        ),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Incidents to print. Default: 10.", rich_help_panel=_OUTPUT, show_default=False, min=1
        ),
    ] = None,
    fail_on: Annotated[
        Severity | None,
        typer.Option(
            metavar="SEVERITY",
            help="Least severity of an incident that gives exit status 1: low, medium, high or critical. Default: low.",
            rich_help_panel=_OUTPUT, show_default=False,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No report on the terminal.", rich_help_panel=_OUTPUT)
    ] = False,
    progress: Annotated[
        bool, typer.Option(help="Show progress on a terminal.", rich_help_panel=_OUTPUT)
    ] = True,
) -> None:  # fmt: skip
    """Read logs, and print what is wrong and why.

    Exit status: 0 nothing found, 1 something found at or above --fail-on, 2 wrong usage or input.

    Example: vedette scan 'access.log*' --since 2h
    """
    if sum(given is not None for given in (budget, sensitivity, threshold)) > 1:
        raise typer.BadParameter(
            "give either --budget or --sensitivity or --threshold: they are ways to set the same thing"
        )
    from vedette.config.alarm import SENSITIVITIES

    if sensitivity is not None and sensitivity not in SENSITIVITIES:
        raise typer.BadParameter(f"--sensitivity {sensitivity}: must be one of {', '.join(SENSITIVITIES)}")
    if every_request and verdicts is None:
        raise typer.BadParameter("--all says what --verdicts FILE writes: give both")
    if [json, verdicts, html, windows, baselines].count("-") > 1:
        raise typer.BadParameter("only one of --json, --verdicts, --html, --windows and --baselines can be -")
    now = datetime.now(UTC)
    begin = None if since is None else parse_time("--since", since, now)
    end = None if until is None else parse_time("--until", until, now)
    if begin is not None and end is not None and end <= begin:
        raise typer.BadParameter(f"--until {until}: must be after --since {since}: nothing lies between them")
    options = input_options(
        paths,
        sample=sample,
        log_format_name=log_format_name,
        log_format=log_format,
        field=field,
        log_timezone=log_timezone,
        trusted_proxy=trusted_proxy,
        config=config,
        progress=progress,
        ask="give a log to scan, - for standard input, or --sample to see how it looks",
        since=begin,
        until=end,
        services=tuple(service or ()),
        threshold=threshold,
        budget=_budget(budget) if budget is not None else sensitivity,
        what_if=tuple(what_if or ()),
        baseline_from=tuple(baseline_from or ()),
        models_from=models_from,
        json=json,
        verdicts=verdicts,
        every_request=every_request,
        html=html,
        windows=windows,
        baselines=baselines,
        store=store,
        fail_on=fail_on,
        top=top,
        lateness_s=lateness,
        quiet=quiet,
    )
    from vedette.replay.run import run

    raise typer.Exit(run(options))


def _budget(text: str) -> str:
    """A budget as it was given; a plain number is a week's."""
    try:
        return f"{float(text):g}/week"
    except ValueError:
        return text
