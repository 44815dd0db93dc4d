"""Copying what stands in a JSON string as it is, 32 bytes at a time.

Printable ASCII does, but for quotes and backslashes. As in `kernels.words`, what is compiled reads and writes whole
blocks inside both arrays; under `NUMBA_BOUNDSCHECK=1` it goes byte by byte through checked indexing.
"""

from collections.abc import Callable
from typing import Any

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import CHECKED, INTERPRETED, inlined, intrinsic
from vedette.kernels.text.words import BLOCK, copy_block

QUOTE = ord('"')
BACKSLASH = ord("\\")


def _first_odd() -> Any:
    """`f(buffer, at)`: where in a block at `at` the first byte stands that JSON writes otherwise, or `BLOCK`."""
    from llvmlite import ir
    from numba.core import types

    byte = ir.IntType(8)
    vector = ir.VectorType(byte, BLOCK)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.gep(array.data, [arguments[1]], inbounds=True)
        lanes = builder.load(builder.bitcast(address, vector.as_pointer()), align=1)
        # As signed numbers, what is not ASCII lies below the control characters.
        odd = builder.icmp_signed("<", lanes, ir.Constant(vector, [32] * BLOCK))
        for mark in (QUOTE, BACKSLASH):
            same = builder.icmp_unsigned("==", lanes, ir.Constant(vector, [mark] * BLOCK))
            odd = builder.or_(odd, same)
        mask = builder.zext(builder.bitcast(odd, ir.IntType(BLOCK)), ir.IntType(64))
        # Past the last, for a block without any.
        mask = builder.or_(mask, ir.Constant(ir.IntType(64), 1 << BLOCK))
        return builder.cttz(mask, ir.Constant(ir.IntType(1), 0))

    def first(_typing: Any, buffer: Any, _at: Any) -> Any:
        return types.int64(buffer, types.int64), codegen

    return first


def _is_plain(byte: int) -> bool:
    return 32 <= byte < 128 and byte != QUOTE and byte != BACKSLASH


is_plain: Callable[[int], bool] = inlined(_is_plain)
"""`is_plain(byte)`: whether a byte stands for itself in a JSON string, and is a character by itself."""


def _put_plain_bytes(source: Bytes, at: int, last: int, target: Bytes, to: int) -> int:
    first = at
    while at < last and is_plain(source[at]):
        target[to] = source[at]
        at += 1
        to += 1
    return at - first


def _put_plain_blocks(source: Bytes, at: int, last: int, target: Bytes, to: int) -> int:
    first = at
    while at < last:
        if at + BLOCK > source.shape[0] or to + BLOCK > target.shape[0]:
            if not is_plain(source[at]):
                break
            target[to] = source[at]
            at += 1
            to += 1
            continue
        copy_block(source, at, target, to)
        plain = min(_first(source, at), last - at)
        at += plain
        to += plain
        if plain < BLOCK:
            break
    return at - first


put_plain: Callable[[Bytes, int, int, Bytes, int], int]
if INTERPRETED or CHECKED:
    put_plain = inlined(_put_plain_bytes)
else:
    _first = intrinsic(_first_odd)
    put_plain = inlined(_put_plain_blocks)
"""`put_plain(source, at, last, target, to)`: copy what is plain of `at .. last`, up to the first byte that is not; how
many bytes that is.

What follows them in `target` may be overwritten, as far as it goes on for up to `BLOCK` bytes.
"""
