"""`vedette alert`: try a channel, silence incidents, and look up who was told what."""

from typing import Annotated

import typer

from vedette.cli.inputs import ConfigFile
from vedette.schema.anomaly import AnomalyType, Severity

app = typer.Typer(
    help="Try a channel, silence incidents, and look up who was told what.",
    no_args_is_help=True,
    add_completion=False,
)

StoreUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The service's store, like sqlite:///vedette.db. Default: the configuration's store.url, or the one that "
        "`vedette serve` makes.",
        show_default=False,
    ),
]


@app.command("test")
def try_out(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name in the configuration.")],
    config: ConfigFile = None,
) -> None:
    """Send a channel a test message, whatever routes, silences and quiet hours say.

    PagerDuty and Alertmanager get an incident that is closed at once. Exit status: 0 the channel took it, 2 not.
    """
    from vedette.cli.alert_run import try_channel

    try_channel(channel, config)


@app.command()
def silence(
    service: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help="Services, like 'shop*'. Repeat. Default: all.", show_default=False
        ),
    ] = None,
    type_: Annotated[
        list[AnomalyType] | None,
        typer.Option(
            "--type", metavar="TYPE", help="Types of anomaly. Repeat. Default: all.", show_default=False
        ),
    ] = None,
    max_severity: Annotated[
        Severity, typer.Option(help="Incidents worse than this are told all the same.")
    ] = Severity.CRITICAL,
    incident: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this incident.", show_default=False)
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", metavar="AGE", help="For how long: 30m, 2h, 1d.", show_default=False),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Or until when: 2026-05-01T12:00, UTC unless it says otherwise.",
            show_default=False,
        ),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for whoever wonders.")] = "",
    store: StoreUrl = None,
    config: ConfigFile = None,
) -> None:
    """Keep incidents from being told for a while, from now on; what is still open at the end is told then.

    A running service takes it up within 15 seconds. Prints the silence's id.

    Example: vedette alert silence --service 'shop*' --for 2h
    """
    from vedette.cli.alert_run import make_silence

    if (for_ is None) == (until is None):
        raise typer.BadParameter("say how long: either --for AGE or --until TIME")
    make_silence(
        service or (),
        type_ or (),
        max_severity=max_severity,
        incident=incident,
        age=for_,
        until=until,
        reason=reason,
        store=store,
        config=config,
    )


@app.command()
def silences(store: StoreUrl = None, config: ConfigFile = None) -> None:
    """List the silences that hold, those of the configuration too."""
    from vedette.cli.alert_run import list_silences

    list_silences(store, config)


@app.command()
def unsilence(
    silence_id: Annotated[
        str, typer.Argument(metavar="ID", help="Of the silence, as `vedette alert silences` lists it.")
    ],
    store: StoreUrl = None,
    config: ConfigFile = None,
) -> None:
    """End a silence: what it held and is still open is told now."""
    from vedette.cli.alert_run import end_silence

    end_silence(silence_id, store, config)


@app.command()
def log(
    limit: Annotated[int, typer.Option(metavar="N", help="Lines.", min=1, max=1000)] = 50,
    store: StoreUrl = None,
    config: ConfigFile = None,
) -> None:
    """Show what was told to whom, what is held and why, and what failed, the newest first."""
    from vedette.cli.alert_run import print_log

    print_log(limit, store, config)
