"""The sample that ships in the package."""

import io
import re

from vedette.data import SAMPLE_INCIDENTS, sample_path
from vedette.data import __doc__ as about
from vedette.simulate import Simulation


def _simulation() -> Simulation:
    return Simulation(minutes=120, rate=0.4, seed=38, inject=",".join(SAMPLE_INCIDENTS))


def test_the_sample_is_what_its_documented_command_writes() -> None:
    stream = io.BytesIO()
    _simulation().write(stream)
    assert sample_path().read_bytes() == stream.getvalue()


def test_the_documented_command_is_the_one_that_is_tested() -> None:
    assert "--minutes 120 --rate 0.4 --seed 38" in about
    assert re.findall(r"--inject '([^']+)'", about) == list(SAMPLE_INCIDENTS)


def test_the_sample_is_small_mostly_calm_and_holds_its_incidents() -> None:
    text = sample_path().read_bytes()
    assert len(text) < 1_000_000
    lines = text.count(b"\n")
    assert 3_500 < lines < 4_500
    incidents = _simulation().labels.incidents
    assert [i.incident for i in incidents] == ["error_spike", "scanner", "sqli", "brute_force"]
    assert all(i.requests >= 20 for i in incidents)
    assert sum(i.requests for i in incidents) < 0.25 * lines
    assert incidents[1].entity == incidents[2].entity
