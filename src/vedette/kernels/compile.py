"""How a kernel runs: compiled, or interpreted by Python.

Compiled kernels are fast and take seconds to compile the first time; interpreted ones are slow and start at
once, which is right for a log of a few thousand lines. The choice is made once per process, before the first
kernel module is imported, through the environment variable `VEDETTE_KERNELS` (`compile`, the default, or
`interpret`). Both run the same source; tests hold the two against each other.

Rules for a kernel, so that both give the same answer:

* arguments are contiguous numpy arrays and scalars; no array is made inside, scratch space is passed in;
* arrays are only indexed, measured by `shape`, and passed on; no numpy function is called;
* 64-bit unsigned arithmetic goes through `vedette.kernels.text.hashing`, never through plain operators;
* no assumption about wrap-around: interpreted, integers are Python's.

numba compiles. It is not imported before there is something to compile: what it made is kept as machine code
and called without it (`vedette.kernels.machine_code`), because importing numba and having it load its own cache
took two thirds of a second of every run. With `NUMBA_BOUNDSCHECK=1` they are made so that they check each index, and
an `IndexError` tells which kernel went out of bounds.
"""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

from vedette.kernels.function import Intrinsic, Kernel, Subkernel

P = ParamSpec("P")
R = TypeVar("R")

INTERPRETED = os.environ.get("VEDETTE_KERNELS", "compile") == "interpret"
CHECKED = os.environ.get("NUMBA_BOUNDSCHECK", "0") != "0"
"""Whether each index is checked."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Make a kernel that Python code calls with numpy arrays; the GIL is released while it runs compiled."""
    if not INTERPRETED:
        return cast("Callable[P, R]", Kernel(function))

    @wraps(function)
    def interpreted(*args: P.args, **kwargs: P.kwargs) -> R:
        views: list[Any] = [memoryview(cast("Any", a)) if isinstance(a, np.ndarray) else a for a in args]
        return function(*views, **kwargs)

    return interpreted


def subkernel(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function that only kernels call."""
    return function if INTERPRETED else cast("Callable[P, R]", Subkernel(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Make a subkernel whose code stands where it is called: for what is called for each line or field.

    A call hands over each array as seven words or more, most of them through memory.
    """
    return function if INTERPRETED else cast("Callable[P, R]", Subkernel(function, inlined=True))


def intrinsic(make: Callable[..., Any], *arguments: object) -> Any:
    """A function of kernels that `make(*arguments)` writes in LLVM's language, when something is compiled.

    `make` returns what `numba.extending.intrinsic` takes.
    """
    return Intrinsic(make, arguments)
