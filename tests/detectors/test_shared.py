"""What happens to a whole service is stated once, and a route that is worse by itself is still told apart."""

import math
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from tests.engine.running import found_in, run_case
from tests.golden.incidents import Case

from vedette.detectors.statistical.gate import Alarm
from vedette.detectors.statistical.shared import MOST_NAMED, Shared, surprise_beside
from vedette.explain.words import describe
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity

WORSE = Case("error_spike@+75m+8m*0.2,error_spike@+75m+8m*0.9/cart", rate=30)
SPIKES = frozenset({AnomalyType.ERROR_SPIKE, AnomalyType.LATENCY_SPIKE, AnomalyType.TRAFFIC_SPIKE})


@cache
def worse() -> list[Anomaly]:
    return [a for a in run_case(WORSE).anomalies if a.type in SPIKES]


def windows(anomalies: list[Anomaly]) -> dict[tuple[str, str, int], list[Anomaly]]:
    """Statements by type, service and window."""
    found: dict[tuple[str, str, int], list[Anomaly]] = {}
    for anomaly in anomalies:
        if anomaly.type in SPIKES:
            found.setdefault((anomaly.type, anomaly.service, anomaly.end), []).append(anomaly)
    return found


@pytest.mark.parametrize("name", ["error_spike", "error_spike_on_a_service", "traffic_spike"])
def test_a_disturbance_of_a_whole_service_is_stated_once_in_each_window(name: str) -> None:
    for stated in windows(list(found_in(name).anomalies)).values():
        whole = [a for a in stated if a.route is None]
        if whole:
            (of_service,) = whole
            rest = [a for a in stated if a.route is not None and "apart" not in a.details]
            assert len(stated) == 1 or len(rest) <= 1, [a.description for a in rest]
            assert of_service.severity.rank >= max(a.severity.rank for a in rest) if rest else True
    shared = [a.details["shared_by"] for a in found_in(name).anomalies if "shared_by" in a.details]
    assert len(shared) >= 6
    for one in shared:
        assert one["count"] == len(one["routes"]) or one["cut"]
        assert all(each["observed"] > each["expected"] for each in one["routes"])


def test_a_route_that_is_worse_by_itself_is_stated_beside_its_service() -> None:
    apart = [a for a in worse() if "apart" in a.details]
    assert len(apart) >= 3
    assert {a.route for a in apart} == {"/cart"}
    for stated in windows(worse()).values():
        own = {a.route for a in stated if "apart" in a.details}
        told = [e["route"] for a in stated for e in a.details.get("shared_by", {}).get("routes", ())]
        assert not own & set(told)
        assert len(told) == len(set(told))


def test_how_much_worse_it_is_can_be_done_again_from_what_was_written() -> None:
    for anomaly in worse():
        told = anomaly.details.get("apart")
        if told is None:
            continue
        middle = anomaly.expected.mid
        assert middle is not None
        assert math.isclose(told["excess"], (anomaly.observed - middle) / (1 - middle), rel_tol=1e-9)
        assert math.isclose(surprise_beside(anomaly.formula, told["others_excess"]), told["surprise"])
        assert told["excess"] >= 2 * told["others_excess"]
        assert told["surprise"] >= anomaly.details["surprise_threshold"]
        assert f"{told['others']} other route" in describe(anomaly)


def test_a_long_list_of_routes_is_cut_and_says_so() -> None:
    count = MOST_NAMED + 3
    view = SimpleNamespace(book=[SimpleNamespace(route=f"/r{n:02}") for n in range(count)])
    judged = SimpleNamespace(value=np.full(count, 0.5), expected_mid=np.full(count, 0.01))
    routes = tuple(Alarm(n, n, 9.0, 5.0) for n in range(count))
    told = Shared(Alarm(0, 0, 9.0, 5.0), routes, (1,) * count).details(view, judged)["shared_by"]  # type: ignore[arg-type]
    assert (told["count"], len(told["routes"]), told["cut"]) == (count, MOST_NAMED, True)


def test_what_is_told_together_is_as_severe_as_the_worst_of_it() -> None:
    grades = {0: Severity.MEDIUM, 1: Severity.LOW, 2: Severity.HIGH}
    alarms = [Alarm(n, n, 9.0, 5.0) for n in range(3)]
    assert Shared(alarms[0], tuple(alarms[1:])).worst(lambda each: grades[each.row]) is Severity.HIGH
    assert Shared(alarms[0]).worst(lambda each: grades[each.row]) is Severity.MEDIUM
