"""`vedette config`: check, show or describe the configuration."""

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Check, show or describe the configuration.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A configuration, YAML.", show_default=False)],
) -> None:
    """Say whether a file is a usable configuration, and everything that is wrong with it.

    Files that it names and that cannot be read here are noted: it may be meant for another machine. The environment is
    left out of account. Exit status: 0 usable, 2 not.
    """
    from vedette.config import Config, ConfigError
    from vedette.config.named_files import unreadable

    try:
        config = Config.load(file)
    except ConfigError as error:
        # All of them here; elsewhere the first is enough.
        for problem in error.problems:
            typer.echo(f"vedette: {problem}", err=True)
        raise typer.Exit(2) from None
    for note in unreadable(config):
        typer.echo(f"vedette: note: {file}: {note}", err=True)
    print(f"{file}: usable")


@app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A configuration, YAML.", show_default=False)
    ] = None,
) -> None:
    """Print every key with the value that holds, as YAML, and where the value comes from.

    What a file and the environment (VEDETTE_WINDOWS__SPAN_S=30) set carries a remark; the rest are defaults.
    """
    from vedette.config.effective import effective

    print(effective(file, os.environ), end="")


@app.command()
def schema() -> None:
    """Print the configuration's JSON Schema, for editors."""
    import json

    from vedette.config import Config

    print(json.dumps(Config.model_json_schema(), indent=2))
