"""`vedette serve`: watch what is happening, and answer over HTTP."""

from pathlib import Path
from typing import Annotated

import typer

_SOURCES = "Sources"
_SERVICE = "Service"


def serve(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Logs to follow through every rotation: files, directories, patterns in quotes; - for standard input, "
            "which it ends with.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="Configuration, YAML.", show_default=False),
    ] = None,
    from_end: Annotated[
        bool,
        typer.Option("--from-end", help="Begin with what is written from now on.", rich_help_panel=_SOURCES),
    ] = False,
    log_format_name: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="Format of the logs; found from their lines by default.",
            rich_help_panel=_SOURCES, show_default=False,
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(
            metavar="DIRECTIVE", help="The server's own log_format or LogFormat directive.",
            rich_help_panel=_SOURCES, show_default=False,
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Address to answer at. Other machines can ask only where keys are required.",
            rich_help_panel=_SERVICE, show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", help="Port; 0 takes a free one.", rich_help_panel=_SERVICE, show_default=False),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where everything is kept: sqlite:///vedette.db, postgresql://..., mongodb://... "
            "Default: a database in the directory of the service's own files.",
            rich_help_panel=_SERVICE, show_default=False,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Log warnings and errors only.", rich_help_panel=_SERVICE)
    ] = False,
) -> None:  # fmt: skip
    """Watch logs as they are written: the same engine as scan, with an API, metrics and alerts.

    Ctrl-C or SIGTERM takes in what is there, keeps everything, and ends; a later start goes on from there. SIGHUP
    reads the configuration again.

    Example: vedette serve /var/log/nginx/access.log
    """
    from vedette.cli.serve_run import ServeOptions, run

    raise typer.Exit(
        run(
            ServeOptions(
                paths=tuple(paths or ()),
                config=config,
                from_end=from_end,
                format=log_format_name,
                log_format=log_format,
                host=host,
                port=port,
                store=store,
                quiet=quiet,
            )
        )
    )
