"""Options that say what is read and how it is understood, the same for every command that reads logs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vedette.replay.options import ScanOptions

INPUT = "Input"

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Logs: files, directories, patterns in quotes, - for standard input. Rotated and compressed ones "
        "(.1, .2.gz, bzip2, xz, zstd) are read in time order.",
        show_default=False,
    ),
]
Sample = Annotated[
    bool,
    typer.Option("--sample", help="Read the sample log that comes with Vedette.", rich_help_panel=INPUT),
]
FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Log format; `vedette formats` lists them. Default: auto.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
LogFormat = Annotated[
    str | None,
    typer.Option(
        metavar="DIRECTIVE",
        help="The server's own nginx log_format or Apache LogFormat string.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
Field = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=KEY",
        help="For JSON lines: where a field stands, like --field status=response.code. Repeat.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
LogTimezone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE",
        help="Zone of times logged without one: UTC, +02:00 or Europe/Berlin. Default: UTC.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
TrustedProxy = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NETWORK",
        help="A proxy of yours, passed over in X-Forwarded-For. Repeat.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Configuration, YAML.", show_default=False)
]
JsonFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Write it as JSON too; - for standard output.", show_default=False),
]
ShowProgress = Annotated[bool, typer.Option(help="Show progress on a terminal.")]


def input_options(
    paths: Sequence[str] | None,
    *,
    sample: bool,
    log_format_name: str | None,
    log_format: str | None,
    field: Sequence[str] | None,
    log_timezone: str | None,
    trusted_proxy: Sequence[str] | None,
    config: Path | None,
    progress: bool,
    ask: str = "give a log to read, - for standard input, or --sample to see how it looks",
    **more: Any,
) -> ScanOptions:
    """The options of a scan from those that every command that reads logs takes, and some more of the scan's.

    `ask` is what is said where nothing to read was named.

    Raises:
        BadParameter: No log was named, or a log and the sample.
    """
    if sample and paths:
        raise typer.BadParameter("give either paths or --sample, not both")
    if not sample and not paths:
        raise typer.BadParameter(ask)
    return ScanOptions(
        paths=tuple(paths or ()),
        sample=sample,
        format=log_format_name,
        log_format=log_format,
        fields=field_map(field or ()),
        log_timezone=log_timezone,
        trusted_proxies=tuple(trusted_proxy or ()),
        config=config,
        progress=progress,
        **more,
    )


def field_map(pairs: Sequence[str]) -> dict[str, str]:
    """Field names to keys, from `--field NAME=KEY`.

    Raises:
        BadParameter: One is not of that form.
    """
    found = {}
    for pair in pairs:
        name, equals, key = pair.partition("=")
        if not equals or not name or not key:
            raise typer.BadParameter(f"--field {pair}: must be NAME=KEY, like status=response.code")
        found[name] = key
    return found
