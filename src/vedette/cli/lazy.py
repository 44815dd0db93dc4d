"""A command group that imports a command's module only when that command is run."""

import inspect
import shutil
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import msgspec
import typer
from typer.core import TyperCommand, TyperGroup

_FRAMED = 80
"""Columns of a terminal in which help with frames cuts nothing."""


class ReaderGoneError(Exception):
    """Whoever read standard output has closed it."""


class Deferred(msgspec.Struct, frozen=True):
    """A command that lives elsewhere.

    Attributes:
        target: `module:attribute`: a function, or a `typer.Typer` with commands of its own.
        help: The line that stands for it in the list of commands.
    """

    target: str
    help: str

    def load(self, name: str) -> Any:
        """Import the command, in the shape that the parser of command lines wants."""
        module, _, attribute = self.target.partition(":")
        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            app = typer.Typer(add_completion=False)
            app.command(name)(found)
            found = app
        command = typer.main.get_command(found)
        command.name = name
        for each in (command, *getattr(command, "commands", {}).values()):
            each.help = _flowing(each.help)
            each.short_help = each.help and each.help.partition("\n\n")[0]
            each.rich_markup_mode = _markup(each.rich_markup_mode)
            for parameter in each.params:
                _ask_no_type_of_nothing(parameter)
        return command


def _ask_no_type_of_nothing(parameter: Any) -> None:
    """Let an option that is not given be None at once.

    typer makes a validator of each option's type before it sees that there is nothing to validate: a tenth of the time
    until the first line of a log is read.
    """
    process = parameter.process_value

    def process_value(ctx: Any, value: Any) -> Any:
        if value is None and not parameter.required and parameter.callback is None:
            return () if parameter.multiple or parameter.nargs == -1 else None
        return process(ctx, value)

    parameter.process_value = process_value


def _markup(usual: Any) -> Any:
    """How help is set: in typer's frames, or, where they would cut the names of options, as plain lines."""
    return usual if shutil.get_terminal_size().columns >= _FRAMED else None


def _flowing(text: str | None) -> str | None:
    """Help whose paragraphs are as wide as the terminal; typer would keep the line breaks of the code."""
    if text is None:
        return None
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


class LazyGroup(TyperGroup):
    """Lists its commands from a table, so that `--help` imports none of them.

    Everything here comes from typer: it carries its own parser, and a `click` that happens to be
    installed is a stranger to it.
    """

    deferred: ClassVar[Mapping[str, Deferred]] = {}

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        self.rich_markup_mode = _markup(self.rich_markup_mode)
        super().format_help(ctx, formatter)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 -- the shape is typer's
        """Names in the order of the table."""
        return list(self.deferred)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 -- as above
        """A stand-in that knows its name and its line of help."""
        command = self.deferred.get(cmd_name)
        return None if command is None else TyperCommand(cmd_name, help=command.help, short_help=command.help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run; here its module is imported."""
        # typer suggests names for a misspelt one from here.
        self.commands = {name: self.get_command(ctx, name) for name in self.deferred}
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None:
            command = self.deferred[name].load(name)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; typer would end with 1, "something found", when the reader has gone away."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error
