"""A keyed 64-bit hash of bytes, for hash tables whose keys strangers choose.

Folded multiplication (both halves of a 64 x 64 bit product, combined by exclusive or), 16 bytes a step, in
the manner of Wang Yi's wyhash. Without the secret, colliding texts cannot be prepared beforehand. Hashes
differ from process to process and between compiled and interpreted kernels, so nothing that is shown, stored
or merged may depend on them.
"""

import os
from typing import Any

from vedette.kernels.arrays import Bytes
from vedette.kernels.compile import INTERPRETED, inlined, intrinsic
from vedette.kernels.text.words import load32, load64


def new_secret() -> tuple[int, int]:
    """Draw the two int64 secrets of a hash, each odd."""
    drawn = os.urandom(16)
    return (
        int.from_bytes(drawn[:8], "little", signed=True) | 1,
        int.from_bytes(drawn[8:], "little", signed=True) | 1,
    )


def _folded_multiply() -> Any:
    from llvmlite import ir
    from numba.core import types

    def fold(_typing: Any, _a: Any, _b: Any) -> Any:
        def codegen(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            single, double = ir.IntType(64), ir.IntType(128)
            product = builder.mul(*(builder.zext(word, double) for word in arguments))
            high = builder.trunc(builder.lshr(product, ir.Constant(double, 64)), single)
            return builder.xor(builder.trunc(product, single), high)

        return types.int64(types.int64, types.int64), codegen

    return fold


def _hash_bytes(buffer: Bytes, start: int, length: int, secret_a: int, secret_b: int) -> int:
    state = secret_a ^ length
    end = start + length
    at = start
    if length > 32:
        # Two chains of multiplications keep the processor busy where one would wait for itself.
        other = secret_b ^ length
        while end - at > 32:
            state = _fold(load64(buffer, at) ^ secret_b, load64(buffer, at + 8) ^ state)
            other = _fold(load64(buffer, at + 16) ^ secret_b, load64(buffer, at + 24) ^ other)
            at += 32
        state ^= other
    while end - at > 16:
        state = _fold(load64(buffer, at) ^ secret_b, load64(buffer, at + 8) ^ state)
        at += 16
    left = end - at
    if length >= 16:
        first = load64(buffer, end - 16)
        second = load64(buffer, end - 8)
    elif left >= 8:
        first = load64(buffer, at)
        second = load64(buffer, end - 8)
    elif left >= 4:
        first = load32(buffer, at)
        second = load32(buffer, end - 4)
    elif left > 0:
        first = buffer[at] * 65536 + buffer[at + (left >> 1)] * 256 + buffer[end - 1]
        second = 0
    else:
        first = 0
        second = 0
    folded: int = _fold(_fold(first ^ secret_b, second ^ state), secret_a)
    return folded


def _hash_words(
    first: int, second: int, third: int, fourth: int, fifth: int, secret_a: int, secret_b: int
) -> int:
    state = _fold(first ^ secret_b, second ^ secret_a)
    state = _fold(third ^ secret_b, fourth ^ state)
    folded: int = _fold(_fold(fifth ^ secret_b, state), secret_a)
    return folded


def _hash_words_interpreted(
    first: int, second: int, third: int, fourth: int, fifth: int, secret_a: int, secret_b: int
) -> int:
    return hash((secret_a, secret_b, first, second, third, fourth, fifth))


def _hash_bytes_interpreted(buffer: Bytes, start: int, length: int, secret_a: int, secret_b: int) -> int:
    return hash((secret_a, secret_b, bytes(buffer[start : start + length])))


if INTERPRETED:
    hash_bytes = _hash_bytes_interpreted
    hash_words = _hash_words_interpreted
else:
    _fold = intrinsic(_folded_multiply)
    hash_bytes = inlined(_hash_bytes)
    hash_words = inlined(_hash_words)
"""`hash_bytes(buffer, start, length, secret_a, secret_b)`: a keyed int64 hash of one span.

`hash_words(first, second, third, fourth, fifth, secret_a, secret_b)`: one of five int64.
"""
