"""The command line's reference page, made from the commands themselves.

`python -m vedette.cli.reference > docs/reference/cli.md` writes it anew.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from vedette.cli.main import COMMANDS, app

_HEAD = """# The command line

<!-- Made from the code by `python -m vedette.cli.reference`; do not edit. -->

Every command takes `--help`. Errors are one line on standard error.

| exit status | meaning |
|---|---|
| 0 | done; a scan found nothing at or above `--fail-on` |
| 1 | a scan found an incident at or above `--fail-on` |
| 2 | wrong usage, or an input, configuration or store that cannot be used |
| 70 | a defect in Vedette |
| 130 | interrupted; a scan has printed what it had found so far |
| 141 | whoever read the output has closed it |

Environment: `VEDETTE_SECTION__KEY=value` sets a key of the [configuration](config.md). `VEDETTE_DEBUG=1` prints where
an unexpected error happened. `VEDETTE_KERNELS=interpret` or `compile` overrides the choice of how inner loops run,
which is made by the size of the input. `NUMBA_CACHE_DIR` and `XDG_CACHE_HOME` say where compiled loops and rules are
kept. `NO_COLOR` turns colours off.
"""

_BRACES = str.maketrans("", "", "{}")
"""Around arguments that must be given; their meaning says so."""


def cli_reference() -> str:
    """Markdown with every command, argument and option."""
    return "\n".join([_HEAD, *_commands()])


def _commands() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    yield from _described("vedette", root)
    for name, deferred in COMMANDS.items():
        command = deferred.load(name)
        yield from _described(f"vedette {name}", command)
        for inner_name, inner in getattr(command, "commands", {}).items():
            yield from _described(f"vedette {name} {inner_name}", inner)


def _described(path: str, command: Any) -> Iterator[str]:
    yield f"## `{path}`\n"
    yield f"{inspect.cleandoc(command.help or '')}\n"
    context = typer.Context(command, info_name=path)
    rows = [_record(parameter, context) for parameter in command.params]
    if any(rows):
        yield "| argument or option | meaning |"
        yield "|---|---|"
        yield from (f"| `{_cell(names)}` | {_cell(meaning)} |" for names, meaning in filter(None, rows))
        yield ""


def _record(parameter: Any, context: typer.Context) -> tuple[str, str] | None:
    """What stands for a parameter, and what it means. An argument's type tells nothing that its name does not."""
    record: tuple[str, str] | None = parameter.get_help_record(context)
    if record is None or parameter.param_type_name != "argument":
        return record
    return " ".join(parameter.get_usage_pieces(context)).translate(_BRACES), record[1]


def _cell(text: str) -> str:
    """A text on one line, safe inside a table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(cli_reference(), end="")
