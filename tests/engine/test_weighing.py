"""What is told of a recorded log's requests before an engine takes them is what the engine would have said."""

from collections.abc import Sequence

import pytest

from tests.engine.running import LATENESS_US, batches, build, split
from tests.signatures.test_everyday import MARKUP, SELECT, UNION, log, requests, settings_of, site
from vedette.config import Config
from vedette.engine.engine import Engine
from vedette.engine.weighing import Weighing, put

DAYS = 9


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Nine days on which much is asked that looks like an attack, and something that is one."""
    return log(
        site(DAYS),
        requests(range(DAYS), range(25), SELECT),
        requests(range(3, DAYS), range(25), MARKUP, net="10.5"),
        requests([7], range(2), UNION, net="10.9"),
    )


def weighing(engine: Engine, *, weighs: bool = True) -> Weighing:
    """What weighs for an engine elsewhere."""
    return Weighing(engine.scanner, engine.settings.windows.span, LATENESS_US, weighs=weighs)


def taken(
    engine: Engine,
    ahead: Weighing | None,
    lines: Sequence[bytes],
    sizes: Sequence[int],
    *,
    tells: bool = True,
) -> list[tuple[bytes, ...]]:
    """The verdicts on some lines, as bytes; of batches that bring them along from `ahead`, if there is one."""
    said = []
    for batch in batches(split(lines, sizes)):
        if ahead is not None:
            put(batch, ahead.take(batch, tells=tells), engine.scanner)
        told = engine.process(batch)
        usual = b"" if told.everyday is None else told.everyday.tobytes()
        said.append((told.types.tobytes(), told.score.tobytes(), told.suspect.tobytes(), usual))
    return said


@pytest.mark.parametrize(
    "config", [settings_of(), settings_of(detectors={"signatures": {"everyday": False}})]
)
def test_batches_that_bring_verdicts_along_are_judged_as_others_are(
    config: Config, lines: list[bytes]
) -> None:
    sizes = [100, 700, 3, 400]
    alone, led = build(config), build(config)
    ahead = weighing(led, weighs=led.everyday is not None)
    assert taken(alone, None, lines, sizes) == taken(led, ahead, lines, sizes)
    state = ahead.everyday_state()
    assert (state is None) == (led.everyday is None)
    if led.everyday is not None and state is not None:
        led.everyday.from_state(state)
    found = led.finish()
    assert found == alone.finish()
    assert bool(found.coverage.everyday) == (state is not None)


def test_a_past_is_learned_from_and_not_told(lines: list[bytes]) -> None:
    past, present = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    alone, led = build(settings_of()), build(settings_of())
    ahead = weighing(led)
    with alone.learning():
        before = taken(alone, None, past, [900])
    with led.learning():
        assert taken(led, ahead, past, [900], tells=False) == before
        ahead.end_of_past()
    assert taken(led, ahead, present, [50]) == taken(alone, None, present, [50])
    state = ahead.everyday_state()
    assert state is not None
    assert led.everyday is not None
    led.everyday.from_state(state)
    assert led.finish() == alone.finish()
