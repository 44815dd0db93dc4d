"""Compiled, interpreted and bounds-checked kernels agree on hostile rows, and none reads outside."""

from collections.abc import Mapping

import pytest
from tests.kernels.modes import said

PROGRAM = "tests.enrich.print_enriched"


@pytest.mark.slow
def test_all_modes_enrich_mutated_rows_alike(kernel_modes: Mapping[str, dict[str, str]]) -> None:
    interpreted = said(kernel_modes["interpreted"], PROGRAM, "interpret")
    assert said(kernel_modes["checked"], PROGRAM) == interpreted
    assert said(kernel_modes["compiled"], PROGRAM) == interpreted
