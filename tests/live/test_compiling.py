"""What is compiled once is compiled beforehand: for the sources that are configured, and for flows when they come."""

from collections.abc import Collection, Sequence

import pytest

from tests.live.lines import Clock
from vedette.config import Config
from vedette.engine.teaching import Teaching
from vedette.kernels import foreseen as known
from vedette.kernels.foreseen import Foreseen
from vedette.live.compiling import prepare
from vedette.live.flows import LiveFlows
from vedette.live.view import Preparation
from vedette.sources.source import Delivery

KERNEL = Foreseen("requests.parameters.hash_of", ("i",), ("text",))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """What is asked for; nothing of it is kept, and nothing is compiled."""
    asked: list[set[str]] = []

    def uncompiled(reads: Collection[str]) -> Sequence[Foreseen]:
        asked.append(set(reads))
        return [KERNEL] * 3

    monkeypatch.setattr(known, "uncompiled", uncompiled)
    monkeypatch.setattr(known, "compile_all", lambda kernels, _, __, tell: tell(len(kernels)))
    return asked


@pytest.mark.parametrize(
    ("sources", "reads"),
    [
        ({}, {"text", "json"}),
        ({"netflow": [{"listen": ["udp://127.0.0.1:0"]}]}, {"text", "json", "flows"}),
        ({"capture": [{"interface": "lo"}]}, {"text", "json", "capture"}),
    ],
)
def test_what_is_compiled_follows_from_the_sources(
    asked: list[set[str]], sources: dict[str, object], reads: set[str]
) -> None:
    told: list[Preparation] = []
    said: list[str] = []
    prepare(Config.model_validate({"sources": sources}, strict=False), told.append, announce=said.append)
    assert asked == [reads]
    assert told[:2] == [Preparation("kernels", 0, 3), Preparation("kernels", 3, 3)]
    assert said == ["compiling 3 kernels, once for this machine: about 5 s"]


def test_what_flows_need_is_compiled_when_the_first_come(asked: list[set[str]]) -> None:
    flows, clock = LiveFlows(Config(), Teaching()), Clock(1)
    assert not asked
    sent = Delivery("netflow:192.0.2.1", b"AAAA\n", b"", format="netflow")
    for _ in range(2):
        assert flows.intake.takes(sent)
        flows.take(sent, clock.now, caught_up=True)
    assert asked == [{"flows", "json_flows"}]
