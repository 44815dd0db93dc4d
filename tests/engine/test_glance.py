"""A single line is held against the site's habits as a scan holds it, and teaches nothing by that."""

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detectors.test_parameters import LATER, line, shop
from tests.engine.running import build
from vedette.config import Config
from vedette.detectors.parameters.glance import HOSTILE, NOT_READY, THIN, UNSERVED, USUAL
from vedette.detectors.signatures.scan import SignatureScanner
from vedette.engine.batch import Batch
from vedette.engine.choosing import Chooser, enricher
from vedette.engine.engine import Engine
from vedette.engine.line_judge import LineJudge
from vedette.engine.line_reader import SOURCE
from vedette.engine.line_verdicts import FEW
from vedette.engine.verdicts import ROW, Marker
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name
from vedette.schema.anomaly import AnomalyType
from vedette.schema.chunk import Chunk
from vedette.schema.judged import JudgedLine

ODD = (
    "/shop/basket?article=12345&amount=7;",
    "/shop/basket?article=1234x&amount=7",
    "/shop/basket?article=12345123451234512345&amount=7",
    "/shop/basket?article=12345&amount=7&coupon=X",
    "/shop/search?q=red+hats+and+shoes",
    "/backup/",
)
USUALS = ("/shop/", "/shop/basket?article=54321&amount=3", "/shop/search?q=blue+hats", "/shop/?utm_source=x")
ATTACK = "/shop/search?q=1'+union+select+password+from+users--"


def batch_of(lines: Sequence[bytes]) -> Batch:
    """Lines as the live service names them that were asked about one by one."""
    parsed = by_name("combined").open(SOURCE).parse(Chunk.of(b"".join(lines), SOURCE))
    enriched = Enricher().apply(parsed.requests)
    return Batch(enriched.requests, enriched.service, enriched.services, enriched.agent_kind)


def learned() -> Engine:
    """An engine that was told that the shop's past is normal."""
    engine = build()
    with engine.learning():
        engine.process(batch_of(shop()))
    return engine


def judge_of(engine: Engine) -> LineJudge:
    return LineJudge(
        SignatureScanner.cached(), Chooser(Config()), enricher(Config()), None, lambda: engine.habits
    )


@cache
def shared() -> LineJudge:
    return judge_of(learned())


def told(judge: LineJudge, lines: Sequence[bytes]) -> list[JudgedLine]:
    return judge.judge([text.rstrip(b"\n") for text in lines], [None] * len(lines))


def scanned(engine: Engine, lines: Sequence[bytes]) -> Iterator[tuple[float, bool]]:
    """Score and verdict of each line, by its own signatures and the habits, as `vedette scan --verdicts` has them."""
    batch = batch_of(lines)
    said = engine.process(batch)
    rows = np.zeros(len(lines), dtype=ROW)
    rows["time"], rows["score"], rows["suspect"] = batch.requests.time, said.score, said.suspect
    engine.finish()
    assert engine.habits is not None
    marker = Marker((), [SOURCE], [], {}, [*AnomalyType], engine.habits.marked)
    found = marker.judge(rows)
    return zip(found.score.tolist(), found.anomalous.tolist(), strict=True)


def test_a_line_is_told_what_a_scan_tells_of_it() -> None:
    """Odd, usual, refused and hostile ones; alone, and many at once."""
    lines = [line(LATER, target) for target in (*ODD, *USUALS, ATTACK)]
    lines += [line(LATER, "/shop/", method="DELETE"), line(LATER, ODD[0], status=404), line(LATER, ODD[3])]
    engine = learned()
    judge = judge_of(engine)
    alone = [told(judge, [text])[0] for text in lines]
    together = told(judge, lines)
    assert together == alone
    for text, said, (score, anomalous) in zip(lines, alone, scanned(engine, lines), strict=True):
        assert said.score == pytest.approx(score, abs=1e-6), text
        assert (said.score >= 0.5 or bool(said.habit.is_anomaly)) == anomalous, text
    assert sum(bool(said.habit.is_anomaly) for said in alone) == len(ODD) + 2


def test_what_is_said_names_what_is_new_and_what_was_usual() -> None:
    (said,) = told(shared(), [line(LATER, ODD[1])])
    assert said.habit.status == "ready"
    assert said.habit.is_anomaly
    novelty = said.habit.novelties[0]
    assert (novelty["what"], novelty["parameter"]) == ("characters", "article")
    assert novelty["usual"] == "digits"
    assert novelty["probability"] == (novelty["new"] + 1) / (novelty["trials"] + 2)


def test_what_cannot_be_judged_is_not_called_usual() -> None:
    assert told(shared(), [line(LATER, "/shop/")])[0].habit == USUAL
    assert told(shared(), [line(LATER, ODD[0], status=503)])[0].habit == UNSERVED
    assert told(shared(), [line(LATER, ATTACK)])[0].habit == HOSTILE
    assert told(judge_of(build()), [line(LATER, "/shop/")])[0].habit == NOT_READY
    thin = build()
    with thin.learning():
        thin.process(batch_of(shop(60)))
    assert told(judge_of(thin), [line(LATER, ODD[0])])[0].habit == THIN


def test_nobody_looks_where_the_detector_is_off() -> None:
    judge = LineJudge(SignatureScanner.cached(), Chooser(Config()), enricher(Config()))
    assert told(judge, [line(LATER, ODD[0])])[0].habit.status == "off"


@cache
def judges() -> tuple[LineJudge, ...]:
    """Habits of a past that was called normal; of one that was only seen; of hardly any; and of both kinds."""
    seen, thin, mixed = build(), build(), learned()
    seen.process(batch_of([*shop(), line(LATER - 600, "/shop/")]))
    with thin.learning():
        thin.process(batch_of(shop(60)))
    mixed.process(batch_of([line(LATER - 900 + i, f"/shop/new?page={i}&of=9") for i in range(300)]))
    mixed.process(batch_of([line(LATER - 300, "/shop/")]))
    return shared(), judge_of(seen), judge_of(thin), judge_of(mixed)


TARGETS = st.sampled_from(
    [
        *ODD, *USUALS, ATTACK, "/shop/%ff?%00=%zz&=&&a", "*", "/?" + "a=1&" * 80,
        "/shop/new?page=12&of=9", "/shop/new?page=12345&of=9", "/shop/new?page=1234567&of=x", "/shop/new?q=red+hats",
        "/shop/basket?article=123456&amount=700", "/shop/search?q=" + "red" * 9, "/shop/basket?article=12#amount=x",
    ]
)  # fmt: skip
ROWS = st.lists(st.tuples(TARGETS, st.sampled_from(["GET", "POST", "-"]), st.sampled_from([200, 404])))


@settings(max_examples=120, deadline=None)
@given(ROWS.filter(lambda rows: len(rows) > FEW), st.integers(0, 3))
def test_a_line_alone_is_told_what_it_is_told_among_others(
    rows: list[tuple[str, str, int]], which: int
) -> None:
    lines = [line(LATER, target, method=method, status=status) for target, method, status in rows]
    judge = judges()[which]
    assert told(judge, lines) == [told(judge, [text])[0] for text in lines]


def test_what_follows_a_mark_changes_no_route_of_another_line() -> None:
    """`*` is a route, `*?x` is none: asked one after the other, each is what it is among others."""
    lines = [line(LATER, target) for target in ("*?x=1", "*", "/?x", "/", "*?x=1", *["/"] * FEW)]
    for judge in judges():
        assert told(judge, lines) == [told(judge, [text])[0] for text in lines]


def test_what_was_only_seen_or_hardly_is_told_in_all_ways() -> None:
    """The pasts that lines are held against differ in what is said of the same lines."""
    lines = [line(LATER, target) for target in ODD]
    usual = [line(LATER, target) for target in USUALS]
    of_normal, of_seen, of_thin, of_mixed = ([said.habit for said in told(j, lines)] for j in judges())
    assert all(habit.is_anomaly for habit in of_normal)
    assert THIN in of_seen
    assert set(map(str, of_thin)) <= {str(THIN), str(USUAL)}
    assert any(habit.is_anomaly for habit in of_mixed)
    assert all(said.habit == USUAL for said in told(judges()[1], usual))


def test_asking_teaches_nothing() -> None:
    engine = learned()
    judge = judge_of(engine)
    assert engine.habits is not None
    before = engine.habits.to_state()
    for _ in range(3):
        told(judge, [line(LATER, target) for target in (*ODD, *USUALS)])
    assert engine.habits.to_state() == before


def test_what_is_learned_meanwhile_is_known_at_once() -> None:
    """A parameter that nine of ten requests carry for a while is the site's own, for whoever asks now too."""
    engine = learned()
    judge = judge_of(engine)
    released = "/shop/search?q=red+hats&page=2"
    assert told(judge, [line(LATER, released)])[0].habit.is_anomaly
    for minute in range(6):
        lines = [
            line(LATER + 60 * minute + i, released, client=f"10.0.1.{1 + i % 40}") for i in range(0, 60, 2)
        ]
        engine.process(batch_of(lines))
    engine.process(batch_of([line(LATER + 1200, "/shop/")]))
    assert told(judge, [line(LATER, released)])[0].habit == USUAL
