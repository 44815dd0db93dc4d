"""Keys of the user's own rules."""

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from vedette.config.options import Section, option
from vedette.schema.anomaly import Severity

MOST_RULES = 100


_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("must be lower-case letters, digits, - and _, like slow-checkout")
    return name


def _expression(text: str) -> str:
    # Few configurations have a rule, and what reads them is not imported for the others.
    from vedette.expression.errors import ExpressionError
    from vedette.expression.grammar import parse

    try:
        parse(text)
    except ExpressionError as error:
        raise ValueError(f"{error} (`vedette rules check FILE` points at it)") from None
    return text


def _distinct(rules: tuple[Any, ...]) -> tuple[Any, ...]:
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise ValueError(
                f"two rules are named {rule.name!r}: anomalies are named after their rule, so give another"
            )
        seen.add(rule.name)
    return rules


Expression = Annotated[str, AfterValidator(_expression)]
RuleName = Annotated[str, AfterValidator(_name)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class RuleSection(Section):
    """Your own rules over the measures of a window; `vedette rules metrics` lists these."""

    name: RuleName = option(
        ..., "Name, in lower-case letters, digits, `-` and `_`.", min_length=1, max_length=60
    )
    when: Expression = option(
        ...,
        "What must hold, and for how long: `error_rate > 5 % and requests > 100 for 3 windows`.",
        min_length=1,
    )
    services: tuple[Pattern, ...] = option(
        (), "Patterns of services that it is about, like `shop*`; all by default."
    )
    routes: tuple[Pattern, ...] = option(
        (), "Patterns of routes, each judged by itself, like `/api/*`; by default, services as a whole."
    )
    severity: Severity = option(Severity.MEDIUM, "Severity of what it states.")
    message: str = option("", "What to tell who reads it.", max_length=500)
    enabled: bool = option(True, "Whether it is applied.")

    @model_validator(mode="after")
    def _measures_of_routes(self) -> Self:
        from vedette.expression.grammar import parse
        from vedette.expression.measures import MEASURES

        lacking = (
            [name for name in parse(self.when).names if not MEASURES[name].of_routes] if self.routes else []
        )
        if lacking:
            raise ValueError(f"{lacking[0]} is known of services only, not of routes: leave out `routes`")
        return self


Rules = Annotated[tuple[RuleSection, ...], AfterValidator(_distinct)]
