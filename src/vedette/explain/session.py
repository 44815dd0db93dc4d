"""The sentence of a session whose requests come in an order of its own."""

from typing import Any

from vedette.explain.numbers import odds, percent, plural
from vedette.schema.anomaly import Anomaly


def describe_session(anomaly: Anomaly) -> str:
    """How odd the session is, how rare that is, and which steps nobody expected."""
    details = anomaly.details
    limit = f"{anomaly.expected.high:.2f}"
    chance, starts = (
        odds(details[name]).replace("windows", "sessions") for name in ("surprise", "surprise_threshold")
    )
    steps = "; ".join(_step(step) for step in details["steps"])
    return (
        f"{anomaly.entity.value} asks {anomaly.service} for things in an order that its clients do not have: "
        f"{plural(details['requests'], 'request')} are {details['excess']:.1f} digits more surprising than expected, a "
        f"score of {anomaly.observed:.2f}, where 99 % of {anomaly.sample_count:,} usual sessions stay within {limit}. "
        f"By chance that happens {chance}; the alarm starts at {starts}. Oddest: {steps}."
    )


def _step(step: dict[str, Any]) -> str:
    """One request, how many would have been so, and what most would have been instead."""
    instead = ", ".join(f"{each['request']} ({percent(each['share'])})" for each in step["expected"][:2])
    return f"{step['request']} after {step['after']} ({percent(step['share'])} of requests there; expected: {instead})"
