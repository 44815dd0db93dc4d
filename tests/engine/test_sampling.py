"""Looking at a share of the requests: what is said of all of them is right on average, and said to be an estimate."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.running import SOURCE
from tests.engine.test_snapshot import Service, log
from vedette.config import Config
from vedette.detectors.view import Metric
from vedette.engine.batch import Batch
from vedette.schema.chunk import Chunk
from vedette.schema.records import WindowRecord

BEGIN = 1_767_340_800
MINUTE = 60_000_000


def line(second: int, random: Random) -> bytes:
    """A request; some clients make many."""
    stamp = datetime.fromtimestamp(BEGIN + second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    client = f"10.0.{random.randrange(40)}.{int(250 * random.random() ** 3)}"
    status = 500 if random.random() < 0.04 else 200
    route = random.choice(["/a", "/b", "/b", "/c/d"])
    return f'shop {client} - - [{stamp}] "GET {route} HTTP/1.1" {status} {random.randrange(5000)} "-" "F"\n'.encode()


def traffic(minutes: int, rate: int, seed: int = 4) -> list[bytes]:
    """So many requests a second."""
    random = Random(seed)
    return [line(second, random) for second in range(60 * minutes) for _ in range(rate)]


def seeded(seed: int, wanted: Config | None = None) -> Service:
    """A service that chooses rows by a seed."""
    service = Service(wanted)
    service.engine.sampling.seed = seed
    return service


def records(service: Service, lines: Sequence[bytes]) -> list[WindowRecord]:
    """What is kept of the windows of some lines."""
    kept: list[WindowRecord] = []
    service.engine.keep_windows = kept.extend
    service.feed(lines)
    service.engine.finish()
    return kept


@pytest.mark.parametrize("share", [1 / 2, 1 / 8])
def test_estimates_are_right_on_average(share: float) -> None:
    lines = traffic(1, 20)
    (whole, *_) = [r for r in records(seeded(0), lines) if r.route is None]
    columns = ("requests", "errors_5xx", "bytes_out")
    found: dict[str, list[float]] = {name: [] for name in columns}
    seeds = 40
    for seed in range(1, seeds + 1):
        service = seeded(seed * 0x9E3779B97F4A7C15 % (1 << 64))
        service.engine.look_at(share)
        (record, *_) = [r for r in records(service, lines) if r.route is None]
        for name in columns:
            found[name].append(getattr(record, name))
    for name in columns:
        mean, error = np.mean(found[name]), np.std(found[name], ddof=1) / seeds**0.5
        assert error > 0
        assert abs(mean - getattr(whole, name)) < 3.5 * error, name
    # As noisy as it must be: of n rows kept by chance, the estimate varies by sqrt(n (weight - 1)).
    expected = (whole.requests * (1 / share - 1)) ** 0.5
    assert 0.7 < np.std(found["requests"], ddof=1) / expected < 1.4


def test_baselines_learn_the_same_level_as_from_all_requests() -> None:
    lines = traffic(90, 4)
    levels = []
    for share in (1, 1 / 4):
        service = seeded(77)
        service.engine.look_at(share)
        service.feed(lines)
        records = {(r.route, r.metric): r for r in service.engine.baseline_records()}
        levels.append(
            {
                key: records[key].mean
                for key in ((None, Metric.REQUESTS.value), (None, Metric.ERROR_RATIO.value))
            }
        )
        assert (
            (None, Metric.CLIENTS.value) in records
            if share == 1
            else (None, Metric.CLIENTS.value) not in records
        )
    whole, sampled = levels
    for key, level in whole.items():
        assert sampled[key] == pytest.approx(level, rel=0.15), key


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=12), st.booleans())
def test_which_rows_are_looked_at_depends_on_nothing_but_the_rows(sizes: list[int], restarts: bool) -> None:
    lines = list(log())[:4000]
    whole, parts = seeded(5), seeded(5)
    for service in (whole, parts):
        service.engine.look_at(1 / 4)
    whole.feed(lines)
    at = 0
    for size in [*sizes, len(lines)]:
        parts.feed(lines[at : at + size])
        at += size
        if restarts:
            parts = parts.reborn()
    assert parts.engine.processed == whole.engine.processed
    one, other = parts.engine.finish(), whole.engine.finish()
    assert one.anomalies == other.anomalies
    assert one.coverage.sampled == other.coverage.sampled


def test_a_share_holds_for_whole_windows_and_is_told() -> None:
    lines = traffic(9, 5)
    by_minute = [lines[300 * minute : 300 * (minute + 1)] for minute in range(9)]
    service = seeded(3)
    kept: list[WindowRecord] = []
    service.engine.keep_windows = kept.extend
    for number, minute in enumerate(by_minute):
        service.feed(minute[:100])
        if number == 2:
            service.engine.look_at(1 / 4)
            assert service.engine.sampling.weight == 4
        if number == 6:
            service.engine.look_at(1)
        service.feed(minute[100:])
    findings = service.engine.finish()
    (span,) = findings.coverage.sampled
    # Asked for within the third minute, and taken back within the seventh.
    assert (span.share, span.start, span.end) == (
        1 / 4, BEGIN * 1_000_000 + 3 * MINUTE, BEGIN * 1_000_000 + 7 * MINUTE,
    )  # fmt: skip
    requests = [record.requests for record in kept if record.route is None]
    assert [count for number, count in enumerate(requests) if not 3 <= number < 7] == [300] * 5
    assert span.left_out == sum(300 - count // 4 for count in requests[3:7])
    assert 800 < span.left_out < 1000
    assert sum(service.engine.processed) == 2700
    assert tuple(service.engine.sampling.account()) == (span,)


def test_what_is_stated_of_a_sampled_window_says_so() -> None:
    service = seeded(9)
    service.feed(log()[: len(log()) // 2])
    service.engine.look_at(1 / 2)
    service.feed(log()[len(log()) // 2 :])
    findings = service.engine.finish()
    (span,) = findings.coverage.sampled
    told = [a for a in findings.anomalies if a.details.get("sampled") == 1 / 2]
    assert told
    assert all(("sampled" in a.details) == (a.end > span.start) for a in findings.anomalies)
    # Nobody is accused of requests that nobody saw.
    for anomaly in told:
        if anomaly.unit == "hostile_requests":
            assert len(anomaly.evidence) == min(3, anomaly.observed)


def test_half_of_the_requests_still_tell_of_incidents() -> None:
    service = seeded(1)
    service.engine.look_at(1 / 2)
    service.feed(log())
    types = {a.type.value for a in service.engine.finish().anomalies}
    assert {"error_spike", "traffic_spike", "brute_force"} <= types


def test_a_calm_log_stays_calm_when_looking_at_less_of_it() -> None:
    lines = traffic(120, 4, seed=8)
    service = seeded(2, Config())
    service.feed(lines[: len(lines) // 2])
    service.engine.look_at(1 / 8)
    service.feed(lines[len(lines) // 2 :])
    assert service.engine.finish().anomalies == []


def test_verdicts_that_were_known_before_are_those_of_the_rows_looked_at() -> None:
    attack = traffic(1, 5)
    attack[::3] = [text.replace(b"/b ", b"/b?q=1'+or+'1'='1 ") for text in attack[::3]]
    states = []
    for known in (False, True):
        service = seeded(4)
        service.engine.look_at(1 / 2)
        parsed = service.parser.parse(Chunk.of(b"".join(attack), SOURCE, 1))
        enriched = service.enricher.apply(parsed.requests)
        hits = service.engine.scanner.judge(enriched.requests) if known else None
        verdicts = service.engine.process(
            Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind, hits)
        )
        assert 0 < len(verdicts.score) < len(attack)
        states.append(service.state())
    assert states[0] == states[1]


def test_seeds_choose_different_rows() -> None:
    lines = traffic(1, 5)
    counts = set()
    for seed in range(8):
        service = seeded(seed)
        service.engine.look_at(1 / 4)
        (record, *_) = [r for r in records(service, lines) if r.route is None]
        counts.add(record.requests)
    assert len(counts) > 3


@pytest.mark.parametrize("share", [0, -1, 0.3, 1 / 3, 2, 1 / 2048, float("nan")])
def test_other_shares_are_refused(share: float) -> None:
    with pytest.raises(ValueError, match="must be 1, 1/2, 1/4 and so on"):
        seeded(0).engine.look_at(share)
