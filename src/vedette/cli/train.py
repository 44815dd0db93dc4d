"""`vedette train`: fit models to logs, check them, and keep those that pass."""

from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.inputs import (
    ConfigFile,
    Field,
    FormatName,
    LogFormat,
    LogTimezone,
    Paths,
    ShowProgress,
    TrustedProxy,
    input_options,
)


def train(
    paths: Paths = None,
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where models are kept. Default: learned.models.", show_default=False
        ),
    ] = None,
    log_format_name: FormatName = None,
    log_format: LogFormat = None,
    field: Field = None,
    log_timezone: LogTimezone = None,
    trusted_proxy: TrustedProxy = None,
    config: ConfigFile = None,
    progress: ShowProgress = True,
) -> None:
    """Fit a model to how each service's clients behave, and keep it if it passes its own check.

    What signatures, baselines and other detectors find in the logs is left out. Models are put to work by
    `learned.models: DIR` in the configuration.

    Exit status: 0 if a model was kept, 1 if none passed.
    """
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
        quiet=True,
        ask="give the logs to learn from, or - for standard input",
    )
    from vedette.cli.train_run import train_on_logs

    if not train_on_logs(options, models):
        raise typer.Exit(1)
