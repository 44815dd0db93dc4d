"""What learned models say of a client is evidence about its requests."""

import math
from typing import Any

import numpy as np
import pytest

from tests.report.made import MINUTE, START, anomaly
from vedette.engine.verdicts import ROW, Marker, Verdicts
from vedette.schema.anomaly import Anomaly, AnomalyType, Entity, EntityKind

CLIENT = "198.51.100.7"
SURPRISE = 6.0
TYPES = (
    AnomalyType.SQL_INJECTION,
    AnomalyType.BEHAVIORAL_ANOMALY,
    AnomalyType.SEQUENCE_ANOMALY,
    AnomalyType.RATE_LIMIT_ABUSE,
)


def mapped(address: str) -> int:
    a, b, c, d = map(int, address.split("."))
    return 0xFFFF << 32 | a << 24 | b << 16 | c << 8 | d


def rows(*scores: float, client: str = CLIENT) -> np.ndarray:
    found = np.zeros(len(scores), dtype=ROW)
    found["score"], found["time"] = scores, START + 10
    found["low"] = mapped(client)
    return found


def stated(detector: str, kind: AnomalyType, **changes: Any) -> Anomaly:
    fields: dict[str, Any] = {
        "detector": detector,
        "type": kind,
        "start": START,
        "end": START + MINUTE,
        "service": "shop",
        "route": None,
        "entity": Entity(EntityKind.CLIENT, CLIENT),
        "score": 0.6,
        "details": {"surprise": SURPRISE, "surprise_threshold": 4.0},
    }
    return anomaly(1, **fields | changes)


def verdicts(block: np.ndarray, *found: Anomaly) -> Verdicts:
    return Marker(found, ["shop"], [], {}, TYPES).judge(block)


FOREST = stated("forest", AnomalyType.BEHAVIORAL_ANOMALY)
SEQUENCE = stated("transformer", AnomalyType.SEQUENCE_ANOMALY)
EVIDENCE = math.log(0.5) + 0.5 * SURPRISE * math.log(10.0)
"""Of its surprise, by `docs/explanation/fusion.md`."""


def odds(score: float) -> float:
    return math.log(score / (1.0 - score))


def test_a_weak_signature_and_an_unusual_client_make_a_strong_case_together() -> None:
    found = verdicts(rows(0.02, 0.3), FOREST)
    assert [odds(s) for s in found.score] == pytest.approx(
        [odds(0.02) + EVIDENCE, odds(0.3) + EVIDENCE], rel=1e-4
    )
    assert found.anomalous.all()
    assert found.score[1] > 0.99


def test_two_models_add_up_and_one_that_states_twice_counts_once() -> None:
    twice = verdicts(rows(0.02), FOREST, stated("forest", AnomalyType.BEHAVIORAL_ANOMALY, id="a2"))
    both = verdicts(rows(0.02), FOREST, SEQUENCE)
    assert odds(twice.score[0]) == pytest.approx(odds(0.02) + EVIDENCE, rel=1e-4)
    assert odds(both.score[0]) == pytest.approx(odds(0.02) + 2 * EVIDENCE, rel=1e-4)


def test_a_client_of_which_no_model_says_anything_keeps_its_score() -> None:
    found = verdicts(rows(0.02, 0.3, client="198.51.100.8"), FOREST)
    assert found.score.tolist() == pytest.approx([0.02, 0.3])
    assert not found.anomalous.any()


def test_what_is_another_question_stays_beside_it() -> None:
    limit = stated("rate_limit", AnomalyType.RATE_LIMIT_ABUSE)
    alone, both = verdicts(rows(0.02), limit), verdicts(rows(0.02), FOREST, limit)
    of_alarm = 1.0 - (1.0 - alone.score[0]) / 0.98
    fused = 1.0 / (1.0 + math.exp(-(odds(0.02) + EVIDENCE)))
    assert both.score[0] == pytest.approx(1.0 - (1.0 - fused) * (1.0 - of_alarm), rel=1e-4)


def test_failed_logins_of_many_clients_are_marked_and_other_requests_are_not() -> None:
    guessing = stated("brute_force", AnomalyType.BRUTE_FORCE, entity=Entity(EntityKind.SERVICE, "shop"))
    block = rows(*[0.001] * 7)
    block["status"] = [401, 401, 403, 403, 404, 200, 422]
    block["route"] = [1, 0, 0, 1, 0, 0, 2]
    routes = ["/login", "/orders", "/door"]
    types = (AnomalyType.BRUTE_FORCE,)
    marker = Marker([guessing], ["shop"], routes, {}, types, login_routes=("/door",))
    assert marker.judge(block).anomalous.tolist() == [True, True, True, False, False, False, True]
