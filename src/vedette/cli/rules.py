"""`vedette rules`: check custom rules, list them and what they can ask for, and test them on old logs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from vedette.cli.inputs import (
    ConfigFile,
    Field,
    FormatName,
    JsonFile,
    LogFormat,
    LogTimezone,
    Paths,
    Sample,
    ShowProgress,
    TrustedProxy,
    input_options,
)

app = typer.Typer(
    help="Check your own rules, and test them on old logs.",
    no_args_is_help=True,
    add_completion=False,
)

When = Annotated[
    str | None,
    typer.Option(
        "--when",
        metavar="EXPRESSION",
        help="A rule given here: 'error_rate > 5 % and requests > 100 for 3 windows'.",
        show_default=False,
    ),
]
RuleFile = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="A configuration, YAML.", show_default=False)
]


@app.command()
def check(file: RuleFile = None, when: When = None) -> None:
    """Say whether rules can be read, and point at what is wrong with those that cannot.

    Exit status: 0 usable, 2 not.
    """
    if (file is None) == (when is None):
        raise typer.BadParameter("give either a configuration FILE or one rule with --when")
    from vedette.cli.rule_text import read_all, understood

    wrong = False
    for title, expression in read_all(file, when):
        text, fine = understood(expression)
        wrong |= not fine
        typer.echo(f"{title}\n{text}", err=not fine)
    if file is not None:
        from vedette.cli.config import check as check_config

        if wrong:
            raise typer.Exit(2)
        check_config(file)
    if wrong:
        raise typer.Exit(2)


@app.command("list")
def list_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A configuration, YAML.", show_default=False)],
) -> None:
    """List the rules of a configuration as they are understood."""
    from vedette.cli.rule_text import described
    from vedette.config import Config

    rules = Config.load(file).rules
    for rule in rules:
        print(described(rule))
    if not rules:
        print(f"{file} has no rules")


@app.command()
def metrics() -> None:
    """List the measures that a rule can name, with their units."""
    from vedette.cli.rule_text import measures

    print(measures())


@app.command("test")
def try_out(
    paths: Paths = None,
    sample: Sample = False,
    when: When = None,
    service: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="With --when: services that it is about. Repeat.", show_default=False
        ),
    ] = None,
    route: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="With --when: routes that it is about, each by itself. Repeat.",
            show_default=False,
        ),
    ] = None,
    log_format_name: FormatName = None,
    log_format: LogFormat = None,
    field: Field = None,
    log_timezone: LogTimezone = None,
    trusted_proxy: TrustedProxy = None,
    config: ConfigFile = None,
    top: Annotated[int, typer.Option(metavar="N", help="Firings shown of each rule.", min=0)] = 10,
    json: JsonFile = None,
    progress: ShowProgress = True,
) -> None:
    """Run rules over old logs: how often they would have fired, when, and on what.

    The rules of --config, those that are not enabled too, or one given with --when. Nothing else is looked for.

    Example: vedette rules test access.log --when 'error_rate > 5 % for 3 windows'
    """
    options = input_options(
        paths,
        sample=sample,
        log_format_name=log_format_name,
        log_format=log_format,
        field=field,
        log_timezone=log_timezone,
        trusted_proxy=trusted_proxy,
        config=config,
        progress=progress,
        quiet=json == "-",
    )
    if when is None and (service or route):
        raise typer.BadParameter("--service and --route say what a rule given with --when is about: give it")
    given: dict[str, Any] | None = None
    if when is not None:
        from vedette.cli.rule_text import understood

        text, fine = understood(when)
        if not fine:
            typer.echo(text, err=True)
            raise typer.Exit(2)
        given = {"name": "rule", "when": when, "services": service or [], "routes": route or []}
    from vedette.cli.rule_trial import trial

    trial(options, given, top=top, json=json)
