"""The sample that ships in the package."""

import io
import re

from vedette.data import __doc__ as about
from vedette.data import sample_path
from vedette.simulate import Simulation


def _simulation() -> Simulation:
    """What the command in the package's documentation asks for."""
    [(minutes, rate, seed)] = re.findall(r"--minutes (\d+) --rate ([\d.]+) --seed (\d+)", about)
    incidents = ",".join(re.findall(r"--inject '([^']+)'", about))
    return Simulation(minutes=int(minutes), rate=float(rate), seed=int(seed), inject=incidents)


def test_the_sample_is_what_its_documented_command_writes() -> None:
    stream = io.BytesIO()
    _simulation().write(stream)
    assert sample_path().read_bytes() == stream.getvalue()


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
