"""Features that are configured while a model is at work: a new one is fitted, which looks at them."""

from tests.engine.running import LATENESS_US
from tests.engine.test_learned import feed, quiet
from vedette.config import Config
from vedette.engine.build import build_engine
from vedette.engine.engine import Engine
from vedette.engine.snapshot import restore, snapshot
from vedette.enrich.enrich import Enricher
from vedette.parsers.registry import by_name

FEATURE = {
    "name": "pace",
    "unit": "per_second",
    "doc": "requests a second",
    "expression": "requests / window_length",
}


def engine(*features: dict[str, str]) -> Engine:
    learned = {"warmup": 8000, "members": ["forest"], "features": list(features)}
    return build_engine(Config.model_validate({"learned": learned}, strict=False), lateness_us=LATENESS_US)


def test_a_new_model_is_due_when_features_change() -> None:
    first, enricher, parser = engine(), Enricher(), by_name("combined").open("test.log")
    half = len(quiet()) // 2
    feed(first, enricher, parser, quiet()[:half], 1)
    (status,) = first.member_statuses()
    assert (status.phase, len(status.history)) == ("ensemble", 1)
    second, renewed = engine(FEATURE), Enricher()
    assert restore(second, renewed, snapshot(first, enricher)).anew == []
    feed(second, renewed, parser, quiet()[half:], half + 1)
    (status,) = second.finish().coverage.members
    assert [use.why for use in status.history] == ["warm-up", "other features are configured"]
    (model,) = second.members[0].models().values()
    assert getattr(model.card, "names")[-1] == "pace"  # noqa: B009 - cards differ
