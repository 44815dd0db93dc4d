"""A real service, killed while its log grows and rotates, ends with what an undisturbed one finds."""

import pytest
from tests.e2e.killing import serve, workplace


@pytest.mark.slow
def test_kept_is_what_an_undisturbed_run_keeps() -> None:
    with workplace() as place:
        undisturbed = serve(place, f"sqlite:///{place}/vedette.db", kills=0, seed=7)
    with workplace() as place:
        assert serve(place, f"sqlite:///{place}/vedette.db", kills=8, seed=7) == undisturbed
