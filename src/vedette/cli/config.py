"""`vedette config`: check, show or describe the configuration."""

import os
from pathlib import Path
from typing import Annotated

import typer

_CONFIG = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", metavar="FILE", help="The same file, named as for serve.", show_default=False
    ),
]
app = typer.Typer(
    help="Check, show or describe the configuration.",
    no_args_is_help=True,
    add_completion=False,
)


def _one_of(file: Path | None, config: Path | None) -> Path | None:
    if file is not None and config is not None:
        raise typer.BadParameter(f"name one file: {file} or {config}")
    return file or config


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A configuration, YAML.", show_default=False)
    ] = None,
    config: _CONFIG = None,
) -> None:
    """Say whether a file is a usable configuration, and everything that is wrong with it.

    Files that it names and that cannot be read here are noted: it may be meant for another machine. The environment is
    left out of account. Exit status: 0 usable, 2 not.
    """
    from vedette.config import Config, ConfigError
    from vedette.config.named_files import unreadable

    file = _one_of(file, config)
    if file is None:
        raise typer.BadParameter("which configuration? Name its file: vedette config check vedette.yaml")
    try:
        checked = Config.load(file)
    except ConfigError as error:
        # All of them here; elsewhere the first is enough.
        for problem in error.problems:
            typer.echo(f"vedette: {problem}", err=True)
        raise typer.Exit(2) from None
    for note in unreadable(checked):
        typer.echo(f"vedette: note: {file}: {note}", err=True)
    print(f"{file}: usable")


@app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A configuration, YAML.", show_default=False)
    ] = None,
    config: _CONFIG = None,
    origin: Annotated[
        bool, typer.Option("--origin/--no-origin", help="Say beside each given value where it was given.")
    ] = True,
) -> None:
    """Print every key with the value that holds, as YAML, and where the value comes from.

    What a file and the environment (VEDETTE_WINDOWS__SPAN_S=30) set carries a remark; the rest are defaults.
    """
    from vedette.config.effective import effective

    print(effective(_one_of(file, config), os.environ, remarks=origin), end="")


@app.command()
def schema() -> None:
    """Print the configuration's JSON Schema, for editors."""
    import json

    from vedette.config import Config

    print(json.dumps(Config.model_json_schema(), indent=2))
