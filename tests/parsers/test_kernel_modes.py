"""Compiled, interpreted and bounds-checked kernels agree on hostile lines, and none reads outside."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.kernels.modes import said

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "logs"),
    [
        pytest.param(("tests.parsers.print_parsed", GOLDEN, "15"), 5, id="json and logfmt"),
        pytest.param(("tests.parsers.print_text_parsed", "12"), 15, id="text"),
    ],
)
def test_all_modes_read_mutated_logs_alike(
    kernel_modes: Mapping[str, dict[str, str]], program: tuple[str, ...], logs: int
) -> None:
    interpreted = json.loads(said(kernel_modes["interpreted"], *program))
    assert len(interpreted) >= logs
    assert json.loads(said(kernel_modes["checked"], *program)) == interpreted
    assert json.loads(said(kernel_modes["compiled"], *program)) == interpreted
