"""A real service, killed while its log grows and rotates, ends with what an undisturbed one finds."""

from pathlib import Path

import pytest
from tests.e2e.killing import both


@pytest.mark.slow
def test_kept_is_what_an_undisturbed_run_keeps(tmp_path: Path) -> None:
    undisturbed, disturbed, _ = both(tmp_path, kills=8, seed=7)
    assert disturbed == undisturbed
