"""What `vedette simulate` writes, `vedette scan` reads by itself, under the same name."""

import pytest

from vedette.parsers.registry import by_name, formats
from vedette.parsers.sniff import sniff
from vedette.schema.chunk import Chunk
from vedette.schema.format_names import ALIASES
from vedette.simulate import FORMATS, Simulation, SimulationError


@pytest.mark.parametrize("name", FORMATS)
def test_a_simulated_log_is_recognised_by_its_name(name: str) -> None:
    text = b"".join(Simulation(format=name, minutes=1, rate=5.0).chunks())
    choice = sniff(Chunk.of(text), formats())
    assert choice.format.name == ALIASES.get(name, name) == by_name(name).name
    assert choice.share == 1.0


@pytest.mark.parametrize("alias", [alias for alias, name in ALIASES.items() if name in FORMATS])
def test_another_name_of_a_format_writes_what_scan_reads_by_it(alias: str) -> None:
    text = b"".join(Simulation(format=alias, minutes=0.5, rate=5.0).chunks())
    parsed = by_name(alias).open("x").parse(Chunk.of(text))
    assert parsed.skips.total == 0
    assert len(parsed.requests) > 50


def test_a_format_that_cannot_be_written_is_refused_with_those_that_can() -> None:
    for name in ("elb", "nonsense"):
        with pytest.raises(SimulationError, match=f"--format '{name}': cannot be written: one of combined, "):
            Simulation(format=name)
