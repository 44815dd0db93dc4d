"""Finding a byte, 64 bytes at a time.

This is the one place where a kernel reads 64 bytes without an array index. It stays inside the buffer because
a search stops at `limit`, and reads at most 63 bytes beyond it: callers keep `limit + 64 <= buffer.shape[0]`,
which holds for every position of a chunk (see `vedette.schema.chunk.PADDING`). The code is plain LLVM IR, so
it serves every processor that LLVM knows. Under `NUMBA_BOUNDSCHECK=1` the search goes byte by byte through
checked indexing.
"""

from collections.abc import Callable
from typing import Any

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import CHECKED, INTERPRETED, intrinsic, subkernel

WIDTH = 64


def _first_match(targets: int) -> Any:
    """`f(buffer, at, byte, ...)`: where in 64 bytes at `at` the first of `targets` bytes stands, or 64."""
    from llvmlite import ir
    from numba.core import types

    byte, lane_mask = ir.IntType(8), ir.IntType(WIDTH)
    vector = ir.VectorType(byte, WIDTH)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.gep(array.data, [arguments[1]], inbounds=True)
        lanes = builder.load(builder.bitcast(address, vector.as_pointer()), align=1)
        hits = None
        for wanted in arguments[2:]:
            single = builder.insert_element(
                ir.Constant(vector, ir.Undefined), builder.trunc(wanted, byte), ir.Constant(ir.IntType(32), 0)
            )
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
            equal = builder.icmp_unsigned("==", lanes, builder.shuffle_vector(single, single, zeros))
            hits = equal if hits is None else builder.or_(hits, equal)
        return builder.cttz(builder.bitcast(hits, lane_mask), ir.Constant(ir.IntType(1), 0))

    def first_of_one(_typing: Any, buffer: Any, _at: Any, _byte: Any) -> Any:
        return types.int64(buffer, types.int64, types.int64), codegen

    def first_of_two(_typing: Any, buffer: Any, _at: Any, _byte: Any, _other: Any) -> Any:
        return types.int64(buffer, types.int64, types.int64, types.int64), codegen

    return first_of_one if targets == 1 else first_of_two


def _find(buffer: Bytes, at: int, limit: int, byte: int) -> int:
    while at < limit:
        offset: int = _first_of_one(buffer, at, byte)
        if offset < WIDTH:
            return min(at + offset, limit)
        at += WIDTH
    return limit


def _find2(buffer: Bytes, at: int, limit: int, byte: int, other: int) -> int:
    while at < limit:
        offset: int = _first_of_two(buffer, at, byte, other)
        if offset < WIDTH:
            return min(at + offset, limit)
        at += WIDTH
    return limit


def _find_checked(buffer: Bytes, at: int, limit: int, byte: int) -> int:
    while at < limit and buffer[at] != byte:
        at += 1
    return min(at, limit)


def _find2_checked(buffer: Bytes, at: int, limit: int, byte: int, other: int) -> int:
    while at < limit and buffer[at] != byte and buffer[at] != other:
        at += 1
    return min(at, limit)


def _find_interpreted(buffer: Bytes, at: int, limit: int, byte: int) -> int:
    # Slices that double: a search costs no more than twice what it passes over.
    size = 256
    while at < limit:
        found = buffer[at : min(at + size, limit)].tobytes().find(byte)
        if found >= 0:
            return at + found
        at += size
        size *= 2
    return limit


def _find2_interpreted(buffer: Bytes, at: int, limit: int, byte: int, other: int) -> int:
    size = 256
    while at < limit:
        text = buffer[at : min(at + size, limit)].tobytes()
        found, second = text.find(byte), text.find(other)
        if second >= 0 and (found < 0 or second < found):
            return at + second
        if found >= 0:
            return at + found
        at += size
        size *= 2
    return limit


find: Callable[[Bytes, int, int, int], int]
find2: Callable[[Bytes, int, int, int, int], int]
if INTERPRETED:
    find, find2 = _find_interpreted, _find2_interpreted
elif CHECKED:
    find, find2 = subkernel(_find_checked), subkernel(_find2_checked)
else:
    _first_of_one, _first_of_two = intrinsic(_first_match, 1), intrinsic(_first_match, 2)
    find, find2 = subkernel(_find), subkernel(_find2)
"""`find(buffer, at, limit, byte)` and `find2(buffer, at, limit, byte, other)`.

The position of the first such byte in `at .. limit`, or `limit` if there is none (also where `at >= limit`).
"""
