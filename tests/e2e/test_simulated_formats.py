"""What `vedette simulate` writes, `vedette scan` reads by itself, under the same name."""

import pytest

from vedette.parsers.registry import ALIASES, by_name, formats
from vedette.parsers.sniff import sniff
from vedette.schema.chunk import Chunk
from vedette.simulate import FORMATS, Simulation


@pytest.mark.parametrize("name", FORMATS)
def test_a_simulated_log_is_recognised_by_its_name(name: str) -> None:
    text = b"".join(Simulation(format=name, minutes=1, rate=5.0).chunks())
    choice = sniff(Chunk.of(text), formats())
    assert choice.format.name == ALIASES.get(name, name) == by_name(name).name
    assert choice.share == 1.0
