"""Keys that say how far from normal is too far."""

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from vedette.config.options import Section, option


class AlarmMode(StrEnum):
    """How a threshold is found."""

    BUDGET = "budget"
    THRESHOLD = "threshold"


SENSITIVITIES: Final = {"low": "1/month", "medium": "1/week", "high": "1/day", "highest": "1/hour"}
"""Named budgets."""
_WEEKS: Final = {"hour": 1 / 168, "day": 1 / 7, "week": 1.0, "month": 365.25 / 12 / 7, "year": 365.25 / 7}
"""How many weeks each span has."""
_BUDGET: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)\s*(?:/|per|a)\s*(hour|day|week|month|year)")
_MOST: Final = 10_000.0
_RULE: Final = (
    "must be a number of false alarms over a span of time, like 1/week, 2/day or 0.5/month, "
    f"or one of {', '.join(SENSITIVITIES)}"
)


def per_week(budget: str) -> float:
    """False alarms a week of a budget: `1/week`, `2/day`, `high`.

    Raises:
        ValueError: It is none, or out of range.
    """
    found = _BUDGET.fullmatch(SENSITIVITIES.get(budget, budget).strip())
    if found is None:
        raise ValueError(_RULE)
    weekly = float(found[1]) / _WEEKS[found[2]]
    if not 0 < weekly <= _MOST:
        raise ValueError(f"must be above none, and at most {_MOST:,.0f} a week")
    return weekly


def _budget(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A plain number is a week's.
        value = f"{value:f}".rstrip("0").rstrip(".") + "/week"
    if not isinstance(value, str):
        raise ValueError(_RULE)  # noqa: TRY004 -- pydantic takes ValueError for a wrong value
    per_week(value)
    return value


BudgetText = Annotated[str, BeforeValidator(_budget)]

EVERY: Final = "all"
"""Every attacker is told apart."""
_MOST_APART: Final = 1_000


def _attackers(value: Any) -> int | str:
    if value == EVERY or (type(value) is int and 0 <= value <= _MOST_APART):
        return EVERY if value == EVERY else int(value)
    raise ValueError(f"must be a whole number from 0 to {_MOST_APART:,}, or {EVERY}")


Attackers = Annotated[
    Annotated[int, Field(ge=0, le=_MOST_APART)] | Literal["all"], BeforeValidator(_attackers)
]


class ServiceAttackers(Section):
    """Another number of attackers told apart for some services."""

    service: str = option(
        ..., "Pattern of the service's name, like `intranet*`.", min_length=1, max_length=200
    )
    attackers: Attackers = option(..., "As `alarm.attackers_told_apart`.")


class Alarm(Section):
    """How far from normal is too far."""

    mode: AlarmMode = option(
        AlarmMode.BUDGET,
        "`budget` finds thresholds that keep to the number of false alarms; `threshold` is a plain z-score.",
    )
    budget: BudgetText = option(
        "1/week",
        "False alarms that you accept for each service: `1/week`, `2/day`, `0.5/month`; or by name: "
        + ", ".join(f"`{name}` ({rate})" for name, rate in SENSITIVITIES.items())
        + ".",
        unit="alarms per service",
    )
    threshold_z: float = option(
        3.0,
        "Standard deviations that count as too far, in mode `threshold`.",
        unit="standard deviations",
        gt=0.0,
        le=100.0,
    )
    attackers_told_apart: Attackers = option(
        5,
        "Attackers of a service told one by one in 30 days; further ones are one incident, "
        "but for those who attack severely. `all` for a service inside a network.",
        unit="attackers",
    )
    services: tuple[ServiceAttackers, ...] = option(
        (), "Attackers told apart of some services; the first that matches counts.", max_length=100
    )

    @property
    def per_week(self) -> float:
        """The budget in false alarms per service and week."""
        return per_week(self.budget)
