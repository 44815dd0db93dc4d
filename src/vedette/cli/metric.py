"""`vedette metric`: score plain series of numbers."""

import re
from typing import Annotated

import typer

TIME_UNITS = {"s": 0, "ms": -3, "us": -6, "ns": -9, "days": 1}
KINDS = ("gauge", "count", "latency", "ratio")


_HORIZON = re.compile(r"([0-9]{1,6})\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 7 * 86_400


def horizon(text: str) -> int:
    """Microseconds of `15m`, `1h` ...

    Raises:
        BadParameter: It is no span, or longer than seven days.
    """
    found = _HORIZON.fullmatch(text.strip())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise typer.BadParameter(f"--forecast {text}: must be a span like 15m, 1h or 1d, at most 7d")
    return seconds * 1_000_000


def budget(text: str) -> tuple[float, int]:
    """Share, 0 to 1, and microseconds of an error budget like `0.1%/30d`.

    Raises:
        BadParameter: It is none.
    """
    from vedette.config.error_budget import error_budget

    try:
        return error_budget(text)
    except ValueError as error:
        raise typer.BadParameter(f"--error-budget {text}: {error}") from None


def metric(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Rows of a time and a value, or of several; gzip, bzip2, xz and zstd too; - is standard input.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="What the values are: gauge (anything), count (events per step), latency (positive, scattering by "
            "factors) or ratio (a share, 0 to 1).",
        ),
    ] = "gauge",
    csv: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write a row for each point there, with its score; - is standard output."
        ),
    ] = None,
    json: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Write what was found there, with its arithmetic; - is standard output."
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Column of the times, by name or number from 1.", show_default=False
        ),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of a series, by name or number; may be given more than once. Without it: `value`, or else "
            "every column of numbers.",
            show_default=False,
        ),
    ] = None,
    total: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="With --kind ratio, column of the events that the values are shares of.",
            show_default=False,
        ),
    ] = None,
    time_unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT",
            help="Unit of times that are numbers since 1970: s, ms, us or ns; days for a spreadsheet's, since 30 "
            "December 1899. Default: s.",
            show_default=False,
        ),
    ] = None,
    day_first: Annotated[
        bool | None,
        typer.Option(
            "--day-first/--month-first",
            help="What stands first in 05/10/2026. Default: found out; asked for where every date may be either.",
            show_default=False,
        ),
    ] = None,
    zone: Annotated[
        str,
        typer.Option(
            metavar="ZONE",
            help="Zone whose hours and weekdays the series follows: UTC, +02:00 or Europe/Berlin.",
        ),
    ] = "UTC",
    threshold: Annotated[
        float,
        typer.Option(
            help="Score from which a point is an anomaly, above 0 up to 1. What is new scores above 0.5."
        ),
    ] = 0.5,
    forecast: Annotated[
        str | None,
        typer.Option(
            metavar="HORIZON",
            help="Also say what comes next, with bands that hold 95 % of it: 15m, 1h, 1d.",
            show_default=False,
        ),
    ] = None,
    error_budget: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE/DAYS",
            help="With --kind ratio and --total: when a budget like 0.1%/30d is gone at the last hour's rate.",
            show_default=False,
        ),
    ] = None,
    fail: Annotated[bool, typer.Option("--fail", help="End with status 1 if there is an anomaly.")] = False,
) -> int:
    """Score each point of a series by the points before it.

    A score is 0 to 1: above 0.5 where something new begins. Scores never reach 1, and what is more extreme always
    scores higher.

    Example: vedette metric queue.csv --csv scored.csv
    """
    from vedette.cli.metric_run import MetricOptions, run

    if kind not in KINDS:
        raise typer.BadParameter(f"--kind {kind}: must be one of {', '.join(KINDS)}")
    if time_unit is not None and time_unit not in TIME_UNITS:
        raise typer.BadParameter(f"--time-unit {time_unit}: must be one of {', '.join(TIME_UNITS)}")
    if total is not None and kind != "ratio":
        raise typer.BadParameter(f"--total {total}: is for --kind ratio alone, not for {kind}")
    if not 0.0 < threshold <= 1.0:
        raise typer.BadParameter(f"--threshold {threshold}: must be above 0, and at most 1")
    if csv == "-" and json == "-":
        raise typer.BadParameter("--csv - and --json -: only one of them can have standard output")
    if error_budget is not None and (kind != "ratio" or total is None):
        raise typer.BadParameter(f"--error-budget {error_budget}: needs --kind ratio and --total COLUMN")
    return run(
        MetricOptions(
            paths=tuple(paths),
            kind=kind,
            csv=csv,
            json=json,
            time=time,
            values=tuple(value or ()),
            total=total,
            time_unit=None if time_unit is None else TIME_UNITS[time_unit],
            day_first=day_first,
            zone=zone,
            threshold=threshold,
            fail=fail,
            horizon=None if forecast is None else horizon(forecast),
            budget=None if error_budget is None else budget(error_budget),
        )
    )
