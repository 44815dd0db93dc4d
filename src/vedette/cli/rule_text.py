"""What is printed about custom rules and the measures that they can name."""

from collections.abc import Iterator
from pathlib import Path

from vedette.config.load import gather
from vedette.config.rules import RuleSection
from vedette.config.tree import Config
from vedette.expression.errors import ExpressionError
from vedette.expression.grammar import parse
from vedette.expression.measures import MEASURES
from vedette.expression.quantities import UNITS
from vedette.expression.tree import Condition


def read_all(file: Path | None, when: str | None) -> Iterator[tuple[str, str]]:
    """A title and the expression of each rule that was given, whether or not it can be read.

    Raises:
        ConfigError: The file is no YAML.
    """
    if when is not None:
        yield "--when", when
        return
    gathered = gather(Config, file, {}, {})
    rules = gathered.values.get("rules")
    for number, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict) and isinstance(rule.get("when"), str):
            origin = gathered.origins[gathered.given_at(("rules", number, "when"))]
            yield f"{origin}: {rule.get('name') or f'rules[{number}]'}", rule["when"]


def understood(expression: str) -> tuple[str, bool]:
    """An expression as it is read, or carets under what is wrong with it; and whether it can be read."""
    try:
        condition = parse(expression)
    except ExpressionError as error:
        return error.pointed(), False
    return f"  {condition}\n  {_asks(condition)}", True


def described(rule: RuleSection) -> str:
    """A configured rule in a few lines."""
    condition = parse(rule.when)
    about = ", ".join(rule.routes) if rule.routes else "services as a whole"
    if rule.services:
        about += f", of {', '.join(rule.services)}"
    state = "" if rule.enabled else " (not enabled)"
    lines = [
        f"{rule.name}{state}, {rule.severity.value}, on {about}",
        f"  {condition}",
        f"  {_asks(condition)}",
    ]
    return "\n".join(lines + ([f"  tells: {rule.message}"] if rule.message else []))


def _asks(condition: Condition) -> str:
    named = ", ".join(f"{name} ({MEASURES[name].quantity})" for name in condition.names)
    return f"asks for {named}"


def measures() -> str:
    """The table of measures, and the units."""
    column = max(map(len, MEASURES)) + 2
    rows = [
        f"{measure.name:{column}}{measure.meaning}{'' if measure.of_routes else ' (services only)'}: "
        f"{measure.quantity}"
        for measure in MEASURES.values()
    ]
    return "\n".join([*rows, "", f"Units after numbers: {', '.join(UNITS)}; rates: 10/s, 2 MB/s, 100/min."])
