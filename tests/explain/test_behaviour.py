"""What is said of a client that behaves unlike the others."""

import math

from tests.report.made import anomaly
from vedette.explain.behaviour import describe_behaviour
from vedette.schema.anomaly import AnomalyType, Band


def told(name: str, unit: str, value: float, low: float, high: float) -> str:
    """The feature, as the sentence ends with it."""
    seen = {"value": value, "usual_low": low, "usual_high": high, "unit": unit, "meaning": "something"}
    details = {"windows": 3, "surprise": 9.0, "surprise_threshold": 6.0, "features": {name: seen}}
    odd = anomaly(type=AnomalyType.BEHAVIORAL_ANOMALY, expected=Band(0.0, 0.0, 1.2), details=details)
    return describe_behaviour(odd).partition("What sets it apart: ")[2]


def test_a_logarithm_is_told_as_what_it_is_of() -> None:
    unit, value, low, high = "ln(1 + requests a minute)", math.log1p(150), math.log1p(3), math.log1p(5)
    assert told("pages", unit, value, low, high) == "pages 150 requests a minute (usually 3 to 5)."
    assert told("requests", unit, value, low, high) == "requests 150 a minute (usually 3 to 5)."
    assert (
        told("routes", "ln(1 + routes)", 0.0, math.log1p(3.1), math.log1p(9.7))
        == "routes 0 (usually 3.1 to 9.7)."
    )


def test_a_share_is_told_in_percent_and_a_flag_as_a_word() -> None:
    assert told("share_5xx", "ratio", 0.27, 0.0, 0.0) == "share 5xx 27 % (usually 0 %)."
    assert told("browser", "0 or 1", 0.0, 1.0, 1.0) == "browser no (usually yes)."


def test_any_other_unit_is_a_number() -> None:
    assert told("own_feature", "bits", 12.345, 1.0, 2.0) == "own feature 12.3 (usually 1 to 2)."


def test_a_unit_that_is_none_does_no_harm() -> None:
    assert told("odd", "ln(1 + )", 1e9, 0.0, 0.0).endswith(" (usually 0).")
