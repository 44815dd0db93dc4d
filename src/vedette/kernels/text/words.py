"""Reading and comparing bytes a machine word at a time, always inside the span that the caller names.

Compiled, a load is one unaligned machine load. Under `NUMBA_BOUNDSCHECK=1` (as the tests run it) loads go
byte by byte through checked indexing instead, so that a load outside the array raises instead of reading on.
"""

from collections.abc import Callable
from typing import Any

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import CHECKED, INTERPRETED, inlined, intrinsic, subkernel


def _checked_load(width: int) -> Callable[[Bytes, int], int]:
    def load(buffer: Bytes, at: int) -> int:
        word = 0
        for i in range(width):
            word += buffer[at + i] * (1 << (8 * i))
        return word

    return load


def _unaligned_load(width: int) -> Any:
    from llvmlite import ir
    from numba.core import types

    def load(_typing: Any, buffer: Any, _at: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            address = builder.gep(array.data, [arguments[1]], inbounds=True)
            word = ir.IntType(8 * width)
            value = builder.load(builder.bitcast(address, word.as_pointer()), align=1)
            return value if width == 8 else builder.zext(value, ir.IntType(64))

        return types.int64(buffer, types.int64), codegen

    return load


def _load(width: int) -> Callable[[Bytes, int], int]:
    if INTERPRETED or CHECKED:
        return subkernel(_checked_load(width))
    load: Callable[[Bytes, int], int] = intrinsic(_unaligned_load, width)
    return load


load64 = _load(8)
"""`load64(buffer, at)`: bytes `at .. at + 8` as an int64 (compiled; two's complement)."""
load32 = _load(4)
"""`load32(buffer, at)`: bytes `at .. at + 4` as an int64, never negative."""


def _equal(buffer: Bytes, a: int, b: int, length: int) -> bool:
    if length >= 8:
        last = length - 8
        # The end first: texts that differ tend to differ there (user agents all begin alike).
        if load64(buffer, a + last) != load64(buffer, b + last):
            return False
        i = 0
        while i < last:
            if load64(buffer, a + i) != load64(buffer, b + i):
                return False
            i += 8
        return True
    if length >= 4:
        last = length - 4
        return load32(buffer, a) == load32(buffer, b) and load32(buffer, a + last) == load32(buffer, b + last)
    for i in range(length):
        if buffer[a + i] != buffer[b + i]:
            return False
    return True


def _equal_interpreted(buffer: Bytes, a: int, b: int, length: int) -> bool:
    return bool(buffer[a : a + length] == buffer[b : b + length])


equal = _equal_interpreted if INTERPRETED else inlined(_equal)
"""`equal(buffer, a, b, length)`: whether the spans of `length` bytes at `a` and `b` hold the same bytes."""


def _equal_across(one: Bytes, a: int, other: Bytes, b: int, length: int) -> bool:
    if length >= 8:
        last = length - 8
        i = 0
        while i < last:
            if load64(one, a + i) != load64(other, b + i):
                return False
            i += 8
        return load64(one, a + last) == load64(other, b + last)
    if length >= 4:
        last = length - 4
        return load32(one, a) == load32(other, b) and load32(one, a + last) == load32(other, b + last)
    for i in range(length):
        if one[a + i] != other[b + i]:
            return False
    return True


def _equal_across_interpreted(one: Bytes, a: int, other: Bytes, b: int, length: int) -> bool:
    return bool(one[a : a + length] == other[b : b + length])


equal_across = _equal_across_interpreted if INTERPRETED else subkernel(_equal_across)
"""`equal_across(one, a, other, b, length)`: the same between two arrays."""


def _same_head(one: Bytes, a: int, other: Bytes, b: int, length: int) -> bool:
    return (load64(one, a) ^ load64(other, b)) << (64 - 8 * length) == 0


same_head = _equal_across_interpreted if INTERPRETED else inlined(_same_head)
"""`same_head(one, a, other, b, length)`: the same for 1 to 8 bytes, where both arrays go on for 8."""


BLOCK = 32
"""Bytes that `put_text` reads and writes at a time."""


def _copy_block() -> Any:
    from llvmlite import ir
    from numba.core import types

    block = ir.VectorType(ir.IntType(8), BLOCK)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        spans = []
        for place in (0, 2):
            array = context.make_array(signature.args[place])(context, builder, arguments[place])
            address = builder.gep(array.data, [arguments[place + 1]], inbounds=True)
            spans.append(builder.bitcast(address, block.as_pointer()))
        builder.store(builder.load(spans[0], align=1), spans[1], align=1)
        return context.get_dummy_value()

    def copy(_typing: Any, source: Any, _at: Any, target: Any, _to: Any) -> Any:
        return types.none(source, types.int64, target, types.int64), codegen

    return copy


def _copy_block_checked(source: Bytes, at: int, target: Bytes, to: int) -> None:
    for i in range(BLOCK):
        target[to + i] = source[at + i]


copy_block = subkernel(_copy_block_checked) if INTERPRETED or CHECKED else intrinsic(_copy_block)


def _put_text(source: Bytes, at: int, length: int, target: Bytes, to: int) -> int:
    done = 0
    while done < length:
        copy_block(source, at + done, target, to + done)
        done += BLOCK
    return to + length


put_text = inlined(_put_text)
"""`put_text(source, at, length, target, to)`: copy a text; where it ends in `target`.

What follows it in `target` is overwritten: both arrays go on for `BLOCK` bytes behind it.
"""


_ZEROS = 0x3030303030303030
_ABOVE_NINE = 0x7676767676767676
_HIGH_BITS = 0x8080808080808080 - (1 << 64)
_PAIRS = 0x00FF00FF00FF00FF
_FOURS = 0x0000FFFF0000FFFF


def _few_digits(buffer: Bytes, at: int, length: int) -> int:
    word = (load64(buffer, at) ^ _ZEROS) << (64 - 8 * length)
    if ((word + _ABOVE_NINE) | word) & _HIGH_BITS != 0:
        return -1
    # Each byte is a digit, the first the lowest: neighbours are put together three times.
    word = (word * 10 + (word >> 8)) & _PAIRS
    word = (word * 100 + (word >> 16)) & _FOURS
    return (word * 10000 + (word >> 32)) & 0xFFFFFFFF


def _few_digits_plainly(buffer: Bytes, at: int, length: int) -> int:
    number = 0
    for place in range(at, at + length):
        if buffer[place] < 48 or buffer[place] > 57:
            return -1
        number = number * 10 + int(buffer[place]) - 48
    return number


few_digits = subkernel(_few_digits_plainly) if INTERPRETED or CHECKED else inlined(_few_digits)
"""`few_digits(buffer, at, length)`: the number that 1 to 8 digits say, or -1 where one of the bytes is none.

The buffer goes on for 8 bytes from `at`.
"""
