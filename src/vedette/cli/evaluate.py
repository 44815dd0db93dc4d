"""`vedette evaluate`: hold what is found in a log against its labels."""

from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.inputs import (
    ConfigFile,
    Field,
    FormatName,
    JsonFile,
    LogFormat,
    LogTimezone,
    Paths,
    ShowProgress,
    TrustedProxy,
    input_options,
)


def evaluate(
    paths: Paths = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What was wrong: JSON lines with `line`, or `start` and `end`, and `type`; - for standard input.",
            show_default=False,
        ),
    ] = None,
    baseline_from: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="Older logs to learn what is normal from, first. Repeat.", show_default=False
        ),
    ] = None,
    log_format_name: FormatName = None,
    log_format: LogFormat = None,
    field: Field = None,
    log_timezone: LogTimezone = None,
    trusted_proxy: TrustedProxy = None,
    config: ConfigFile = None,
    json: JsonFile = None,
    progress: ShowProgress = True,
) -> None:
    """Hold what is found in a log against its labels.

    Tells, for each type, the share found, the delay, and the share of labelled lines that are called anomalous; false
    alarms for each service and day; the area under the precision-recall curve over lines; and whether lines are
    labelled as often as their scores say (expected calibration error).

    Example: vedette evaluate access.log --labels labels.jsonl
    """
    if labels is None:
        raise typer.BadParameter(
            "give the labels: --labels FILE, as `vedette simulate --labels FILE` writes them"
        )
    options = input_options(
        paths,
        sample=False,
        log_format_name=log_format_name,
        log_format=log_format,
        field=field,
        log_timezone=log_timezone,
        trusted_proxy=trusted_proxy,
        config=config,
        progress=progress,
        baseline_from=tuple(baseline_from or ()),
        quiet=json == "-",
        ask="give the log that the labels are about, or - for standard input",
    )
    from vedette.cli.evaluate_run import evaluate_log

    evaluate_log(options, labels, json)
