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
from vedette.schema.errors import VedetteError


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

    Of captures and flow logs, how the addresses of the network behave is learned; of the requests in captures, what is
    learned of any log.

    What signatures, baselines and other detectors find in the logs is left out. Models are put to work by
    `learned.models: DIR` in the configuration.

    `vedette train ddos WINDOWS.csv` fits the model of floods instead, to a table of labelled windows.

    Exit status: 0 if a model was kept, 1 if none passed.

    Example: vedette train 'access.log*' --models models
    """
    if paths and paths[0] == "ddos":
        if len(paths) != 2:
            raise VedetteError(
                f"vedette train ddos takes one table of windows, not {len(paths) - 1}: vedette train ddos WINDOWS.csv "
                "(a log of that name is ./ddos)"
            )
        from vedette.cli.train_floods import train_on_windows

        if not train_on_windows(paths[1], models, config):
            raise typer.Exit(1)
        return
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
