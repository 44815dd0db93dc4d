"""`vedette models`: what models there are, what each rests on, and the way back to an older one."""

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.inputs import ConfigFile, JsonFile

app = typer.Typer(help="List, show and roll back trained models.", no_args_is_help=True, add_completion=False)

Directory = Annotated[
    Path | None,
    typer.Argument(metavar="DIR", help="Where `vedette train` keeps models.", show_default=False),
]
Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[DIR] SERVICE", help="Where `vedette train` keeps models; whose model.", show_default=False
    ),
]
Models = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where models are kept, named as for train. Default: learned.models.",
        show_default=False,
    ),
]
Member = Annotated[str, typer.Option(metavar="NAME", help="Which of the service's models.")]
Number = Annotated[
    int | None, typer.Option(metavar="N", help="Which. Default: see the command.", show_default=False, min=1)
]


def _kept_in(word: str | Path | None, models: Path | None, config: Path | None) -> Path:
    """The directory that was named, in either way, or configured."""
    if word is not None and models is not None:
        raise typer.BadParameter(f"two directories: {word} and --models {models}: give one")
    named = word if word is not None else models
    if named is not None:
        return Path(named)
    from vedette.config import Config

    configured = Config.load(config, environment=os.environ).learned.models
    if configured is None:
        raise typer.BadParameter(
            "say where models are kept: DIR, --models DIR, or learned.models in the configuration (--config FILE)"
        )
    return Path(configured)


def _whose(words: list[str], models: Path | None, config: Path | None) -> tuple[Path, str]:
    """The directory and the service that `[DIR] SERVICE` name."""
    if len(words) > 2:
        raise typer.BadParameter(f"{len(words)} words: at most two, a directory and a service")
    if len(words) == 1 and models is None and config is None and Path(words[0]).is_dir():
        raise typer.BadParameter(f"{words[0]} is a directory: name the service behind it")
    return _kept_in(words[0] if len(words) == 2 else None, models, config), words[-1]


@app.command("list")
def list_(directory: Directory = None, models: Models = None, config: ConfigFile = None) -> None:
    """List the models of each service; `*` marks the one at work. Of those that a service made, since when and why."""
    from vedette.detectors.learned.course import DIGITS
    from vedette.engine.model_files import kept_models
    from vedette.engine.model_record import uses_of
    from vedette.report.moments import iso
    from vedette.report.shown import shown

    directory = _kept_in(directory, models, config)
    found = kept_models(directory)
    if not found:
        print(f"{shown(str(directory))}: there are no models; vedette train PATH --models DIR makes some")
    for (service, member), kept in found.items():
        uses = uses_of(directory, member, service)
        for model in kept:
            card, use = model.card, uses.get(model.manifest.sha256[:DIGITS])
            since = ""
            if use is not None:
                since = f", at work from {'the beginning' if use.since is None else iso(use.since)} ({shown(use.why)})"
            print(
                f"{'*' if model.current else ' '} {shown(service)} {member} {model.number:04}, "
                f"{card.rows:,} rows of {iso(card.start)} to {iso(card.end)}{since}"
            )


@app.command()
def show(
    words: Words,
    models: Models = None,
    member: Member = "forest",
    number: Number = None,
    config: ConfigFile = None,
    json: JsonFile = None,
) -> None:
    """Show a model's manifest: span, rows, features, libraries, checks. Default: the one at work."""
    import msgspec

    from vedette.engine.model_files import ModelFileError, kept_models
    from vedette.report.output import open_output

    directory, service = _whose(words, models, config)
    found = kept_models(directory)
    kept = found.get((service, member), [])
    chosen = [m for m in kept if (m.current if number is None else m.number == number)]
    if not chosen:
        raise ModelFileError(
            f"{directory}: no such model {member} of service {service}: {_others(found, service)}"
        )
    with open_output(json or "-") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(chosen[0].manifest)) + b"\n")


def _others(found: Iterable[tuple[str, str]], service: str) -> str:
    """Which models one may have meant, by service and member."""
    members = [member for name, member in found if name == service]
    if members:
        return f"of it there {'is' if len(members) == 1 else 'are'} {', '.join(members)} (--member, --number)"
    # A member named in the place of a service is what one sees first in the list of a model for every service.
    whose = sorted(name for name, member in found if member == service)
    if whose:
        return f"{service} is a model: vedette models show DIR {shlex.quote(whose[0])} --member {service}"
    return "vedette models list names them"


@app.command()
def rollback(
    words: Words,
    models: Models = None,
    member: Member = "forest",
    number: Number = None,
    config: ConfigFile = None,
) -> None:
    """Put an older model to work. Default: the one before the current one.

    A service takes its own back when it starts, or reads its configuration again (SIGHUP).
    """
    from vedette.engine.model_files import roll_back
    from vedette.engine.model_record import uses_of
    from vedette.report.shown import shown

    directory, service = _whose(words, models, config)
    before, now = roll_back(directory, member, service, number)
    when = " once the service reads its configuration again" if uses_of(directory, member, service) else ""
    print(f"{shown(service)}: model {member} {now:04} is at work instead of {before:04}{when}")
