"""Requests unlike what a site has always had are stated; what is the site's own, or new to a thin past, is not."""

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.running import batches, build, split

from vedette.config import Config
from vedette.detectors.parameters.profiles import Feature, Profiles
from vedette.engine.engine import Engine
from vedette.explain.formulas import recompute
from vedette.explain.numbers import count
from vedette.schema.anomaly import Anomaly, AnomalyType, Severity
from vedette.schema.state import StateError

START = datetime(2026, 3, 2, 8, tzinfo=UTC).timestamp()
LATER = START + 4 * 3600


def line(
    second: float, target: str, *, client: str = "10.0.0.1", method: str = "GET", status: int = 200
) -> bytes:
    time = datetime.fromtimestamp(second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'{client} - - [{time}] "{method} {target} HTTP/1.1" {status} 512 "-" "Mozilla/5.0"\n'.encode()


def shop(requests: int = 2_400, seed: int = 1) -> list[bytes]:
    """An hour or so of a shop: an article's number and amount, a search, and pages without parameters."""
    random = Random(seed)
    lines = []
    for number in range(requests):
        target = random.choice(
            [
                f"/shop/basket?article={random.randrange(10_000, 99_999)}&amount={random.randrange(1, 20)}",
                f"/shop/search?q={random.choice(['red', 'blue', 'small'])}+{random.choice(['shoes', 'hats'])}",
                "/shop/",
            ]
        )
        lines.append(line(START + 1.5 * number, target, client=f"10.0.0.{random.randrange(1, 200)}"))
    return lines


def learned(past: Sequence[bytes], config: Config | None = None) -> Engine:
    """An engine that was told that a log is normal."""
    engine = build(config)
    with engine.learning():
        for batch in batches([b"".join(past)]):
            engine.process(batch)
    return engine


def stated(engine: Engine, chunks: Iterable[bytes]) -> list[Anomaly]:
    """What the detector says of a log."""
    for batch in batches(chunks):
        engine.process(batch)
    return [a for a in engine.finish().anomalies if a.detector == "parameters"]


def of_one(
    target: str, *, past: Sequence[bytes] | None = None, method: str = "GET", status: int = 200
) -> list[Anomaly]:
    """What is said of one request after a past that was called normal."""
    engine = learned(shop() if past is None else past)
    return stated(engine, [line(LATER, target, method=method, status=status)])


@pytest.mark.parametrize(
    ("target", "what", "parameter"),
    [
        ("/shop/basket?article=12345&amount=7;", "characters", "amount"),
        ("/shop/basket?article=1234x&amount=7", "characters", "article"),
        ("/shop/basket?article=12345123451234512345&amount=7", "length", "article"),
        ("/shop/basket?article=12345&amount=7&coupon=X", "name", "coupon"),
        ("/shop/search?q=red+hats+and+shoes", "shape", "q"),
    ],
)
def test_a_parameter_unlike_any_before_is_stated(target: str, what: str, parameter: str) -> None:
    (anomaly,) = of_one(target)
    novelties = anomaly.details["novelties"]
    assert (what, parameter) in {(n["what"], n["parameter"]) for n in novelties}
    assert anomaly.severity is Severity.LOW
    assert f"`{parameter}`" in anomaly.description
    assert anomaly.evidence[0].text.count(target)


def test_a_method_that_changes_things_is_stated_where_it_is_new() -> None:
    (anomaly,) = of_one("/shop/", method="DELETE")
    assert anomaly.details["novelties"][0]["what"] == "method"
    assert of_one("/shop/", method="HEAD") == []


def test_a_route_that_was_never_asked_for_is_stated() -> None:
    (anomaly,) = of_one("/backup/")
    assert anomaly.details["novelties"][0]["what"] == "route"
    assert of_one("/backup/", status=404) == []


def test_a_new_page_is_nothing_odd_where_nobody_has_called_the_past_normal() -> None:
    past = shop(20_000)
    later = START + 1.5 * len(past) + 3600
    odd = [line(later, "/blog/new/"), line(later + 1, "/shop/basket?article=12345&amount=7;")]
    (anomaly,) = stated(build(), [b"".join(past), *odd])
    assert anomaly.details["novelties"][0]["what"] == "characters"


@pytest.mark.parametrize(
    "target",
    [
        "/shop/basket?article=54321&amount=3",
        "/shop/basket?article=54321&amount=3&utm_source=mail&fbclid=Iw-AR0_x",
        "/shop/basket?amount=3",
        "/shop/search?q=",
        "/shop/search?q=blue%20hats",
        "/shop/?article=54321",
    ],
)
def test_what_the_site_is_used_to_is_not_stated(target: str) -> None:
    assert of_one(target) == []


def test_a_thin_past_states_nothing_and_says_so() -> None:
    engine = learned(shop(300))
    for batch in batches([line(LATER, "/shop/basket?article=1&amount=1;")]):
        engine.process(batch)
    findings = engine.finish()
    assert [a for a in findings.anomalies if a.detector == "parameters"] == []
    assert findings.coverage.insufficient_by["parameters"] == 1


def test_a_parameter_that_always_varied_has_no_surprise() -> None:
    random = Random(3)
    marks = "!'()*-._~;:@,/"
    texts = ["".join(random.choices("ab+12" + marks, k=random.randrange(40))) for _ in range(2_000)]
    past = [line(START + n, f"/note?text={text}") for n, text in enumerate(texts)]
    assert of_one("/note?text=~~!a1;;2b", past=past) == []


def test_a_past_that_nobody_called_normal_must_be_longer() -> None:
    odd = "/shop/basket?article=12345&amount=7;"
    for requests, expected in ((2_400, 0), (9_000, 1)):
        assert len(stated(build(), [b"".join([*shop(requests), line(START + 5 * 3600, odd)])])) == expected


def test_an_attack_that_goes_on_teaches_nothing() -> None:
    lines = [
        line(LATER + 60 * minute, "/shop/basket?article=12345&amount=7;", client=f"10.9.0.{minute}")
        for minute in range(30)
    ]
    # The rest of the site goes on as it was.
    usual = [
        line(LATER + 60 * minute + n, f"/shop/basket?article=1234{n % 10}&amount=1")
        for minute in range(30)
        for n in range(5)
    ]
    found = stated(learned(shop()), [b"".join(sorted(lines + usual, key=_time))])
    assert len(found) == 30


def test_a_release_that_reaches_everybody_is_learned() -> None:
    lines = [
        line(
            LATER + 60 * minute + n,
            f"/shop/basket?article=1234{n % 10}&amount=1&theme=dark",
            client=f"10.9.0.{n}",
        )
        for minute in range(10)
        for n in range(12)
    ]
    found = stated(learned(shop()), [b"".join(lines)])
    windows = {a.start for a in found}
    assert len(windows) == 3


def test_what_signatures_call_hostile_is_neither_stated_nor_learned() -> None:
    attack = "/shop/search?q=x'+UNION+SELECT+password+FROM+users--"
    past = [*shop(), *(line(START + 3601 + n, attack) for n in range(50))]
    engine = learned(past)
    assert stated(engine, [line(LATER, attack)]) == []
    (anomaly,) = of_one("/shop/search?q=red'hats", past=past)
    assert anomaly.details["novelties"][0]["what"] == "characters"


def test_many_different_odd_requests_of_one_client_are_worth_more() -> None:
    lines = [line(LATER + n, f"/shop/basket?article=1234{n};&amount=1", client="10.9.0.9") for n in range(25)]
    (anomaly,) = stated(learned(shop()), [b"".join(lines)])
    assert anomaly.severity is Severity.MEDIUM
    assert anomaly.observed == 25


def test_many_odd_clients_are_stated_together() -> None:
    lines = [line(LATER + n, "/shop/basket?article=12345&amount=7;", client=f"10.9.0.{n}") for n in range(40)]
    (anomaly,) = stated(learned(shop()), [b"".join(lines)])
    assert anomaly.details["clients"] == 40
    assert anomaly.observed == 40


def test_the_sentence_and_the_score_follow_from_the_fields() -> None:
    (anomaly,) = of_one("/shop/basket?article=12345&amount=7;")
    assert recompute(anomaly.formula) == pytest.approx(anomaly.details["surprise"])
    first = anomaly.details["novelties"][0]
    assert first["probability"] == pytest.approx((first["new"] + 1) / (first["trials"] + 2))
    assert anomaly.formula.inputs == {"new": first["new"], "trials": first["trials"]}
    assert f"1 in {count(1 / first['probability'])}" in anomaly.description
    assert f"1 in {count(10 ** anomaly.details['surprise_threshold'])}" in anomaly.description
    assert "holds ;, where" in anomaly.description
    assert "held only digits" in anomaly.description
    surprise, limit = anomaly.details["surprise"], anomaly.details["surprise_threshold"]
    assert anomaly.score == pytest.approx(surprise / (surprise + limit))
    assert sum(c.share for c in anomaly.contributions) == pytest.approx(1.0)


def test_hostile_text_is_told_as_text() -> None:
    (anomaly,) = of_one("/shop/basket?article=%1b[31m&amount=1")
    assert not re.search(r"[\x00-\x1f]", anomaly.description)
    assert "control characters" in anomaly.description


def test_it_can_be_switched_off() -> None:
    config = Config.model_validate({"detectors": {"parameters": {"enabled": False}}})
    engine = learned(shop(), config)
    assert stated(engine, [line(LATER, "/shop/basket?article=1;&amount=1")]) == []


def _with_oddities() -> list[bytes]:
    marks = "';\"<>(){}[]|^%$@!*~`:,./\\-_"
    odd = [
        line(LATER + 30 * n + 17, f"/shop/basket?article=12345&amount=1{mark}", client=f"10.7.0.{n}")
        for n, mark in enumerate(marks)
    ]
    usual = [text.replace(b":08:", b":12:").replace(b":09:", b":13:") for text in shop(1_200, seed=2)]
    return sorted([*usual, *odd, line(LATER + 400, "/shop/?debug=1", method="PUT")], key=_time)


def _time(text: bytes) -> bytes:
    return text.split(b"[", 1)[1].split(b"]", 1)[0]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 800), min_size=1, max_size=12))
def test_any_split_into_batches_states_the_same(sizes: list[int]) -> None:
    lines = _with_oddities()
    whole, parts = (learned(shop()) for _ in range(2))
    found = stated(whole, [b"".join(lines)])
    assert len(found) > 10
    assert stated(parts, split(lines, sizes)) == found
    assert parts.habits is not None
    assert whole.habits is not None
    assert parts.habits.to_state() == whole.habits.to_state()


def test_a_restored_engine_judges_as_the_one_it_was_taken_from() -> None:
    first = learned(shop())
    second = build()
    assert first.habits is not None
    assert second.habits is not None
    second.habits.from_state(first.habits.to_state(), first.services)
    assert second.habits.to_state() == first.habits.to_state()
    odd = [line(LATER, "/shop/basket?article=12345&amount=7;"), line(LATER + 1, "/shop/search?q=red+hats")]
    (one,), (other,) = (stated(engine, [b"".join(odd)]) for engine in (first, second))
    assert one == other


def test_a_state_of_another_version_is_refused() -> None:
    profiles = Profiles(routes=8, parameters=8, services=1)
    state = profiles.to_state()
    with pytest.raises(StateError, match="version 99"):
        profiles.from_state(state.replace(b"version\x01", b"version\x63"))


def test_memory_is_bounded_and_what_found_no_room_is_counted() -> None:
    config = Config.model_validate({"limits": {"routes": 16}})
    lines = [
        line(START + n, f"/page{chr(97 + n % 26)}{chr(97 + n // 26)}?{'p' * (n % 90 + 1)}=1")
        for n in range(600)
    ]
    engine = build(config)
    for batch in batches([b"".join(lines)]):
        engine.process(batch)
    findings = engine.finish()
    assert engine.habits is not None
    assert engine.habits.profiles.used <= engine.habits.profiles.capacity
    assert findings.coverage.capped["request_profiles"] > 0


def test_a_route_with_too_many_parameters_has_no_fixed_ones() -> None:
    names = [first + second for first in "abcdefgh" for second in "ijklmnopqrst"]
    past = [line(START + n, f"/any?{names[n % len(names)]}=1") for n in range(3_000)]
    assert of_one("/any?never=1", past=past) == []


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 3)), min_size=1, max_size=40))
def test_the_latest_half_of_the_trials_counts(windows: list[tuple[int, int]]) -> None:
    import numpy as np

    profiles = Profiles(routes=8, parameters=8, services=1)
    slot = profiles.service(b"shop")
    trials, new = 0, 0
    for amount, fresh in windows:
        for _ in range(fresh):
            profiles.learn_member(slot)
        profiles.advance(np.array([slot], dtype=np.int32), np.array([amount], dtype=np.int64))
        trials, new = trials + amount, new + fresh
        chance = profiles.chance(slot, Feature.MEMBER)
        assert profiles.seen(slot) == trials
        assert trials / 2 <= chance.trials <= trials
        assert 0 <= chance.new <= new
        assert math.isclose(chance.probability, (chance.new + 1) / (chance.trials + 2))


def test_the_incident_of_odd_requests_tells_what_is_odd_and_does_not_call_it_usual() -> None:
    engine = learned(shop())
    for batch in batches([line(LATER, "/shop/basket?article=12345&amount=7;", client="10.9.0.9")]):
        engine.process(batch)
    incidents = engine.finish().incidents
    (incident,) = (each for each in incidents if AnomalyType.ABNORMAL_REQUEST in each.types)
    assert incident.title == "Abnormal requests on test by 10.9.0.9"
    assert "`amount`" in incident.summary
    assert "none of it unusual" not in incident.summary
    assert incident.advice[0].startswith("Check that what was asked for")
