"""When the like of an anomaly was there before."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.incidents.test_grouping import MINUTE, anomaly

from vedette.incidents.occurrences import MOST_KINDS, Occurrences
from vedette.schema.anomaly import AnomalyType, Earlier
from vedette.schema.state import encode

SPIKE, XSS = AnomalyType.ERROR_SPIKE, AnomalyType.XSS


def test_the_first_of_its_kind_has_none_before_it() -> None:
    assert Occurrences().earlier(anomaly(SPIKE, 10)) is None


def test_anomalies_that_follow_each_other_are_one_occurrence_and_share_the_one_before() -> None:
    seen = Occurrences()
    first = anomaly(SPIKE, 10)
    seen.earlier(first)
    worst = msgspec.structs.replace(anomaly(SPIKE, 12), observed=70.0)
    assert seen.earlier(worst) is None
    expected = Earlier(first.id, 10 * MINUTE, 13 * MINUTE, 70.0)
    assert seen.earlier(anomaly(SPIKE, 90)) == expected
    assert seen.earlier(anomaly(SPIKE, 91)) == expected


def test_it_is_the_nearest_one_of_the_same_type_service_and_route() -> None:
    seen = Occurrences()
    for minute, route in ((0, "/a"), (100, "/a"), (200, "/b"), (300, None)):
        seen.earlier(anomaly(SPIKE, minute, route=route))
    seen.earlier(anomaly(XSS, 400, route="/a"))
    found = seen.earlier(anomaly(SPIKE, 500, route="/a"))
    assert found is not None
    assert found.start == 100 * MINUTE
    assert seen.earlier(anomaly(SPIKE, 500, route="/a", service="api")) is None


def test_what_was_observed_is_told_in_the_unit_of_who_asks() -> None:
    """A flood is stated as requests, as a ratio and as log-odds."""
    seen = Occurrences()
    flood = anomaly(AnomalyType.DDOS_ATTACK, 10)
    for unit, observed in (("requests", 2683.0), ("log_odds", 6.9), ("requests", 2100.0)):
        seen.earlier(msgspec.structs.replace(flood, unit=unit, observed=observed))
    told = {
        unit: seen.earlier(msgspec.structs.replace(anomaly(AnomalyType.DDOS_ATTACK, 100), unit=unit))
        for unit in ("requests", "log_odds", "ratio")
    }
    assert {unit: e.observed if e else 0 for unit, e in told.items()} == {
        "requests": 2683.0,
        "log_odds": 6.9,
        "ratio": None,
    }


def test_the_most_of_a_drop_is_the_least() -> None:
    seen = Occurrences()
    for minute, observed in ((10, 33.0), (11, 22.0), (12, 30.0)):
        seen.earlier(msgspec.structs.replace(anomaly(AnomalyType.TRAFFIC_DROP, minute), observed=observed))
    found = seen.earlier(anomaly(AnomalyType.TRAFFIC_DROP, 100))
    assert found is not None
    assert found.observed == 22.0


def test_a_memory_of_a_version_that_kept_one_number_is_taken_over() -> None:
    old = [
        [
            [SPIKE.value, "shop", None],
            "a1",
            0,
            MINUTE,
            0.5,
            {"anomaly_id": "a0", "start": 0, "end": 1, "observed": 0.4},
        ]
    ]
    seen = Occurrences()
    seen.from_state(encode([old, 0]))
    found = seen.earlier(anomaly(SPIKE, 500, route=None))
    assert found is not None
    assert (found.anomaly_id, found.observed) == ("a1", None)


def test_of_too_many_kinds_those_stated_longest_ago_are_forgotten_and_counted() -> None:
    seen = Occurrences()
    for number in range(MOST_KINDS):
        seen.earlier(anomaly(SPIKE, number, route=f"/{number}"))
    again = MOST_KINDS + 50
    assert seen.earlier(anomaly(SPIKE, again, route="/0")) is not None
    for number in (1, 2):
        seen.earlier(anomaly(SPIKE, again, route=f"/new/{number}"))
    assert seen.left_out == 2
    assert seen.earlier(anomaly(SPIKE, again + 50, route="/0")) is not None
    assert seen.earlier(anomaly(SPIKE, again + 50, route="/3")) is not None
    assert seen.earlier(anomaly(SPIKE, again + 50, route="/1")) is None


@given(minutes=st.lists(st.integers(0, 2000), max_size=40))
def test_an_earlier_occurrence_is_over_before_the_present_one_begins(minutes: list[int]) -> None:
    seen = Occurrences()
    for minute in sorted(minutes):
        found = seen.earlier(anomaly(SPIKE, minute))
        assert found is None or found.start < found.end < minute * MINUTE
