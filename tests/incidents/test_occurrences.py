"""When the like of an anomaly was there before."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.incidents.test_grouping import MINUTE, anomaly

from vedette.incidents.occurrences import MOST_KINDS, Occurrences
from vedette.schema.anomaly import AnomalyType, Earlier

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
