"""`vedette feedback`: say that an anomaly was a false alarm, and what is not to be told again."""

from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.findings_options import FindingsFile, StoreUrl
from vedette.cli.inputs import ConfigFile


def feedback(
    anomaly_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The anomaly, or as much of its id as no other shares. Without it, the exceptions are listed, and "
            "with --store how answers over the API weigh the members.",
            show_default=False,
        ),
    ] = None,
    false_alarm: Annotated[
        bool,
        typer.Option("--false-alarm", help="Make the narrowest exception that would have silenced it."),
    ] = False,
    json: FindingsFile = None,
    store: StoreUrl = None,
    exceptions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where exceptions are kept. Default: as configured, else exceptions.yaml.",
            show_default=False,
        ),
    ] = None,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for whoever reviews the file.")] = "",
    expires: Annotated[
        str, typer.Option(metavar="AGE", help="How long it holds, from today: 90d, 2w.")
    ] = "90d",
    any_time: Annotated[
        bool, typer.Option("--any-time", help="At all hours, not only at that of the week.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the exception and what it would silence; write nothing.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Say that an anomaly was a false alarm.

    Makes the narrowest exception that would have silenced it (of a request: rule, route and parameter; of a window:
    detector, entity, hour of the week and size), shows what else it would have silenced in the same findings or store,
    and adds it to a YAML file that `vedette scan` reads where the configuration names it: `exceptions: FILE`.

    Example: vedette feedback ada180 --false-alarm --json findings.json
    """
    from vedette.cli.feedback_run import list_exceptions, list_weights, make_exceptions

    if anomaly_id is None:
        list_exceptions(exceptions, config)
        if store is not None:
            list_weights(store)
        return
    if not false_alarm:
        raise typer.BadParameter("say what it was: --false-alarm")
    if (json is None) == (store is None):
        raise typer.BadParameter("say where the anomaly stands: either --json FILE or --store URL")
    make_exceptions(
        anomaly_id,
        json=json,
        store=store,
        path=exceptions,
        reason=reason,
        expires=expires,
        any_time=any_time,
        dry_run=dry_run,
        config_path=config,
    )
