"""A kernel as Python code holds it: called as machine code, compiled on the first call if need be."""

import ctypes
from collections.abc import Callable, Sequence
from functools import cached_property
from threading import RLock
from typing import Any

import numpy as np

_COMPILING = RLock()
"""Held while a kernel is made ready: two threads that meet an unready one compile it once."""
_CONTIGUOUS, _ALIGNED = 0x1, 0x100
"""Flags of arrays: contiguous in C's order; elements where their type wants them."""


class Intrinsic:
    """A function of kernels that is written in LLVM's language."""

    def __init__(self, make: Callable[..., Any], arguments: tuple[object, ...]) -> None:
        self.make = make
        self.arguments = arguments

    @cached_property
    def made(self) -> Any:
        """The function as numba calls it."""
        from numba.extending import intrinsic

        return intrinsic(self.make(*self.arguments))


class Subkernel:
    """A function that kernels call.

    Args:
        function: Its source.
        inlined: Put its code where it is called.
    """

    def __init__(self, function: Callable[..., Any], *, inlined: bool = False) -> None:
        self.function = function
        self.inlined = inlined
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__

    @cached_property
    def callee(self) -> Any:
        """The function as numba puts it into kernels."""
        from vedette.kernels.compilation import subdispatcher

        return subdispatcher(self.function, inlined=self.inlined)

    def __call__(self, *arguments: Any) -> Any:
        """Run as Python: who calls a subkernel does it a few times, and compiling it would take longer."""
        return self.function(*arguments)


class Kernel(Subkernel):
    """A function that Python code calls, as machine code.

    For arguments it was not made for, it is made again; what machine code cannot be made for (tuples as results) runs
    under numba.

    Args:
        function: The kernel's source.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._entries: dict[tuple[str, ...], Any] = {}
        self._call: Callable[..., Any] = _unready

    @cached_property
    def dispatcher(self) -> Any:
        """The function as numba runs it."""
        from vedette.kernels.compilation import dispatcher

        return dispatcher(self.function)

    def __call__(self, *arguments: Any) -> Any:
        """Run the kernel."""
        try:
            return self._call(*arguments)
        except (MisfitError, ctypes.ArgumentError):
            return self._made_to_fit(arguments)

    def _made_to_fit(self, arguments: Sequence[Any]) -> Any:
        """Run with arguments of types that the kernel was not ready for, and be ready for them from now on."""
        kinds = tuple(kind_of(argument) for argument in arguments)
        if "" in kinds:
            return self.dispatcher(*arguments)
        with _COMPILING:
            if kinds not in self._entries:
                from vedette.kernels.machine_code import entry

                self._entries[kinds] = entry(self.function, kinds)
        made = self._entries[kinds]
        if made is None:
            return self.dispatcher(*arguments)
        plain = [a if isinstance(a, np.ndarray) else float(a) if k == "f" else int(a)
                 for a, k in zip(arguments, kinds, strict=True)]  # fmt: skip
        self._call = made.fit([a.dtype for a in plain if isinstance(a, np.ndarray)])
        return self._call(*plain)


class MisfitError(TypeError):
    """Arguments are not of the types that machine code was made for."""


def _unready(*_arguments: Any) -> Any:
    raise MisfitError


def kind_of(argument: object) -> str:
    """An argument's type; empty where numba has to look at it.

    `<i8:2` is an array of elements `<i8` in 2 dimensions, with `s` after it where it is not contiguous; `i` and `f` are
    numbers.
    """
    if type(argument) is np.ndarray:
        flags: int = argument.flags.num
        layout = "" if flags & _CONTIGUOUS else "s"
        return f"{argument.dtype.str}:{argument.ndim}{layout}" if flags & _ALIGNED else ""
    if isinstance(argument, float | np.floating):
        return "f"
    return "i" if isinstance(argument, int | np.integer | np.bool_) else ""
