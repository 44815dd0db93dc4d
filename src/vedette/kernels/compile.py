"""How a kernel runs: compiled by numba, or interpreted by Python.

Compiled kernels are fast and take seconds to compile the first time; interpreted ones are slow and start at
once, which is right for a log of a few thousand lines. The choice is made once per process, before the first
kernel module is imported, through the environment variable `VEDETTE_KERNELS` (`compile`, the default, or
`interpret`). Both run the same source; tests hold the two against each other.

Rules for a kernel, so that both give the same answer:

* arguments are contiguous numpy arrays and scalars; no array is made inside, scratch space is passed in;
* arrays are only indexed, measured by `shape`, and passed on; no numpy function is called;
* 64-bit unsigned arithmetic goes through `vedette.kernels.hashing`, never through plain operators;
* no assumption about wrap-around: interpreted, integers are Python's.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

INTERPRETED = os.environ.get("VEDETTE_KERNELS", "compile") == "interpret"


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Make a kernel that Python code calls with numpy arrays; the GIL is released while it runs compiled."""
    if not INTERPRETED:
        return _compiled(function, inline="never")

    @wraps(function)
    def interpreted(*args: P.args, **kwargs: P.kwargs) -> R:
        views: list[Any] = [memoryview(cast("Any", a)) if isinstance(a, np.ndarray) else a for a in args]
        return function(*views, **kwargs)

    return interpreted


def subkernel(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function that only kernels call."""
    return function if INTERPRETED else _compiled(function, inline="never")


def _compiled(function: Callable[P, R], *, inline: str) -> Callable[P, R]:
    import numba

    # Kernels allocate nothing, so arrays need no reference counts: left on (`_nrt`), each call of a subkernel
    # costs atomic increments, which took a third of assembly's time.
    options: Any = {"cache": True, "nogil": True, "_nrt": False, "error_model": "numpy", "inline": inline}
    compiled: Callable[P, R] = numba.njit(**options)(function)
    return compiled
