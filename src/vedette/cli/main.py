"""`vedette`: finds the command, runs it, and turns what goes wrong into one clear line and an exit status."""

import importlib
import os
import sys
from typing import Annotated, Any

import click
import typer
from typer.core import TyperGroup

from vedette import __version__
from vedette.schema.errors import VedetteError

_COMMANDS = {
    "scan": ("vedette.cli.scan", "scan", "Read logs, and print what is wrong and why."),
    "explain": ("vedette.cli.explain", "explain", "Print one anomaly's whole reasoning."),
    "simulate": ("vedette.cli.simulate", "simulate", "Write traffic with labelled incidents in it."),
    "formats": ("vedette.cli.formats", "formats", "List the log formats that are known."),
    "config": ("vedette.cli.config", "app", "Check, show or describe the configuration."),
}
"""Name: module, attribute, one-line help. A command's module is imported when it is run, not before."""

EXIT_USAGE = 2
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130


class _Stub(click.Command):
    """Stands for a command in the list of commands, without importing it."""


class LazyGroup(TyperGroup):
    """The commands, each imported when it is first asked for by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they are listed."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself; while the list of all is printed, only what the list shows of it."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, text = _COMMANDS[cmd_name]
        if ctx.invoked_subcommand is None and cmd_name not in sys.argv[1:]:
            return _Stub(cmd_name, help=text)
        return _load(module, attribute, cmd_name)


def _load(module: str, attribute: str, name: str) -> click.Command:
    target: Any = getattr(importlib.import_module(module), attribute)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name)(target)
    return typer.main.get_command(app)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"vedette {__version__}")
        raise typer.Exit


@app.callback()
def vedette(
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Watch traffic logs: learn what is normal for each service, and say what is not, with the arithmetic."""


def main() -> None:
    """Run the command line."""
    try:
        app()
    except VedetteError as error:
        click.echo(f"vedette: {error}", err=True)
        sys.exit(EXIT_USAGE)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if os.environ.get("VEDETTE_DEBUG"):
            raise
        click.echo(
            f"vedette: a defect in Vedette, not in your input ({type(error).__name__}: {error}): please report it "
            "with the output of the same command under VEDETTE_DEBUG=1",
            err=True,
        )
        sys.exit(EXIT_INTERNAL)
