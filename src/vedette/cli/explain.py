"""`vedette explain`: one anomaly's whole reasoning."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from vedette.cli.findings_options import FindingsFile, StoreUrl
from vedette.schema.anomaly import Anomaly
from vedette.schema.errors import VedetteError

_NAMED = 5


class NoSuchAnomalyError(VedetteError):
    """An id that names no anomaly, or several."""


def explain(
    anomaly_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The anomaly, or as much of its id as no other shares. Without it, all are listed.",
            show_default=False,
        ),
    ] = None,
    json: FindingsFile = None,
    store: StoreUrl = None,
) -> None:
    """Print one anomaly's whole reasoning.

    What was seen, what was expected, the arithmetic done again, who carries it, the evidence, and what would not have
    been stated.
    """
    if (json is None) == (store is None):
        raise typer.BadParameter("say where the anomaly stands: either --json FILE or --store URL")
    from vedette.cli.kernel_mode import choose_kernel_mode

    choose_kernel_mode([])
    anomalies = from_file(json) if json is not None else from_store(store or "", anomaly_id)
    from rich.console import Console

    from vedette.cli.reasoning import show, show_list

    if anomaly_id is None:
        show_list(anomalies, Console())
    else:
        show(chosen(anomalies, anomaly_id, str(json or store)), Console())


def from_file(path: Path) -> Iterable[Anomaly]:
    """The anomalies of a findings document."""
    from vedette.report.json import load_findings

    return load_findings(str(path)).anomalies


def from_store(url: str, anomaly_id: str | None) -> Iterator[Anomaly]:
    """The anomaly of that id, if it is known; else all of a store's."""
    from vedette.storage import open_store

    with open_store(url, create=False) as store:
        known = store.anomaly(anomaly_id) if anomaly_id else None
        if known is not None:
            yield known
            return
        cursor = None
        while True:
            page = store.anomalies(limit=1000, cursor=cursor)
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return


def chosen(anomalies: Iterable[Anomaly], anomaly_id: str, place: str) -> Anomaly:
    """The anomaly of that id, or the only one whose id begins so."""
    found = []
    for anomaly in anomalies:
        if anomaly.id == anomaly_id:
            return anomaly
        if anomaly.id.startswith(anomaly_id):
            found.append(anomaly)
    match found:
        case [anomaly]:
            return anomaly
        case []:
            raise NoSuchAnomalyError(
                f"{anomaly_id}: no anomaly in {place} has an id that begins so: "
                "leave the id out to list those there are"
            )
        case _:
            some = ", ".join(anomaly.id for anomaly in found[:_NAMED])
            raise NoSuchAnomalyError(
                f"{anomaly_id}: {len(found)} anomalies in {place} have ids that begin so ({some}"
                f"{', ...' if len(found) > _NAMED else ''}): give more of it"
            )
