"""`vedette inject`: put known incidents into copies of one's own logs, and tell what is found of them."""

from typing import Annotated

import typer

from vedette.cli.inputs import (
    ConfigFile,
    Field,
    FormatName,
    JsonFile,
    LogFormat,
    LogTimezone,
    Sample,
    ShowProgress,
    TrustedProxy,
    input_options,
)


def inject(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Logs: files, directories, patterns in quotes; not standard input, which cannot be read twice. "
            "Rotated and compressed ones (.1, .2.gz, bzip2, xz, zstd) are read in time order.",
            show_default=False,
        ),
    ] = None,
    sample: Sample = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only this incident; see --list-incidents. Repeat.", show_default=False
        ),
    ] = None,
    times: Annotated[int, typer.Option(metavar="N", help="How often each is put in.", min=1, max=50)] = 3,
    seed: Annotated[int, typer.Option(metavar="N", help="Another seed, other times and places.", min=0)] = 1,
    service: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Where they are put in. Default: the service with most pages asked for.",
            show_default=False,
        ),
    ] = None,
    log_format_name: FormatName = None,
    log_format: LogFormat = None,
    field: Field = None,
    log_timezone: LogTimezone = None,
    trusted_proxy: TrustedProxy = None,
    config: ConfigFile = None,
    json: JsonFile = None,
    list_incidents: Annotated[
        bool, typer.Option("--list-incidents", help="Name the incidents that can be put in, and end.")
    ] = False,
    progress: ShowProgress = True,
) -> None:
    """Put known incidents into copies of your own logs, and tell what is found of them: the quality card.

    The lines of an incident are made from the log's own, in its own format, at random times. The logs themselves are
    not touched; copies lie in the directory for temporary files, one at a time, and are removed.

    Example: vedette inject 'access.log*'
    """
    if list_incidents:
        from vedette.inject.menu import MENU

        for kind in MENU:
            print(f"{kind.name:20} {kind.minutes:2} min  {kind.meaning}")
        return
    options = input_options(
        paths,
        sample=sample,
        log_format_name=log_format_name,
        log_format=log_format,
        field=field,
        log_timezone=log_timezone,
        trusted_proxy=trusted_proxy,
        config=config,
        # What is shown is how many copies are done.
        progress=False,
        quiet=True,
        ask="give a log to put incidents into copies of, or --sample to see how it looks",
    )
    from vedette.cli.inject_run import quality_card

    quality_card(
        options, only=only or [], times=times, seed=seed, service=service, json=json, progress=progress
    )
