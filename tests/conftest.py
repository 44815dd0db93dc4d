"""Settings for every test."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A first call may compile a kernel, which takes seconds: time per example says nothing here.
# How long something takes says more of a shared machine than of the code.
settings.register_profile("vedette", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vedette")


@pytest.fixture(scope="session")
def kernel_modes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, str]]:
    """Environments in which programs run kernels interpreted, compiled, and compiled with bounds checked.

    Compiling with checks takes half a minute for most programs, so all tests of a run share what was compiled; numba
    does not see that a kernel calls a changed one, so no two runs do, unless `VEDETTE_CHECKED_KERNELS` names a
    directory for it. Checked and unchecked code keep apart, because numba does not tell them from each other either.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    checked = Path(os.environ.get("VEDETTE_CHECKED_KERNELS", shared / "checked-kernels"))
    compiled = {"VEDETTE_KERNELS": "compile", "NUMBA_BOUNDSCHECK": "0"}
    if os.environ.get("NUMBA_BOUNDSCHECK", "0") != "0":
        compiled["NUMBA_CACHE_DIR"] = str(shared / "compiled-kernels")
    return {
        "interpreted": {"VEDETTE_KERNELS": "interpret"},
        "compiled": compiled,
        "checked": compiled | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(checked)},
    }
