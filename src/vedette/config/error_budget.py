"""Keys of the error budget: how many requests of a service may fail, and over how long."""

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator

from vedette.config.options import Section, option
from vedette.schema.spans import DAY_US

_RULE: Final = "must be a share over days, like 0.1%/30d or 0.001/28d: above 0, at most 50 %, 1 to 90 days"
_TEXT: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*(%?)\s*(?:/|per|in)\s*([0-9]{1,2})\s*d(?:ays?)?")


def error_budget(text: str) -> tuple[float, int]:
    """Share of requests that may fail, and over how many microseconds: `0.1%/30d`.

    Raises:
        ValueError: It is none.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(_RULE)
    share = float(found[1]) / (100.0 if found[2] else 1.0)
    days = int(found[3])
    if not (0.0 < share <= 0.5 and 1 <= days <= 90):
        raise ValueError(_RULE)
    return share, days * DAY_US


def _checked(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(_RULE)  # noqa: TRY004 -- pydantic takes ValueError for a wrong value
    error_budget(value)
    return value


ErrorBudgetText = Annotated[str | None, BeforeValidator(_checked)]


class ServiceErrorBudget(Section):
    """Another error budget for some services."""

    service: str = option(..., "Pattern of the service's name, like `shop*`.", min_length=1, max_length=200)
    budget: ErrorBudgetText = option(None, "As `slo.error_budget`; null for none.")


class Slo(Section):
    """What a service promises its users."""

    error_budget: ErrorBudgetText = option(
        None,
        "Share of a service's requests that may fail (5xx), over how many days: `0.1%/30d`. Null for none.",
    )
    services: tuple[ServiceErrorBudget, ...] = option(
        (), "Budgets of some services; the first that matches counts.", max_length=100
    )
    lately_s: int = option(
        3600, "What the rate at which a budget is spent is taken of.", unit="seconds", ge=300, le=86_400
    )
