"""A combination of metrics that is odd, though each of them is within its band, is found in a log and explained."""

import re
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from tests.engine.running import run

from vedette.detectors.statistical.combination import at_deviation
from vedette.explain.formulas import recompute
from vedette.explain.words import counterfactual, describe
from vedette.incidents.grouping import stating_order
from vedette.kernels.models.joint import LIMIT
from vedette.schema.anomaly import Anomaly, AnomalyType, Formula
from vedette.schema.findings import Findings
from vedette.simulate.simulation import Simulation

HOURS = 29
LAST_MINUTES = 30
LINE = re.compile(rb'^(\S+ - - \[[^\]]+\] "[^"]*" )(\d{3}) (\d+) (".*" )(\d+)\.(\d{3})$')


@cache
def lines() -> list[bytes]:
    simulation = Simulation(minutes=HOURS * 60, rate=4.0, format="nginx-timed", seed=4)
    return b"".join(simulation.chunks()).splitlines(keepends=True)


def altered(line: bytes, number: int) -> bytes:
    """Smaller, quicker, and one in eighty fails: none of it much."""
    return changed(line, size=6, time=8, failed=number % 80 == 0)


def changed(line: bytes, *, size: int = 10, time: int = 10, failed: bool = False) -> bytes:
    """A line with so many tenths of its size and of its time, or of a request that failed."""
    found = LINE.match(line.rstrip())
    assert found is not None, line
    status, size = (b"503", 197) if failed else (found[2], int(found[3]) * size // 10)
    milliseconds = (int(found[5]) * 1000 + int(found[6])) * time // 10
    return b"%b%b %d %b%d.%03d\n" % (
        found[1],
        status,
        size,
        found[4],
        milliseconds // 1000,
        milliseconds % 1000,
    )


def odd_log(change: Callable[[bytes, int], bytes] = altered) -> Iterator[bytes]:
    whole = lines()
    last = len(whole) - len(whole) * LAST_MINUTES // (HOURS * 60)
    yield from chunks(whole[:last])
    yield from chunks([change(line, number) for number, line in enumerate(whole[last:])])


def chunks(some: list[bytes]) -> Iterator[bytes]:
    """As many lines at a time as a scan reads."""
    for start in range(0, len(some), 16_000):
        yield b"".join(some[start : start + 16_000])


@cache
def found() -> Findings:
    return run(odd_log(), "nginx-timed")


def combinations(findings: Findings) -> list[Anomaly]:
    return [a for a in findings.anomalies if a.detector == "combination"]


@pytest.mark.slow
def test_it_is_found_where_no_metric_is_by_itself() -> None:
    stated = combinations(found())
    assert stated
    assert {a.type for a in stated} == {AnomalyType.UNUSUAL_PATTERN}
    assert {a.detector for a in found().anomalies} == {"combination"}
    names = {c.value for a in stated for c in a.contributions[:3]}
    assert "bytes_out" in names


@pytest.mark.slow
def test_the_same_traffic_without_it_is_left_alone() -> None:
    assert not combinations(run(chunks(lines()), "nginx-timed"))


@pytest.mark.slow
def test_one_metric_that_goes_its_way_is_no_combination() -> None:
    smaller = run(odd_log(lambda line, _: changed(line, size=4)), "nginx-timed")
    assert not combinations(smaller)


@pytest.mark.slow
def test_its_arithmetic_is_done_again_from_what_it_holds() -> None:
    for anomaly in combinations(found()):
        metrics = anomaly.details["metrics"]
        away = [(part["smoothed"] - part["usual"]) / part["spread"] for part in metrics.values()]
        standard = np.clip(away, -LIMIT, LIMIT)
        assert [part["standard"] for part in metrics.values()] == pytest.approx(standard.tolist())
        pull = np.array(anomaly.details["precision"]) @ standard
        assert anomaly.observed == pytest.approx(float(standard @ pull))
        assert [part["adds"] for part in metrics.values()] == pytest.approx((standard * pull).tolist())
        among = np.array(anomaly.details["precision"]).diagonal()
        without = [part["distance_without"] for part in metrics.values()]
        assert without == pytest.approx((anomaly.observed - pull**2 / among).tolist())
        assert min(without) > (anomaly.expected.high or 0.0)
        adding = sum(max(0.0, part["adds"]) for part in metrics.values())
        for contribution in anomaly.contributions:
            assert contribution.share == pytest.approx(metrics[contribution.value]["adds"] / adding)
        assert recompute(anomaly.formula) == pytest.approx(anomaly.details["surprise"])
        assert anomaly.formula.inputs["value"] == anomaly.observed > anomaly.threshold
        for part in metrics.values():
            formula = Formula(part["formula"], part["inputs"], 0.0)
            for deviation, value in (("smoothed", "seen"), ("likely", "expected")):
                assert at_deviation(formula, part[deviation]) == pytest.approx(part[value])


@pytest.mark.slow
def test_its_sentence_names_what_the_others_let_expect() -> None:
    (first, *_) = combinations(found())
    assert describe(first) == first.description
    assert counterfactual(first) == first.counterfactual
    assert "do not go together" in first.description
    assert "where the others let expect" in first.description


@pytest.mark.slow
def test_it_opens_an_incident_that_is_called_so() -> None:
    (first, *_) = combinations(found())
    (incident,) = [i for i in found().incidents if i.id == first.incident_id]
    assert "nusual combination" in incident.title
    assert stating_order(first)


@pytest.mark.slow
def test_too_little_data_is_told() -> None:
    by = found().coverage.insufficient_by
    assert 1400 < by["combination"] < 1700
