"""The sentence of a client that behaves unlike the others."""

import math
from typing import Any, Final

from vedette.explain.numbers import count, number, odds, percent, plural
from vedette.schema.anomaly import Anomaly

_TOLD: Final = 3
"""Features that are named."""
_LOGARITHM: Final = "ln(1 + "
_GREATEST: Final = 700.0
"""Logarithm of what a float still holds."""


def describe_behaviour(anomaly: Anomaly) -> str:
    """How much evidence there is, how rare that is, and which features set the client apart."""
    details = anomaly.details
    limit = f"{anomaly.expected.high:.2f}"
    odd = "; ".join(_odd(name, seen) for name, seen in list(details["features"].items())[:_TOLD])
    chance, starts = (
        odds(details[name]).replace("windows", "sessions") for name in ("surprise", "surprise_threshold")
    )
    return (
        f"{anomaly.entity.value} behaves unlike the other clients of {anomaly.service}: the evidence of "
        f"{plural(details['windows'], 'window')} adds up to {anomaly.observed:.2f}, where 99 % of "
        f"{anomaly.sample_count:,} usual sessions stay within {limit}. By chance that happens {chance}; the alarm "
        f"starts at {starts}." + (f" What sets it apart: {odd}." if odd else "")
    )


def _odd(name: str, seen: dict[str, Any]) -> str:
    """A feature: what it is, and what it usually is."""
    unit = seen["unit"]
    value, low, high = (_read(seen[key], unit) for key in ("value", "usual_low", "usual_high"))
    usual = low if low == high else f"{low} to {high}"
    return " ".join([name.replace("_", " "), value, *_thing(name, unit), f"(usually {usual})"])


def _thing(name: str, unit: str) -> list[str]:
    """What a logarithm is of, as far as the feature's name does not say it."""
    if not unit.startswith(_LOGARITHM):
        return []
    words = unit.removeprefix(_LOGARITHM).removesuffix(")").split()
    return words[1:] if set(words[:1]) & set(name.split("_")) else words


def _read(value: float, unit: str) -> str:
    """A feature's value as people read it: a logarithm as what it is of, a flag as a word."""
    if unit.startswith(_LOGARITHM):
        # Whoever defines a feature may call anything a logarithm.
        return count(round(math.expm1(min(value, _GREATEST)), 1))
    if unit == "ratio":
        return percent(value)
    if unit == "0 or 1":
        return "yes" if value >= 0.5 else "no"
    return number(value)
