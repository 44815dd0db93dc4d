"""Asking for memory before it is looked at.

What is far apart in memory comes one after the other where each is read when it is needed, and even a read whose value
nobody waits for holds up all that come some hundred instructions behind it. A prefetch does not: a loop may ask for
many, and they come together. It is a hint, and changes nothing.
"""

from collections.abc import Callable
from typing import Any

from vedette.kernels.arrays import Bytes, Ints, Ints32
from vedette.kernels.compile import CHECKED, INTERPRETED, inlined, intrinsic, subkernel

_LINE = 64
"""Bytes that come from memory at a time, on most processors."""


def _prefetch(dimensions: int) -> Any:
    from llvmlite import ir
    from numba.core import types

    number = ir.IntType(32)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        at = arguments[1]
        if dimensions == 2:
            _, columns = (builder.extract_value(array.shape, place) for place in range(2))
            at = builder.add(builder.mul(at, columns), arguments[2])
        address = builder.bitcast(builder.gep(array.data, [at]), ir.IntType(8).as_pointer())
        asked = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), number, number, number])
        name = "llvm.prefetch.p0i8"
        function = builder.module.globals.get(name) or ir.Function(builder.module, asked, name)
        # For reading, into all caches, data.
        builder.call(function, [address, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    def ask_of(_typing: Any, array: Any, _row: Any) -> Any:
        return types.none(array, types.int64), codegen

    def ask_of_row(_typing: Any, array: Any, _row: Any, _column: Any) -> Any:
        return types.none(array, types.int64, types.int64), codegen

    return ask_of if dimensions == 1 else ask_of_row


def _nothing(array: Ints32, at: int) -> None:
    pass


def _nothing_of_row(rows: Ints, row: int, column: int) -> None:
    pass


_PLAIN = INTERPRETED or CHECKED
prefetch: Callable[[Any, int], None] = subkernel(_nothing) if _PLAIN else intrinsic(_prefetch, 1)
"""`prefetch(array, at)`: element `at`, of any array in one dimension. It need not be there."""
prefetch_row: Callable[[Any, int, int], None] = (
    subkernel(_nothing_of_row) if _PLAIN else intrinsic(_prefetch, 2)
)
"""`prefetch_row(array, row, column)`: the same of an array in two dimensions, row by row in memory."""


def _prefetch_text(buffer: Bytes, at: int, length: int) -> None:
    for line in range(0, length, _LINE):
        prefetch(buffer, at + line)


def _no_text(buffer: Bytes, at: int, length: int) -> None:
    pass


prefetch_text = subkernel(_no_text) if _PLAIN else inlined(_prefetch_text)
"""`prefetch_text(buffer, at, length)`: a text, all of it."""
