"""Settings for every test."""

import gc
import os
from collections.abc import Generator, Iterator, Mapping

import pytest
from hypothesis import HealthCheck, settings

# A first call may compile a kernel, which takes seconds: time per example says nothing here.
# How long something takes says more of a shared machine than of the code.
# By default each run looks at other examples. A change must be refused for what is wrong with it, not for what nobody
# has come across before: `.ci/run` always looks at the same ones.
settings.register_profile(
    "vedette",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("VEDETTE_SAME_EXAMPLES", "") == "1",
)
settings.load_profile("vedette")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are looked for, and never look at them again.

    Modules and thousands of tests stay until the end: to go through them all every so often took half of the time of
    looking for them, and its share of running them.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where processes that run tests beside each other leave what the others need too."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setenv("VEDETTE_TESTS_SHARE", str(tmp_path_factory.getbasetemp().parent))
        yield


@pytest.fixture(scope="session")
def kernel_modes() -> Mapping[str, dict[str, str]]:
    """Environments in which programs run kernels interpreted, compiled, and compiled with bounds checked."""
    compiled = {"VEDETTE_KERNELS": "compile", "NUMBA_BOUNDSCHECK": "0"}
    return {
        "interpreted": {"VEDETTE_KERNELS": "interpret"},
        "compiled": compiled,
        "checked": compiled | {"NUMBA_BOUNDSCHECK": "1"},
    }
