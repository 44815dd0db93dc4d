"""`vedette key`: make, list and revoke keys of the service's API."""

from enum import StrEnum
from typing import Annotated

import typer

from vedette.cli.inputs import ConfigFile

app = typer.Typer(
    help="Make, list and revoke keys of the service's API.",
    no_args_is_help=True,
    add_completion=False,
)

StoreUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="The service's store. Default: the configuration's store.url, or the one that `vedette serve` makes.",
        show_default=False,
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the key: a-z, 0-9, '-' and '.'.")]


class Scope(StrEnum):
    """What a key may do."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"


@app.command()
def create(
    name: Name,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(
            help="What it may do: send lines and have them judged, see what was found, or everything. Repeat. "
            "Default: read.",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="When it ends: 90d, 12w. Default: never.", show_default=False),
    ] = None,
    password: Annotated[
        bool,
        typer.Option(
            "--password",
            help="Make a user of basic authentication instead; the password is asked for, or read from "
            "standard input.",
        ),
    ] = False,
    store: StoreUrl = None,
    config: ConfigFile = None,
) -> None:
    """Make a key and print it, this once: only its digest is kept. A running service takes it within 5 seconds."""
    from vedette.cli.key_run import create_key

    scopes = tuple(dict.fromkeys(each.value for each in scope or [Scope.READ]))
    create_key(name, scopes, expires, password=password, store=store, config=config)


@app.command("list")
def list_(store: StoreUrl = None, config: ConfigFile = None) -> None:
    """List the keys: name, what each may do, when it was made, when it ends."""
    from vedette.cli.key_run import list_keys

    list_keys(store, config)


@app.command()
def revoke(name: Name, store: StoreUrl = None, config: ConfigFile = None) -> None:
    """End a key for good. A running service refuses it within 5 seconds."""
    from vedette.cli.key_run import revoke_key

    revoke_key(name, store, config)
