"""When incidents are put in, and what counts as having found one."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from tests.engine.running import found_in

from vedette.inject.card import GRACE, outcome, rows
from vedette.inject.menu import MENU
from vedette.inject.plan import APART, LEARNING_MINUTES, InjectError, Planned, plan, possible
from vedette.inject.profile import Profile, ServiceProfile
from vedette.schema.anomaly import AnomalyType, Entity, EntityKind
from vedette.schema.spans import MINUTE_US

SPOTS = {"time", "client", "target", "method", "status", "bytes_out", "duration"}


def profile(minutes: int, rate: int = 60) -> Profile:
    known = Profile(np.random.default_rng(1))
    known.start, known.end = 0, minutes * MINUTE_US
    known.services["shop"] = ServiceProfile(
        minutes=dict.fromkeys(range(minutes), rate), requests=minutes * rate
    )
    return known


def copies(minutes: int, times: int, seed: int = 1) -> list[list[Planned]]:
    return list(plan(profile(minutes), "shop", MENU, times, np.random.default_rng(seed)))


@pytest.mark.parametrize("minutes", [120, 600, 5000])
def test_incidents_lie_apart_after_the_learning_and_before_the_end(minutes: int) -> None:
    planned = copies(minutes, 3)
    for copy in planned:
        for earlier, later in pairwise(copy):
            assert later.start - earlier.end >= APART
        assert copy[0].start >= LEARNING_MINUTES * MINUTE_US
        assert copy[-1].end <= minutes * MINUTE_US
    each = [incident.kind.name for copy in planned for incident in copy]
    assert {name: each.count(name) for name in each} == {kind.name: 3 for kind in MENU}


def test_the_seed_decides_times_and_places() -> None:
    assert copies(600, 2) == copies(600, 2)
    assert copies(600, 2) != copies(600, 2, seed=2)


def test_a_short_log_is_refused() -> None:
    with pytest.raises(InjectError, match=r"50 minutes of log are too few: at least 70 are needed"):
        copies(50, 1)


def test_what_a_log_cannot_have_is_told() -> None:
    service = profile(100, rate=7).services["shop"]
    fit, unfit = possible(service, SPOTS - {"duration"})
    assert {each.kind.name: each.why for each in unfit} == {
        "slow_dependency": "the log records no durations",
        "drop": "7 requests a minute are too few: it needs 10",
    }
    assert len(fit) + len(unfit) == len(MENU)


def test_an_anomaly_finds_an_incident_only_of_its_type_service_time_and_client() -> None:
    (found, *_) = [a for a in found_in("intrusion").anomalies if a.type is AnomalyType.SQL_INJECTION]
    kind = next(kind for kind in MENU if kind.name == "sql_injection")
    client = found.entity.value
    planned = Planned(kind, found.start - MINUTE_US, found.end, found.service, 1)

    def finds(anomaly=found, clients=(client,), before=()):
        return outcome(planned, 6, clients, [anomaly], before).first is not None

    assert finds()
    assert outcome(planned, 6, [client], [found], []).delay == (found.end - planned.start) / 1e6
    replace = msgspec.structs.replace
    assert not finds(clients=["198.18.0.1"])
    assert finds(replace(found, entity=Entity(EntityKind.SERVICE, found.service)), clients=["198.18.0.1"])
    assert not finds(before=[found.id])
    assert not finds(replace(found, type=AnomalyType.XSS))
    assert not finds(replace(found, service="another"))
    late = planned.end + GRACE
    assert not finds(replace(found, start=late, end=late + MINUTE_US))
    assert not finds(replace(found, start=planned.start - MINUTE_US, end=planned.start))


def test_the_card_counts_each_kind_and_takes_the_median_of_delays() -> None:
    kind = MENU[0]
    (spike, *_) = [a for a in found_in("error_spike").anomalies if a.type is AnomalyType.ERROR_SPIKE]
    planned = [Planned(kind, spike.end - s * 1_000_000, spike.end, spike.service, s) for s in (30, 60, 300)]
    outcomes = [outcome(each, 5, (), [spike], ()) for each in planned]
    outcomes.append(outcome(planned[0], 5, (), [], ()))
    (row,) = rows(outcomes, {"error_spike": 2, "xss": 9})
    assert (row.injected, row.found, row.delay_s, row.by, row.untouched) == (4, 3, 60.0, ("error_spike",), 2)
