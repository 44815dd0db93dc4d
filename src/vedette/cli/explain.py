"""`vedette explain`: one anomaly's whole reasoning."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vedette.cli.findings_options import FindingsFile, StoreUrl
from vedette.schema.anomaly import Anomaly
from vedette.schema.errors import VedetteError

if TYPE_CHECKING:
    from vedette.detectors.learned.lime import Local

_NAMED = 5


class NoSuchAnomalyError(VedetteError):
    """An id that names no anomaly, or several."""


def explain(
    anomaly_id: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The anomaly, or as much of its id as no other shares. Without it, all are listed, the newest first.",
            show_default=False,
        ),
    ] = None,
    json: FindingsFile = None,
    store: StoreUrl = None,
    csv: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write what it rests on as a long table instead, of all anomalies without ID; - for standard output.",
            show_default=False,
        ),
    ] = None,
    lime: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Explain what models stated by a line fitted near it (LIME), with the models of this directory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print one anomaly's whole reasoning.

    What was seen, what was expected, the arithmetic done again, who carries it, the evidence, and what would not have
    been stated.

    Example: vedette explain ada180 --json findings.json
    """
    if (json is None) == (store is None):
        raise typer.BadParameter("say where the anomaly stands: either --json FILE or --store URL")
    from vedette.replay.kernel_mode import choose_kernel_mode

    choose_kernel_mode([])
    anomalies = from_file(json) if json is not None else from_store(store or "", anomaly_id)
    from vedette.cli.reasoning import show, show_list
    from vedette.report.console import Console

    if csv is not None:
        asked = anomalies if anomaly_id is None else [chosen(anomalies, anomaly_id, str(json or store))]
        _write_table(asked, csv, lime)
    elif anomaly_id is None:
        show_list(anomalies, Console())
    else:
        anomaly = chosen(anomalies, anomaly_id, str(json or store))
        show(anomaly, Console(), None if lime is None else _nearby(anomaly, lime))


def _nearby(anomaly: Anomaly, directory: Path) -> "tuple[tuple[str, ...], Local]":
    from vedette.engine.local import LocalError, explainable, local

    if not explainable(anomaly):
        raise LocalError(
            f"{anomaly.id}: {anomaly.detector} is no model that --lime can explain: leave it out"
        )
    return local(anomaly, directory)


def _write_table(anomalies: Iterable[Anomaly], place: str, directory: Path | None) -> None:
    """Write contributions; those of learned models by LIME if there is a directory of models."""
    from vedette.engine.local import explainable, local
    from vedette.report.contributions import Line, contribution_lines, write_contributions
    from vedette.report.output import open_output

    def lines(anomaly: Anomaly) -> list[Line]:
        if directory is None or not explainable(anomaly):
            return contribution_lines(anomaly)
        names, found = local(anomaly, directory)
        return [
            (name, weight, anomaly.details["row"][name])
            for name, weight in zip(names, found.weights.tolist(), strict=True)
        ]

    with open_output(place) as stream:
        write_contributions(stream, ((anomaly, lines(anomaly)) for anomaly in anomalies))


def from_file(path: Path) -> Iterable[Anomaly]:
    """The anomalies of a findings document, the newest first, as a store has them."""
    from vedette.report.json import load_findings

    return sorted(load_findings(str(path)).anomalies, key=lambda a: (a.start, a.id), reverse=True)


def from_store(url: str, anomaly_id: str | None) -> Iterator[Anomaly]:
    """The anomaly of that id, if it is known; else all of a store's, the newest first."""
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
    """The anomaly of that id, or the only one whose id begins so.

    Raises:
        NoSuchAnomalyError: There is none, there are several, or it is an incident's id.
    """
    found: list[Anomaly] = []
    of_incident: list[str] = []
    for anomaly in anomalies:
        if anomaly.id == anomaly_id:
            return anomaly
        if anomaly.id.startswith(anomaly_id):
            found.append(anomaly)
        if anomaly.incident_id == anomaly_id:
            of_incident.append(anomaly.id)
    match found:
        case [anomaly]:
            return anomaly
        case [] if of_incident:
            raise NoSuchAnomalyError(
                f"{anomaly_id}: is an incident, not an anomaly: give one of its {len(of_incident)} "
                f"({_some(of_incident)})"
            )
        case []:
            raise NoSuchAnomalyError(
                f"{anomaly_id}: no anomaly in {place} has an id that begins so: "
                "`vedette explain` without an id lists those there are"
            )
        case _:
            ids = [anomaly.id for anomaly in found]
            raise NoSuchAnomalyError(
                f"{anomaly_id}: {len(found)} anomalies in {place} have ids that begin so ({_some(ids)}): "
                "give more of it"
            )


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")
