"""`vedette simulate`: write traffic with labelled incidents in it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

if TYPE_CHECKING:
    from vedette.simulate import Labels, Simulation

_STDOUT = Path("-")


def simulate(
    minutes: Annotated[float, typer.Option(help="Length of the log in minutes.")] = 120,
    rate: Annotated[
        float, typer.Option(help="Requests per second, the mean over the log, incidents apart.")
    ] = 20,
    start: Annotated[
        str, typer.Option(metavar="ISO", help="When the log begins, ISO 8601; without a zone, UTC.")
    ] = "2026-03-02T08:00:00Z",
    seed: Annotated[int, typer.Option(help="Another seed, another log of the same kind.")] = 1,
    log_format: Annotated[
        str,
        typer.Option(
            "--format",
            help="combined, common, vhost_combined, nginx-timed (combined and $request_time), envoy, "
            "envoy-json, istio-json, haproxy, traefik-json, traefik-clf, caddy-json, aws-alb, cloudfront, iis, "
            "nginx-json, heroku or logfmt; or another name that `vedette formats` lists for one of them. "
            "`scan` knows them by the same names.",
        ),
    ] = "combined",
    inject: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME@WHEN[...]",
            help="An incident, or several with commas; may be given more than once. WHEN is HH:MM or "
            "+OFFSET; behind it may stand, in this order, +DURATION, *INTENSITY, /ROUTE, :SERVICE and #ACTOR: "
            "'error_spike@09:10+5m/login' or 'ddos@+30m+2m*0.5'. `--list-incidents` names them all.",
        ),
    ] = None,
    no_incidents: Annotated[
        bool, typer.Option("--no-incidents", help="Leave the injected incidents out: the same traffic, calm.")
    ] = False,
    services: Annotated[int, typer.Option(help="How many services the site is split into.")] = 1,
    clients: Annotated[int | None, typer.Option(help="About how many distinct clients there are.")] = None,
    distinct_user_agents: Annotated[
        bool, typer.Option("--distinct-user-agents", help="Give every line a user agent of its own.")
    ] = False,
    attack_share: Annotated[float, typer.Option(help="Share of requests that are attacks, 0 to 1.")] = 0.0,
    malformed_share: Annotated[float, typer.Option(help="Share of lines that are spoilt, 0 to 1.")] = 0.0,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the log goes; - is standard output.")
    ] = _STDOUT,
    labels: Annotated[
        Path | None, typer.Option(help="Where the incidents and their lines go (JSON lines).")
    ] = None,
    line_labels: Annotated[
        Path | None, typer.Option(help="Where the labelled lines go, one JSON object each.")
    ] = None,
    list_incidents: Annotated[
        bool, typer.Option("--list-incidents", help="Name the incidents that can be injected, and end.")
    ] = False,
) -> None:
    """Write realistic traffic, with incidents in it that are known line by line.

    The same arguments give the same bytes.

    Example: vedette simulate --inject error_spike@+40m+5m -o access.log
    """
    from vedette.simulate import INCIDENTS, Simulation

    if list_incidents:
        for name, incident in INCIDENTS.items():
            print(f"{name:20} {(incident.__doc__ or '').partition(chr(10))[0]}")
        return
    simulation = Simulation(
        minutes=minutes,
        rate=rate,
        start=_moment(start),
        seed=seed,
        format=log_format,
        inject="" if no_incidents else ",".join(inject or []),
        services=services,
        clients=clients,
        distinct_user_agents=distinct_user_agents,
        attack_share=attack_share,
        malformed_share=malformed_share,
    )
    from vedette.report.output import check_apart, check_output, open_output

    outputs = [str(path) for path in (output, labels, line_labels) if path is not None]
    check_apart(outputs, [])
    for each in outputs:
        check_output(each)
    known = simulation.blank_labels()
    with open_output(str(output)) as stream:
        _write(simulation, stream, known)
    if labels is not None:
        with open_output(str(labels)) as stream:
            known.write(stream)
    if line_labels is not None:
        with open_output(str(line_labels)) as stream:
            known.write_lines(stream)


def _write(simulation: "Simulation", stream: BinaryIO, known: "Labels") -> None:
    if not sys.stderr.isatty():
        stream.writelines(simulation.chunks(known))
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from vedette.report.console import Console

    columns = (TextColumn("{task.fields[lines]:,} lines"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=simulation.expected_lines, lines=0)
        lines = 0
        for chunk in simulation.chunks(known):
            stream.write(chunk)
            lines += chunk.count(b"\n")
            progress.update(task, completed=lines, lines=lines)


def _moment(text: str) -> datetime:
    from vedette.simulate import SimulationError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SimulationError(
            f"--start {text!r}: not a moment in ISO 8601: such as 2026-03-02T08:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
