"""Forecasts and error budgets as they are written and told."""

from datetime import UTC

import msgspec

from vedette.baselines.error_budget import Burn, Outlook
from vedette.baselines.forecast import Forecast
from vedette.baselines.reach import COVERAGE
from vedette.explain.numbers import count, number, percent
from vedette.report.moments import day_and_clock, from_iso, iso
from vedette.schema.spans import MINUTE_US

_SHOWN = 4
_HOUR = 3600
_DAY = 86_400


class ForecastPoint(msgspec.Struct, frozen=True):
    """What is expected at one time."""

    timestamp: str
    expected: float
    lower: float
    upper: float


class SeriesForecast(msgspec.Struct, frozen=True):
    """What is expected of a series next.

    Attributes:
        horizon_s, step_s: How far, and from point to point, seconds.
        coverage: Share of what comes that the bands are to hold.
        forecasts, points, inside: Earlier forecasts that were compared with what came, their points, and how many of
            these were inside.
        expected: The points; none where too little was seen.
    """

    horizon_s: float
    step_s: float | None
    coverage: float
    forecasts: int
    points: int
    inside: int
    expected: list[ForecastPoint]


class ErrorBudget(msgspec.Struct, frozen=True):
    """What became of an error budget; see `vedette.baselines.error_budget.Burn`. Spans are seconds."""

    outlook: str
    ratio: float
    period_s: float
    known_s: float
    requests: float
    failed: float
    allowed: float
    left: float
    lately_s: float
    lately_failed: float
    burn_rate: float
    gone_at: str | None


def told(found: Forecast | None, horizon: int) -> SeriesForecast:
    """A forecast as it is written; None where too little was seen.

    Args:
        horizon: Microseconds.
    """
    if found is None:
        return SeriesForecast(horizon / 1e6, None, COVERAGE, 0, 0, 0, [])
    columns = (found.time.tolist(), found.expected.tolist(), found.lower.tolist(), found.upper.tolist())
    points = [ForecastPoint(iso(t), *values) for t, *values in zip(*columns, strict=True)]
    held = found.held
    return SeriesForecast(
        horizon / 1e6, found.step / 1e6, COVERAGE, held.forecasts, held.points, held.inside, points
    )


def budget_told(burn: Burn) -> ErrorBudget:
    """An error budget as it is written."""
    return ErrorBudget(
        outlook=burn.outlook.value,
        ratio=burn.ratio,
        period_s=burn.period / 1e6,
        known_s=burn.known / 1e6,
        requests=burn.requests,
        failed=burn.failed,
        allowed=burn.allowed,
        left=burn.left,
        lately_s=burn.lately / 1e6,
        lately_failed=burn.lately_failed,
        burn_rate=burn.burn_rate,
        gone_at=None if burn.gone_at is None else iso(burn.gone_at),
    )


def forecast_lines(found: SeriesForecast) -> list[str]:
    """What a person is told of a forecast: a few of its points, and how earlier ones have done."""
    if not found.expected:
        return ["  forecast: too little was seen"]
    tried = ""
    if found.points:
        tried = f" ({count(found.forecasts)} earlier ones held {percent(found.inside / found.points)})"
    lines = [f"  next {_span(found.horizon_s)}, in bands for {percent(found.coverage)} of it{tried}:"]
    last = len(found.expected)
    places = sorted({max(1, round(last * part / _SHOWN)) for part in range(1, _SHOWN + 1)})
    for place in places:
        point = found.expected[place - 1]
        lines.append(
            f"    {_clock(point.timestamp)}: {point.expected:.6g} ({point.lower:.6g} to {point.upper:.6g})"
        )
    return lines


def budget_line(found: ErrorBudget) -> str:
    """One sentence on an error budget."""
    of = f"error budget, {percent(found.ratio)} in {_span(found.period_s)}"
    lately = f"the last {_span(found.lately_s)}"
    match found.outlook:
        case Outlook.GONE:
            return f"{of}: gone: {count(found.failed)} failed, where {count(found.allowed)} may"
        case Outlook.INSUFFICIENT_DATA:
            return f"{of}: too little data: {count(found.lately_failed)} failed in {lately}, of {_span(found.known_s)}"
        case Outlook.ENDS:
            fast = f"{number(found.burn_rate)} times as fast as it allows"
            return (
                f"{of}: {percent(found.left)} left; at the rate of {lately} ({fast}) it is gone by "
                f"{_clock(found.gone_at or '')}"
            )
        case _:
            return f"{of}: {percent(found.left)} left; at the rate of {lately} it lasts"


def _clock(text: str) -> str:
    return f"{day_and_clock(from_iso(text) // MINUTE_US * MINUTE_US, UTC)} UTC"


def _span(seconds: float) -> str:
    for unit, long in (("day", _DAY), ("hour", _HOUR), ("minute", 60)):
        if seconds >= long and seconds % long == 0:
            number_of = round(seconds / long)
            return unit if number_of == 1 else f"{number_of} {unit}s"
    return f"{seconds:.6g} s"
